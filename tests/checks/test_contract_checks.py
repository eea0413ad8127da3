"""Traffic against its contract: each check at its limits, and never a verdict from too few rows."""

from datetime import timedelta

import numpy as np
import pytest

from mlops_core.checks.findings import Check, judge_shares
from mlops_core.checks.quality import check_feature
from mlops_core.checks.ranges import count_outside
from mlops_core.checks.schema import check_schema
from mlops_core.checks.traffic import check_duplicates, check_freshness, check_refused, check_volume, find_usual
from mlops_core.contracts import Contract, FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.entities import Status
from tests.feature_counts import GRID, count_categories, count_numbers

EMPTY = float("nan")
INCOME = FeatureTerms(feature="income", kind=FeatureKind.NUMBER, most_null=0.1, minimum=0.0, maximum=10.0)
REGION = FeatureTerms(
    feature="region", kind=FeatureKind.CATEGORY, most_null=0.0, categories=("north", "south"), most_unseen=0.02
)
TRAFFIC = TrafficTerms(most_age_hours=2.0)
HOUR = timedelta(hours=1)


def judge(terms, counts, **more):
    """Give the status of each check of the first chunk."""
    return {one.check: one.status for one in check_feature(terms, counts, **more)[0]}


@pytest.mark.parametrize(
    ("n_null", "status"), [(0, Status.OK), (30, Status.OK), (35, Status.WARNING), (60, Status.ALERT)]
)
def test_nulls_are_an_alert_only_when_the_whole_interval_is_above_the_limit(n_null, status):
    counts = count_numbers([EMPTY] * n_null + [5.0] * (300 - n_null))
    assert judge(INCOME, counts, grid=GRID)[Check.NULLS] is status


def test_shares_agree_with_their_definition_when_there_are_many():
    n = np.full(200, 1000)
    found = judge_shares(np.arange(200), n, 0.1)
    assert found[:101] == [Status.OK] * 101
    assert found[-1] is Status.ALERT
    assert found == sorted(found, key=[Status.OK, Status.WARNING, Status.ALERT].index)


@pytest.mark.parametrize(
    ("values", "status", "value", "limit"),
    [
        ([0.0, 10.0] * 150, Status.OK, 10.0, 10.0),
        ([5.0] * 299 + [10.5], Status.WARNING, 10.5, 10.0),
        ([5.0] * 299 + [-3.0], Status.WARNING, -3.0, 0.0),
        ([5.0] * 200 + [90.0] * 100, Status.ALERT, 90.0, 10.0),
        ([EMPTY] * 300, Status.INSUFFICIENT_DATA, None, None),
        ([5.0] * 199, Status.INSUFFICIENT_DATA, None, None),
    ],
)
def test_range_names_the_extreme_and_the_limit_that_it_passes(values, status, value, limit):
    (found,) = check_feature(INCOME, count_numbers(values), grid=GRID)
    own = next(one for one in found if one.check is Check.RANGE)
    assert (own.status, own.value, own.limit) == (status, value, limit)


def test_range_accepts_everything_when_it_has_no_ends():
    terms = FeatureTerms(feature="income", kind=FeatureKind.NUMBER, most_null=0.1)
    assert judge(terms, count_numbers([-1e300, 1e300] * 200), grid=GRID)[Check.RANGE] is Status.OK


def test_rows_outside_lie_between_the_bounds_that_bins_give():
    rng = np.random.default_rng(0)
    values = rng.normal(5, 5, (20, 300))
    outside = count_outside(count_numbers(*values), GRID, 0.3, 9.7)
    exact = ((values < 0.3) | (values > 9.7)).sum(axis=1)
    assert (outside.least <= exact).all()
    assert (exact <= outside.most).all()
    assert (outside.least > 0).all()


@pytest.mark.parametrize(
    ("n_infinite", "status"), [(0, Status.OK), (2, Status.WARNING), (3, Status.ALERT), (300, Status.ALERT)]
)
def test_infinite_values_are_never_accepted(n_infinite, status):
    counts = count_numbers([float("inf")] * n_infinite + [5.0] * (300 - n_infinite))
    assert judge(INCOME, counts, grid=GRID)[Check.INFINITE] is status


