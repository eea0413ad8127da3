"""Decides how rows become counts: by cell and bin, part by part, so that memory follows the part and not the rows.

A cell is whatever the rows are told apart by (a version, a chunk, and a segment, say) as one whole number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.features import (
    OTHER_BIN,
    UNSEEN_BIN,
    FeatureCounts,
    merge_chunks,
    order_entries,
    stack_features,
)
from mlops_core.stats.grids import (
    NEGATIVE_INFINITY_BIN,
    POSITIVE_INFINITY_BIN,
    NumericGrid,
    assign_grid_bins,
    is_within,
    locate_numbers,
)

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]
FREE_PLACES, PLACES_PER_ROW = 65_536, 8
"""Places that an array of counts may have, filled or not, before rows are sorted instead."""
MOST_ENTRIES = 4_000_000
"""Counts that parts may have before they are joined."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinnedRows:
    """The bins of one feature in n rows, m of which have a value."""

    bins: Integers | Numbers
    """Of the rows that have a value, shape (m,); whole numbers of either type."""
    values: Numbers | None
    """Of the same rows, shape (m,); None for categories."""
    has_value: NDArray[np.bool_] | None
    """Shape (n,); None when every row has one."""
    first: int
    """The lowest bin, 0 without any."""
    width: int
    """How many bins there are from the lowest to the highest, 1 without any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellCounts:
    """Counts of features in k cells, those that have rows."""

    cells: Integers
    """Ascending, shape (k,)."""
    features: Mapping[str, FeatureCounts]
    """By feature; a chunk of the counts is the place of a cell."""


def bin_numbers(values: Numbers, grid: NumericGrid | None) -> BinnedRows:
    """Bin the numbers of a feature; NaN is no value, and without a grid none is.

    Examples
    --------
    >>> from mlops_core.stats.grids import Transform
    >>> grid = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
    >>> bin_numbers(np.array([1.5, np.nan, 3.0]), grid).bins.tolist()
    [1, 3]
    """
    if grid is None:
        nothing = np.zeros(values.size, dtype=np.bool_)
        return _make_rows(np.zeros(0, dtype=np.int64), np.zeros(0), nothing)
    index = locate_numbers(values, grid)
    if is_within(index):
        return _make_rows(index, values, None)
    is_null = np.isnan(values)
    has_value = ~is_null if is_null.any() else None
    known = values if has_value is None else values[has_value]
    return _make_rows(assign_grid_bins(known, grid), known, has_value)


def bin_values(values: Numbers, starts: Numbers) -> BinnedRows:
    """Bin the numbers of a feature by the values at which bins begin; NaN is no value.

    A number below the first of them belongs to the first bin.

    Parameters
    ----------
    starts : ndarray of shape (g,)
        Increasing, one or more.

    Examples
    --------
    >>> bin_values(np.array([1.5, np.nan, 0.0, 3.0]), np.array([1.0, 3.0])).bins.tolist()
    [0, 0, 1]
    """
    is_null = np.isnan(values)
    has_value = ~is_null if is_null.any() else None
    known = values if has_value is None else values[has_value]
    return _make_rows(np.maximum(np.searchsorted(starts, known, side="right") - 1, 0), None, has_value)


def bin_categories(codes: Integers, n_categories: int, *, is_full: bool) -> BinnedRows:
    """Bin the categories of a feature.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        1 for the first category, 0 for one that is not known, and ``n_categories + 1`` for null.
    is_full : bool
        Whether the reference had more categories than have a bin: what is not known is another, not unseen.

    Examples
    --------
    >>> bin_categories(np.array([2, 0, 3]), 2, is_full=False).bins.tolist()
    [1, -1]
    """
    is_null = codes == n_categories + 1
    has_value = ~is_null if is_null.any() else None
    bins = (codes if has_value is None else codes[has_value]) - 1
    if is_full:
        bins[bins == UNSEEN_BIN] = OTHER_BIN
    return _make_rows(bins, None, has_value)


def _make_rows(bins: Integers | Numbers, values: Numbers | None, has_value: NDArray[np.bool_] | None) -> BinnedRows:
    first, last = (int(bins.min()), int(bins.max())) if bins.size else (0, 0)
    return BinnedRows(bins=bins, values=values, has_value=has_value, first=first, width=last - first + 1)


def count_cells(cell: Integers, size: int, features: Mapping[str, BinnedRows]) -> CellCounts:
    """Count the bins of every feature in each cell.

    Parameters
    ----------
    cell : ndarray of shape (n,)
        Of each row, 0 to ``size`` − 1.
    size : int
        How many cells there may be.

    Examples
    --------
    >>> rows = bin_categories(np.array([1, 1, 2]), 2, is_full=False)
    >>> counted = count_cells(np.array([7, 7, 9]), 10, {"x": rows})
    >>> counted.cells.tolist(), counted.features["x"].bins.tolist(), counted.features["x"].counts.tolist()
    ([7, 9], [0, 1], [2, 1])
    """
    cells, place, n = _find_places(cell, size)
    return CellCounts(cells=cells, features={name: _count_feature(place, n, rows) for name, rows in features.items()})


def join_cells(parts: Sequence[CellCounts]) -> CellCounts:
    """Add the counts of several parts up, cell by cell; every part has the same features.

    Examples
    --------
    >>> part = count_cells(np.array([7]), 8, {"x": bin_categories(np.array([1]), 1, is_full=False)})
    >>> join_cells([part, part]).features["x"].counts.tolist()
    [2]
    """
    if len(parts) == 1:
        return parts[0]
    stacked = np.concatenate([part.cells for part in parts])
    cells, position = np.unique(stacked, return_inverse=True)
    return CellCounts(
        cells=cells,
        features={
            name: order_entries(
                merge_chunks(stack_features([part.features[name] for part in parts]), position, cells.size)
            )
            for name in parts[0].features
        },
    )


class Tally:
    """Counts that grow part by part; they are joined whenever they have become twice as many.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add(count_cells(np.array([7]), 8, {"x": bin_categories(np.array([1]), 1, is_full=False)}))
    >>> tally.join().cells.tolist()
    [7]
    """

    def __init__(self) -> None:
        self._parts: list[CellCounts] = []
        self._n_entries, self._limit = 0, MOST_ENTRIES

    def add(self, part: CellCounts) -> None:
        """Add the counts of some more rows."""
        self._parts.append(part)
        self._n_entries += _count_entries(part)
        if self._n_entries > self._limit:
            self._parts = [join_cells(self._parts)]
            self._n_entries = _count_entries(self._parts[0])
            self._limit = max(MOST_ENTRIES, 2 * self._n_entries)

    def join(self) -> CellCounts | None:
        """Give the counts of all rows; None without any."""
        return join_cells(self._parts) if self._parts else None


def _count_entries(counted: CellCounts) -> int:
    return sum(counts.bins.size for counts in counted.features.values())


def drop_last_key(counted: CellCounts, size: int) -> CellCounts:
    """Add up the cells that differ only in their last key, which has `size` values: ``cell // size`` remains.

    Examples
    --------
    >>> rows = bin_categories(np.array([1, 1]), 1, is_full=False)
    >>> drop_last_key(count_cells(np.array([6, 7]), 8, {"x": rows}), 2).cells.tolist()
    [3]
    """
    cells, position = np.unique(counted.cells // size, return_inverse=True)
    return CellCounts(
        cells=cells,
        features={
            name: order_entries(merge_chunks(counts, position, cells.size)) for name, counts in counted.features.items()
        },
    )


def _find_places(cell: Integers, size: int) -> tuple[Integers, Integers, Integers]:
    """Give the cells that have rows, the place of each row's cell among them, and how many rows they have."""
    if not _is_dense(size, cell.size):
        cells, place, n = np.unique(cell, return_inverse=True, return_counts=True)
        return cells, place, n
    n = np.bincount(cell, minlength=size)
    cells = np.flatnonzero(n)
    places = np.zeros(size, dtype=np.int64)
    places[cells] = np.arange(cells.size)
    return cells, places[cell], n[cells]


