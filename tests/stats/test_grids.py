"""The grid of a feature: fine where its reference lies, defined everywhere, and never moved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from mlops_core.stats.features import BinnedSample
from mlops_core.stats.grids import (
    HEAVIEST_BIN,
    HIGHEST_BIN,
    LOWEST_BIN,
    NumericGrid,
    Transform,
    assign_grid_bins,
    choose_grid,
    measure_heaviest_bin,
)
from mlops_core.stats.grouping import group_bins, merge_groups
from mlops_core.stats.two_sample import compute_ks

N = 20_000


def draw(name):
    rng = np.random.default_rng(11)
    return {
        "normal": rng.normal(size=N),
        "lognormal": rng.lognormal(0, 2, N),
        "cauchy": rng.standard_cauchy(N),
        "uniform": rng.random(N),
        "exponential": rng.exponential(size=N),
        "pareto": rng.pareto(0.5, N),
        "mostly zero": np.where(rng.random(N) < 0.9, 0.0, rng.exponential(size=N)),
        "far from zero": 1.7e9 + rng.random(N) * 1e4,
        "whole numbers": rng.integers(0, 1440, N).astype(float),
    }[name]


SHAPES = [
    "normal", "lognormal", "cauchy", "uniform", "exponential", "pareto", "mostly zero", "far from zero", "whole numbers"
]  # fmt: skip


def count(values, grid):
    return np.bincount(assign_grid_bins(values, grid) - LOWEST_BIN, minlength=HIGHEST_BIN - LOWEST_BIN + 1)


@pytest.mark.parametrize("name", SHAPES)
def test_no_bin_is_heavy_unless_a_value_repeats(name):
    values = draw(name)
    assert measure_heaviest_bin(values, choose_grid(values)) <= HEAVIEST_BIN


@pytest.mark.parametrize("name", SHAPES)
def test_ks_from_counts_is_within_a_hundredth_of_scipys(name):
    values = draw(name)
    other = values * 1.1 + np.quantile(values, 0.6) * 0.1
    grid = choose_grid(values)
    exact = ks_2samp(values, other).statistic
    assert compute_ks(count(values, grid), count(other, grid)) == pytest.approx(exact, abs=HEAVIEST_BIN + 1e-3)


@pytest.mark.parametrize("name", ["normal", "lognormal", "cauchy", "uniform", "pareto"])
def test_ten_groups_of_whole_bins_hold_a_tenth_each(name):
    values = draw(name)
    filled = count(values, choose_grid(values))
    shares = merge_groups(filled, group_bins(filled)) / N
    assert shares.size == 10
    assert 0.05 <= shares.min() <= shares.max() <= 0.15


@pytest.mark.parametrize("values", [[0, 1], [1, 2, 3, 7], [0.1, 0.25, 3.7], [5.0], list(range(0, 360, 10))])
def test_each_value_has_a_bin_of_its_own_when_they_are_few(values):
    grid = choose_grid(np.repeat(np.array(values, float), 50))
    assert np.unique(assign_grid_bins(values, grid)).size == len(values)
    nearby = np.array(values, float) + (0.4 * min(np.diff(values), default=1))
    assert not set(assign_grid_bins(nearby, grid)) & set(assign_grid_bins(values, grid))


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf, -np.inf], [1e308, -1e308] * 200, [5e-324, 0.0]])
def test_grid_is_defined_when_the_reference_is_odd(values):
    grid = choose_grid(values)
    assert np.isfinite([grid.centre, grid.scale]).all()
    assert grid.scale > 0


def test_nan_is_refused_by_row():
    with pytest.raises(ValueError, match="value of row 1 is NaN"):
        assign_grid_bins([0.0, np.nan], NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0))


@given(
    st.lists(st.floats(allow_nan=False), min_size=2, max_size=50),
    st.sampled_from(list(Transform)),
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
)
def test_bins_never_fall_when_values_rise(values, transform, centre, scale):
    bins = assign_grid_bins(np.sort(values), NumericGrid(transform=transform, centre=centre, scale=scale))
    assert (np.diff(bins) >= 0).all()


def test_standard_deviation_from_bins_is_that_of_the_rows():
    values = draw("normal")
    filled = count(values, choose_grid(values))
    sums = np.bincount(
        assign_grid_bins(values, choose_grid(values)) - LOWEST_BIN, weights=values, minlength=filled.size
    )
    with np.errstate(invalid="ignore"):
        sample = BinnedSample(counts=filled, means=sums / filled)
    assert sample.standard_deviation == pytest.approx(values.std(), rel=1e-3)
