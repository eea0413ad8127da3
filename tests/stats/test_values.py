"""The values of two samples: agreement with SciPy, properties, ties, infinities, and groups."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance

from mlops_core.stats.groups import MOST_SEPARATE
from mlops_core.stats.tally import bin_values
from mlops_core.stats.values import choose_starts, measure_values

SAMPLES = st.lists(st.integers(-20, 20), min_size=1, max_size=40)


def draw(kind, rng, n):
    return {
        "normal": lambda: rng.normal(size=n),
        "tied": lambda: rng.poisson(2, n).astype(float),
        "mostly zero": lambda: rng.lognormal(size=n) * (rng.random(n) < 0.3),
    }[kind]()


@pytest.mark.parametrize("kind", ["normal", "tied", "mostly zero"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 500), (700, 300)])
def test_distances_are_those_of_scipy(kind, n, m):
    rng = np.random.default_rng(n + m)
    before, after = draw(kind, rng, n), draw(kind, rng, m) + 0.25
    found = measure_values(before, after)
    assert found.ks == pytest.approx(ks_2samp(before, after).statistic, rel=1e-12)
    if before.std() > 0:
        assert found.wasserstein == pytest.approx(wasserstein_distance(before, after) / before.std(), rel=1e-12)
    else:
        assert np.isnan(found.wasserstein)


def test_infinite_values_count_for_ks_and_leave_the_other_distance_undefined():
    before, after = np.array([-np.inf, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, np.inf, np.inf])
    found = measure_values(before, after)
    assert found.ks == ks_2samp(before, after).statistic == 0.5
    assert np.isnan(found.wasserstein)


@given(SAMPLES, SAMPLES)
def test_distances_do_not_follow_from_order_and_vanish_only_between_equals(before, after):
    found = measure_values(before, after)
    np.testing.assert_equal(asdict(found), asdict(measure_values(before[::-1], sorted(after))))
    assert 0 <= found.ks <= 1
    same = measure_values(before, before)
    assert same.ks == 0
    assert same.wasserstein == 0 or len(set(before)) == 1


@pytest.mark.parametrize("value", [0.1, 0.0, -1e300])
def test_distance_in_deviations_is_undefined_when_the_reference_has_one_value(value):
    assert np.isnan(measure_values(np.full(999, value), [value, value + 1]).wasserstein)


def test_numbers_too_large_to_be_squared_are_no_distance_of_zero():
    assert np.isnan(measure_values([-1e300, 1e300], [0.0, 1e300]).wasserstein)


@pytest.mark.parametrize(("before", "after"), [([], [1.0]), ([1.0], []), ([], [])])
def test_distances_are_undefined_when_a_side_is_empty(before, after):
    found = measure_values(before, after)
    assert np.isnan([found.ks, found.wasserstein]).all()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1.0, np.nan], [1.0], "1 values of the reference are NaN"),
        ([1.0], [np.nan], "1 values of the current are NaN"),
        ([[1.0]], [1.0], r"reference has shape \(1, 1\)"),
    ],
)
def test_what_are_no_numbers_is_refused(before, after, said):
    with pytest.raises(ValueError, match=said):
        measure_values(before, after)


@pytest.mark.parametrize("n", [4_200, 100_003])
def test_groups_are_tenths_of_the_reference(n):
    values = np.random.default_rng(0).lognormal(size=n)
    starts = choose_starts(values)
    held = np.bincount(bin_values(values, starts).bins) / n
    assert held == pytest.approx(np.full(10, 0.1), abs=0.005)
    quantiles = np.quantile(values, np.arange(1, 10) / 10)
    assert np.searchsorted(np.sort(values), starts[1:]) / n == pytest.approx(
        np.searchsorted(np.sort(values), quantiles) / n, abs=0.005
    )


def test_each_value_is_a_group_when_there_are_few():
    values = np.repeat(np.arange(MOST_SEPARATE) * 1.5, 7)
    assert choose_starts(values).tolist() == np.unique(values).tolist()
    assert choose_starts([np.inf, 1.0, -np.inf]).tolist() == [-np.inf, 1.0, np.inf]


def test_value_that_repeats_has_a_group_almost_of_its_own():
    rng = np.random.default_rng(1)
    values = np.concatenate([np.zeros(6_000), rng.uniform(1, 2, 4_000)])
    starts = choose_starts(values)
    held = np.bincount(bin_values(values, starts).bins) / values.size
    assert held[0] == pytest.approx(0.6, abs=0.005)
    assert held[1:] == pytest.approx(np.full(held.size - 1, 0.4 / (held.size - 1)), abs=0.005)


def test_everything_is_one_group_when_the_reference_has_no_values():
    starts = choose_starts([])
    assert bin_values(np.array([-np.inf, 3.0, np.nan, np.inf]), starts).bins.tolist() == [0, 0, 0]


def test_value_between_two_groups_belongs_to_the_lower():
    starts = np.array([0.0, 10.0])
    binned = bin_values(np.array([-5.0, 0.0, 9.9, 10.0, np.nan]), starts)
    assert binned.bins.tolist() == [0, 0, 0, 1]
    assert binned.has_value.tolist() == [True] * 4 + [False]