def _is_dense(size: int, n: int) -> bool:
    return size <= FREE_PLACES + PLACES_PER_ROW * n


def _count_feature(place: Integers, n: Integers, rows: BinnedRows) -> FeatureCounts:
    own = place if rows.has_value is None else place[rows.has_value]
    size = n.size * rows.width
    # Added as what the bins are, so that they become whole numbers only once.
    starts = np.arange(-rows.first, size - rows.first, rows.width).astype(rows.bins.dtype)
    keys = (starts[own] + rows.bins).astype(np.int64, copy=False)
    if _is_dense(size, keys.size):
        counted = np.bincount(keys, minlength=size)
        entries = filled = np.flatnonzero(counted)
    else:
        entries, keys, counted = np.unique(keys, return_inverse=True, return_counts=True)
        size, filled = entries.size, np.arange(entries.size)
    cells, bins = entries // rows.width, entries % rows.width + rows.first
    sums, low, high = (np.full(part, np.nan) for part in (filled.size, n.size, n.size))
    if rows.values is not None:
        sums = np.bincount(keys, weights=rows.values, minlength=size)[filled].astype(np.float64, copy=False)
        is_near = np.zeros(size, dtype=np.bool_)
        is_near[filled] = _mark_outermost(cells, bins)
        near = np.flatnonzero(is_near[keys])
        finite = near[np.isfinite(rows.values[near])]
        np.fmin.at(low, own[finite], rows.values[finite])
        np.fmax.at(high, own[finite], rows.values[finite])
    n_null = np.zeros_like(n) if rows.has_value is None else n - np.bincount(own, minlength=n.size)
    return FeatureCounts(
        n=n, n_null=n_null, chunk=cells, bins=bins, counts=counted[filled], sums=sums, minimum=low, maximum=high
    )


def _mark_outermost(cells: Integers, bins: Integers) -> NDArray[np.bool_]:
    """Say of entries in order which are the first and the last finite bin of their cell: they hold its extremes."""
    finite = np.flatnonzero((bins > NEGATIVE_INFINITY_BIN) & (bins < POSITIVE_INFINITY_BIN))
    changes = np.diff(cells[finite], prepend=-1, append=-1) != 0
    marked = np.zeros(cells.size, dtype=np.bool_)
    marked[finite[changes[:-1]]] = True
    marked[finite[changes[1:]]] = True
    return marked
