"""Decides how certain a metric of a window or of a chunk is: every value with its interval, or none.

Rows of one chunk are not independent (one weather, one incident), so a window of five or more chunks
resamples chunks: delete one, see how far the metric moves. A t quantile pays for their small number. With
fewer chunks that spread cannot be estimated (three chunks leave two degrees of freedom and an interval wider
than the range of most metrics), so the interval is that of independent rows, which is too narrow when the
chunks differ from each other.
"""

from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri, stdtrit, xlogy

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.binning import score_bin_midpoints
from mlops_core.stats.classification import (
    DecisionCounts,
    compute_base_entropy,
    compute_metrics,
    count_decisions,
    rate_decisions,
)
from mlops_core.stats.counts import ScoreLabelCounts, merge_counts, select_chunks, transform_counts
from mlops_core.stats.losses import compute_log_losses
from mlops_core.stats.proportions import check_confidence, wilson_interval
from mlops_core.stats.ranking import estimate_average_precision_variance, estimate_roc_auc_variance
from mlops_core.stats.ratios import divide_or_nan

MIN_JACKKNIFE_CHUNKS = 5
"""Chunks below which the interval of a window is that of its rows."""

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
Bounds = tuple[Values, Values]


class Scale(Enum):
    """The scale on which the sampling distribution of a metric is taken as symmetric."""

    LOGIT = "logit"
    """For metrics strictly between 0 and 1."""
    LOG = "log"
    """For losses above 0."""
    UNIT = "unit"
    """As it is, clipped to [0, 1]."""
    UP_TO_ONE = "up_to_one"
    """As it is, clipped at 1 from above."""


SCALES = {
    Metric.F1: Scale.LOGIT,
    Metric.RECALL: Scale.LOGIT,
    Metric.PRECISION: Scale.LOGIT,
    Metric.ROC_AUC: Scale.LOGIT,
    Metric.AVERAGE_PRECISION: Scale.LOGIT,
    Metric.BRIER: Scale.LOG,
    Metric.LOG_LOSS: Scale.LOG,
    Metric.LOG_LOSS_SKILL: Scale.UP_TO_ONE,
    Metric.ACCURACY: Scale.LOGIT,
    Metric.POSITIVE_RATE: Scale.LOGIT,
    Metric.CALIBRATION_ERROR: Scale.UNIT,
}
"""The scale of each metric's interval."""


def estimate_metrics(counts: ScoreLabelCounts, confidence: float = 0.95) -> dict[Metric, Estimate]:
    """Estimate every metric of the window that all chunks make together.

    The values come from the merged counts. With at least ``MIN_JACKKNIFE_CHUNKS`` chunks that have labelled
    rows (for the positive rate: rows) the variance is that of the delete-one-chunk jackknife, ``(G - 1) / G Σ
    (θ_(-g) - mean)²``, and the quantile that of t with G - 1 degrees of freedom. With fewer, and where the
    jackknife has no answer (a metric at 0 or 1, undefined without one of the chunks, or equal without any of
    them), the interval is that of ``estimate_chunks`` for the merged rows.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of the chunks of the window; empty ones do not count as chunks.
    confidence : float
        In (0, 1).

    Returns
    -------
    dict of Metric to Estimate
        All of ``Metric``. Ends are None where nothing sane can be said, the value too where it is undefined.

    Raises
    ------
    ValueError
        When the confidence is outside (0, 1).

    References
    ----------
    Efron & Stein (1981), The jackknife estimate of variance; Wilson (1927); DeLong et al. (1988).

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(7000)
    >>> counts = count_scores(scores, rng.random(7000) < scores, np.arange(7000) % 7, 7, threshold=0.5)
    >>> auc = estimate_metrics(counts)[Metric.ROC_AUC]
    >>> round(auc.value, 3), round(auc.low, 3), round(auc.high, 3)
    (0.837, 0.824, 0.849)
    """
    check_confidence(confidence)
    merged = merge_counts(counts)
    values = compute_metrics(merged)
    bounds = _bound_rows(merged, values, confidence)
    for metric, leave_one_out in _leave_chunks_out(counts).items():
        low, high = _bound_jackknife(values[metric], leave_one_out, SCALES[metric], confidence)
        if np.isfinite(low[0] + high[0]):
            bounds[metric] = low, high
    return _collect_estimates(values, bounds)[0]


