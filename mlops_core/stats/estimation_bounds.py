"""Decides how far chance alone may take the realised metrics of a chunk from their estimates."""

from collections.abc import Callable, Mapping
from functools import wraps

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, logit, ndtri

from mlops_core.entities import Metric
from mlops_core.stats.binning import N_SCORE_BINS, score_bin_midpoints, threshold_bin
from mlops_core.stats.calibration import Calibration
from mlops_core.stats.estimation import (
    check_score_counts,
    estimate_confusion,
    expect_precision_by_bin,
)
from mlops_core.stats.intervals import SCALES, Scale
from mlops_core.stats.losses import compute_log_losses
from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.ranking import BLOCK_ROWS
from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]


_Variance = Callable[[Values, Calibration, Values], Values]


def _work_in_blocks(vary: _Variance) -> _Variance:
    @wraps(vary)
    def vary_blocks(counts: Values, calibration: Calibration, value: Values) -> Values:
        starts = range(0, max(len(counts), 1), BLOCK_ROWS)
        blocks = [slice(start, start + BLOCK_ROWS) for start in starts]
        return np.concatenate([vary(counts[block], calibration, value[block]) for block in blocks])

    return vary_blocks


def estimate_sampling_error(
    score_counts: ArrayLike, calibration: Calibration, estimated: Mapping[Metric, Values]
) -> dict[Metric, Values]:
    """Estimate the standard error of the realised metrics around their estimates.

    Given their scores, the labels are taken as independent draws with the chances p of the calibration. By the
    delta method the variance is ``Σ_b c_b p_b (1 - p_b) d_b²``, where c are the rows of bin b and d is what one
    label that turns from 0 to 1 there adds to the metric.

    Covered is the chance in the labels of these very rows. Not covered are the error of the calibration, which
    is of the same order when the reference has as few rows as the chunk, what the rows of a chunk have in
    common (one weather, one incident), and concept drift.

    Parameters
    ----------
    score_counts : array_like of shape (k, N_SCORE_BINS)
        Rows of each chunk by score bin, labelled or not.
    calibration : Calibration
        Of a labelled reference of the same version.
    estimated : mapping of Metric to ndarray of shape (k,)
        What ``estimate_performance`` gave for the same counts and calibration.

    Returns
    -------
    dict of Metric to ndarray of shape (k,)
        The metrics of ``estimate_performance``, at least 0, in the units of the metric; 0 for the positive rate,
        which needs no labels. NaN where the estimate is.

    Raises
    ------
    ValueError
        When a count is negative or their shape another.

    References
    ----------
    Efron (1982), The jackknife, the bootstrap and other resampling plans, chapter 6.

    Examples
    --------
    >>> from mlops_core.stats.estimation import estimate_performance
    >>> calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.25), n=100)
    >>> counts = np.zeros((1, N_SCORE_BINS), int)
    >>> counts[0, [100, 2000]] = 80, 40
    >>> estimated = estimate_performance(counts, calibration, threshold=0.5)
    >>> errors = estimate_sampling_error(counts, calibration, estimated)
    >>> errors[Metric.PRECISION].round(4), errors[Metric.ACCURACY].round(4)
    (array([0.0685]), array([0.0395]))
    """
    counts = check_score_counts(score_counts, calibration, calibration.threshold)
    decided, squared, logged = _take_moments(counts, calibration)
    (_, alarms), (missed, hits) = np.moveaxis(estimate_confusion(counts, calibration, calibration.threshold), 0, -1)
    n, positive = counts.sum(axis=1), hits + missed
    per_row, per_positive, per_either = (divide_or_nan(1, rows) for rows in (n, positive, positive + hits + alarms))
    skill_level, skill_slope = _slope_skill(positive * per_row, estimated[Metric.LOG_LOSS_SKILL])
    variances = {
        Metric.F1: _sum_squares(decided, -estimated[Metric.F1] * per_either, 2 * per_either),
        Metric.RECALL: _sum_squares(decided, -estimated[Metric.RECALL] * per_positive, per_positive),
        Metric.PRECISION: divide_or_nan(decided[2], (hits + alarms) ** 2),
        Metric.ROC_AUC: _vary_roc_auc(counts, calibration, estimated[Metric.ROC_AUC]),
        Metric.AVERAGE_PRECISION: _vary_average_precision(counts, calibration, estimated[Metric.AVERAGE_PRECISION]),
        Metric.BRIER: squared[2] * per_row**2,
        Metric.LOG_LOSS: logged[2] * per_row**2,
        Metric.LOG_LOSS_SKILL: _sum_squares(logged, skill_level * per_row, skill_slope * per_row),
        Metric.ACCURACY: _sum_squares(decided, -per_row, 2 * per_row),
        Metric.POSITIVE_RATE: 0 * per_row,
    }
    # The square of a difference near 0 may come out below 0 by a rounding error.
    return {metric: np.sqrt(np.maximum(variance, 0)) for metric, variance in variances.items()}


