"""The headline as a full table: each situation, its sentence, its figures, and what it advises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlops_core.checks.findings import Check
from mlops_core.checks.rollup import MetricPair, Rival, Situation, Skew, summarise
from mlops_core.checks.strays import WRONG_VERSION
from mlops_core.entities import Action, Metric, Status, Verdict, Words
from mlops_core.stats.judgement import Judgement

PUT_IN = datetime(2013, 10, 7, 4, tzinfo=UTC)
CHECKED = datetime(2013, 10, 14, 6, tzinfo=UTC)
BETTER, NOT_WORSE, WORSE, UNDECIDED = Judgement.BETTER, Judgement.NOT_WORSE, Judgement.WORSE, Judgement.UNDECIDED
WORDS = Words(row="flight", rows="flights", positives="late flights")
PAIRED = "On the same 19,030 labelled flights of 7–27 Oct: F1 0.02 under v4, 0.43 under"


def pair(champion, rival, judgement):
    difference = rival - champion
    return MetricPair(
        champion=champion,
        rival=rival,
        difference=difference,
        low=difference - 0.02,
        high=difference + 0.01,
        judgement=judgement,
    )


def make_rival(version="v3", judgement=BETTER, recall=BETTER, *, was_champion=True, figures=(0.017, 0.433)):
    return Rival(
        version=version,
        primary=pair(*figures, judgement),
        recall=pair(0.008, 0.405, recall) if recall else None,
        n=19_030,
        start=PUT_IN,
        end=datetime(2013, 10, 28, 4, tzinfo=UTC),
        was_champion=was_champion,
    )


def make_verdict(status):
    return Verdict(
        code="performance.standard",
        model="m",
        version="v4",
        subject="f1",
        status=status,
        reason=f"The reason of {status.value}.",
        evidence={},
        at=CHECKED,
    )


SKEW = Skew(feature="dep_delay", live=1.0, trained=0.008, since=datetime(2013, 10, 7, 6, tzinfo=UTC))
CONSTANT = Skew(feature="origin", check=Check.CONSTANT_SKEW, live=1.0, since=SKEW.since)
FAR = Skew(feature="distance", check=Check.RANGE_SKEW, live=0.63, since=SKEW.since)
CAUSE = (
    "Likely cause: **dep_delay** was filled in 99 % of v4's training rows "
    "and is empty in 100 % of live traffic since 7 Oct 06:00."
)


def make_situation(status=None, rivals=(), skews=(), **changes):
    fields = {
        "words": WORDS,
        "timezone": "America/New_York",
        "champion": "v4",
        "since": PUT_IN,
        "metric": Metric.F1,
        "performance": make_verdict(status) if status else None,
        "skews": tuple(skews),
        "rivals": tuple(rivals),
        "evidence": None,
        "replaced": "v3",
    }
    return Situation(**(fields | changes))


AWAITS = "v4 is in production; too few labels of its flights are here to judge it."
MISSES = "v4 misses 99 % of late flights. v3 would have caught 40 % of them."
SINCE_CHECK, SINCE_START = "since 14 Oct 06:00", "since 7 Oct 04:00"

TABLE = {
    "nothing in production": (
        make_situation(champion=None, since=None, replaced=None),
        (Status.INSUFFICIENT_DATA, "NOTHING IN PRODUCTION", "No version is in production yet.", None, None),
    ),
    "no labels": (
        make_situation(),
        (Status.INSUFFICIENT_DATA, f"NOT ENOUGH LABELS · F1 · {SINCE_START}", AWAITS, None, None),
    ),
    "too few labels": (
        make_situation(Status.INSUFFICIENT_DATA),
        (Status.INSUFFICIENT_DATA, f"NOT ENOUGH LABELS · F1 · {SINCE_START}", AWAITS, None, None),
    ),
    "not judged, a better rival on enough rows": (
        make_situation(Status.INSUFFICIENT_DATA, [make_rival()]),
        (
            Status.WARNING,
            "WARNING · F1 · since 14 Oct 06:00",
            "v4 misses 99 % of late flights. v3 would have caught 40 % of them.",
            Action.ROLL_BACK,
            "v3",
        ),
    ),
    "no labels, a feature lost": (
        make_situation(skews=[SKEW]),
        (
            Status.ALERT,
            f"ALERT · skew · {SINCE_START}",
            "v4 works without dep_delay, which it was trained on.",
            Action.ROLL_BACK,
            "v3",
        ),
    ),
    "no labels, a feature lost by the first version": (
        make_situation(skews=[SKEW], replaced=None),
        (
            Status.ALERT,
            f"ALERT · skew · {SINCE_START}",
            "v4 works without dep_delay, which it was trained on.",
            None,
            None,
        ),
    ),
    "broken, the one before would have caught more": (
        make_situation(Status.ALERT, [make_rival()]),
        (Status.ALERT, f"ALERT · F1 · {SINCE_CHECK}", MISSES, Action.ROLL_BACK, "v3"),
    ),
    "perhaps broken, the one before would have caught more": (
        make_situation(Status.WARNING, [make_rival()]),
        (Status.WARNING, f"WARNING · F1 · {SINCE_CHECK}", MISSES, Action.ROLL_BACK, "v3"),
    ),
    "broken, one that never served would have caught more": (
        make_situation(Status.ALERT, [make_rival("v5", was_champion=False), make_rival()]),
        (Status.ALERT, f"ALERT · F1 · {SINCE_CHECK}", MISSES.replace("v3", "v5"), Action.PROMOTE, "v5"),
    ),
    "broken, a better rival behind an undecided one": (
        make_situation(Status.ALERT, [make_rival("v2", UNDECIDED), make_rival()]),
        (Status.ALERT, f"ALERT · F1 · {SINCE_CHECK}", MISSES, Action.ROLL_BACK, "v3"),
    ),
    "broken, better but not by recall": (
        make_situation(Status.ALERT, [make_rival(recall=WORSE)]),
        (
            Status.ALERT,
            f"ALERT · F1 · {SINCE_CHECK}",
            "v4 breaks its standard. v3 would have kept more of it.",
            Action.ROLL_BACK,
            "v3",
        ),
    ),
    "broken, better, recall undefined": (
        make_situation(Status.ALERT, [make_rival(recall=None)]),
        (
            Status.ALERT,
            f"ALERT · F1 · {SINCE_CHECK}",
            "v4 breaks its standard. v3 would have kept more of it.",
            Action.ROLL_BACK,
            "v3",
        ),
    ),
    "broken by a metric that recall does not explain": (
        make_situation(Status.ALERT, [make_rival()], metric=Metric.BRIER),
        (
            Status.ALERT,
            f"ALERT · Brier · {SINCE_CHECK}",
            "v4 breaks its standard. v3 would have kept more of it.",
            Action.ROLL_BACK,
            "v3",
        ),
    ),
    "OK, but another would have done better": (
        make_situation(Status.OK, [make_rival("v5", was_champion=False)]),
        (
            Status.WARNING,
            f"WARNING · F1 · {SINCE_CHECK}",
            "v4 keeps its standard, but v5 would have done better.",
            Action.PROMOTE,
            "v5",
        ),
    ),
    "broken, all others worse": (
        make_situation(Status.ALERT, [make_rival(judgement=WORSE), make_rival("v2", WORSE)]),
        (
            Status.ALERT,
            f"ALERT · F1 · {SINCE_CHECK}",
            "v4 breaks its standard, and no other version would have done better.",
            None,
            None,
        ),
    ),
    "broken, others undecided": (
        make_situation(Status.WARNING, [make_rival(judgement=UNDECIDED), make_rival("v2", WORSE)]),
        (
            Status.WARNING,
            f"WARNING · F1 · {SINCE_CHECK}",
            "v4 breaks its standard, and no other version would clearly have done better.",
            None,
            None,
        ),
    ),
    "broken, another not worse": (
        make_situation(Status.ALERT, [make_rival(judgement=NOT_WORSE), make_rival("v2", WORSE)]),
        (
            Status.ALERT,
            f"ALERT · F1 · {SINCE_CHECK}",
            "v4 breaks its standard, and no other version would clearly have done better.",
            None,
            None,
        ),
    ),
    "OK, what it replaced not worse": (
        make_situation(Status.OK, [make_rival(judgement=NOT_WORSE)]),
        (Status.OK, f"OK · F1 · {SINCE_CHECK}", "v4 keeps its standard.", None, None),
    ),
    "broken, no others": (
        make_situation(Status.ALERT),
        (
            Status.ALERT,
            f"ALERT · F1 · {SINCE_CHECK}",
            "v4 breaks its standard, and no other version has scored the same traffic.",
            None,
            None,
        ),
    ),
    "OK": (
        make_situation(Status.OK),
        (Status.OK, f"OK · F1 · {SINCE_CHECK}", "v4 keeps its standard.", None, None),
    ),
    "OK, the replaced one worse": (
        make_situation(Status.OK, [make_rival("v2", UNDECIDED), make_rival(judgement=WORSE)]),
        (
            Status.OK,
            f"OK · F1 · {SINCE_CHECK}",
            "v4 keeps its standard and does better than v3 would have.",
            None,
            None,
        ),
    ),
    "OK, rivals undecided": (
        make_situation(Status.OK, [make_rival(judgement=UNDECIDED)]),
        (Status.OK, f"OK · F1 · {SINCE_CHECK}", "v4 keeps its standard.", None, None),
    ),
    "OK, a feature lost": (
        make_situation(Status.OK, skews=[SKEW]),
        (Status.WARNING, f"WARNING · F1 · {SINCE_CHECK}", "v4 keeps its standard.", None, None),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_headline_follows_the_table(name):
    situation, (status, kicker, sentence, action, target) = TABLE[name]
    found = summarise(situation)
    assert (found.status, found.kicker, found.sentence) == (status, kicker, sentence)
    assert (found.action, found.target) == (action, target)
    assert "  " not in found.detail
    assert found.detail == found.detail.strip() != ""


@pytest.mark.parametrize("name", TABLE)
def test_detail_names_the_cause_exactly_when_a_feature_is_lost(name):
    situation, (status, *_) = TABLE[name]
    # While the standard is kept there is nothing to be the cause of.
    is_kept = situation.performance is not None and situation.performance.status is Status.OK and not situation.rivals
    cause = CAUSE.replace("Likely cause", "To watch") if is_kept else CAUSE
    assert (cause in summarise(situation).detail) == bool(situation.skews), status


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("broken, the one before would have caught more", "v3"),
        ("broken, one that never served would have caught more", "v5"),
        ("OK, but another would have done better", "v5"),
        ("broken, all others worse", "v3"),
        ("OK, the replaced one worse", "v3"),
        ("OK, rivals undecided", "v3"),
    ],
)
def test_detail_gives_the_figures_of_the_version_it_names(name, version):
    detail = summarise(TABLE[name][0]).detail
    assert f"{PAIRED} {version} (difference +0.42, 95 % interval +0.40 to +0.43)." in detail


def test_detail_says_how_to_read_the_sign_when_lower_is_better():
    situation = make_situation(Status.ALERT, [make_rival(figures=(0.165, 0.129))], metric=Metric.BRIER)
    assert "(difference, turned so that positive is better, " in summarise(situation).detail


def test_detail_tells_the_rehearsal_when_the_champion_was_put_back_after_one():
    evidence = make_rival("v3")
    found = summarise(make_situation(champion="v3", replaced="v4", evidence=evidence))
    assert found.sentence.startswith("v3 is in production; too few labels")
    assert f"Its F1 is unknown until labels come. When it was chosen: {PAIRED} v3 (" in found.detail


@pytest.mark.parametrize(
    ("skews", "sentence"),
    [
        ([SKEW], "v4 works without dep_delay, which it was trained on."),
        ([FAR], "v4 gets values of distance it was not trained on."),
        ([FAR, CONSTANT], "v4 gets values of distance and origin it was not trained on."),
        (
            [SKEW, FAR],
            "v4 works without dep_delay, which it was trained on, and gets values of distance it was not trained on.",
        ),
    ],
)
def test_sentence_names_what_the_version_was_not_trained_on_when_no_labels_have_come(skews, sentence):
    headline = summarise(make_situation(skews=skews))
    assert (headline.status, headline.sentence) == (Status.ALERT, sentence)


def test_cause_says_how_values_differ_from_training():
    detail = summarise(make_situation(skews=[CONSTANT, FAR])).detail
    assert (
        "**origin** has one value in 100 % of live traffic since 7 Oct 06:00, which it did not have in v4's training "
        "rows; **distance** lies far outside the range of v4's training rows in 63 % of live traffic since 7 Oct 06:00."
    ) in detail


def make_stop(code, status=Status.ALERT):
    return replace(make_verdict(status), code=str(code), subject="traffic", reason=f"The reason of {code}.")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (WRONG_VERSION, "v4 keeps its standard, but other versions answer flights too."),
        (Check.REFUSED, "v4 keeps its standard, but its newest flights are refused."),
        (Check.FRESHNESS, "v4 keeps its standard, but no new flights come."),
        (Check.VOLUME, "v4 keeps its standard, but v4 gets another number of flights than usual."),
    ],
)
def test_traffic_that_does_not_come_is_an_alert_though_the_standard_is_kept(code, sentence):
    found = summarise(make_situation(Status.OK, stops=(make_stop(code),)))
    assert (found.status, found.sentence) == (Status.ALERT, sentence)
    assert found.kicker == "ALERT · traffic · since 14 Oct 06:00"
    assert found.detail.startswith(f"The reason of {code}. The reason of OK.")


def test_traffic_that_does_not_come_is_said_first_when_there_are_no_labels():
    found = summarise(make_situation(stops=(make_stop(Check.VOLUME), make_stop(Check.REFUSED))))
    assert (found.status, found.sentence) == (Status.ALERT, "Its newest flights are refused.")
    elsewhere = summarise(make_situation(stops=(make_stop(Check.REFUSED), make_stop(WRONG_VERSION))))
    assert elsewhere.sentence == "Other versions answer flights too."


def test_broken_standard_is_said_before_traffic_that_does_not_come():
    calm, found = (summarise(make_situation(Status.ALERT, stops=stops)) for stops in ((), (make_stop(Check.VOLUME),)))
    assert (found.sentence, found.kicker) == (calm.sentence, calm.kicker)
    assert found.detail == f"{calm.detail} Besides: The reason of quality.volume."
