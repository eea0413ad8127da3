"""Decides how each metric of a binary classifier is read from counts of score bin by label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from mlops_core.entities import Metric
from mlops_core.stats.binning import (
    N_SCORE_BINS,
    group_score_bins,
    score_bin_midpoints,
    threshold_bin,
)
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.stats.proportions import wilson_interval
from mlops_core.stats.ranking import compute_average_precision, compute_roc_auc
from mlops_core.stats.ratios import divide_or_nan

CALIBRATION_BINS = 10
"""Equal-width bins of the score in the calibration curve and the expected calibration error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionCounts:
    """Decisions at one threshold against the labels, exact, for each of k chunks."""

    true_positive: NDArray[np.int64]
    """Labelled 1, score at or above the threshold, shape (k,)."""
    false_positive: NDArray[np.int64]
    """Labelled 0, score at or above the threshold, shape (k,)."""
    false_negative: NDArray[np.int64]
    """Labelled 1, score below the threshold, shape (k,)."""
    true_negative: NDArray[np.int64]
    """Labelled 0, score below the threshold, shape (k,)."""
    predicted_positive: NDArray[np.int64]
    """All rows with a score at or above the threshold, labelled or not, shape (k,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationCurve:
    """What share of rows turned out positive, by what the model had said."""

    mean_score: NDArray[np.float64]
    """Mean score of the labelled rows of each bin, in [0, 1], shape (n_bins,); NaN for an empty bin."""
    positive_share: NDArray[np.float64]
    """Share of label 1, in [0, 1], shape (n_bins,); NaN for an empty bin."""
    n: NDArray[np.int64]
    """Labelled rows of each bin, shape (n_bins,)."""
    low: NDArray[np.float64]
    """Lower end of the Wilson interval of the share, shape (n_bins,); NaN for an empty bin."""
    high: NDArray[np.float64]
    """Upper end of the Wilson interval of the share, shape (n_bins,); NaN for an empty bin."""


def count_decisions(counts: ScoreLabelCounts, first: int | None = None) -> DecisionCounts:
    """Count the decisions at the deployed threshold, or at the lower edge of another bin, so they are exact.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of k chunks.
    first : int, optional
        First bin whose scores are positive decisions, in [0, ``N_SCORE_BINS`` - 1]; that of the deployed threshold
        when it is not given.

    Raises
    ------
    ValueError
        When there is no such bin.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [1, 1, np.nan], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> decisions = count_decisions(counts)
    >>> decisions.true_positive.tolist(), decisions.predicted_positive.tolist()
    ([1], [2])
    """
    first = threshold_bin(counts.threshold) if first is None else first
    if not 0 <= first < N_SCORE_BINS:
        raise ValueError(f"first bin is {first}; accepted is 0 to {N_SCORE_BINS - 1}")
    true_positive = counts.positive[:, first:].sum(axis=1)
    false_positive = counts.negative[:, first:].sum(axis=1)
    return DecisionCounts(
        true_positive=true_positive,
        false_positive=false_positive,
        false_negative=counts.positive[:, :first].sum(axis=1),
        true_negative=counts.negative[:, :first].sum(axis=1),
        predicted_positive=true_positive + false_positive + counts.unlabelled[:, first:].sum(axis=1),
    )


def compute_metrics(counts: ScoreLabelCounts) -> dict[Metric, NDArray[np.float64]]:
    """Compute every metric of each chunk.

    F1, recall, precision, accuracy, Brier score, and log loss are exact; ROC AUC, average precision, and
    expected calibration error treat rows of a bin as tied. The positive rate is the share of **all** rows,
    labelled or not, that score at or above the threshold; all other metrics are over labelled rows. The skill
    is ``1 - log loss / H(base rate)``, with the base rate of the chunk itself and H the entropy in nats: 0
    for a model that knows only the base rate.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of k chunks.

    Returns
    -------
    dict of Metric to ndarray of shape (k,)
        All of ``Metric``. NaN where undefined: no labelled rows, a zero denominator (precision without
        positive decisions, recall without positives, F1 without either), or one class only (ROC AUC, average
        precision, skill).

    References
    ----------
    Brier (1950); Naeini, Cooper & Hauskrecht (2015) for the expected calibration error.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(1000)
    >>> counts = count_scores(scores, rng.random(1000) < scores, np.zeros(1000, int), 1, threshold=0.5)
    >>> metrics = compute_metrics(counts)
    >>> metrics[Metric.ROC_AUC].round(3), metrics[Metric.F1].round(3)
    (array([0.834]), array([0.762]))
    """
    labelled = counts.n_labelled
    decisions = count_decisions(counts)
    cells = (decisions.true_positive, decisions.false_positive, decisions.false_negative, decisions.true_negative)
    log_loss = divide_or_nan(counts.log_loss, labelled)
    return {
        **rate_decisions(*cells),
        Metric.ROC_AUC: compute_roc_auc(counts.negative, counts.positive),
        Metric.AVERAGE_PRECISION: compute_average_precision(counts.negative, counts.positive),
        Metric.BRIER: divide_or_nan(counts.squared_error, labelled),
        Metric.LOG_LOSS: log_loss,
        Metric.LOG_LOSS_SKILL: 1 - divide_or_nan(log_loss, compute_base_entropy(counts)),
        Metric.POSITIVE_RATE: divide_or_nan(decisions.predicted_positive, counts.n),
        Metric.CALIBRATION_ERROR: _compute_calibration_error(counts),
    }


def rate_decisions(
    hits: NDArray[np.int64], alarms: NDArray[np.int64], missed: NDArray[np.int64], rejected: NDArray[np.int64]
) -> dict[Metric, NDArray[np.float64]]:
    """Compute the metrics of decisions from their confusion matrices.

    Parameters
    ----------
    hits, alarms, missed, rejected : ndarray of shape (k,)
        True positives, false positives, false negatives, true negatives.

    Returns
    -------
    dict of Metric to ndarray of shape (k,)
        F1, recall, precision, and accuracy, in [0, 1]; NaN where a denominator is zero.

    Examples
    --------
    >>> found = rate_decisions(*(np.array([n]) for n in (3, 1, 2, 4)))
    >>> {metric.value: values.round(2).tolist() for metric, values in found.items()}
    {'f1': [0.67], 'recall': [0.6], 'precision': [0.75], 'accuracy': [0.7]}
    """
    return {
        Metric.F1: divide_or_nan(2 * hits, 2 * hits + alarms + missed),
        Metric.RECALL: divide_or_nan(hits, hits + missed),
        Metric.PRECISION: divide_or_nan(hits, hits + alarms),
        Metric.ACCURACY: divide_or_nan(hits + rejected, hits + alarms + missed + rejected),
    }


def compute_base_entropy(counts: ScoreLabelCounts) -> NDArray[np.float64]:
    """Compute the entropy of each chunk's base rate in nats, the log loss of a model that knows only that.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.8], [0, 1], [0, 0], n_chunks=1, threshold=0.5)
    >>> compute_base_entropy(counts).round(4)
    array([0.6931])
    """
    base_rate = divide_or_nan(counts.n_positive, counts.n_labelled)
    return np.asarray(entr(base_rate) + entr(1 - base_rate))


def calibration_curve(counts: ScoreLabelCounts, n_bins: int = CALIBRATION_BINS) -> CalibrationCurve:
    """Compare mean score and share of positives in equal-width bins of the score.

    Score bins are kept whole: the one that holds an inner edge j / n_bins counts as above it. Mean scores are
    taken from the midpoints of the score bins, at most 1/2048 away.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of one chunk; merge a window first.
    n_bins : int
        In [1, 100].

    Returns
    -------
    CalibrationCurve
        One entry per bin, in ascending order of the score.

    Raises
    ------
    ValueError
        When there is not exactly one chunk, or n_bins is outside [1, 100].

    References
    ----------
    Wilson (1927) for the interval of the share; Bröcker & Smith (2007), Increasing the reliability of
    reliability diagrams.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(1000)
    >>> counts = count_scores(scores, rng.random(1000) < scores, np.zeros(1000, int), 1, threshold=0.5)
    >>> calibration_curve(counts, n_bins=2).positive_share.round(2)
    array([0.26, 0.76])
    """
    if len(counts.positive) != 1:
        raise ValueError(f"counts have {len(counts.positive)} chunks; accepted is 1, merge them first")
    starts = group_score_bins(counts.threshold, n_bins)
    labelled = counts.negative[0] + counts.positive[0]
    n = np.add.reduceat(labelled, starts)
    positive = np.add.reduceat(counts.positive[0], starts)
    low, high = wilson_interval(positive, n)
    return CalibrationCurve(
        mean_score=divide_or_nan(np.add.reduceat(labelled * score_bin_midpoints(counts.threshold), starts), n),
        positive_share=divide_or_nan(positive, n),
        n=n,
        low=low,
        high=high,
    )


def _compute_calibration_error(counts: ScoreLabelCounts) -> NDArray[np.float64]:
    # n_g |mean score - positive share| of a bin is |sum of scores - positives|: the weights cancel.
    gaps = (counts.negative + counts.positive) * score_bin_midpoints(counts.threshold)
    gaps -= counts.positive
    by_bin = np.add.reduceat(gaps, group_score_bins(counts.threshold, CALIBRATION_BINS), axis=1)
    return divide_or_nan(np.abs(by_bin).sum(axis=1), counts.n_labelled)
