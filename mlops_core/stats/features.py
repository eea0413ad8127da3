"""Decides what is kept of a feature's values: sparse counts by bin and chunk, which merge by addition."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.grids import NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN, NumericGrid
from mlops_core.stats.ratios import divide_or_nan

UNSEEN_BIN, OTHER_BIN = -1, -2
"""Categories that the reference does not have, and those beyond the most frequent that have a bin of their own."""
MOST_CATEGORIES = 1000
_BINS = POSITIVE_INFINITY_BIN - NEGATIVE_INFINITY_BIN + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureBinning:
    """How the values of one feature are binned; one of grid and categories is set."""

    feature: str
    grid: NumericGrid | None = None
    """None for a category, and for a number that no reference had yet: its nulls alone are counted."""
    categories: tuple[str, ...] | None = None
    """The category of each bin from 0 on, in the order in which references brought them; None for a number."""
    is_full: bool = False
    """Whether a reference had more categories than have a bin; what has none is then `OTHER_BIN`, not unseen."""

    @property
    def is_categorical(self) -> bool:
        """Say whether the values are categories."""
        return self.categories is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureCounts:
    """One feature in k chunks: how many rows, how many null, and how many in each bin that is not empty."""

    n: NDArray[np.int64]
    """Rows of each chunk, nulls included, shape (k,)."""
    n_null: NDArray[np.int64]
    """Null or NaN, shape (k,)."""
    chunk: NDArray[np.int64]
    """Position of the chunk of each entry, 0 to k − 1, shape (m,)."""
    bins: NDArray[np.int64]
    """Bin of each entry, shape (m,); a pair of chunk and bin may come more than once, and adds up."""
    counts: NDArray[np.int64]
    """Rows of each entry, shape (m,)."""
    sums: NDArray[np.float64]
    """Sum of the values of each entry, shape (m,); NaN for categories."""
    minimum: NDArray[np.float64]
    """Smallest finite value of each chunk, shape (k,); NaN when there is none."""
    maximum: NDArray[np.float64]
    """Largest finite value of each chunk, shape (k,); NaN when there is none."""

    @property
    def n_infinite(self) -> NDArray[np.int64]:
        """Infinite values of each chunk, shape (k,); for numbers only."""
        is_infinite = (self.bins == NEGATIVE_INFINITY_BIN) | (self.bins == POSITIVE_INFINITY_BIN)
        return _add(self.chunk[is_infinite], self.counts[is_infinite], self.n.size)

    @property
    def n_unseen(self) -> NDArray[np.int64]:
        """Rows of each chunk whose category no reference had, shape (k,); for categories only."""
        is_unseen = self.bins == UNSEEN_BIN
        return _add(self.chunk[is_unseen], self.counts[is_unseen], self.n.size)


def make_empty_counts() -> FeatureCounts:
    """Make the counts of one chunk without rows.

    Examples
    --------
    >>> make_empty_counts().n.tolist()
    [0]
    """
    whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
    one = np.zeros(1, dtype=np.int64)
    nothing = np.full(1, np.nan)
    return FeatureCounts(
        n=one, n_null=one, chunk=whole, bins=whole, counts=whole, sums=real, minimum=nothing, maximum=nothing
    )


def count_by_group(counts: FeatureCounts, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the bins of each chunk up to groups of neighbouring bins.

    Parameters
    ----------
    starts : ndarray of shape (g,)
        First bin of each group, increasing; bins below the first belong to it.

    Returns
    -------
    ndarray of shape (k, g)

    Examples
    --------
    >>> one = np.array([3])
    >>> counts = FeatureCounts(n=one, n_null=one * 0, chunk=np.array([0, 0]), bins=np.array([-4, 7]),
    ...     counts=np.array([1, 2]), sums=np.zeros(2), minimum=np.zeros(1), maximum=np.zeros(1))
    >>> count_by_group(counts, np.array([0, 5])).tolist()
    [[1, 2]]
    """
    k, g = counts.n.size, starts.size
    group = _find_places(counts.bins, starts)
    return _add(counts.chunk * g + group, counts.counts, k * g).reshape(k, g)


