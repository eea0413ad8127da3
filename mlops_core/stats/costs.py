"""Decides what a threshold costs: which decisions it makes, how sure their shares are, and which one is cheapest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.binning import check_threshold
from mlops_core.stats.classification import count_decisions
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.stats.curves import ThresholdSweep, list_thresholds
from mlops_core.stats.intervals import estimate_decisions
from mlops_core.stats.ratios import divide_or_nan

PER_ROWS = 1000
"""Costs are given for so many labelled rows."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What one threshold decides over one window, exact."""

    threshold: float
    """The bin edge that was used, in [0, 1]."""
    true_positive: int
    """Labelled 1, score at or above the threshold."""
    false_positive: int
    """Labelled 0, score at or above the threshold: false alarms."""
    false_negative: int
    """Labelled 1, score below the threshold: misses."""
    true_negative: int
    """Labelled 0, score below the threshold."""
    precision: Estimate
    """Share of positive decisions that were right; all intervals are those of ``estimate_decisions``."""
    recall: Estimate
    """Share of positives that were found."""
    f1: Estimate
    """Harmonic mean of both."""
    accuracy: Estimate
    """Share of decisions that were right."""


def decide_at(counts: ScoreLabelCounts, threshold: float) -> Decisions:
    """Count the decisions at the bin edge nearest to a threshold.

    Parameters
    ----------
    counts : ScoreLabelCounts
        Of the k chunks of a window.
    threshold : float
        In [0, 1]; between two edges the nearer one is taken, at most 1/2048 away.

    Returns
    -------
    Decisions
        Shares without rows have no value.

    Raises
    ------
    ValueError
        When the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> counts = count_scores([0.2, 0.5, 0.9], [0, 1, 1], [0, 0, 0], n_chunks=1, threshold=0.5)
    >>> found = decide_at(counts, 0.6)
    >>> found.threshold, found.true_positive, found.false_negative, round(found.recall.low, 2)
    (0.599609375, 1, 1, 0.09)
    """
    edges, first = list_thresholds(counts.threshold)
    at = int(np.abs(edges - check_threshold(threshold)).argmin())
    decisions = count_decisions(counts, int(first[at]))
    metrics = estimate_decisions(decisions)
    return Decisions(
        threshold=float(edges[at]),
        true_positive=int(decisions.true_positive.sum()),
        false_positive=int(decisions.false_positive.sum()),
        false_negative=int(decisions.false_negative.sum()),
        true_negative=int(decisions.true_negative.sum()),
        precision=metrics[Metric.PRECISION],
        recall=metrics[Metric.RECALL],
        f1=metrics[Metric.F1],
        accuracy=metrics[Metric.ACCURACY],
    )


def cost_thresholds(sweep: ThresholdSweep, *, false_alarm: float, miss: float) -> Values:
    """Compute the cost of each threshold per ``PER_ROWS`` labelled rows.

    ``1000 (false_alarm FP + miss FN) / n``. Right decisions cost nothing.

    Parameters
    ----------
    sweep : ThresholdSweep
        Of a window.
    false_alarm, miss : float
        Cost of one, at least 0, in any unit common to both.

    Returns
    -------
    ndarray of shape (m,)
        At least 0; NaN without labelled rows.

    Raises
    ------
    ValueError
        When a cost is NaN, infinite, or below 0.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning.

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> from mlops_core.stats.curves import sweep_thresholds
    >>> counts = count_scores([0.2, 0.5, 0.9, 0.1], [0, 1, 1, 0], [0, 0, 0, 0], n_chunks=1, threshold=0.5)
    >>> costs = cost_thresholds(sweep_thresholds(counts), false_alarm=1, miss=10)
    >>> float(costs[0]), float(costs.min()), float(costs[-1])
    (500.0, 0.0, 5000.0)
    """
    for name, cost in (("false_alarm", false_alarm), ("miss", miss)):
        if not (0 <= cost < np.inf):
            raise ValueError(f"{name} costs {cost!r}; accepted is a finite number of 0 or more")
    missed = sweep.n_positive - sweep.true_positive
    spent = false_alarm * sweep.false_positive + miss * missed
    return divide_or_nan(PER_ROWS * spent, sweep.n_positive + sweep.n_negative)


def find_cheapest(sweep: ThresholdSweep, costs: Values, deployed: float) -> float | None:
    """Find the threshold of least cost, of several the one nearest to the deployed threshold.

    Parameters
    ----------
    sweep : ThresholdSweep
        Of a window.
    costs : ndarray of shape (m,)
        As from ``cost_thresholds``.
    deployed : float
        Deployed threshold in [0, 1].

    Returns
    -------
    float or None
        In [0, 1]; None without labelled rows.

    Raises
    ------
    ValueError
        When the deployed threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> from mlops_core.stats.counts import count_scores
    >>> from mlops_core.stats.curves import sweep_thresholds
    >>> sweep = sweep_thresholds(count_scores([0.2, 0.8], [0, 1], [0, 0], n_chunks=1, threshold=0.5))
    >>> find_cheapest(sweep, cost_thresholds(sweep, false_alarm=1, miss=1), deployed=0.5)
    0.5
    """
    check_threshold(deployed)
    if np.isnan(costs).all():
        return None
    cheapest = np.flatnonzero(costs == np.nanmin(costs))
    return float(sweep.threshold[cheapest[np.abs(sweep.threshold[cheapest] - deployed).argmin()]])
