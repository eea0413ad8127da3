"""Rows become the counts that a dictionary finds row by row, whatever the cells and parts are."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN
from mlops_core.stats.grids import NumericGrid, Transform, assign_grid_bins
from mlops_core.stats.tally import (
    FREE_PLACES,
    bin_categories,
    bin_numbers,
    count_cells,
    drop_last_key,
    join_cells,
)

GRID = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=4.0)


def make_rows(n, seed, n_cells=12):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 3, n)
    values[rng.random(n) < 0.1] = np.nan
    values[: min(n, 3)] = [np.inf, -np.inf, 1e300][: min(n, 3)]
    return rng.integers(0, n_cells, n), values


def list_entries(counted, name="x"):
    counts = counted.features[name]
    keys = zip(counted.cells[counts.chunk].tolist(), counts.bins.tolist(), strict=True)
    return dict(zip(keys, counts.counts.tolist(), strict=True))


def count_by_hand(cell, values):
    known = ~np.isnan(values)
    return Counter(zip(cell[known].tolist(), assign_grid_bins(values[known], GRID).tolist(), strict=True))


@pytest.mark.parametrize("size", [12, 100 * FREE_PLACES])
def test_counts_sums_and_extremes_equal_those_by_hand(size):
    """Once with an array of all places, and once with so many places that rows are sorted."""
    cell, values = make_rows(800, seed=1)
    cell = cell * (size // 12)
    counted = count_cells(cell, size, {"x": bin_numbers(values, GRID)})
    counts = counted.features["x"]
    assert list_entries(counted) == count_by_hand(cell, values)
    for place, one in enumerate(counted.cells):
        own = values[cell == one]
        finite = own[np.isfinite(own)]
        assert counts.n[place] == own.size
        assert counts.n_null[place] == np.isnan(own).sum()
        assert (counts.minimum[place], counts.maximum[place]) == (finite.min(), finite.max())
    for place, bin_, total in zip(counts.chunk, counts.bins, counts.sums, strict=True):
        own = values[(cell == counted.cells[place]) & ~np.isnan(values)]
        assert total == pytest.approx(own[assign_grid_bins(own, GRID) == bin_].sum())


@given(n=st.integers(1, 200), cut=st.integers(0, 200), seed=st.integers(0, 1000))
def test_parts_add_up_to_the_whole(n, cut, seed):
    cell, values = make_rows(n, seed)
    parts = [
        count_cells(cell[span], 12, {"x": bin_numbers(values[span], GRID)})
        for span in (slice(0, cut), slice(cut, n))
        if cell[span].size
    ]
    whole, joined = count_cells(cell, 12, {"x": bin_numbers(values, GRID)}), join_cells(parts)
    assert list_entries(joined) == list_entries(whole)
    for name in ("n", "n_null", "minimum", "maximum", "bins"):
        left, right = getattr(joined.features["x"], name), getattr(whole.features["x"], name)
        assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    assert np.allclose(joined.features["x"].sums, whole.features["x"].sums, equal_nan=True)


def test_last_key_adds_up_when_it_is_dropped():
    cell, values = make_rows(500, seed=3)
    rows = {"x": bin_numbers(values, GRID)}
    dropped, coarse = drop_last_key(count_cells(cell, 12, rows), 4), count_cells(cell // 4, 3, rows)
    assert list_entries(dropped) == list_entries(coarse)
    assert dropped.features["x"].n.tolist() == coarse.features["x"].n.tolist()


def test_cell_is_kept_when_none_of_its_rows_has_a_value():
    counted = count_cells(np.array([0, 3]), 4, {"x": bin_numbers(np.array([1.0, np.nan]), GRID)})
    assert counted.cells.tolist() == [0, 3]
    assert counted.features["x"].n_null.tolist() == [0, 1]
    assert np.isnan(counted.features["x"].minimum[1])
    empty = count_cells(np.array([3, 3]), 4, {"x": bin_numbers(np.array([1.0, 2.0]), None)})
    assert empty.features["x"].n_null.tolist() == [2]
    assert empty.features["x"].bins.size == 0


@pytest.mark.parametrize(("is_full", "unknown"), [(False, UNSEEN_BIN), (True, OTHER_BIN)])
def test_categories_that_are_not_known_have_a_bin_of_their_own(is_full, unknown):
    rows = bin_categories(np.array([1, 2, 0, 3, 2]), 2, is_full=is_full)
    counted = count_cells(np.zeros(5, dtype=np.int64), 1, {"x": rows})
    assert list_entries(counted) == {(0, 0): 1, (0, 1): 2, (0, unknown): 1}
    assert counted.features["x"].n_null.tolist() == [1]
    assert np.isnan(counted.features["x"].sums).all()
