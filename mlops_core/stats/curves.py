"""Decides which points make the curves of a binary classifier, and how its scores are spread, from counts alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.binning import group_score_bins, score_bin_edges
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.stats.ratios import divide_or_nan

MOST_POINTS = 250
"""Points kept of a curve: more cannot be told apart on a screen."""
DISTRIBUTION_GROUPS = 50
"""Equal-width groups of the score."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThresholdSweep:
    """The decisions at every threshold that a bin edge allows, exact, over one window."""

    threshold: Values
    """Ascending from 0 to 1, the deployed threshold among them, shape (m,)."""
    true_positive: NDArray[np.int64]
    """Labelled 1, score at or above the threshold, shape (m,)."""
    false_positive: NDArray[np.int64]
    """Labelled 0, score at or above the threshold, shape (m,)."""
    n_positive: int
    """Rows with label 1."""
    n_negative: int
    """Rows with label 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Points of a curve, by descending threshold."""

    x: Values
    y: Values
    threshold: Values
    """Threshold of each point; above 1 for the point at which nothing is predicted positive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreDistribution:
    """How many rows scored how high, by label."""

    edge: Values
    """Edges of the groups, ascending from 0 to 1, shape (n_groups + 1,)."""
    negative: NDArray[np.int64]
    """Rows with label 0, shape (n_groups,)."""
    positive: NDArray[np.int64]
    """Rows with label 1, shape (n_groups,)."""
    unlabelled: NDArray[np.int64]
    """Rows without a label, shape (n_groups,)."""


def list_thresholds(deployed: float) -> tuple[Values, NDArray[np.int64]]:
    """List the thresholds at which decisions are exact: the distinct lower edges of the score bins.

    Parameters
    ----------
    deployed : float
        Deployed threshold in [0, 1], an edge itself.

    Returns
    -------
    threshold : ndarray of shape (m,)
        Ascending from 0 to 1.
    first : ndarray of shape (m,)
        First bin whose scores are at or above each threshold.

    Raises
    ------
    ValueError
        When the deployed threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> threshold, first = list_thresholds(0.5)
    >>> float(threshold[0]), float(threshold[-1]), int(first[-1])
    (0.0, 1.0, 2049)
    """
    every = score_bin_edges(deployed)[:-1]
    threshold = np.unique(every)
    # A score at several edges that coincide is counted above the last of them.
    return threshold, np.searchsorted(every, threshold, side="right") - 1


def sweep_thresholds(counts: ScoreLabelCounts) -> ThresholdSweep:
    """Count the decisions at every edge of the score bins.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of one chunk; merge a window first.

    Returns
    -------
    ThresholdSweep
        One entry per distinct edge; a score at an edge is a positive decision there.

    Raises
    ------
    ValueError
        When there is not exactly one chunk.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [0, 1, 1], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> sweep = sweep_thresholds(counts)
    >>> at = int(np.flatnonzero(sweep.threshold == 0.5)[0])
    >>> int(sweep.true_positive[at]), int(sweep.false_positive[at]), int(sweep.false_positive[0])
    (2, 0, 1)
    """
    _check_single(counts)
    edges, first = list_thresholds(counts.threshold)
    at_or_above = [np.cumsum(part[0, ::-1])[::-1] for part in (counts.positive, counts.negative)]
    return ThresholdSweep(
        threshold=edges,
        true_positive=at_or_above[0][first],
        false_positive=at_or_above[1][first],
        n_positive=int(counts.positive.sum()),
        n_negative=int(counts.negative.sum()),
    )


def trace_roc(sweep: ThresholdSweep, most_points: int = MOST_POINTS) -> Curve:
    """Trace the true-positive rate over the false-positive rate, from (0, 0) to (1, 1).

    Parameters
    ----------
    sweep : ThresholdSweep
        Of a window.
    most_points : int
        At least 2; points closer together than a curve of so many can show are left out.

    Returns
    -------
    Curve
        Both axes in [0, 1], non-decreasing; empty when a class has no rows.

    Raises
    ------
    ValueError
        When most_points is below 2.

    References
    ----------
    Fawcett (2006), An introduction to ROC analysis.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [0, 0, 1], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> curve = trace_roc(sweep_thresholds(counts))
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, 1.0])
    """
    if not (sweep.n_positive and sweep.n_negative):
        return _make_empty(most_points)
    hits, alarms = (np.append(part[::-1], 0) for part in (sweep.true_positive, sweep.false_positive))
    x, y = np.roll(alarms, 1) / sweep.n_negative, np.roll(hits, 1) / sweep.n_positive
    threshold = np.append(np.inf, sweep.threshold[::-1])
    return _thin(x, y, threshold, most_points)


def trace_precision_recall(sweep: ThresholdSweep, most_points: int = MOST_POINTS) -> Curve:
    """Trace the precision over the recall, by descending threshold.

    Parameters
    ----------
    sweep : ThresholdSweep
        Of a window.
    most_points : int
        At least 2; points closer together than a curve of so many can show are left out.

    Returns
    -------
    Curve
        Both axes in [0, 1], recall non-decreasing; thresholds that predict nothing positive have no point.
        Empty when there are no positives.

    Raises
    ------
    ValueError
        When most_points is below 2.

    References
    ----------
    Davis & Goadrich (2006), The relationship between precision-recall and ROC curves.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [1, 0, 1], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> curve = trace_precision_recall(sweep_thresholds(counts))
    >>> curve.x.tolist(), curve.y.round(2).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.67])
    """
    if not sweep.n_positive:
        return _make_empty(most_points)
    hits, alarms = sweep.true_positive[::-1], sweep.false_positive[::-1]
    kept = hits + alarms > 0
    precision = divide_or_nan(hits[kept], (hits + alarms)[kept])
    return _thin(hits[kept] / sweep.n_positive, precision, sweep.threshold[::-1][kept], most_points)


def distribute_scores(counts: ScoreLabelCounts, n_groups: int = DISTRIBUTION_GROUPS) -> ScoreDistribution:
    """Count the rows of equal-width groups of the score, by label.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of one chunk; merge a window first.
    n_groups : int
        In [1, 100]; bins are kept whole, see ``group_score_bins``.

    Returns
    -------
    ScoreDistribution
        The counts of all groups sum to the rows.

    Raises
    ------
    ValueError
        When there is not exactly one chunk, or n_groups is outside [1, 100].

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [0, 1, np.nan], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> spread = distribute_scores(counts, n_groups=2)
    >>> spread.negative.tolist(), spread.positive.tolist(), spread.unlabelled.tolist()
    ([1, 0], [0, 1], [0, 1])
    """
    _check_single(counts)
    starts = group_score_bins(counts.threshold, n_groups)
    negative, positive, unlabelled = (
        np.add.reduceat(part[0], starts) for part in (counts.negative, counts.positive, counts.unlabelled)
    )
    return ScoreDistribution(
        edge=np.linspace(0.0, 1.0, n_groups + 1), negative=negative, positive=positive, unlabelled=unlabelled
    )


def _check_single(counts: ScoreLabelCounts) -> None:
    if len(counts.positive) != 1:
        raise ValueError(f"counts have {len(counts.positive)} chunks; accepted is 1, merge them first")


def _check_points(most_points: int) -> int:
    if most_points < 2:
        raise ValueError(f"most_points is {most_points!r}; accepted is 2 or more")
    return most_points


def _make_empty(most_points: int) -> Curve:
    _check_points(most_points)
    return Curve(x=np.zeros(0), y=np.zeros(0), threshold=np.zeros(0))


def _thin(x: Values, y: Values, threshold: Values, most_points: int) -> Curve:
    """Keep the first of the points that share a step of the way along both axes, and the last point."""
    travelled = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    steps = np.floor(travelled / max(travelled[-1], 1e-12) * (_check_points(most_points) - 1))
    has_moved = np.append(True, np.diff(travelled) > 0)
    kept = has_moved if has_moved.sum() <= most_points else np.append(True, np.diff(steps) > 0)
    kept[np.flatnonzero(has_moved)[-1]] = True
    return Curve(x=x[kept], y=y[kept], threshold=threshold[kept])
