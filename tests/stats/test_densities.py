"""Densities from counts by bin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_core.stats.densities import find_bin_edges, spread_density
from mlops_core.stats.grids import NumericGrid, Transform, assign_grid_bins, choose_grid

UNIT = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
ROOT = NumericGrid(transform=Transform.EIGHTH_ROOT, centre=2.0, scale=3.0)


def test_edges_have_hand_values():
    assert find_bin_edges([-1, 0, 2], NumericGrid(transform=Transform.IDENTITY, centre=5.0, scale=4.0)).tolist() == [
        4.75,
        5.0,
        5.5,
    ]
    assert find_bin_edges([3, -6], ROOT).tolist() == [3.0, 2.0 - 256.0]


@given(st.integers(-40, 40), st.sampled_from([UNIT, ROOT]))
def test_number_in_the_middle_of_a_bin_lies_in_it(index: int, grid: NumericGrid):
    low, high = find_bin_edges([index, index + 1], grid)
    assert assign_grid_bins([(low + high) / 2], grid).tolist() == [index]


def test_density_has_hand_values():
    # One row in [0, 1), three in [1, 2): half of the first bin and all of the second lie in the parts.
    assert spread_density([0, 1], [1, 3], UNIT, [0.0, 0.5, 1.0, 2.0]).tolist() == [0.25, 0.25, 0.75]


def test_density_leaves_gaps_empty():
    assert spread_density([0, 5], [1, 1], UNIT, [0.0, 1.0, 2.0, 5.0, 6.0]).tolist() == [0.5, 0.0, 0.0, 0.5]


@given(st.lists(st.integers(-400, 400).map(lambda eighths: eighths / 8), min_size=2, max_size=80))
def test_density_integrates_to_one_when_the_edges_hold_all_rows(values: list[float]):
    grid = choose_grid(values)
    bins, counts = np.unique(assign_grid_bins(values, grid), return_counts=True)
    ends = find_bin_edges([bins[0], bins[-1] + 1], grid)
    edges = np.linspace(ends[0], ends[1], 7)
    if not (np.diff(edges) > 0).all():
        return
    assert (spread_density(bins, counts, grid, edges) * np.diff(edges)).sum() == pytest.approx(1.0, abs=1e-6)


def test_density_agrees_with_numpy_when_edges_are_those_of_the_bins():
    values = np.random.default_rng(0).normal(0, 3, 5000)
    bins, counts = np.unique(assign_grid_bins(values, UNIT), return_counts=True)
    edges = np.arange(bins[0], bins[-1] + 2, dtype=float)
    expected, _ = np.histogram(values, edges, density=True)
    assert spread_density(bins, counts, UNIT, edges) == pytest.approx(expected)


def test_density_is_undefined_without_rows():
    assert np.isnan(spread_density([], [], UNIT, [0.0, 1.0])).all()


def test_density_refuses_edges_that_do_not_rise():
    with pytest.raises(ValueError, match=r"step of 0\.0; accepted are rising edges"):
        spread_density([0], [1], UNIT, [0.0, 0.0])
