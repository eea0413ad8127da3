"""How many rows lie outside a range: decides what counts by bin can say of it, and what they leave open."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.features import FeatureCounts
from mlops_core.stats.grids import NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN, NumericGrid, assign_grid_bins


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outside:
    """Rows of k chunks whose value is outside a range."""

    least: NDArray[np.int64]
    """Rows in bins that lie wholly outside, shape (k,); at least one where an extreme is outside."""
    most: NDArray[np.int64]
    """The same with those in the bins that the ends of the range cut, shape (k,)."""


def count_outside(counts: FeatureCounts, grid: NumericGrid | None, low: float | None, high: float | None) -> Outside:
    """Count the finite values below `low` or above `high`; None for an open end.

    Whether any is outside is exact, for the extremes are kept; how many is known to the width of a bin.
    """
    is_outside = np.zeros(counts.n.size, dtype=bool)
    if low is not None:
        is_outside |= counts.minimum < low
    if high is not None:
        is_outside |= counts.maximum > high
    if not is_outside.any():  # As nearly always.
        nothing = np.zeros(counts.n.size, dtype=np.int64)
        return Outside(least=nothing, most=nothing)
    below, cut_low = _count_beyond(counts, grid, low, counts.minimum, -1)
    above, cut_high = _count_beyond(counts, grid, high, counts.maximum, 1)
    least = np.where(is_outside, np.maximum(below + above, 1), 0)
    return Outside(least=least, most=np.maximum(least, below + above + cut_low + cut_high))


def _count_beyond(
    counts: FeatureCounts, grid: NumericGrid | None, limit: float | None, extreme: NDArray[np.float64], sign: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the rows in bins beyond that of a limit, and in its own bin when the extreme is beyond the limit."""
    k = counts.n.size
    if limit is None or grid is None:
        return np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    edge = int(assign_grid_bins([limit], grid)[0])
    is_finite = (counts.bins != NEGATIVE_INFINITY_BIN) & (counts.bins != POSITIVE_INFINITY_BIN)
    beyond = is_finite & (counts.bins < edge if sign < 0 else counts.bins > edge)
    is_over = extreme < limit if sign < 0 else extreme > limit
    cut = is_finite & (counts.bins == edge) & is_over[counts.chunk]
    return _add(counts, beyond, k), _add(counts, cut, k)


def _add(counts: FeatureCounts, chosen: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    return np.bincount(counts.chunk[chosen], weights=counts.counts[chosen], minlength=k).astype(np.int64)
