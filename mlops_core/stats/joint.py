"""Decides how labelled rows are counted over a feature, score, and label: over groups finer than those of drift.

The ten groups in which drift is compared hide what moves within them, and the frozen bins hold too few labelled rows
each to be weighted one by one. Groups of whole bins with a fortieth of the rows each are between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN, FeatureBinning, FeatureCounts, make_empty_counts
from mlops_core.stats.grids import assign_grid_bins
from mlops_core.stats.groups import FeatureGroups, choose_groups, find_groups
from mlops_core.stats.score_groups import Indices, count_joint

N_JOINT_GROUPS = 40
"""Groups of a number beside null; each holds about a fortieth of the labelled rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointCounts:
    """Labelled rows by group of one feature, score group, and label."""

    groups: FeatureGroups
    counts: NDArray[np.int64]
    """Shape (groups.n_groups, S, 2)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinnedRows:
    """The bin of each of n rows."""

    bins: Indices
    """Shape (n,); of a null any."""
    is_null: NDArray[np.bool_]
    """Null or NaN, shape (n,)."""


def bin_rows(values: Sequence[str | None] | ArrayLike, binning: FeatureBinning) -> BinnedRows:
    """Give each row the bin in which counts of the feature have it.

    Parameters
    ----------
    values : sequence of str or None, or array_like of shape (n,)
        Categories, or numbers with NaN for null.

    Raises
    ------
    ValueError
        When the values are numbers and the binning has no grid for them.

    Examples
    --------
    >>> found = bin_rows(["b", None, "z"], FeatureBinning(feature="x", categories=("a", "b")))
    >>> found.bins.tolist(), found.is_null.tolist()
    ([1, -1, -1], [False, True, False])
    """
    if binning.categories is not None:
        place = {category: i for i, category in enumerate(binning.categories)}
        unknown = OTHER_BIN if binning.is_full else UNSEEN_BIN
        texts = np.asarray(values, dtype=object)
        bins = np.array([place.get(text, unknown) for text in texts], dtype=np.int64)
        return BinnedRows(bins=bins, is_null=np.array([text is None for text in texts], dtype=bool))
    numbers = np.asarray(values, dtype=np.float64)
    is_null = np.isnan(numbers)
    if binning.grid is None:
        raise ValueError(f"{binning.feature} has no grid; accepted are features that a reference has binned")
    bins = np.zeros(numbers.size, dtype=np.int64)
    bins[~is_null] = assign_grid_bins(numbers[~is_null], binning.grid)
    return BinnedRows(bins=bins, is_null=is_null)


def count_over_groups(
    rows: BinnedRows, score_groups: Indices, n_score_groups: int, labels: ArrayLike, *, is_categorical: bool
) -> JointCounts:
    """Choose the groups of a feature from labelled rows, and count the rows over them.

    Parameters
    ----------
    score_groups : ndarray of shape (n,)
        Score group of each row, 0 to n_score_groups − 1.
    labels : array_like of shape (n,)
        0 or 1.

    Raises
    ------
    ValueError
        When lengths differ, or a group or label is outside its domain.

    Examples
    --------
    >>> rows = BinnedRows(bins=np.array([3, 7, 7]), is_null=np.array([False, False, True]))
    >>> found = count_over_groups(rows, np.array([0, 1, 1]), 2, [0, 1, 1], is_categorical=False)
    >>> found.groups.starts.tolist(), found.counts.tolist()
    ([3, 7], [[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 1]]])
    """
    groups = choose_groups(_count(rows), is_categorical=is_categorical, n_groups=N_JOINT_GROUPS)
    group = np.full(rows.bins.size, groups.n_groups - 1)
    group[~rows.is_null] = find_groups(rows.bins[~rows.is_null], groups)
    counts = count_joint(group, groups.n_groups, score_groups, n_score_groups, labels)
    return JointCounts(groups=groups, counts=counts)


def _count(rows: BinnedRows) -> FeatureCounts:
    bins, counts = np.unique(rows.bins[~rows.is_null], return_counts=True)
    empty = make_empty_counts()
    return FeatureCounts(
        n=np.array([rows.bins.size]),
        n_null=np.array([int(rows.is_null.sum())]),
        chunk=np.zeros(bins.size, dtype=np.int64),
        bins=bins.astype(np.int64),
        counts=counts.astype(np.int64),
        sums=np.full(bins.size, np.nan),
        minimum=empty.minimum,
        maximum=empty.maximum,
    )
