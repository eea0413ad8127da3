"""Decides whether a candidate is better than the champion on the same rows, and by how much.

Differences are candidate minus champion, turned so that positive is better. Each metric has the interval that fits
it: DeLong's for the ROC AUC, Tango's for the accuracy, and a bootstrap for the others. Rows are resampled within
chunks, with the same draw for both versions, because both saw the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mlops_core.entities import Metric
from mlops_core.stats.decisions import Confusion, Flips, McNemar, count_flips, mcnemar_test, tabulate_decisions
from mlops_core.stats.delong import compare_roc_auc
from mlops_core.stats.judgement import Judgement, check_margin, count_further_labels, judge_interval
from mlops_core.stats.paired_rows import PairedRows, Values, count_cells, pair_rows
from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.resampling import (
    CELL_METRICS,
    MEAN_METRICS,
    compute_cell_metric,
    compute_row_metric,
    resample_average_precision,
    resample_cells,
    resample_losses,
)

COMPARABLE_METRICS = (*CELL_METRICS, Metric.ROC_AUC, Metric.AVERAGE_PRECISION, *MEAN_METRICS)
"""Metrics that have a paired comparison. The positive rate is neither good nor bad, and chance alone makes the
expected calibration error larger, the more so in a resample."""

COMPARED_METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ROC_AUC, Metric.BRIER)
"""Metrics of a comparison unless others are asked for."""

MIN_RESAMPLES = 100
"""Resamples below which the standard error of a difference is mostly noise."""

NEED_POSITIVES = (Metric.F1, Metric.RECALL, Metric.PRECISION)
"""Metrics that say nothing where no row has label 1: they are 0 then, or undefined, whatever a version does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """One metric of two versions on the same rows."""

    metric: Metric
    """The metric compared."""
    champion: float | None
    """Value of the champion, in units of the metric; None when undefined."""
    candidate: float | None
    """Value of the candidate; None when undefined."""
    difference: float | None
    """Candidate minus champion, turned for losses so that positive is better; None when one is undefined."""
    low: float | None
    """Lower end of the interval of the difference; None when there is none."""
    high: float | None
    """Upper end; None when there is none."""
    judgement: Judgement
    """Read from the interval alone."""
    reason: str | None
    """Why there is no difference or no interval; None when there is one."""
    p_value: float | None = None
    """Two-sided, of no difference: DeLong's of the ROC AUC, in a segment that of the bootstrap; else None."""
    further_labels: int | None = None
    """Labels still needed until the interval is expected to decide, as ``count_further_labels`` has it; None when it
    has decided, or no number would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """Two versions on the same labelled rows."""

    n: int
    """Rows, all labelled."""
    n_positive: int
    """Rows with label 1."""
    metrics: dict[Metric, MetricDifference]
    """One entry per metric asked for, in that order."""
    flips: Flips
    """Where the decisions differ."""
    champion_confusion: Confusion
    """Decisions of the champion."""
    candidate_confusion: Confusion
    """Decisions of the candidate."""
    mcnemar: McNemar | None = None
    """Whether flips become right more often than wrong; None in comparisons kept from before it was tested."""
    margin: float | None = None
    """Loss up to which the candidate counts as not worse, in units of each metric; None when none was accepted."""
    confidence: float = 0.95
    """Of each interval, in (0, 1); above .95 where several candidates are judged at once."""

    def get_difference(self, metric: Metric) -> MetricDifference:
        """Give the difference of a metric; one without figures, and with the reason, when it was not compared."""
        return self.metrics.get(metric) or MetricDifference(
            metric=metric,
            champion=None,
            candidate=None,
            difference=None,
            low=None,
            high=None,
            judgement=Judgement.UNDECIDED,
            reason=f"{metric.value} has no paired comparison",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of one metric, before it is judged."""

    values: tuple[float, float]
    """Of champion and candidate; NaN when undefined."""
    low: float = np.nan
    """Lower end of the interval of candidate minus champion, not turned; NaN when there is none."""
    high: float = np.nan
    """Upper end; NaN when there is none."""
    p_value: float = np.nan
    """Two-sided, of no difference; NaN without a test."""
    reason: str = "is undefined in some resamples: too few rows of a class or decision"
    """Why there is no interval, if there is none."""


