"""The standard as a full table."""

from datetime import UTC, datetime

import numpy as np
import pytest

from mlops_core.checks.performance import (
    check_standard,
    describe_limit,
    expect_coverage,
    find_covered,
    judge_standard,
)
from mlops_core.entities import Estimate, Metric, Standard, Status

AT_LEAST = Standard(metric=Metric.F1, minimum=0.25)
AT_MOST = Standard(metric=Metric.BRIER, maximum=0.2)
BETWEEN = Standard(metric=Metric.POSITIVE_RATE, minimum=0.1, maximum=0.3)
OK, WARNING, ALERT, INSUFFICIENT = Status.OK, Status.WARNING, Status.ALERT, Status.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("standard", "estimate", "n_labelled", "is_covered", "status", "reason"),
    [
        # Fewer than 200 labels, whatever the figure.
        (AT_LEAST, (0.9, 0.8, 0.95), 199, True, INSUFFICIENT, "199 labels; 200 are needed."),
        (AT_LEAST, (0.0, 0.0, 0.0), 199, True, INSUFFICIENT, "199 labels; 200 are needed."),
        (AT_LEAST, (0.9, 0.8, 0.95), 0, False, INSUFFICIENT, "0 labels; 200 are needed."),
        # Undefined is not OK.
        (AT_LEAST, (None, None, None), 900, True, INSUFFICIENT, "F1 is undefined: the labels or predictions have"),
        # Kept, also at the limit, and without an interval.
        (AT_LEAST, (0.25, 0.1, 0.4), 200, True, OK, "F1 0.250 keeps the standard (at least 0.25)."),
        (AT_LEAST, (0.4, None, None), 200, False, OK, "F1 0.400 keeps the standard (at least 0.25)."),
        # Broken for certain.
        (AT_LEAST, (0.1, 0.05, 0.15), 500, True, ALERT, "F1 0.100 [0.050, 0.150] breaks the standard (at least 0.25)."),
        (AT_MOST, (0.3, 0.25, 0.35), 500, True, ALERT, "Brier 0.300 [0.250, 0.350] breaks the standard (at most 0.2)."),
        (BETWEEN, (0.5, 0.4, 0.6), 500, True, ALERT, "breaks the standard (at least 0.1 and at most 0.3)."),
        # Broken, but not for certain.
        (
            AT_LEAST,
            (0.1, 0.05, 0.25),
            500,
            True,
            WARNING,
            "breaks the standard (at least 0.25), but the interval reaches",
        ),
        (AT_LEAST, (0.1, None, None), 500, True, WARNING, "but the interval reaches it."),
        (AT_LEAST, (0.1, 0.05, 0.15), 499, True, WARNING, "but an alert needs 500 labels."),
        (AT_LEAST, (0.1, 0.05, 0.15), 500, False, WARNING, "but not all labels are here yet."),
    ],
)
def test_status_and_reason_follow_the_table(standard, estimate, n_labelled, is_covered, status, reason):
    found = judge_standard(standard, Estimate(*estimate), n_labelled, is_covered)
    assert found[0] is status
    assert reason in found[1]


def test_verdict_carries_its_figures_when_a_standard_is_checked():
    now = datetime(2013, 10, 14, 6, tzinfo=UTC)
    verdict = check_standard(
        AT_LEAST, Estimate(0.1, 0.05, 0.15), model="m", version="v4", n=700, n_labelled=600, chunks=(now,), now=now
    )
    assert (verdict.code, verdict.subject, verdict.version, verdict.status) == (
        "performance.standard",
        "f1",
        "v4",
        ALERT,
    )
    assert verdict.evidence == {
        "value": 0.1,
        "low": 0.05,
        "high": 0.15,
        "minimum": 0.25,
        "maximum": None,
        "n": 700,
        "n_labelled": 600,
        "chunks": [now.isoformat()],
    }


def test_limit_is_described_when_one_end_or_both_are_set():
    assert [describe_limit(one) for one in (AT_LEAST, AT_MOST, BETWEEN)] == [
        "at least 0.25",
        "at most 0.2",
        "at least 0.1 and at most 0.3",
    ]


@pytest.mark.parametrize(
    ("n", "n_labelled", "is_grown_up", "expected"),
    [
        ([100, 100, 100], [97, 98, 10], [True, True, False], 0.975),
        ([100, 100], [97, 10], [False, False], 1.0),
        ([100, 100], [0, 90], [True, True], 0.9),
        ([], [], [], 1.0),
    ],
    ids=["grown-up chunks only", "none is old enough", "one never got labels", "no traffic"],
)
def test_expected_coverage_is_the_median_of_old_chunks(n, n_labelled, is_grown_up, expected):
    arrays = np.array(n, int), np.array(n_labelled, int), np.array(is_grown_up, bool)
    assert expect_coverage(*arrays) == pytest.approx(expected)


def test_chunk_is_covered_when_it_has_rows_and_nine_tenths_of_the_labels_expected():
    n, n_labelled = np.array([100, 100, 0]), np.array([88, 87, 0])
    assert find_covered(n, n_labelled, 0.975).tolist() == [True, False, False]
    assert find_covered(n, n_labelled, 0.975, least=0.5).tolist() == [True, True, False]
