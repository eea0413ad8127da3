"""The sentence on data quality: each kind of finding, what is told first, and since when."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.checks.findings import Check, ChunkFindings, Finding
from mlops_core.checks.quality_summary import find_troubles, rank_checks, summarise_quality
from mlops_core.entities import Status

START, DAY = datetime(2013, 10, 7, 4, tzinfo=UTC), timedelta(days=1)
FEATURELESS = (Check.SCHEMA, Check.VOLUME, Check.FRESHNESS, Check.DUPLICATES, Check.REFUSED)


def find(check=Check.NULLS, status=Status.OK, feature="age", value=None):
    feature = None if check in FEATURELESS else feature
    reason = f"{check.label} of {feature}."
    return Finding(check=check, feature=feature, n=500, value=value, status=status, reason=reason)


def make_chunks(*days):
    return [
        ChunkFindings(start=START + i * DAY, end=START + (i + 1) * DAY, n=500, findings=tuple(findings))
        for i, findings in enumerate(days)
    ]


def summarise(*days):
    return summarise_quality("v4", make_chunks(*days), unit="day")


def test_all_is_as_agreed_when_no_check_finds_anything():
    headline = summarise([find()], [find()])
    assert (headline.status, headline.sentence) == (Status.OK, "The newest traffic of v4 is as agreed.")
    assert headline.detail == "2 checks of 2 days in this window."


def test_past_is_told_when_the_newest_traffic_is_fine():
    headline = summarise([find(status=Status.ALERT)], [find()], [find()])
    assert headline.status is Status.OK
    assert headline.sentence == "The newest traffic of v4 is as agreed; 1 of 3 days in this window was not."


def test_past_is_told_of_the_chunks_that_the_reader_sees():
    chunks = make_chunks([find(status=Status.ALERT)], [find()], [find()])
    headline = summarise_quality("v4", chunks, unit="day", span="shown here")
    assert headline.sentence == "The newest traffic of v4 is as agreed; 1 of 3 days shown here was not."


def test_checks_that_stand_now_are_ranked_as_the_sentence_tells_them_and_the_others_by_status_and_age():
    assert rank_checks([]) == rank_checks(make_chunks([find()])) == []
    alert, warning = Status.ALERT, Status.WARNING
    chunks = make_chunks(
        [find(Check.UNSEEN, alert)],
        [find(Check.INFINITE, warning)],
        [find(Check.REFUSED, alert), find(Check.NULLS, alert), find(Check.RANGE)],
        [find(Check.REFUSED), find(Check.NULLS)],
        [find(Check.SCHEMA, alert), find(Check.NULL_SKEW, alert), find(Check.DUPLICATES, warning)],
    )
    standing = [Check.NULL_SKEW, Check.SCHEMA, Check.DUPLICATES]
    assert rank_checks(chunks) == [*standing, Check.REFUSED, Check.NULLS, Check.UNSEEN, Check.INFINITE]


@pytest.mark.parametrize(
    ("check", "value", "sentence"),
    [
        (Check.NULL_SKEW, 1.0, "age is empty in v4's traffic and was filled in its training."),
        (Check.CONSTANT_SKEW, 1.0, "age has one value only, unlike in training."),
        (Check.RANGE_SKEW, 0.7, "age lies far outside the range of training."),
        (Check.NULLS, 0.7, "age is empty more often than agreed."),
        (Check.RANGE, 900.0, "age leaves the range that was agreed."),
        (Check.UNSEEN, 0.7, "age has categories that nobody agreed on."),
        (Check.INFINITE, 0.7, "age has infinite values."),
        (Check.SCHEMA, 1.0, "Columns have no values in v4's traffic."),
        (Check.VOLUME, 0.3, "Too few rows have come."),
        (Check.VOLUME, 3.0, "Too many rows have come."),
        (Check.FRESHNESS, 99.0, "No new rows have come for too long."),
        (Check.DUPLICATES, 0.5, "Rows were delivered twice."),
        (Check.REFUSED, 0.5, "Rows were refused at the door."),
    ],
)
@pytest.mark.parametrize("status", [Status.WARNING, Status.ALERT])
def test_each_finding_has_its_sentence(check, value, sentence, status):
    headline = summarise([find(check, status, value=value)])
    assert (headline.status, headline.sentence) == (status, sentence)
    assert headline.kicker == f"{status.value} · data quality · since 7 Oct 04:00"


def test_feature_is_told_once_and_alerts_before_warnings():
    headline = summarise(
        [
            find(Check.RANGE, Status.WARNING, "speed"),
            find(Check.SCHEMA, Status.ALERT),
            find(Check.NULLS, Status.ALERT),
            find(Check.NULL_SKEW, Status.ALERT),
        ]
    )
    assert headline.sentence == "age is empty in v4's traffic and was filled in its training."
    assert "Range of speed." in headline.detail


@pytest.mark.parametrize(
    ("n", "end"),
    [(2, "b is empty more often than agreed."), (4, "b is empty more often than agreed, and 2 more.")],
)
def test_sentence_names_two_and_counts_the_rest(n, end):
    headline = summarise([find(status=Status.ALERT, feature=name) for name in "abcd"[:n]])
    assert headline.sentence.startswith("a is empty more often than agreed, ")
    assert headline.sentence.endswith(end)


def test_trouble_stands_until_the_open_chunk_can_judge():
    unknown = find(status=Status.INSUFFICIENT_DATA)
    assert summarise([find(status=Status.ALERT)], [unknown]).status is Status.ALERT
    assert summarise([find(status=Status.ALERT)], [find()]).status is Status.OK


def test_trouble_lasts_since_it_was_last_fine():
    alert, unknown = find(status=Status.ALERT), find(status=Status.INSUFFICIENT_DATA)
    (trouble,) = find_troubles(make_chunks([alert], [find()], [alert], [unknown], [alert]))
    assert (trouble.since, trouble.at, trouble.is_older) == (START + 2 * DAY, START + 4 * DAY, False)
    (trouble,) = find_troubles(make_chunks([unknown], [alert], [unknown]))
    assert (trouble.since, trouble.at, trouble.is_older) == (START + DAY, START + DAY, True)


@pytest.mark.parametrize(("has_earlier", "since"), [(False, "7 Oct 04:00"), (True, "7 Oct 04:00 or before")])
def test_kicker_admits_that_trouble_may_be_older_than_the_window(has_earlier, since):
    chunks = make_chunks([find(status=Status.ALERT)])
    assert summarise_quality("v4", chunks, unit="day", has_earlier=has_earlier).kicker.endswith(f"since {since}")


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([], "v4 has no traffic in this window to be checked."),
        ([[find(status=Status.INSUFFICIENT_DATA)]], "v4 has too few rows in this window to be checked."),
    ],
)
def test_absence_of_data_is_neither_fine_nor_an_alert(days, sentence):
    headline = summarise(*days)
    assert (headline.status, headline.sentence) == (Status.INSUFFICIENT_DATA, sentence)