def estimate_decisions(decisions: DecisionCounts, confidence: float = 0.95) -> dict[Metric, Estimate]:
    """Estimate the metrics of decisions over the window that all chunks make together, as ``estimate_metrics`` does.

    Parameters
    ----------
    decisions : DecisionCounts
        Of the chunks of the window, at any threshold; ones without labelled rows do not count as chunks.
    confidence : float
        In (0, 1).

    Returns
    -------
    dict of Metric to Estimate
        F1, recall, precision, and accuracy, with None where undefined.

    Raises
    ------
    ValueError
        When the confidence is outside (0, 1).

    References
    ----------
    Efron & Stein (1981), The jackknife estimate of variance; Wilson (1927).

    Examples
    --------
    >>> from mlops_core.stats.classification import count_decisions
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(7000)
    >>> counts = count_scores(scores, rng.random(7000) < scores, np.arange(7000) % 7, 7, threshold=0.5)
    >>> f1 = estimate_decisions(count_decisions(counts))[Metric.F1]
    >>> round(f1.value, 3), round(f1.low, 3), round(f1.high, 3)
    (0.752, 0.732, 0.77)
    """
    check_confidence(confidence)
    cells = np.stack([decisions.true_positive, decisions.false_positive,
                      decisions.false_negative, decisions.true_negative])  # fmt: skip
    merged = cells.sum(axis=1, keepdims=True)
    values, bounds = rate_decisions(*merged), _bound_decisions(*merged, confidence=confidence)
    labelled = cells[:, cells.sum(axis=0) > 0]
    if labelled.shape[1] >= MIN_JACKKNIFE_CHUNKS:
        for metric, left_out in rate_decisions(*(merged - labelled)).items():
            low, high = _bound_jackknife(values[metric], left_out, SCALES[metric], confidence)
            if np.isfinite(low[0] + high[0]):
                bounds[metric] = low, high
    return {
        metric: _make_estimate(float(value[0]), *(float(end[0]) for end in bounds[metric]))
        for metric, value in values.items()
    }


def estimate_chunks(counts: ScoreLabelCounts, confidence: float = 0.95) -> list[dict[Metric, Estimate]]:
    """Estimate every metric of each chunk, as if its rows were independent.

    Wilson for accuracy, precision, recall, and positive rate, and for F1 by way of Jaccard's index; DeLong
    for the ROC AUC; the delta method for average precision, skill, and calibration error; sums of squares for
    Brier score and log loss. Chance alone makes the calibration error of a perfectly calibrated model
    positive, so its interval describes the spread of the figure and is no test of calibration.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of k chunks.
    confidence : float
        In (0, 1).

    Returns
    -------
    list of k dicts of Metric to Estimate
        All of ``Metric``, with None where undefined.

    Raises
    ------
    ValueError
        When the confidence is outside (0, 1).

    References
    ----------
    Wilson (1927); DeLong et al. (1988).

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(1000)
    >>> counts = count_scores(scores, rng.random(1000) < scores, np.zeros(1000, int), 1, threshold=0.5)
    >>> auc = estimate_chunks(counts)[0][Metric.ROC_AUC]
    >>> round(auc.value, 3), round(auc.low, 3), round(auc.high, 3)
    (0.834, 0.808, 0.857)
    """
    check_confidence(confidence)
    values = compute_metrics(counts)
    return _collect_estimates(values, _bound_rows(counts, values, confidence))


def _bound_rows(counts: ScoreLabelCounts, values: dict[Metric, Values], confidence: float) -> dict[Metric, Bounds]:
    quantile = float(ndtri((1 + confidence) / 2))
    bounds = _bound_shares(counts, confidence)
    for metric, variance in _estimate_row_variances(counts, values).items():
        bounds[metric] = _bound_on_scale(values[metric], variance, quantile, SCALES[metric])
    return bounds


def _bound_shares(counts: ScoreLabelCounts, confidence: float) -> dict[Metric, Bounds]:
    found = count_decisions(counts)
    cells = (found.true_positive, found.false_positive, found.false_negative, found.true_negative)
    return _bound_decisions(*cells, confidence=confidence) | {
        Metric.POSITIVE_RATE: wilson_interval(found.predicted_positive, counts.n, confidence)
    }


def _bound_decisions(
    hits: Counts, alarms: Counts, missed: Counts, rejected: Counts, *, confidence: float
) -> dict[Metric, Bounds]:
    # F1 = 2 J / (1 + J) rises with Jaccard's J = hits / (hits + alarms + missed), a plain proportion.
    jaccard = wilson_interval(hits, hits + alarms + missed, confidence)
    return {
        Metric.F1: (2 * jaccard[0] / (1 + jaccard[0]), 2 * jaccard[1] / (1 + jaccard[1])),
        Metric.RECALL: wilson_interval(hits, hits + missed, confidence),
        Metric.PRECISION: wilson_interval(hits, hits + alarms, confidence),
        Metric.ACCURACY: wilson_interval(hits + rejected, hits + alarms + missed + rejected, confidence),
    }


