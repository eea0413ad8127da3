"""Decides the groups in which a feature is compared: ten of a number, each category, and null."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.features import OTHER_BIN, FeatureCounts, count_by_group
from mlops_core.stats.grids import NEGATIVE_INFINITY_BIN
from mlops_core.stats.grouping import N_GROUPS, group_bins, separate_bins

MOST_SEPARATE = 20
"""A number with at most this many bins in the reference is compared value by value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureGroups:
    """The groups of one feature, set by its reference; the last one is null."""

    starts: NDArray[np.int64] | None
    """First bin of each group of a number, increasing, shape (g,); None for a category."""
    categories: NDArray[np.int64] | None
    """Bins of the categories that the reference has, ascending, shape (g − 2,); None for a number."""

    @property
    def n_groups(self) -> int:
        """All groups: of a category also "other", "unseen", and null; of a number null."""
        if self.starts is not None:
            return int(self.starts.size) + 1
        assert self.categories is not None
        return int(self.categories.size) + 3

    @property
    def always_pooled(self) -> NDArray[np.bool_]:
        """Groups that a test pools whatever their size, "other" and "unseen" of a category, shape (n_groups,)."""
        pooled = np.zeros(self.n_groups, dtype=bool)
        if self.categories is not None:
            pooled[-3:-1] = True
        return pooled


def choose_groups(reference: FeatureCounts, *, is_categorical: bool, n_groups: int = N_GROUPS) -> FeatureGroups:
    """Choose the groups from the counts of a reference, all its chunks together.

    Parameters
    ----------
    n_groups : int
        Groups aimed at for a number that has more bins than are compared value by value.

    Examples
    --------
    >>> one = np.array([4])
    >>> counts = FeatureCounts(n=one, n_null=one * 0, chunk=np.array([0, 0]), bins=np.array([2, 7]),
    ...     counts=np.array([3, 1]), sums=np.zeros(2), minimum=np.zeros(1), maximum=np.zeros(1))
    >>> choose_groups(counts, is_categorical=False).starts.tolist()
    [2, 7]
    """
    bins, place = np.unique(reference.bins, return_inverse=True)
    held = np.bincount(place, weights=reference.counts, minlength=bins.size)
    bins, held = bins[held > 0], held[held > 0]
    if is_categorical:
        return FeatureGroups(starts=None, categories=bins[bins >= 0])
    if bins.size == 0:
        return FeatureGroups(starts=np.array([NEGATIVE_INFINITY_BIN]), categories=None)
    return FeatureGroups(starts=bins[cut_groups(held, n_groups)], categories=None)


def cut_groups(held: NDArray[np.int64] | NDArray[np.float64], n_groups: int = N_GROUPS) -> NDArray[np.int64]:
    """Give the place of the first bin of each group of a number.

    Parameters
    ----------
    held : ndarray of shape (b,)
        Rows of the reference by bin, in order of the value, each above 0; one bin or more.

    Examples
    --------
    >>> cut_groups(np.array([5, 1, 7])).tolist()
    [0, 1, 2]
    >>> cut_groups(np.full(40, 25), n_groups=2).tolist()
    [0, 20]
    """
    group = separate_bins(held) if held.size <= max(MOST_SEPARATE, n_groups) else group_bins(held, n_groups)
    return np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1])


def count_groups(counts: FeatureCounts, groups: FeatureGroups) -> NDArray[np.int64]:
    """Count the rows of each chunk by group, shape (k, n_groups).

    A number between two groups belongs to the lower one, below the first to the first. Of a category, one that the
    reference lacks is unseen.

    Examples
    --------
    >>> two = np.array([3, 4])
    >>> counts = FeatureCounts(n=two, n_null=np.array([1, 0]), chunk=np.array([0, 1, 1]), bins=np.array([0, 0, 5]),
    ...     counts=np.array([2, 1, 3]), sums=np.zeros(3), minimum=np.zeros(2), maximum=np.zeros(2))
    >>> count_groups(counts, FeatureGroups(starts=None, categories=np.array([0]))).tolist()
    [[2, 0, 0, 1], [1, 0, 3, 0]]
    """
    if groups.starts is not None:
        return np.concatenate([count_by_group(counts, groups.starts), counts.n_null[:, None]], axis=1)
    assert groups.categories is not None
    k, g = counts.n.size, groups.categories.size + 2
    place = counts.chunk * g + find_groups(counts.bins, groups)
    table = np.bincount(place, weights=counts.counts, minlength=k * g).astype(np.int64)
    return np.concatenate([table.reshape(k, g), counts.n_null[:, None]], axis=1)


def find_groups(bins: NDArray[np.int64], groups: FeatureGroups) -> NDArray[np.int64]:
    """Give the group of each bin, none of which is null.

    Examples
    --------
    >>> find_groups(np.array([-3, 4, 9]), FeatureGroups(starts=np.array([0, 5]), categories=None)).tolist()
    [0, 0, 1]
    """
    if groups.starts is not None:
        return np.asarray(np.maximum(np.searchsorted(groups.starts, bins, side="right") - 1, 0))
    assert groups.categories is not None
    known = groups.categories
    place = np.searchsorted(known, bins)
    is_known = (place < known.size) & (
        known[np.minimum(place, max(known.size - 1, 0))] == bins if known.size else False
    )
    return np.asarray(np.where(is_known, place, np.where(bins == OTHER_BIN, known.size, known.size + 1)))
