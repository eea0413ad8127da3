"""Decides how far the ROC AUCs of two versions on the same rows differ, and how certain that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from mlops_core.stats.proportions import check_confidence

ROUNDING = 1e-12
"""Share of the difference below which its standard error is rounding, not spread."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RocAucDifference:
    """The ROC AUCs of two versions on the same rows."""

    champion: float | None
    """In [0, 1]; None when a class is missing."""
    candidate: float | None
    """In [0, 1]; None when a class is missing."""
    standard_error: float | None
    """Of candidate minus champion; None when a class has fewer than two rows, or no spread to judge by."""
    low: float | None
    """Lower end of the interval of candidate minus champion; None without a standard error."""
    high: float | None
    """Upper end; None without a standard error."""
    p_value: float | None
    """Two-sided, of no difference, in [0, 1]; None without a standard error."""


def compare_roc_auc(
    labels: ArrayLike, champion_scores: ArrayLike, candidate_scores: ArrayLike, confidence: float = 0.95
) -> RocAucDifference:
    """Compare the ROC AUCs of two versions on the same rows, by how each row is placed among the other class.

    The placement of a positive is the share of negatives below it, that of a negative the share of positives
    above it, ties half. With D the placements by the candidate less those by the champion, the variance of the
    difference is ``var(D of the P positives) / P + var(D of the N negatives) / N``: the covariance of both versions
    is in it, because the rows are the same. The quantile is that of t with the degrees of freedom of Welch and
    Satterthwaite, which is the normal one but for a few dozen rows of a class, where the normal one is too near:
    with 25 positives 94 % of its intervals hold the true difference, with that of t 95 %. Placements come from
    sorted scores, in O(n log n).

    Parameters
    ----------
    labels : array_like of shape (n,)
        0 or 1.
    champion_scores, candidate_scores : array_like of shape (n,)
        Any finite scale; only their order counts.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    RocAucDifference
        Where both versions place every row alike, the difference is 0, the interval [0, 0], and the p-value 1.
        Where they do not and every row of a class moves as far as each other, as between an order that is perfect
        and one that is reversed, the variance vanishes and there is no interval.

    Raises
    ------
    ValueError
        When shapes differ, a label is neither 0 nor 1, a score is not finite, or the confidence is outside (0, 1).

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
    characteristic curves; Sun & Xu (2014), Fast implementation of DeLong's algorithm; Welch (1947) for the degrees
    of freedom.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> candidate = rng.random(2000)
    >>> labels = (rng.random(2000) < candidate).astype(int)
    >>> champion = candidate + rng.normal(0, 0.3, 2000)
    >>> found = compare_roc_auc(labels, champion, candidate)
    >>> round(found.champion, 3), round(found.candidate, 3), round(found.low, 3), round(found.high, 3)
    (0.738, 0.84, 0.085, 0.119)
    """
    check_confidence(confidence)
    truth, scores = _check_rows(labels, champion_scores, candidate_scores)
    positive, negative = scores[truth == 1], scores[truth == 0]
    if not len(positive) or not len(negative):
        return RocAucDifference(champion=None, candidate=None, standard_error=None, low=None, high=None, p_value=None)
    above = np.column_stack([_place(positive[:, i], negative[:, i]) for i in range(2)])
    below = 1 - np.column_stack([_place(negative[:, i], positive[:, i]) for i in range(2)])
    champion, candidate = above.mean(axis=0).tolist()
    error, quantile, p_value = _test_placements(np.diff(above)[:, 0], np.diff(below)[:, 0], confidence)
    is_known, middle = bool(np.isfinite(error)), candidate - champion
    return RocAucDifference(
        champion=champion,
        candidate=candidate,
        standard_error=error if is_known else None,
        low=middle - quantile * error if is_known else None,
        high=middle + quantile * error if is_known else None,
        p_value=p_value if is_known else None,
    )


def _check_rows(
    labels: ArrayLike, champion_scores: ArrayLike, candidate_scores: ArrayLike
) -> tuple[NDArray[np.int64], Values]:
    parts = [np.asarray(part, np.float64) for part in (labels, champion_scores, candidate_scores)]
    shapes = [part.shape for part in parts]
    if len(set(shapes)) > 1 or parts[0].ndim != 1:
        raise ValueError(f"labels and both scores have shapes {shapes}; accepted is one shape (n,) for all")
    truth, scores = parts[0], np.column_stack(parts[1:])
    refused = ~((truth == 0) | (truth == 1))
    if refused.any():
        raise ValueError(f"label of row {int(refused.argmax())} is {truth[refused][0]}; accepted are 0 and 1")
    missing = ~np.isfinite(scores)
    if missing.any():
        row = int(missing.any(axis=1).argmax())
        raise ValueError(f"score of row {row} is {scores[missing][0]}; accepted is any finite number")
    return truth.astype(np.int64), scores


def _place(own: Values, others: Values) -> Values:
    """Give the share of others below each score, ties half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, own, "left") + np.searchsorted(ordered, own, "right")) / (2 * others.size)


def _test_placements(positive: Values, negative: Values, confidence: float) -> tuple[float, float, float]:
    """Give standard error, quantile, and p-value from the change of placement of each row; NaN where unknown."""
    if min(positive.size, negative.size) < 2:
        return np.nan, np.nan, np.nan
    if not positive.any() and not negative.any():
        return 0.0, 0.0, 1.0
    parts = np.array([positive.var(ddof=1) / positive.size, negative.var(ddof=1) / negative.size])
    variance, middle = float(parts.sum()), float(positive.mean())
    if variance <= (ROUNDING * np.abs(middle)) ** 2:
        return np.nan, np.nan, np.nan
    freedom = variance**2 / float(parts**2 @ (1 / np.array([positive.size - 1, negative.size - 1])))
    error = float(np.sqrt(variance))
    return error, float(stdtrit(freedom, (1 + confidence) / 2)), float(2 * stdtr(freedom, -abs(middle) / error))
