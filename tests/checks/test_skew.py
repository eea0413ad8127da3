"""Training–serving skew: a feature that is empty live and was filled in training."""

from datetime import UTC, datetime

import pytest

from mlops_core.checks.skew import check_null_skew
from mlops_core.entities import Status


@pytest.mark.parametrize(
    ("n", "n_null", "trained", "status"),
    [
        (0, 0, 0.0, Status.INSUFFICIENT_DATA),
        (199, 199, 0.0, Status.INSUFFICIENT_DATA),
        (200, 200, 0.0, Status.ALERT),
        (200, 100, 0.0, Status.ALERT),
        (200, 99, 0.0, Status.OK),
        (200, 200, 0.6, Status.OK),
        (200, 0, 1.0, Status.OK),
    ],
)
def test_status_follows_the_rise_of_the_null_share(n, n_null, trained, status):
    (verdict,) = check_null_skew(
        ["debt"], {"debt": trained}, n, {"debt": n_null}, model="m", version="v1", now=datetime(2024, 1, 1, tzinfo=UTC)
    )
    assert (verdict.code, verdict.subject, verdict.status) == ("skew.null_fraction", "debt", status)
    assert verdict.evidence["n"] == n


def test_verdicts_are_in_the_order_of_the_features():
    found = check_null_skew(
        ["b", "a"], {"a": 0, "b": 0.5}, 400, {"a": 400}, model="m", version="v", now=datetime(2024, 1, 1, tzinfo=UTC)
    )
    assert [(verdict.subject, verdict.status) for verdict in found] == [("b", Status.OK), ("a", Status.ALERT)]
    assert found[1].reason == "a is empty in 100 % of live traffic, in training in 0 %."
