"""Decides whether a candidate is better than the champion on the same rows, and by how much.

Differences are candidate minus champion, turned so that positive is better. Rows are resampled within chunks,
with the same draw for both versions, because both saw the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from mlops_core.entities import Metric
from mlops_core.stats.binning import check_scores, check_threshold
from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.resampling import (
    CELL_METRICS,
    ROW_METRICS,
    PairedRows,
    compute_cell_metric,
    compute_row_metric,
    count_cells,
    resample_cells,
    resample_rows,
)

COMPARED_METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ROC_AUC, Metric.BRIER)
"""Metrics of a comparison unless others are asked for."""

MIN_RESAMPLES = 100
"""Resamples below which the ends of a 95 % interval are mostly noise."""


class Judgement(StrEnum):
    """What the interval of a difference says about the candidate."""

    BETTER = "better"
    """The whole interval is above 0."""
    WORSE = "worse"
    """The whole interval is below 0, however near."""
    UNDECIDED = "undecided"
    """The interval holds 0, or there is none."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Rows on which the two versions decide differently."""

    n: int
    """Rows flipped."""
    share: float
    """Of all rows, in [0, 1]."""
    to_positive: int
    """Negative by the champion, positive by the candidate."""
    to_negative: int
    """Positive by the champion, negative by the candidate."""
    corrected: int
    """Wrong by the champion, right by the candidate."""
    spoiled: int
    """Right by the champion, wrong by the candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Decisions of one version against the labels, in rows."""

    true_positive: int
    """Label 1, decided positive."""
    false_positive: int
    """Label 0, decided positive."""
    false_negative: int
    """Label 1, decided negative."""
    true_negative: int
    """Label 0, decided negative."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDifference:
    """F1 of two versions on the same rows of one segment."""

    segment: str
    """Value of the segment column."""
    n: int
    """Rows, all labelled."""
    n_positive: int
    """Rows with label 1."""
    difference: MetricDifference
    """With an interval that holds for all segments of the comparison at once."""


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
) -> PairedComparison:
    """Compare two versions on the same labelled rows by the percentile bootstrap of rows within strata.

    Metrics of decisions are resampled as multinomial counts of label × decision × decision, which is the same
    distribution as resampling rows; ROC AUC and losses with one draw of row weights for both versions. Strata
    of fewer than ``resampling.MIN_STRATUM_ROWS`` rows are pooled, because a stratum of one row has no spread.

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
        F1, recall, precision, accuracy, ROC AUC, Brier score, log loss.

    Returns
    -------
    PairedComparison
        A metric that is undefined for a version, or in a resample, has no interval, a reason, and is
        undecided.

    Raises
    ------
    ValueError
        When there are no rows, lengths differ, or a label, score, or parameter is outside its domain.

    References
    ----------
    Efron & Tibshirani (1993), An introduction to the bootstrap, chapter 13; McNemar (1947) for the flips.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> candidate = rng.random(2000)
    >>> labels = (rng.random(2000) < candidate).astype(int)
    >>> champion = np.clip(candidate + rng.normal(0, 0.3, 2000), 0, 1)
    >>> result = compare_paired(labels, champion, candidate, 0.5, 0.5, np.arange(2000) % 7, rng)
    >>> result.metrics[Metric.ROC_AUC].judgement, result.flips.corrected > result.flips.spoiled
    (<Judgement.BETTER: 'better'>, True)
    """
    rows = _pair_rows(labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata)
    _check_resampling(n_resamples, confidence, metrics)
    values: dict[Metric, NDArray[np.float64]] = {}
    resamples: dict[Metric, NDArray[np.float64]] = {}
    by_cell = [metric for metric in metrics if metric in CELL_METRICS]
    by_row = [metric for metric in metrics if metric in ROW_METRICS]
    total = count_cells(rows).sum(axis=0)
    if by_cell:
        drawn = resample_cells(rows, rng, n_resamples)
        values |= {metric: compute_cell_metric(metric, total) for metric in by_cell}
        resamples |= {metric: compute_cell_metric(metric, drawn) for metric in by_cell}
    if by_row:
        drawn_rows = resample_rows(rows, by_row, rng, n_resamples)
        values |= {metric: compute_row_metric(metric, rows) for metric in by_row}
        resamples |= {metric: drawn_rows[metric] for metric in by_row}
    return PairedComparison(
        n=rows.labels.size,
        n_positive=int(rows.labels.sum()),
        metrics={each: _judge_percentiles(each, values[each], resamples[each], confidence) for each in metrics},
        flips=_count_flips(total),
        champion_confusion=_tabulate(total.sum(axis=2)),
        candidate_confusion=_tabulate(total.sum(axis=1)),
    )


def compare_segments(
    labels: ArrayLike,
    champion_scores: ArrayLike,
    candidate_scores: ArrayLike,
    threshold_champion: float,
    threshold_candidate: float,
    strata: ArrayLike,
    segments: ArrayLike,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> list[SegmentDifference]:
    """Compare the F1 of two versions in each segment, with intervals that hold for all segments at once.

    The interval is ``difference ± z se``, se from the bootstrap of ``compare_paired`` within the segment and
    z the normal quantile at ``1 - (1 - confidence) / (2 m)`` for m segments with a difference (Bonferroni):
    percentiles that far out would need many more resamples. So the chance of any false judgement is at most 1
    - confidence.

    Parameters
    ----------
    labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata, rng,
    n_resamples
        As for ``compare_paired``.
    segments : array_like of shape (n,)
        Segment of each row; compared as text.
    confidence : float
        Of all intervals together, in (0, 1).

    Returns
    -------
    list of SegmentDifference
        The worse ones first, then by ascending difference, those without one last.

    Raises
    ------
    ValueError
        As for ``compare_paired``.

    References
    ----------
    Dunn (1961), Multiple comparisons among means.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> candidate = rng.random(2000)
    >>> labels = (rng.random(2000) < candidate).astype(int)
    >>> champion = np.clip(candidate + rng.normal(0, 0.3, 2000), 0, 1)
    >>> segments = np.where(np.arange(2000) % 2, "odd", "even")
    >>> results = compare_segments(labels, champion, candidate, 0.5, 0.5, np.zeros(2000, int), segments, rng)
    >>> [(result.segment, result.n, result.difference.judgement.value) for result in results]
    [('odd', 1000, 'better'), ('even', 1000, 'better')]
    """
    rows = _pair_rows(labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata)
    _check_resampling(n_resamples, confidence, (Metric.F1,))
    names, index = np.unique(np.asarray(segments).astype(str), return_inverse=True)
    if index.shape != rows.labels.shape:
        raise ValueError(f"segments have shape {index.shape}; accepted is {rows.labels.shape}, one per row")
    parts = [rows.select(index == code) for code in range(names.size)]
    values = [compute_cell_metric(Metric.F1, count_cells(part).sum(axis=0)) for part in parts]
    n_defined = max(1, int(np.isfinite(values).all(axis=1).sum()))
    quantile = float(ndtri(1 - (1 - confidence) / (2 * n_defined)))
    results = [
        SegmentDifference(
            segment=str(name),
            n=part.labels.size,
            n_positive=int(part.labels.sum()),
            difference=_judge_spread(
                value, compute_cell_metric(Metric.F1, resample_cells(part, rng, n_resamples)), quantile
            ),
        )
        for name, part, value in zip(names, parts, values, strict=True)
    ]
    return sorted(results, key=_rank_segment)


def _rank_segment(result: SegmentDifference) -> tuple[bool, bool, float]:
    found = result.difference
    return found.difference is None, found.judgement is not Judgement.WORSE, found.difference or 0.0


def _judge_percentiles(
    metric: Metric, values: NDArray[np.float64], resamples: NDArray[np.float64], confidence: float
) -> MetricDifference:
    differences = _turn(metric, resamples[..., 1] - resamples[..., 0])
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, (tail, 1 - tail)).tolist()
    return _judge(metric, values, low, high)


def _judge_spread(values: NDArray[np.float64], resamples: NDArray[np.float64], quantile: float) -> MetricDifference:
    middle = float(values[1] - values[0])
    step = quantile * float(np.std(resamples[..., 1] - resamples[..., 0]))
    return _judge(Metric.F1, values, middle - step, middle + step)


def _judge(metric: Metric, values: NDArray[np.float64], low: float, high: float) -> MetricDifference:
    champion, candidate = (float(value) if np.isfinite(value) else None for value in values)
    defined, bounded = champion is not None and candidate is not None, bool(np.isfinite(low + high))
    reason = None
    if not defined:
        reason = f"{metric.value} is undefined on these rows: a class or a decision is missing"
    elif not bounded:
        reason = f"{metric.value} is undefined in some resamples: too few rows of a class or decision"
    judgement = Judgement.UNDECIDED
    if reason is None and (low > 0 or high < 0):
        judgement = Judgement.BETTER if low > 0 else Judgement.WORSE
    return MetricDifference(
        metric=metric,
        champion=champion,
        candidate=candidate,
        difference=float(_turn(metric, values[1] - values[0])) if defined else None,
        low=low if reason is None else None,
        high=high if reason is None else None,
        judgement=judgement,
        reason=reason,
    )


def _turn(metric: Metric, difference: NDArray[np.float64]) -> NDArray[np.float64]:
    return difference if metric.higher_is_better else -difference


def _count_flips(cells: NDArray[np.int64]) -> Flips:
    n = int(cells[:, 0, 1].sum() + cells[:, 1, 0].sum())
    return Flips(
        n=n,
        share=n / int(cells.sum()),
        to_positive=int(cells[:, 0, 1].sum()),
        to_negative=int(cells[:, 1, 0].sum()),
        corrected=int(cells[1, 0, 1] + cells[0, 1, 0]),
        spoiled=int(cells[1, 1, 0] + cells[0, 0, 1]),
    )


def _tabulate(table: NDArray[np.int64]) -> Confusion:
    (true_negative, false_positive), (false_negative, true_positive) = table.tolist()
    return Confusion(
        true_positive=true_positive,
        false_positive=false_positive,
        false_negative=false_negative,
        true_negative=true_negative,
    )


def _check_resampling(n_resamples: int, confidence: float, metrics: Sequence[Metric]) -> None:
    check_confidence(confidence)
    if n_resamples < MIN_RESAMPLES:
        raise ValueError(f"n_resamples is {n_resamples!r}; accepted is {MIN_RESAMPLES} or more")
    refused = [metric for metric in metrics if metric not in CELL_METRICS + ROW_METRICS]
    if refused:
        accepted = ", ".join(CELL_METRICS + ROW_METRICS)
        raise ValueError(f"metric {refused[0]} has no paired comparison; accepted are {accepted}")


def _pair_rows(
    labels: ArrayLike,
    champion_scores: ArrayLike,
    candidate_scores: ArrayLike,
    threshold_champion: float,
    threshold_candidate: float,
    strata: ArrayLike,
) -> PairedRows:
    parts = [np.asarray(part) for part in (labels, champion_scores, candidate_scores, strata)]
    shapes = [part.shape for part in parts]
    if len(set(shapes)) > 1:
        raise ValueError(f"labels, both scores, and strata have shapes {shapes}; accepted is one length for all")
    truth, chunks = parts[0], parts[3]
    scores = np.column_stack([check_scores(parts[1]), check_scores(parts[2])])
    if truth.size == 0:
        raise ValueError("there are 0 rows; accepted is 1 or more")
    refused = ~((truth == 0) | (truth == 1))
    if refused.any():
        raise ValueError(f"label of row {int(refused.argmax())} is {truth[refused][0]}; accepted are 0 and 1")
    thresholds = np.array([check_threshold(threshold_champion), check_threshold(threshold_candidate)])
    return PairedRows(labels=truth.astype(np.int64), scores=scores, decisions=scores >= thresholds, strata=chunks)
