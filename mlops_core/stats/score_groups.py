"""Decides which bins of the score merge into groups, coarse enough to be counted for every bin of every feature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.binning import (
    assign_score_bins,
    check_scores,
    check_threshold,
    score_bin_midpoints,
    threshold_bin,
)
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.stats.losses import compute_log_losses, compute_squared_errors
from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

N_SCORE_GROUPS = 64
"""Groups by which the ROC AUC comes out within .001."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreGroups:
    """Groups of the score in ascending order, and what a row of each costs."""

    first_positive: int
    """First group at or above the threshold, in [0, S]."""
    squared_error: Values
    """Mean (s - y)² of a group's rows of label 0 and 1, in [0, 1], shape (S, 2)."""
    log_loss: Values
    """Mean -ln p(y) of the same rows in nats, shape (S, 2)."""


def choose_group_starts(counts: ScoreLabelCounts, n_groups: int = N_SCORE_GROUPS) -> Indices:
    """Choose the first bin of each group, so that groups weigh alike and the threshold is an edge.

    A bin weighs its share of the negatives plus its share of the positives: the pairs that a ROC AUC ranks are
    spread evenly, and rare positives are not thrown together in one group.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Labelled rows of the reference; chunks are added.
    n_groups : int
        Groups asked for, 2 or more.

    Returns
    -------
    ndarray of shape (S,)
        Strictly increasing indices of bins, the first 0. S is at most n_groups + 1, for the threshold, and
        less where a single bin weighs more than a group.

    Raises
    ------
    ValueError
        When there are no labelled rows, or n_groups is below 2.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> scores = np.random.default_rng(0).random(1000)
    >>> counts = count_scores(scores, scores < 0.3, np.zeros(1000, int), 1, threshold=0.5)
    >>> choose_group_starts(counts, n_groups=4).tolist()
    [0, 585, 769, 1024, 1232]
    """
    if n_groups < 2:
        raise ValueError(f"n_groups is {n_groups!r}; accepted is 2 or more")
    sides = [counts.negative.sum(axis=0), counts.positive.sum(axis=0)]
    weight = np.sum([side / side.sum() for side in sides if side.sum() > 0], axis=0)
    if not np.any(weight):
        raise ValueError("there are 0 labelled rows; accepted is 1 or more")
    below = np.cumsum(weight) / np.sum(weight)
    cuts = np.searchsorted(below, np.arange(1, n_groups) / n_groups, side="left") + 1
    starts = np.unique(np.concatenate([[0], cuts, [threshold_bin(counts.threshold)]]))
    return np.asarray(starts[starts < below.size], np.int64)


def group_scores(counts: ScoreLabelCounts, starts: Indices) -> ScoreGroups:
    """Describe the groups of bins by what their rows cost, taken from the bins' midpoints.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Labelled rows of the reference; chunks are added.
    starts : ndarray of shape (S,)
        First bin of each group; the first 0, the threshold's bin among them.

    Returns
    -------
    ScoreGroups
        Of S groups. A group without rows of a label costs what its middle does.

    Raises
    ------
    ValueError
        When starts do not increase from 0, or lack the threshold's bin.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.7, 0.9], [0, 1, 1], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> groups = group_scores(counts, np.array([0, 1024]))
    >>> groups.first_positive, groups.squared_error.round(2).tolist()
    (1, [[0.04, 0.73], [0.73, 0.05]])
    """
    cut = threshold_bin(counts.threshold)
    if starts[:1].tolist() != [0] or (np.diff(starts) <= 0).any() or cut not in starts:
        raise ValueError(
            f"starts are {starts.tolist()}; accepted are increasing bins from 0 with the threshold's {cut}"
        )
    middle = score_bin_midpoints(counts.threshold)
    n_bins = np.diff(np.append(starts, middle.size))
    squares: list[Values] = []
    losses: list[Values] = []
    for label, counted in ((0.0, counts.negative), (1.0, counts.positive)):
        rows = counted.sum(axis=0)
        truth = np.full(middle.size, label)
        for costs, kept in (
            (compute_squared_errors(middle, truth), squares),
            (compute_log_losses(middle, truth), losses),
        ):
            mean = divide_or_nan(np.add.reduceat(rows * costs, starts), np.add.reduceat(rows, starts))
            kept.append(np.where(np.isnan(mean), np.add.reduceat(costs, starts) / n_bins, mean))
    return ScoreGroups(
        first_positive=int(np.searchsorted(starts, cut)),
        squared_error=np.column_stack(squares),
        log_loss=np.column_stack(losses),
    )


