"""Decides in which segments a candidate is better or worse than the champion, beside so many others."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from mlops_core.entities import Metric
from mlops_core.stats.comparison import Measured, MetricDifference, check_resampling, forget_interval, judge_metric
from mlops_core.stats.judgement import Judgement, check_margin
from mlops_core.stats.multiplicity import adjust_benjamini_hochberg, adjust_confidence
from mlops_core.stats.paired_rows import PairedRows, count_cells, pair_rows
from mlops_core.stats.resampling import compute_cell_metric, resample_cells


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
    """With an interval that is widened for the number of segments."""
    p_adjusted: float | None = None
    """The p-value, adjusted over all segments by Benjamini & Hochberg; None when the segment was not tested."""


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
    margin: float | None = None,
) -> list[SegmentDifference]:
    """Compare the F1 of two versions in each segment, and keep the share of false findings down.

    The p-value of a segment is ``2 Φ(-|difference| / se)``, se from the bootstrap of ``compare_paired`` within the
    segment. A segment is better or worse, by the sign of its difference, when its p-value, adjusted by Benjamini &
    Hochberg over the segments with a difference, is below 1 - confidence: of the segments found, the expected share
    that does not differ is at most that. The interval ``difference ± z se`` is the one of Benjamini & Yekutieli,
    with the z of ``adjust_confidence``: it excludes 0 exactly in the segments found, and of all that are shown at
    most 1 - confidence are expected to miss.

    Parameters
    ----------
    labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata, rng,
    n_resamples, margin
        As for ``compare_paired``.
    segments : array_like of shape (n,)
        Segment of each row; compared as text.
    confidence : float
        1 less the false discovery rate, in (0, 1).

    Returns
    -------
    list of SegmentDifference
        The worse ones first, then by ascending difference, those without one last.

    Raises
    ------
    ValueError
        As for ``compare_paired``, and when there is not one segment per row.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate; Benjamini & Yekutieli (2005), False discovery
    rate-adjusted multiple confidence intervals for selected parameters.

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
    rows = pair_rows(labels, champion_scores, candidate_scores, threshold_champion, threshold_candidate, strata)
    check_resampling(n_resamples, confidence, (Metric.F1,))
    accepted = check_margin(margin)
    names, index = np.unique(np.asarray(segments).astype(str), return_inverse=True)
    if index.shape != rows.labels.shape:
        raise ValueError(f"segments have shape {index.shape}; accepted is {rows.labels.shape}, one per row")
    parts = [rows.select(index == code) for code in range(names.size)]
    spreads = [_spread_f1(part, rng, n_resamples) for part in parts]
    p_adjusted = adjust_benjamini_hochberg([found.p_value for found, _ in spreads])
    level = adjust_confidence(p_adjusted, confidence)
    results = [
        SegmentDifference(
            segment=str(name),
            n=part.labels.size,
            n_positive=int(part.labels.sum()),
            difference=judge_metric(Metric.F1, _bound(found, spread, level), part.labels.size, level, accepted),
            p_adjusted=float(adjusted) if np.isfinite(adjusted) else None,
        )
        for name, part, (found, spread), adjusted in zip(names, parts, spreads, p_adjusted, strict=True)
    ]
    return sorted(results, key=_rank_segment)


def _spread_f1(part: PairedRows, rng: np.random.Generator, n_resamples: int) -> tuple[Measured, float]:
    """Measure the F1 of a segment, with its p-value, and its standard error; NaN where there is none."""
    champion, candidate = compute_cell_metric(Metric.F1, count_cells(part).sum(axis=0)).tolist()
    spread = 0.0
    if not part.are_same:
        spread = float(np.std(np.diff(compute_cell_metric(Metric.F1, resample_cells(part, rng, n_resamples)))))
    middle = candidate - champion
    p_value = 1.0 if middle == spread == 0 else 2 * float(ndtr(-abs(middle) / spread)) if spread else np.nan
    measured = Measured(values=(champion, candidate), p_value=p_value)
    return (measured, spread) if part.labels.any() else (forget_interval(measured), np.nan)


def _bound(found: Measured, spread: float, confidence: float) -> Measured:
    middle, step = found.values[1] - found.values[0], float(ndtri((1 + confidence) / 2)) * spread
    return replace(found, low=middle - step, high=middle + step)


def _rank_segment(result: SegmentDifference) -> tuple[bool, bool, float]:
    found = result.difference
    return found.difference is None, found.judgement is not Judgement.WORSE, found.difference or 0.0