def _find_places(bins: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the group of each bin; each bin there may be is looked up once, since there are many entries of each."""
    if bins.size == 0:
        return bins
    first, last = int(bins.min()), int(bins.max())
    known = np.arange(first, last + 1) if last - first < bins.size else bins
    place = np.maximum(np.searchsorted(starts, known, side="right") - 1, 0)
    return place[bins - first] if known is not bins else place


def merge_chunks(counts: FeatureCounts, position: NDArray[np.int64], k: int) -> FeatureCounts:
    """Add chunks up to k others: each goes to the position given for it, 0 to k − 1; −1 leaves it out.

    Examples
    --------
    >>> two = np.array([3, 4])
    >>> counts = FeatureCounts(n=two, n_null=two * 0, chunk=np.array([0, 1]), bins=np.array([5, 5]),
    ...     counts=two, sums=np.zeros(2), minimum=np.zeros(2), maximum=np.ones(2))
    >>> merge_chunks(counts, np.array([0, 0]), 1).n.tolist()
    [7]
    """
    if k == position.size and np.array_equal(position, np.arange(k)):
        return counts
    kept = position >= 0
    # Without a selection of entries, which are many, when none is left out.
    entries = slice(None) if kept.all() else kept[counts.chunk]
    low, high = np.full(k, np.nan), np.full(k, np.nan)
    np.fmin.at(low, position[kept], counts.minimum[kept])
    np.fmax.at(high, position[kept], counts.maximum[kept])
    return FeatureCounts(
        n=_add(position[kept], counts.n[kept], k),
        n_null=_add(position[kept], counts.n_null[kept], k),
        chunk=position[counts.chunk[entries]],
        bins=counts.bins[entries],
        counts=counts.counts[entries],
        sums=counts.sums[entries],
        minimum=low,
        maximum=high,
    )


def sum_up(counts: FeatureCounts) -> FeatureCounts:
    """Add all chunks up to one, with each bin once and in order.

    Examples
    --------
    >>> two = np.array([3, 4])
    >>> counts = FeatureCounts(n=two, n_null=two * 0, chunk=np.array([0, 1]), bins=np.array([5, 5]),
    ...     counts=two, sums=np.zeros(2), minimum=np.zeros(2), maximum=np.ones(2))
    >>> sum_up(counts).counts.tolist()
    [7]
    """
    return order_entries(merge_chunks(counts, np.zeros(counts.n.size, dtype=np.int64), 1))


def order_entries(counts: FeatureCounts) -> FeatureCounts:
    """Give the same counts with each pair of chunk and bin once, in order.

    Examples
    --------
    >>> one = np.array([3])
    >>> counts = FeatureCounts(n=one, n_null=one * 0, chunk=np.array([0, 0, 0]), bins=np.array([5, -1, 5]),
    ...     counts=np.array([1, 1, 1]), sums=np.ones(3), minimum=np.ones(1), maximum=np.ones(1))
    >>> order_entries(counts).bins.tolist(), order_entries(counts).sums.tolist()
    ([-1, 5], [1.0, 2.0])
    """
    if counts.bins.size == 0:
        return counts
    key = counts.chunk * _BINS + (counts.bins - NEGATIVE_INFINITY_BIN)
    # What was added up before lies in order: a stable sort takes such stretches as they are.
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return replace(
        counts,
        chunk=counts.chunk[order[first]],
        bins=counts.bins[order[first]],
        counts=np.add.reduceat(counts.counts[order], first),
        sums=np.add.reduceat(counts.sums[order], first),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinnedSample:
    """The values of a number as counts and means of the same bins on two sides."""

    counts: NDArray[np.int64]
    """Rows by bin, in order, shape (b,)."""
    means: NDArray[np.float64]
    """Mean of each bin's values, shape (b,); NaN where the bin is empty."""

    @property
    def standard_deviation(self) -> float:
        """Of the values, each at the mean of its bin; NaN without values, and where a bin is infinite."""
        filled = self.counts > 0
        weights, places = self.counts[filled], self.means[filled]
        if not filled.any() or not np.isfinite(places).all():
            return float("nan")
        centre = np.average(places, weights=weights)
        return float(np.sqrt(np.average((places - centre) ** 2, weights=weights)))


def align_bins(left: FeatureCounts, right: FeatureCounts) -> tuple[BinnedSample, BinnedSample]:
    """Give two counts of one number over the bins that either has, all chunks of each together.

    Examples
    --------
    >>> one = np.array([2])
    >>> counts = FeatureCounts(n=one, n_null=one * 0, chunk=one * 0, bins=np.array([5]), counts=one,
    ...     sums=np.array([3.0]), minimum=np.ones(1), maximum=np.ones(1))
    >>> align_bins(counts, replace(counts, bins=np.array([4])))[0].means.tolist()
    [nan, 1.5]
    """
    bins = np.union1d(left.bins, right.bins)

    def align(side: FeatureCounts) -> BinnedSample:
        place = np.searchsorted(bins, side.bins)
        counts = _add(place, side.counts, bins.size)
        sums = np.bincount(place, weights=side.sums, minlength=bins.size)
        return BinnedSample(counts=counts, means=divide_or_nan(sums, counts))

    return align(left), align(right)


def stack_features(parts: Sequence[FeatureCounts]) -> FeatureCounts:
    """Put the chunks of several counts of one feature one after the other.

    Examples
    --------
    >>> one = np.array([3])
    >>> counts = FeatureCounts(n=one, n_null=one * 0, chunk=one * 0, bins=one, counts=one, sums=np.zeros(1),
    ...     minimum=np.zeros(1), maximum=np.ones(1))
    >>> stack_features([counts, counts]).chunk.tolist()
    [0, 1]
    """
    offsets = np.cumsum([0, *(part.n.size for part in parts[:-1])])
    names = ("n", "n_null", "bins", "counts", "sums", "minimum", "maximum")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    chunk = np.concatenate([part.chunk + offset for part, offset in zip(parts, offsets, strict=True)])
    return FeatureCounts(chunk=chunk, **joined)


def _add(place: NDArray[np.int64], weights: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Add whole numbers up by place; exact up to 2⁵³."""
    return np.bincount(place, weights=weights, minlength=size).astype(np.int64)
