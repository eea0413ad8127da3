"""Decides how well a binary classifier is expected to do while its labels are missing, from its scores alone.

Confidence-based performance estimation (CBPE): a row whose score stands for the chance p counts as p positives
and 1 - p negatives, and every metric is that of these expected counts, ordered by the raw score. What no
estimate from scores can see is concept drift: when a score comes to mean another chance, the scores, and so the
estimate, stay as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from mlops_core.entities import Metric
from mlops_core.stats.binning import N_SCORE_BINS, score_bin_midpoints, threshold_bin
from mlops_core.stats.calibration import Calibration
from mlops_core.stats.losses import compute_log_losses, compute_squared_errors
from mlops_core.stats.ranking import compute_roc_auc
from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimationError:
    """How far estimates were from what the labels said later."""

    mean_absolute: float | None
    """Mean of |estimated - realised|, in units of the metric; None without a pair."""
    mean_signed: float | None
    """Mean of estimated - realised, above 0 when the estimates were too high; None without a pair."""
    n_chunks: int
    """Chunks that have both figures."""


def estimate_performance(score_counts: ArrayLike, calibration: Calibration, threshold: float) -> dict[Metric, Values]:
    """Estimate the metrics of each chunk without its labels.

    With c rows in a bin, the expected positives are ``c p`` and the expected negatives ``c (1 - p)``. F1,
    recall, precision, accuracy, and ROC AUC are those of the expected counts, rows of a bin tied; so is the
    average precision, but that a positive counts as a whole one in its own precision. Brier score and log loss
    are the expected cost of the score itself, at the middle of its bin. The positive rate needs no labels and
    is exact. There is no estimate of the calibration error, which would be one of nothing but the reference's.

    A small reference makes isotonic regression, and so the estimates, too sure: in simulations the ROC AUC came
    out .009 too high with 500 positives in the reference, and .02 too high with 50 among 5,000 rows.

    Parameters
    ----------
    score_counts : array_like of shape (k, N_SCORE_BINS)
        Rows of each chunk by score bin, labelled or not.
    calibration : Calibration
        Of a labelled reference of the same version.
    threshold : float
        Deployed threshold in [0, 1] that the scores were binned with.

    Returns
    -------
    dict of Metric to ndarray of shape (k,)
        All of ``Metric`` but the calibration error. NaN for a chunk without rows, and where the metric of the
        expected counts is undefined (see ``compute_metrics``).

    Raises
    ------
    ValueError
        When a count is negative or their shape another, or the threshold is not that of the calibration.

    References
    ----------
    Guillory et al. (2021), Predicting with confidence on unseen distributions; Białek et al. (2024),
    Estimating model performance under covariate shift without labels.

    Examples
    --------
    >>> from mlops_core.stats.calibration import calibrate
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(20_000)
    >>> counts = count_scores(scores, rng.random(20_000) < scores, np.zeros(20_000, int), 1, threshold=0.5)
    >>> estimated = estimate_performance(counts.negative + counts.positive, calibrate(counts), threshold=0.5)
    >>> estimated[Metric.ROC_AUC].round(3), estimated[Metric.ACCURACY].round(3)
    (array([0.837]), array([0.754]))
    """
    counts = check_score_counts(score_counts, calibration, threshold)
    (rejected, alarms), (missed, hits) = np.moveaxis(estimate_confusion(counts, calibration, threshold), 0, -1)
    n = counts.sum(axis=1)
    base_rate = divide_or_nan(missed + hits, n)
    expected_positive = counts * calibration.probability
    brier, log_loss = divide_or_nan((counts @ _expect_losses(calibration)).T, n)
    return {
        Metric.F1: divide_or_nan(2 * hits, 2 * hits + alarms + missed),
        Metric.RECALL: divide_or_nan(hits, hits + missed),
        Metric.PRECISION: divide_or_nan(hits, hits + alarms),
        Metric.ROC_AUC: compute_roc_auc(counts - expected_positive, expected_positive),
        Metric.AVERAGE_PRECISION: _expect_average_precision(counts, calibration),
        Metric.BRIER: brier,
        Metric.LOG_LOSS: log_loss,
        Metric.LOG_LOSS_SKILL: 1 - divide_or_nan(log_loss, entr(base_rate) + entr(1 - base_rate)),
        Metric.ACCURACY: divide_or_nan(hits + rejected, n),
        Metric.POSITIVE_RATE: divide_or_nan(counts[:, threshold_bin(threshold) :].sum(axis=1), n),
    }


def estimate_confusion(score_counts: ArrayLike, calibration: Calibration, threshold: float) -> Values:
    """Estimate how many rows of each chunk fall to each pair of label and decision.

    Parameters
    ----------
    score_counts : array_like of shape (k, N_SCORE_BINS)
        Rows of each chunk by score bin, labelled or not.
    calibration : Calibration
        Of a labelled reference of the same version.
    threshold : float
        Deployed threshold in [0, 1] that the scores were binned with.

    Returns
    -------
    ndarray of shape (k, 2, 2)
        Expected rows by label, then decision, each 0 or 1; they sum to the rows of the chunk.

    Raises
    ------
    ValueError
        When a count is negative or their shape another, or the threshold is not that of the calibration.

    Examples
    --------
    >>> calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.25), n=100)
    >>> counts = np.zeros((1, N_SCORE_BINS), int)
    >>> counts[0, [100, 2000]] = 8, 4
    >>> estimate_confusion(counts, calibration, threshold=0.5).tolist()
    [[[6.0, 3.0], [2.0, 1.0]]]
    """
    counts = check_score_counts(score_counts, calibration, threshold)
    probability, decided = calibration.probability, np.arange(N_SCORE_BINS) >= threshold_bin(threshold)
    by_label = np.stack([1 - probability, probability])
    by_decision = np.stack([~decided, decided])
    cells = by_label[:, None, :] * by_decision[None, :, :]
    return np.asarray(counts @ cells.reshape(4, N_SCORE_BINS).T).reshape(-1, 2, 2)


def error_of_estimates(estimated: ArrayLike, realised: ArrayLike) -> EstimationError:
    """Compare estimates of one metric with the values that the labels gave later.

    Parameters
    ----------
    estimated, realised : array_like of shape (k,)
        The metric of each chunk; a chunk with NaN on either side is left out.

    Returns
    -------
    EstimationError
        Over the chunks that have both.

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> error_of_estimates([0.75, 0.5, 0.9], [0.5, 0.625, np.nan])
    EstimationError(mean_absolute=0.1875, mean_signed=0.0625, n_chunks=2)
    """
    promised, kept = np.asarray(estimated, np.float64), np.asarray(realised, np.float64)
    if promised.shape != kept.shape or promised.ndim != 1:
        raise ValueError(f"estimated has shape {promised.shape}, realised {kept.shape}; accepted is one per chunk")
    differences = promised - kept
    differences = differences[~np.isnan(differences)]
    if differences.size == 0:
        return EstimationError(mean_absolute=None, mean_signed=None, n_chunks=0)
    return EstimationError(
        mean_absolute=float(np.abs(differences).mean()),
        mean_signed=float(differences.mean()),
        n_chunks=differences.size,
    )


def expect_precision_by_bin(counts: Values, calibration: Calibration) -> tuple[Values, Values]:
    """Compute the precision that a positive of each bin has at its own score, and the rows at or above the bin.

    ``(T_b + 1 - p_b) / M_b`` with T_b the expected positives and M_b the rows at or above bin b: given that the
    row itself is positive, it counts 1 and not p. Both have the shape of the counts; M is at least 1.

    Examples
    --------
    >>> calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.25), n=100)
    >>> precision, rows = expect_precision_by_bin(np.ones((1, N_SCORE_BINS)), calibration)
    >>> precision[0, [-1, -2]].tolist(), rows[0, [-1, -2]].tolist()
    ([1.0, 0.625], [1.0, 2.0])
    """
    hits = np.cumsum((counts * calibration.probability)[:, ::-1], axis=1)[:, ::-1]
    rows = np.maximum(np.cumsum(counts[:, ::-1], axis=1)[:, ::-1], 1.0)
    hits += 1 - calibration.probability
    hits /= rows
    return hits, rows


def check_score_counts(score_counts: ArrayLike, calibration: Calibration, threshold: float) -> Values:
    """Return the counts as floats, or raise ValueError when they do not fit the calibration.

    Examples
    --------
    >>> calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.25), n=100)
    >>> check_score_counts(np.ones((3, N_SCORE_BINS), int), calibration, threshold=0.5).shape
    (3, 2050)
    """
    counts = np.asarray(score_counts, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] != N_SCORE_BINS:
        raise ValueError(f"score counts have shape {counts.shape}; accepted is (k, {N_SCORE_BINS})")
    refused = ~(counts >= 0)
    if refused.any():
        raise ValueError(f"a score count is {counts[refused][0]}; accepted is 0 or more")
    if threshold != calibration.threshold:
        raise ValueError(f"threshold is {threshold!r}; accepted is the calibration's, {calibration.threshold}")
    return counts


def _expect_losses(calibration: Calibration) -> Values:
    """Give the expected Brier score and log loss of one row of each bin, shape (N_SCORE_BINS, 2)."""
    middle, chance = score_bin_midpoints(calibration.threshold), calibration.probability
    zeros, ones = np.zeros_like(middle), np.ones_like(middle)
    return np.column_stack(
        [
            (1 - chance) * compute_losses(middle, zeros) + chance * compute_losses(middle, ones)
            for compute_losses in (compute_squared_errors, compute_log_losses)
        ]
    )


def _expect_average_precision(counts: Values, calibration: Calibration) -> Values:
    positive = counts * calibration.probability
    precision, _ = expect_precision_by_bin(counts, calibration)
    n_positive = positive.sum(axis=1)
    both_classes = np.where(n_positive < counts.sum(axis=1), n_positive, 0.0)
    return divide_or_nan(np.einsum("kb,kb->k", precision, positive), both_classes)
