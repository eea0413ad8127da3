"""Which verdict a model is judged by."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.checks.attention import find_gravest
from mlops_core.entities import Metric, Status, Verdict

START = datetime(2024, 3, 1, tzinfo=UTC)


def make_verdict(code, subject, status, day=0):
    return Verdict(
        code=code,
        model="car-loan",
        version="v2",
        subject=subject,
        status=status,
        reason=f"{code} of {subject}",
        evidence={},
        at=START + timedelta(days=day),
    )


STANDARD = ("performance.standard", "f1")
FINE = make_verdict(*STANDARD, Status.OK)
UNKNOWN = make_verdict(*STANDARD, Status.INSUFFICIENT_DATA)
BROKEN = make_verdict(*STANDARD, Status.ALERT, 3)
LOST = make_verdict("skew.null_fraction", "income", Status.ALERT, 1)
DRIFTED = make_verdict("drift.feature", "debt", Status.WARNING)
SHORT = make_verdict("drift.feature", "region", Status.INSUFFICIENT_DATA)
OTHER = make_verdict("performance.standard", "recall", Status.OK)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        ([FINE], FINE),
        ([UNKNOWN, OTHER], UNKNOWN),
        ([OTHER], None),
        ([SHORT, FINE], FINE),
        ([FINE, DRIFTED], DRIFTED),
        ([DRIFTED, BROKEN], BROKEN),
        ([BROKEN, LOST], LOST),
    ],
)
def test_gravest_is_the_oldest_alert_then_the_oldest_warning_then_the_standard(verdicts, expected):
    assert find_gravest(verdicts, Metric.F1) == expected
    assert find_gravest(verdicts[::-1], Metric.F1) == expected