def _estimate_row_variances(counts: ScoreLabelCounts, values: dict[Metric, Values]) -> dict[Metric, Values]:
    n = counts.n_labelled
    spare = n * (n - 1.0)
    brier, log_loss, error = values[Metric.BRIER], values[Metric.LOG_LOSS], values[Metric.CALIBRATION_ERROR]
    return {
        Metric.ROC_AUC: estimate_roc_auc_variance(counts.negative, counts.positive),
        Metric.AVERAGE_PRECISION: estimate_average_precision_variance(counts.negative, counts.positive),
        Metric.BRIER: divide_or_nan(counts.squared_error_squares - n * brier**2, spare),
        Metric.LOG_LOSS: divide_or_nan(counts.log_loss_squares - n * log_loss**2, spare),
        Metric.LOG_LOSS_SKILL: _estimate_skill_variance(counts, values[Metric.LOG_LOSS_SKILL]),
        # A row moves the error by plus or minus (s - y), by the sign of its bin's gap; the sign squares away.
        Metric.CALIBRATION_ERROR: divide_or_nan(counts.squared_error - n * error**2, spare),
    }


def _estimate_skill_variance(counts: ScoreLabelCounts, skill: Values) -> Values:
    """Estimate the variance of ``1 - L / H(π)`` by the delta method.

    A row of label y and loss l has the influence ``(R H'(π)(y - π) + R H - l) / H``, with R = L / H. The
    losses of the bins' midpoints stand for those of the rows, whose products with the label are not kept.
    """
    middle = score_bin_midpoints(counts.threshold)
    loss_negative = compute_log_losses(middle, np.zeros_like(middle))
    loss_positive = compute_log_losses(middle, np.ones_like(middle))
    n, base_rate = counts.n_labelled, divide_or_nan(counts.n_positive, counts.n_labelled)
    entropy, ratio = compute_base_entropy(counts), 1 - skill
    slope = ratio * (xlogy(1, 1 - base_rate) - xlogy(1, base_rate))
    variance = np.zeros(len(n))
    for counted, losses, label in ((counts.negative, loss_negative, 0), (counts.positive, loss_positive, 1)):
        shift = slope * (label - base_rate) + ratio * entropy
        cells = counted.astype(np.float64)
        variance += shift**2 * cells.sum(axis=1) - 2 * shift * (cells @ losses) + cells @ losses**2
    return divide_or_nan(divide_or_nan(variance, entropy**2), n * (n - 1.0))


def _leave_chunks_out(counts: ScoreLabelCounts) -> dict[Metric, Values]:
    """Compute each metric without each of the G chunks that carry it, shape (G,); none with too few."""
    left_out = {}
    labelled = counts.n_labelled > 0
    if labelled.sum() >= MIN_JACKKNIFE_CHUNKS:
        left_out = compute_metrics(_subtract_each(select_chunks(counts, labelled)))
        del left_out[Metric.POSITIVE_RATE]
    filled = counts.n > 0
    if filled.sum() >= MIN_JACKKNIFE_CHUNKS:
        rows, positive = counts.n[filled], count_decisions(counts).predicted_positive[filled]
        left_out[Metric.POSITIVE_RATE] = divide_or_nan(positive.sum() - positive, rows.sum() - rows)
    return left_out


def _subtract_each(counts: ScoreLabelCounts) -> ScoreLabelCounts:
    return transform_counts(counts, lambda values: values.sum(axis=0) - values)


def _bound_jackknife(value: Values, leave_one_out: Values, scale: Scale, confidence: float) -> Bounds:
    n_chunks = leave_one_out.size
    variance = (n_chunks - 1) * np.var(leave_one_out)
    quantile = float(stdtrit(n_chunks - 1, (1 + confidence) / 2))
    return _bound_on_scale(value, np.atleast_1d(variance), quantile, scale)


def _bound_on_scale(value: Values, variance: Values, quantile: float, scale: Scale) -> Bounds:
    """Step from the value by quantile times standard error on its scale; NaN without variance or at its ends.

    The standard error is carried to the scale by the slope there: 1 / (v (1 - v)) for the logit, 1 / v for
    the log.
    """
    with np.errstate(all="ignore"):
        step = quantile * np.sqrt(np.where(variance > 0, variance, np.nan))
        if scale is Scale.LOGIT:
            inside = np.where((value > 0) & (value < 1), value, np.nan)
            step /= inside * (1 - inside)
            return expit(logit(inside) - step), expit(logit(inside) + step)
        if scale is Scale.LOG:
            step /= np.where(value > 0, value, np.nan)
            return value * np.exp(-step), value * np.exp(step)
    floor = 0.0 if scale is Scale.UNIT else -np.inf
    return np.maximum(value - step, floor), np.minimum(value + step, 1.0)


def _collect_estimates(values: dict[Metric, Values], bounds: dict[Metric, Bounds]) -> list[dict[Metric, Estimate]]:
    tables = [np.column_stack([values[metric], *bounds[metric]]).tolist() for metric in Metric]
    return [
        {metric: _make_estimate(*row) for metric, row in zip(Metric, rows, strict=True)}
        for rows in zip(*tables, strict=True)
    ]


def _make_estimate(value: float, low: float, high: float) -> Estimate:
    if not np.isfinite(value):
        return Estimate(value=None)
    if not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(value=value)
    return Estimate(value=value, low=low, high=high)
