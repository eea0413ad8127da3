"""The proposed contract: what a reference makes usual, and what it cannot say."""

from datetime import timedelta

import numpy as np
import pytest

from mlops_core.checks.proposal import propose_terms, propose_traffic
from mlops_core.contracts import FeatureKind, TrafficTerms
from mlops_core.stats.features import sum_up
from tests.feature_counts import count_categories, count_numbers

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("n_null", "most_null"), [(0, 0.1), (20, 0.7), (100, 1.0)])
def test_accepted_nulls_leave_room_for_rows_that_are_empty_together(n_null, most_null):
    counts = sum_up(count_numbers([float("nan")] * n_null + [1.0] * (100 - n_null)))
    assert propose_terms("x", counts, None).most_null == pytest.approx(most_null)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.0, 100.0], 0.0, 125.0),
        ([-100.0, 100.0], -150.0, 150.0),
        ([40.0, 60.0], 35.0, 65.0),
        ([1.0, 101.0], -24.0, 126.0),
        ([1.0, 101.0] * 5_000, 0.0, 126.0),
        ([8.0, 8.0], 6.0, 10.0),
        ([float("nan")], None, None),
        ([-1e308, 1e308], None, None),
    ],
)
def test_range_is_that_of_the_reference_and_a_quarter_more(values, low, high):
    terms = propose_terms("x", sum_up(count_numbers(values)), None)
    assert (terms.kind, terms.minimum, terms.maximum) == (FeatureKind.NUMBER, low, high)


def test_categories_are_those_that_the_reference_has():
    counts = sum_up(count_categories(["b", "a", "b"], known=["a", "b", "c"]))
    terms = propose_terms("x", counts, ("a", "b", "c"))
    assert (terms.kind, terms.categories, terms.most_unseen) == (FeatureKind.CATEGORY, ("a", "b"), 0.02)
    assert terms.minimum is None


def test_age_is_unlimited_when_deliveries_are_too_few():
    assert propose_traffic([HOUR, HOUR], 4) == TrafficTerms()


@pytest.mark.parametrize(
    ("longest", "hours"),
    [([60 * HOUR, 48 * HOUR], 72.0), ([HOUR / 60, HOUR / 60], 1.0), ([500 * HOUR, 10 * HOUR], 15.0)],
)
def test_age_follows_the_second_longest_wait_so_that_one_outage_does_not_count(longest, hours):
    assert propose_traffic(longest, 30).most_age_hours == pytest.approx(hours)


def test_proposed_terms_accept_the_reference_itself():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 500)
    terms = propose_terms("x", sum_up(count_numbers(values)), None)
    assert terms.minimum < values.min()
    assert values.max() < terms.maximum
