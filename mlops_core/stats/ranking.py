"""Decides how well the order of the scores separates the classes, and how certain that is, from counts alone.

Rows of the same bin are tied. All functions take counts of shape (k, n_bins), bins in ascending order of the
score, and answer for each of the k rows of counts at once.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.ratios import divide_or_nan

Counts = NDArray[np.int64] | NDArray[np.float64]

BLOCK_ROWS = 32
"""Rows of counts worked on at a time: their tables stay in the processor's cache, which halves the time."""

_Statistic = Callable[[Counts, Counts], NDArray[np.float64]]


def _work_in_blocks(compute: _Statistic) -> _Statistic:
    @wraps(compute)
    def compute_blocks(negative: Counts, positive: Counts) -> NDArray[np.float64]:
        starts = range(0, max(len(positive), 1), BLOCK_ROWS)
        blocks = [slice(start, start + BLOCK_ROWS) for start in starts]
        return np.concatenate([compute(negative[block], positive[block]) for block in blocks])

    return compute_blocks


@_work_in_blocks
def compute_roc_auc(negative: Counts, positive: Counts) -> NDArray[np.float64]:
    """Compute the chance that a random positive scores above a random negative, ties counted half.

    ``Σ_b positive_b (negatives below b + negative_b / 2) / (P N)``.

    Parameters
    ----------
    negative, positive : ndarray of shape (k, n_bins)
        Counts of the labelled rows by class and bin.

    Returns
    -------
    ndarray of shape (k,)
        In [0, 1]; NaN where only one class is present.

    References
    ----------
    Hanley & McNeil (1982), The meaning and use of the area under a ROC curve.

    Examples
    --------
    >>> compute_roc_auc(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
    array([0.875])
    """
    below = np.cumsum(negative, axis=1, dtype=np.float64)
    n_negative = below[:, -1].copy()
    below -= 0.5 * negative
    won = np.einsum("kb,kb->k", below, positive)
    return divide_or_nan(won, n_negative * positive.sum(axis=1, dtype=np.float64))


@_work_in_blocks
def compute_average_precision(negative: Counts, positive: Counts) -> NDArray[np.float64]:
    """Compute the mean precision over the positives, each taken at its own bin as the cut.

    ``Σ_b (positive_b / P) T_b / M_b`` with T_b the positives and M_b the rows at or above bin b: the
    step-wise sum of scikit-learn, without interpolation.

    Parameters
    ----------
    negative, positive : ndarray of shape (k, n_bins)
        Counts of the labelled rows by class and bin.

    Returns
    -------
    ndarray of shape (k,)
        In [0, 1]; NaN where only one class is present.

    References
    ----------
    Manning, Raghavan & Schütze (2008), Introduction to information retrieval, chapter 8.

    Examples
    --------
    >>> compute_average_precision(np.array([[1, 1, 0]]), np.array([[0, 1, 1]])).round(4)
    array([0.8333])
    """
    hits, rows = _count_at_or_above(negative, positive)
    return _average(_divide_by_rows(hits, rows), positive, hits, rows)


@_work_in_blocks
def estimate_roc_auc_variance(negative: Counts, positive: Counts) -> NDArray[np.float64]:
    """Estimate the sampling variance of the ROC AUC from the placements of each class among the other.

    ``var(V10) / P + var(V01) / N``, where V10 of a positive is the share of negatives below it and V01 of a
    negative the share of positives above it, ties half.

    Parameters
    ----------
    negative, positive : ndarray of shape (k, n_bins)
        Counts of the labelled rows by class and bin.

    Returns
    -------
    ndarray of shape (k,)
        At least 0; NaN where a class has fewer than two rows.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988); Sun & Xu (2014).

    Examples
    --------
    >>> estimate_roc_auc_variance(np.array([[1, 1, 0]]), np.array([[0, 1, 1]])).round(5)
    array([0.03125])
    """
    placed_positive = np.cumsum(negative, axis=1, dtype=np.float64)
    placed_negative = np.cumsum(positive, axis=1, dtype=np.float64)
    n_negative, n_positive = placed_positive[:, -1].copy(), placed_negative[:, -1].copy()
    placed_positive -= 0.5 * negative
    placed_negative -= 0.5 * positive
    won = np.einsum("kb,kb->k", placed_positive, positive)
    placed_positive -= divide_or_nan(won, n_positive)[:, None]
    placed_negative -= (n_positive - divide_or_nan(won, n_negative))[:, None]
    among_positive = np.einsum("kb,kb,kb->k", placed_positive, placed_positive, positive)
    among_negative = np.einsum("kb,kb,kb->k", placed_negative, placed_negative, negative)
    return divide_or_nan(divide_or_nan(among_positive, (n_positive - 1) * n_positive), n_negative**2) + divide_or_nan(
        divide_or_nan(among_negative, (n_negative - 1) * n_negative), n_positive**2
    )


@_work_in_blocks
def estimate_average_precision_variance(negative: Counts, positive: Counts) -> NDArray[np.float64]:
    """Estimate the sampling variance of the average precision by the delta method on the counts.

    The gradient of ``AP = (1/P) Σ_b positive_b T_b / M_b`` is, for one more positive in bin c,
    ``(T_c / M_c + Σ_{b≤c} positive_b (M_b - T_b) / M_b² - AP) / P``, and for one more negative
    ``-Σ_{b≤c} positive_b T_b / M_b² / P``. Counts of rows drawn independently are multinomial and AP does not
    change when all of them double, so the variance is the sum of count times squared gradient.

    Parameters
    ----------
    negative, positive : ndarray of shape (k, n_bins)
        Counts of the labelled rows by class and bin.

    Returns
    -------
    ndarray of shape (k,)
        At least 0; NaN where only one class is present.

    References
    ----------
    Efron (1982), The jackknife, the bootstrap and other resampling plans, chapter 6.

    Examples
    --------
    >>> estimate_average_precision_variance(np.array([[1, 1, 0]]), np.array([[0, 1, 1]])).round(4)
    array([0.0324])
    """
    hits, rows = _count_at_or_above(negative, positive)
    precision = _divide_by_rows(hits, rows)
    n_positive = hits[:, 0].copy()
    per_row = _divide_by_rows(positive, rows)
    lost = np.cumsum(precision * per_row, axis=1)
    gained = np.cumsum(per_row, axis=1)
    gained -= lost
    gained += precision
    gained -= _average(precision, positive, hits, rows)[:, None]
    squares = np.einsum("kb,kb,kb->k", gained, gained, positive)
    squares += np.einsum("kb,kb,kb->k", lost, lost, negative)
    return divide_or_nan(squares, n_positive**2)


def _average(
    precision: NDArray[np.float64], positive: Counts, hits: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    n_positive = np.where(hits[:, 0] < rows[:, 0], hits[:, 0], 0.0)
    return divide_or_nan(np.einsum("kb,kb->k", precision, positive), n_positive)


def _count_at_or_above(negative: Counts, positive: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hits = np.cumsum(positive[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]
    rows = np.cumsum(negative[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]
    rows += hits
    return hits, rows


def _divide_by_rows(values: Counts, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return values / np.where(rows > 0, rows, 1.0)