def compare_paired(
    labels: ArrayLike,
    champion_scores: ArrayLike,
    candidate_scores: ArrayLike,
    threshold_champion: float,
    threshold_candidate: float,
    strata: ArrayLike,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    metrics: Sequence[Metric] = COMPARED_METRICS,
    margin: float | None = None,
) -> PairedComparison:
    """Compare two versions on the same labelled rows.

    The interval of the ROC AUC is DeLong's and that of the accuracy Tango's; both take rows as drawn from all strata
    together, which makes them a little wider than need be where strata differ. All others are ``difference ± z se``,
    se the standard deviation of the difference over resamples of the rows within strata, and z the normal quantile:
    in simulations that covers better than the percentiles do, which are too near for losses and for few rows of a
    class. F1, recall, and precision are resampled as multinomial counts of label × decision × decision, the same
    distribution as resampling rows; losses by the difference of each row; the average precision with one draw of row
    weights for both versions. Strata of fewer than ``paired_rows.MIN_STRATUM_ROWS`` rows are pooled, because a
    stratum of one row has no spread.

    In simulations of 500 to 20,000 rows, base rates of .05 and .3, and equal and unequal versions, 95 % ± 1.5 of the
    intervals at 95 % hold the true difference (`tests/stats/test_coverage.py`); with 25 positives, of which two or
    three flip, those of F1, recall, and precision are on the careful side, at 96 to 97 %.

    Parameters
    ----------
    labels : array_like of shape (n,)
        0 or 1.
    champion_scores, candidate_scores : array_like of shape (n,)
        Scores in [0, 1] of both versions for the same rows.
    threshold_champion, threshold_candidate : float
        Deployed thresholds in [0, 1].
    strata : array_like of shape (n,)
        Chunk of each row, integers.
    rng : numpy.random.Generator
        Source of the resamples.
    n_resamples : int
        At least ``MIN_RESAMPLES``.
    confidence : float
        Of each metric's interval, in (0, 1).
    metrics : sequence of Metric
        Of ``COMPARABLE_METRICS``.
    margin : float, optional
        Loss that is accepted as not worse, in units of each metric, at least 0; None and 0 for none.

    Returns
    -------
    PairedComparison
        A metric that is undefined for a version, or in a resample, has no interval, a reason, and is undecided.
        Versions that score and decide every row alike differ by 0, with the interval [0, 0].

    Raises
    ------
    ValueError
        When there are no rows, lengths differ, or a label, score, or parameter is outside its domain.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988); Tango (1998); Efron & Tibshirani (1993), An introduction to the
    bootstrap, chapters 12 and 13; McNemar (1947).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> candidate = rng.random(2000)
    >>> labels = (rng.random(2000) < candidate).astype(int)
    >>> champion = np.clip(candidate + rng.normal(0, 0.3, 2000), 0, 1)
    >>> result = compare_paired(labels, champion, candidate, 0.5, 0.5, np.arange(2000) % 7, rng)
    >>> result.metrics[Metric.ROC_AUC].judgement, result.mcnemar.p_value < 0.001
    (<Judgement.BETTER: 'better'>, True)
    """
    rows = pair_rows(labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata)
    check_resampling(n_resamples, confidence, metrics)
    accepted, total = check_margin(margin), count_cells(rows).sum(axis=0)
    flips = count_flips(total)
    champion_confusion, candidate_confusion = tabulate_decisions(total)
    measured = _measure(rows, metrics, rng, n_resamples, confidence)
    return PairedComparison(
        n=rows.labels.size,
        n_positive=int(rows.labels.sum()),
        metrics={each: judge_metric(each, measured[each], rows.labels.size, confidence, accepted) for each in metrics},
        flips=flips,
        champion_confusion=champion_confusion,
        candidate_confusion=candidate_confusion,
        mcnemar=mcnemar_test(flips.corrected, flips.spoiled, rows.labels.size, confidence),
        margin=accepted,
        confidence=confidence,
    )


def check_resampling(n_resamples: int, confidence: float, metrics: Sequence[Metric]) -> None:
    """Raise ValueError when there are too few resamples, no such confidence, or a metric that cannot be compared.

    Examples
    --------
    >>> check_resampling(1000, 0.95, [Metric.F1])
    """
    check_confidence(confidence)
    if n_resamples < MIN_RESAMPLES:
        raise ValueError(f"n_resamples is {n_resamples!r}; accepted is {MIN_RESAMPLES} or more")
    refused = [metric for metric in metrics if metric not in COMPARABLE_METRICS]
    if refused:
        accepted = ", ".join(COMPARABLE_METRICS)
        raise ValueError(f"metric {refused[0]} has no paired comparison; accepted are {accepted}")


