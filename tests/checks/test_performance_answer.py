"""The sentence of the Performance page, for each thing that labels and estimate can say together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.checks.performance import judge_estimate
from mlops_core.checks.performance_answer import Figure, Standing, answer, tell_error
from mlops_core.entities import ChunkSize, Estimate, Metric, Standard, Status, Words
from mlops_core.stats.estimation import EstimationError

START = datetime(2024, 3, 1, tzinfo=UTC)
STANDARD = Standard(metric=Metric.F1, minimum=0.25)
OK, WARNING, ALERT, UNKNOWN = Status.OK, Status.WARNING, Status.ALERT, Status.INSUFFICIENT_DATA


def make_figure(status, value=0.3, n=700):
    return Figure(
        status=status,
        estimate=Estimate(value, value - 0.05, value + 0.05),
        start=START,
        end=START + timedelta(days=7),
        n_chunks=7,
        n=n,
    )


STANDING = Standing(
    words=Words(rows="loans"),
    timezone="UTC",
    chunk=ChunkSize.DAY,
    champion="v2",
    metric=Metric.F1,
    standard=STANDARD,
    realised=make_figure(OK),
    estimated=make_figure(OK),
    are_labels_here=False,
    error=EstimationError(mean_absolute=0.04, mean_signed=-0.02, n_chunks=12),
)


@pytest.mark.parametrize(
    ("realised", "estimated", "status", "sentence"),
    [
        (OK, OK, OK, "v2 keeps its standard: F1 was 0.30 over its last 7 labelled days."),
        (OK, None, OK, "v2 keeps its standard: F1 was 0.30 over its last 7 labelled days."),
        (OK, WARNING, WARNING, "v2 kept its standard while labels came; the estimate of its newest loans breaks it."),
        (WARNING, OK, WARNING, "v2 breaks its standard: F1 was 0.30 over its last 7 labelled days."),
        (ALERT, WARNING, ALERT, "v2 breaks its standard: F1 was 0.30 over its last 7 labelled days."),
        (
            None,
            WARNING,
            WARNING,
            "v2 probably breaks its standard: F1 is estimated at 0.30, before its labels are here.",
        ),
        (None, OK, UNKNOWN, "v2 probably keeps its standard: F1 is estimated at 0.30, before its labels are here."),
        (UNKNOWN, OK, UNKNOWN, "v2 probably keeps its standard: F1 is estimated at 0.30, before its labels are here."),
        (UNKNOWN, UNKNOWN, UNKNOWN, "v2 has too few labels and loans to judge its F1."),
        (None, None, UNKNOWN, "v2 has too few labels and loans to judge its F1."),
    ],
)
def test_sentence_follows_labels_first_and_the_estimate_next(realised, estimated, status, sentence):
    headline = answer(
        replace(
            STANDING,
            realised=make_figure(realised) if realised else None,
            estimated=make_figure(estimated) if estimated else None,
        )
    )
    assert (headline.status, headline.sentence) == (status, sentence)


def test_detail_has_the_figures_their_windows_and_the_blind_spot():
    detail = answer(STANDING).detail
    assert "The standard asks F1 of at least 0.25." in detail
    assert "**Realised** 1–7 Mar: 0.30 [0.25, 0.35], 700 labelled loans." in detail
    assert "**Estimated** 1–7 Mar: 0.30 [0.25, 0.35], 700 loans." in detail
    assert "off by 0.04 F1 on average (12 days; 0.02 too low)" in detail
    assert "concept drift is invisible to it" in detail


def test_detail_leaves_the_estimate_out_when_all_labels_are_here():
    headline = answer(replace(STANDING, are_labels_here=True, estimated=make_figure(WARNING)))
    assert headline.status is OK
    assert "**Estimated**" not in headline.detail
    assert "nothing has to be estimated" in headline.detail


def test_sentence_says_so_when_nothing_is_in_production():
    assert answer(replace(STANDING, champion=None)).sentence == "No version is in production yet."


def test_sentence_says_so_when_the_model_has_no_standard():
    headline = answer(replace(STANDING, standard=None))
    assert headline.status is UNKNOWN
    assert headline.kicker == "NO STANDARD · F1"
    assert headline.sentence.endswith("under v2; the model file sets no standard for it.")


def test_error_is_unknown_when_no_labels_have_come():
    told = tell_error(EstimationError(mean_absolute=None, mean_signed=None, n_chunks=0), Metric.F1, ChunkSize.DAY)
    assert told == "Its estimates have not been checked by labels yet."


@pytest.mark.parametrize(
    ("estimate", "n", "are_labels_here", "status"),
    [
        (Estimate(0.3), 200, False, OK),
        (Estimate(0.25), 200, False, OK),
        (Estimate(0.2), 200, False, WARNING),
        (Estimate(0.2, 0.1, 0.22), 100_000, False, WARNING),
        (Estimate(0.2), 199, False, UNKNOWN),
        (Estimate(None), 200, False, UNKNOWN),
        (None, 200, False, UNKNOWN),
        (Estimate(0.2), 200, True, OK),
        (None, 0, True, OK),
    ],
)
def test_estimate_never_alerts_and_never_speaks_for_labels(estimate, n, are_labels_here, status):
    assert judge_estimate(STANDARD, estimate, n, are_labels_here=are_labels_here)[0] is status