@pytest.mark.parametrize(("n_new", "status"), [(0, Status.OK), (6, Status.OK), (8, Status.WARNING), (30, Status.ALERT)])
def test_categories_are_unknown_when_the_contract_does_not_name_them(n_new, status):
    counts = count_categories(["north"] * (300 - n_new) + ["west"] * n_new, known=["north", "south", "west"])
    assert judge(REGION, counts, accepted=np.array([0, 1]))[Check.UNSEEN] is status
    everything = judge(REGION, counts, accepted=np.array([0, 1, 2]))
    assert everything[Check.UNSEEN] is Status.OK


def test_schema_names_the_columns_that_have_no_value_in_a_chunk():
    contract = Contract(features=(INCOME, REGION), traffic=TRAFFIC)
    counts = {
        "income": count_numbers([1.0] * 300, [EMPTY] * 300, [EMPTY] * 199),
        "region": count_categories(["north"] * 300, ["north"] * 300, ["north"] * 199, known=["north"]),
    }
    found = check_schema(contract, counts, 3)
    assert [one.status for one in found] == [Status.OK, Status.ALERT, Status.INSUFFICIENT_DATA]
    assert found[1].value == 1
    assert found[1].reason == "1 of 2 columns of the contract has no value in any of 300 rows: income."


def test_schema_accepts_an_empty_column_when_the_contract_does():
    terms = FeatureTerms(feature="income", kind=FeatureKind.NUMBER, most_null=1.0)
    contract = Contract(features=(terms,), traffic=TRAFFIC)
    (found,) = check_schema(contract, {"income": count_numbers([EMPTY] * 300)}, 1)
    assert found.status is Status.OK


def test_usual_rows_are_those_of_the_same_place_in_the_week():
    assert find_usual([10, 500, 20, 600, 30, 700, 40, 800], ["sun", "mon"] * 4) == [None] * 6 + [20.0, 600.0]


@pytest.mark.parametrize(
    ("n", "usual", "is_over", "status"),
    [
        (1000, None, True, Status.INSUFFICIENT_DATA),
        (150, 180.0, True, Status.INSUFFICIENT_DATA),
        (1000, 1000.0, True, Status.OK),
        (500, 1000.0, True, Status.OK),
        (499, 1000.0, True, Status.ALERT),
        (0, 1000.0, True, Status.ALERT),
        (0, 1000.0, False, Status.INSUFFICIENT_DATA),
        (2001, 1000.0, False, Status.ALERT),
        (300, 0.0, True, Status.ALERT),
    ],
)
def test_volume_is_judged_when_the_chunk_is_over_or_has_too_many_rows(n, usual, is_over, status):
    found = check_volume(n, usual, TRAFFIC, is_over=is_over, unit="day")
    assert found.status is status
    assert found.value is None or np.isfinite(found.value)
    assert "inf" not in found.reason


@pytest.mark.parametrize(
    ("age", "n", "status"),
    [
        (2 * HOUR, 500, Status.OK),
        (3 * HOUR, 500, Status.WARNING),
        (5 * HOUR, 500, Status.ALERT),
        (5 * HOUR, 199, Status.INSUFFICIENT_DATA),
        (None, 0, Status.INSUFFICIENT_DATA),
        (-HOUR, 500, Status.OK),
    ],
)
def test_freshness_follows_the_age_of_the_newest_row(age, n, status):
    assert check_freshness(age, TRAFFIC, n).status is status


def test_freshness_is_unknown_when_nothing_says_what_is_usual():
    assert check_freshness(HOUR, TrafficTerms(), 500).status is Status.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("received", "accepted", "status"),
    [
        (199, 0, Status.INSUFFICIENT_DATA),
        (200, 200, Status.OK),
        (200, 190, Status.OK),
        (200, 189, Status.WARNING),
        (200, 0, Status.WARNING),
    ],
)
def test_duplicates_are_at_most_a_warning(received, accepted, status):
    assert check_duplicates(received, accepted, TRAFFIC).status is status


@pytest.mark.parametrize(
    ("refused", "received", "status"),
    [
        (0, 200, Status.OK),
        (1, 199, Status.WARNING),
        (20, 180, Status.ALERT),
        (300, 0, Status.ALERT),
        (100, 99, Status.INSUFFICIENT_DATA),
    ],
)
def test_refused_rows_are_never_accepted(refused, received, status):
    assert check_refused(refused, received).status is status
