"""Decides how well one feature alone tells the label, whatever its kind and however it is related to it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

LEAST_ROWS = 50
"""Rows of each half below which the figure is not computed."""


def separate_by_groups(groups: ArrayLike, labels: ArrayLike, is_first: ArrayLike) -> float:
    """Measure how well the share of positives of each group, learned in one half, ranks the rows of the other half.

    With r_g the share of label 1 among the rows of group g in one half, shrunk to the share p of all its rows by one
    row, ``r_g = (positive_g + p) / (n_g + 1)``, the result is the area under the ROC curve of r over the other half,
    averaged over both directions. As no row is scored by its own label, a feature that says nothing has 0.5,
    whatever the number of its groups; a relation need not be monotone.

    Parameters
    ----------
    groups : array_like of int, shape (n,)
        Group of each row, at least 0.
    labels : array_like of shape (n,)
        0 or 1.
    is_first : array_like of bool, shape (n,)
        Whether a row is of the first half.

    Returns
    -------
    float
        In [0, 1]; NaN when a half has fewer than 50 rows or only one class.

    Raises
    ------
    ValueError
        When shapes differ, a label is neither 0 nor 1, or a group is negative.

    References
    ----------
    Micci-Barreca (2001), A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems. Bamber (1975), The area above the ordinal dominance graph.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels, halves = rng.integers(0, 2, 2000), rng.random(2000) < 0.5
    >>> separate_by_groups(labels, labels, halves)
    1.0
    >>> round(separate_by_groups(rng.integers(0, 50, 2000), labels, halves), 1)
    0.5
    """
    group, label, first = np.asarray(groups), np.asarray(labels, np.float64), np.asarray(is_first, np.bool_)
    if not group.shape == label.shape == first.shape or group.ndim != 1:
        raise ValueError(
            f"shapes are {group.shape}, {label.shape}, {first.shape}; accepted is one axis of equal length"
        )
    if group.size and group.min() < 0:
        raise ValueError(f"a group is {group.min()}; accepted is 0 or more")
    if not np.isin(label, (0.0, 1.0)).all():
        raise ValueError("a label is neither 0 nor 1")
    areas = [_rank_other_half(group, label, half) for half in (first, ~first)]
    return float(np.mean(areas))


def _rank_other_half(group: NDArray[np.int64], label: NDArray[np.float64], learned: NDArray[np.bool_]) -> float:
    known, asked = label[learned], label[~learned]
    if min(known.size, asked.size) < LEAST_ROWS or known.min() == known.max() or asked.min() == asked.max():
        return float("nan")
    n_groups = int(group.max()) + 1
    counts = np.bincount(group[learned], minlength=n_groups)
    rates = (np.bincount(group[learned], known, minlength=n_groups) + known.mean()) / (counts + 1)
    ranks = rankdata(rates[group[~learned]])
    n_positive = int(asked.sum())
    n_negative = asked.size - n_positive
    return float((ranks[asked == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