def bound_estimates(
    estimated: Mapping[Metric, Values], errors: Mapping[Metric, Values], confidence: float = 0.95
) -> dict[Metric, tuple[Values, Values]]:
    """Bound where the realised metrics will lie by the normal distribution, cut at the ends of their range.

    Parameters
    ----------
    estimated : mapping of Metric to ndarray of shape (k,)
        As from ``estimate_performance``.
    errors : mapping of Metric to ndarray of shape (k,)
        As from ``estimate_sampling_error``, which says what they cover; at least the same metrics.
    confidence : float
        In (0, 1).

    Returns
    -------
    dict of Metric to (low, high)
        Two ndarray of shape (k,) each; NaN where the estimate is.

    Raises
    ------
    ValueError
        When the confidence is outside (0, 1).

    Examples
    --------
    >>> values, errors = {Metric.RECALL: np.array([0.5, 0.9])}, {Metric.RECALL: np.array([0.1, 0.1])}
    >>> low, high = bound_estimates(values, errors)[Metric.RECALL]
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.304, 0.704], [0.696, 1.0])
    """
    quantile = float(ndtri((1 + check_confidence(confidence)) / 2))
    bounds = {}
    for metric, value in estimated.items():
        step = quantile * errors[metric]
        floor = -np.inf if SCALES[metric] is Scale.UP_TO_ONE else 0.0
        ceiling = np.inf if SCALES[metric] is Scale.LOG else 1.0
        bounds[metric] = np.maximum(value - step, floor), np.minimum(value + step, ceiling)
    return bounds


def _take_moments(counts: Values, calibration: Calibration) -> Values:
    """Sum ``c p (1 - p) f^j`` over the bins, for three slopes f of a label and j of 0, 1, 2: shape (3, 3, k).

    The slopes are the decision (0 or 1), and what a label that turns from 0 to 1 adds to the squared error and
    to the log loss of its row.
    """
    middle, threshold = score_bin_midpoints(calibration.threshold), threshold_bin(calibration.threshold)
    zeros, ones = np.zeros_like(middle), np.ones_like(middle)
    decided = (np.arange(N_SCORE_BINS) >= threshold).astype(np.float64)
    logged = compute_log_losses(middle, ones) - compute_log_losses(middle, zeros)
    slopes = np.stack([decided, 1 - 2 * middle, logged])
    spread = calibration.probability * (1 - calibration.probability)
    weights = spread * np.stack([np.ones_like(slopes), slopes, slopes**2], axis=1)
    return np.asarray(weights @ counts.T)


def _sum_squares(moments: Values, level: Values, slope: Values) -> Values:
    """Give ``Σ_b c p (1 - p) (level + slope f)²`` from the moments of f, shape (k,)."""
    return np.asarray(level**2 * moments[0] + 2 * level * slope * moments[1] + slope**2 * moments[2])


def _slope_skill(base_rate: Values, skill: Values) -> tuple[Values, Values]:
    """Give what one label adds to ``n (1 - L / H(π))``: by way of the base rate, and per unit of the log loss."""
    inside = np.where((base_rate > 0) & (base_rate < 1), base_rate, np.nan)
    per_entropy = 1 / (entr(inside) + entr(1 - inside))
    return -(1 - skill) * logit(inside) * per_entropy, -per_entropy


@_work_in_blocks
def _vary_roc_auc(counts: Values, calibration: Calibration, roc_auc: Values) -> Values:
    """Give the variance of the ROC AUC A, shape (k,).

    A label that turns from 0 to 1 wins against the negatives below it and no longer loses to the positives above
    it, which adds ``(rows below, its own bin half, - P - A (N - P)) / (P N)``.
    """
    positive = counts @ calibration.probability
    negative = counts.sum(axis=1) - positive
    added = np.cumsum(counts, axis=1)
    added -= 0.5 * counts
    added -= (positive + roc_auc * (negative - positive))[:, None]
    weights = counts * (calibration.probability * (1 - calibration.probability))
    return divide_or_nan(np.einsum("kb,kb,kb->k", added, added, weights), (positive * negative) ** 2)


@_work_in_blocks
def _vary_average_precision(counts: Values, calibration: Calibration, average_precision: Values) -> Values:
    """Give the variance of the average precision AP, shape (k,).

    A label that turns from 0 to 1 in bin c adds its own precision, and 1 / M to that of every positive below it:
    ``(precision_c + Σ_{b<c} positive_b / M_b - AP) / P`` with M the rows at or above a bin.
    """
    positive = counts * calibration.probability
    added, rows = expect_precision_by_bin(counts, calibration)
    raised = positive / rows
    added += np.cumsum(raised, axis=1)
    added -= raised
    added -= average_precision[:, None]
    weights = positive * (1 - calibration.probability)
    return divide_or_nan(np.einsum("kb,kb,kb->k", added, added, weights), positive.sum(axis=1) ** 2)
