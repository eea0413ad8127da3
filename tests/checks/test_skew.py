"""Training–serving skew: features that are empty, constant, or elsewhere in live traffic, unlike in training."""

import numpy as np
import pytest

from mlops_core.checks.findings import Check
from mlops_core.checks.skew import Training, check_constant, check_null_skew, check_range_skew
from mlops_core.entities import Status
from mlops_core.stats.features import sum_up
from mlops_core.stats.groups import choose_groups
from tests.feature_counts import GRID, count_categories, count_numbers

EMPTY = float("nan")


def make_training(counts, *, natural=0.0, is_categorical=False):
    merged = sum_up(counts)
    groups = choose_groups(merged, is_categorical=is_categorical)
    return Training(counts=merged, groups=groups, natural_variation=natural)


@pytest.mark.parametrize(
    ("n", "n_null", "trained", "status", "limit"),
    [
        (0, 0, 0.0, Status.INSUFFICIENT_DATA, None),
        (199, 199, 0.0, Status.INSUFFICIENT_DATA, None),
        (200, 200, 0.0, Status.ALERT, 0.5),
        (200, 100, 0.0, Status.ALERT, 0.5),
        (200, 99, 0.0, Status.OK, 0.5),
        (200, 200, 0.6, Status.OK, None),
        (200, 0, 1.0, Status.OK, None),
    ],
)
def test_status_follows_the_rise_of_the_null_share(n, n_null, trained, status, limit):
    counts = count_numbers([EMPTY] * n_null + [1.0] * (n - n_null))
    (found,) = check_null_skew("debt", trained, counts)
    assert (found.check, found.feature, found.status, found.limit) == (Check.NULL_SKEW, "debt", status, limit)
    assert found.n == n


def test_each_chunk_has_its_own_finding_when_there_are_several():
    found = check_null_skew("debt", 0.0, count_numbers([1.0] * 300, [EMPTY] * 300, [1.0] * 10))
    assert [one.status for one in found] == [Status.OK, Status.ALERT, Status.INSUFFICIENT_DATA]
    assert found[1].reason == "debt is empty in 100 % of live traffic, in training in 0 %."


@pytest.mark.parametrize(
    ("live", "status"),
    [
        ([5.0] * 300, Status.ALERT),
        ([5.0] * 297 + [7.0] * 3, Status.ALERT),
        ([5.0] * 290 + [7.0] * 10, Status.OK),
        ([5.0] * 150 + [EMPTY] * 150, Status.INSUFFICIENT_DATA),
        ([0.0] * 300, Status.OK),
    ],
)
def test_constant_is_an_alert_when_training_spread_its_rows(live, status):
    # 60 % of training is 0, so that one alone is no surprise.
    training = make_training(count_numbers([0.0] * 600 + list(range(1, 401))))
    (found,) = check_constant("age", training, count_numbers(live), is_categorical=False)
    assert found.status is status


@pytest.mark.parametrize(
    ("natural", "status"), [(0.0, Status.ALERT), (50.0, Status.OK), (float("nan"), Status.INSUFFICIENT_DATA)]
)
def test_constant_is_no_skew_when_single_chunks_of_training_are_constant_too(natural, status):
    days = ["mon", "tue", "wed", "thu", "fri"]
    training = make_training(count_categories(days * 100, known=days), natural=natural, is_categorical=True)
    (found,) = check_constant("weekday", training, count_categories(["tue"] * 300, known=days), is_categorical=True)
    assert found.status is status


def test_constant_is_judged_in_each_chunk_by_itself():
    days = ["mon", "tue", "wed", "thu", "fri"]
    training = make_training(count_categories(days * 100, known=days), natural=0.5, is_categorical=True)
    live = count_categories(["tue"] * 300, days * 60, ["mon"] * 100, ["wed"] * 300, known=days)
    found = check_constant("weekday", training, live, is_categorical=True)
    assert [one.status for one in found] == [Status.ALERT, Status.OK, Status.INSUFFICIENT_DATA, Status.ALERT]
    assert [one.value for one in found] == [1.0, pytest.approx(0.2), None, 1.0]


def test_numbers_beyond_the_last_bin_are_no_one_value():
    training = make_training(count_numbers([0.0] * 400 + list(range(1, 401))))
    (found,) = check_constant("id", training, count_numbers(np.arange(9e6, 9e6 + 300)), is_categorical=False)
    assert (found.status, found.value) == (Status.OK, 0.0)


def test_unseen_categories_are_no_constant_when_they_are_many():
    training = make_training(count_categories(["a", "b"] * 200, known=["a", "b"]), is_categorical=True)
    live = count_categories([f"new {i}" for i in range(300)], known=["a", "b"])
    (found,) = check_constant("kind", training, live, is_categorical=True)
    assert (found.status, found.value) == (Status.OK, 0.0)


@pytest.mark.parametrize(
    ("n_outside", "status"), [(0, Status.OK), (59, Status.OK), (60, Status.WARNING), (150, Status.ALERT)]
)
def test_range_skew_follows_the_share_that_is_far_outside(n_outside, status):
    training = make_training(count_numbers(np.arange(0, 101.0)))
    live = count_numbers([50.0] * (300 - n_outside) + [5000.0] * n_outside)
    (found,) = check_range_skew("income", training, live, GRID)
    assert (found.status, found.value) == (status, pytest.approx(n_outside / 300))


def test_range_skew_is_unknown_when_training_had_no_value():
    training = make_training(count_numbers([EMPTY] * 300))
    (found,) = check_range_skew("income", training, count_numbers([1.0] * 300), GRID)
    assert found.status is Status.INSUFFICIENT_DATA