def assign_score_groups(scores: ArrayLike, threshold: float, starts: Indices) -> Indices:
    """Give each score the index of its group.

    Examples
    --------
    >>> assign_score_groups([0.1, 0.5, 0.9], 0.5, np.array([0, 1024])).tolist()
    [0, 1, 1]
    """
    bins = assign_score_bins(scores, threshold)
    return np.asarray(np.searchsorted(starts, bins, side="right") - 1, np.int64)


def group_by_score(scores: ArrayLike, threshold: float) -> tuple[ScoreGroups, Indices]:
    """Make each distinct score a group of its own, which is exact, and give each score the index of its group.

    Raises
    ------
    ValueError
        When a score or the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> groups, index = group_by_score([0.9, 0.2, 0.9], threshold=0.5)
    >>> groups.first_positive, index.tolist()
    (1, [1, 0, 1])
    """
    distinct, index = np.unique(check_scores(scores), return_inverse=True)
    labels = [np.full(distinct.size, label) for label in (0.0, 1.0)]
    groups = ScoreGroups(
        first_positive=int(np.searchsorted(distinct, check_threshold(threshold))),
        squared_error=np.column_stack([compute_squared_errors(distinct, label) for label in labels]),
        log_loss=np.column_stack([compute_log_losses(distinct, label) for label in labels]),
    )
    return groups, index.astype(np.int64)


def count_joint(
    feature_bins: ArrayLike, n_bins: int, score_groups: ArrayLike, n_groups: int, labels: ArrayLike
) -> Indices:
    """Count rows by bin of a feature, score group, and label.

    Parameters
    ----------
    feature_bins : array_like of shape (n,)
        Integers in [0, n_bins - 1].
    n_bins : int
        Bins B of the feature.
    score_groups : array_like of shape (n,)
        Integers in [0, n_groups - 1].
    n_groups : int
        Groups S of the score.
    labels : array_like of shape (n,)
        0 or 1.

    Returns
    -------
    ndarray of shape (B, S, 2)
        Counts that sum to n.

    Raises
    ------
    ValueError
        When lengths differ, or a bin, group, or label is outside its domain.

    Examples
    --------
    >>> count_joint([0, 0, 1], 2, [1, 1, 0], 2, [0, 1, 1]).tolist()
    [[[0, 0], [1, 1]], [[0, 1], [0, 0]]]
    """
    parts = [np.asarray(part) for part in (feature_bins, score_groups, labels)]
    shapes = [part.shape for part in parts]
    if len(set(shapes)) > 1 or parts[0].ndim != 1:
        raise ValueError(f"feature bins, score groups, and labels have shapes {shapes}; accepted is one value per row")
    for name, part, end in zip(("feature bin", "score group", "label"), parts, (n_bins, n_groups, 2), strict=True):
        refused = ~np.isin(part, np.arange(end))
        if refused.any():
            raise ValueError(f"{name} of row {int(refused.argmax())} is {part[refused][0]}; accepted is 0 to {end - 1}")
    bins, groups, truth = (part.astype(np.int64) for part in parts)
    cells = (bins * n_groups + groups) * 2 + truth
    return np.bincount(cells, minlength=n_bins * n_groups * 2).reshape(n_bins, n_groups, 2)