def judge_metric(
    metric: Metric, measured: Measured, n: int, confidence: float, margin: float | None
) -> MetricDifference:
    """Turn what was measured of a metric on n rows so that positive is better, and judge it.

    Examples
    --------
    >>> found = judge_metric(Metric.BRIER, Measured(values=(0.2, 0.1), low=-0.15, high=-0.05), 500, 0.95, None)
    >>> round(found.difference, 3), found.low, found.high, found.judgement.value
    (0.1, 0.05, 0.15, 'better')
    """
    sign = 1 if metric.higher_is_better else -1
    champion, candidate = (float(value) if np.isfinite(value) else None for value in measured.values)
    # Adding 0 turns a negative zero, which would be written with its sign, into one.
    difference = sign * (candidate - champion) + 0.0 if champion is not None and candidate is not None else None
    low, high = sorted((sign * float(measured.low) + 0.0, sign * float(measured.high) + 0.0))
    reason, further, judgement = None, None, Judgement.UNDECIDED
    if difference is None:
        reason = f"{metric.label} is undefined on these rows: a class or a decision is missing"
    elif not np.isfinite(low + high):
        reason = f"{metric.label} {measured.reason}"
    else:
        judgement = judge_interval(low, high, margin)
        error = (high - low) / (2 * float(ndtri((1 + confidence) / 2)))
        if judgement is Judgement.UNDECIDED and error > 0:
            further = count_further_labels(difference, error, n, margin, confidence)
    return MetricDifference(
        metric=metric,
        champion=champion,
        candidate=candidate,
        difference=difference,
        low=low if reason is None else None,
        high=high if reason is None else None,
        judgement=judgement,
        reason=reason,
        p_value=measured.p_value if reason is None and np.isfinite(measured.p_value) else None,
        further_labels=further,
    )


def _measure(
    rows: PairedRows, metrics: Sequence[Metric], rng: np.random.Generator, n_resamples: int, confidence: float
) -> dict[Metric, Measured]:
    cells, quantile = count_cells(rows).sum(axis=0), float(ndtri((1 + confidence) / 2))
    values: dict[Metric, Values] = {
        metric: compute_cell_metric(metric, cells) if metric in CELL_METRICS else compute_row_metric(metric, rows)
        for metric in metrics
        if metric is not Metric.ROC_AUC
    }
    by_test = {Metric.ROC_AUC, Metric.ACCURACY}
    spreads = _draw_spreads(rows, [metric for metric in values if metric not in by_test], rng, n_resamples)
    measured = {metric: _bound_spread(values[metric], spread, quantile) for metric, spread in spreads.items()}
    if not rows.labels.any():
        measured |= {one: forget_interval(measured[one]) for one in NEED_POSITIVES if one in measured}
    if Metric.ROC_AUC in metrics:
        measured[Metric.ROC_AUC] = _measure_roc_auc(rows, confidence)
    if Metric.ACCURACY in metrics:
        measured[Metric.ACCURACY] = _measure_accuracy(rows, values[Metric.ACCURACY], count_flips(cells), confidence)
    return measured


def forget_interval(measured: Measured) -> Measured:
    """Leave out the interval of a metric that needs positives, where there are none.

    Examples
    --------
    >>> forget_interval(Measured(values=(0.0, 0.0), low=0.0, high=0.0)).reason
    'says nothing: no row has label 1'
    """
    return replace(measured, low=np.nan, high=np.nan, p_value=np.nan, reason="says nothing: no row has label 1")


def _draw_spreads(
    rows: PairedRows, metrics: Sequence[Metric], rng: np.random.Generator, n_resamples: int
) -> dict[Metric, float]:
    """Give the standard deviation of each difference over resamples; NaN where some of them are undefined."""
    if rows.are_same:
        return dict.fromkeys(metrics, 0.0)
    drawn: dict[Metric, Values] = {}
    by_cell = [metric for metric in metrics if metric in CELL_METRICS]
    by_mean = [metric for metric in metrics if metric in MEAN_METRICS]
    if by_cell:
        cells = resample_cells(rows, rng, n_resamples)
        drawn |= {metric: np.diff(compute_cell_metric(metric, cells)) for metric in by_cell}
    if by_mean:
        drawn |= resample_losses(rows, by_mean, rng, n_resamples)
    if Metric.AVERAGE_PRECISION in metrics:
        drawn[Metric.AVERAGE_PRECISION] = np.diff(resample_average_precision(rows, rng, n_resamples))
    return {metric: float(np.std(differences)) for metric, differences in drawn.items()}


def _bound_spread(values: Values, spread: float, quantile: float) -> Measured:
    middle, step = values[1] - values[0], quantile * spread
    return Measured(values=(values[0], values[1]), low=middle - step, high=middle + step)


def _measure_roc_auc(rows: PairedRows, confidence: float) -> Measured:
    found = compare_roc_auc(rows.labels, rows.scores[:, 0], rows.scores[:, 1], confidence)
    fields = (found.champion, found.candidate, found.low, found.high, found.p_value)
    champion, candidate, low, high, p_value = (np.nan if value is None else value for value in fields)
    return Measured(
        values=(champion, candidate),
        low=low,
        high=high,
        p_value=p_value,
        reason="has no interval: a class has one row, or all of its rows move alike",
    )


def _measure_accuracy(rows: PairedRows, values: Values, flips: Flips, confidence: float) -> Measured:
    found = mcnemar_test(flips.corrected, flips.spoiled, rows.labels.size, confidence)
    low, high = (0.0, 0.0) if rows.are_same else (found.low, found.high)
    return Measured(values=(values[0], values[1]), low=low, high=high)
