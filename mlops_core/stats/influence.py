"""Decides what a metric is over weighted cells of score group by label, and how much one more row moves it."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from mlops_core.entities import Metric
from mlops_core.stats.score_groups import ScoreGroups, Values

INFLUENCED_METRICS = tuple(metric for metric in Metric if metric is not Metric.CALIBRATION_ERROR)
"""Metrics that move smoothly with the weights; the calibration error, a sum of distances, has kinks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """A metric, and its derivative by the share of each cell."""

    value: float
    """The metric; NaN where it is undefined."""
    cells: Values
    """Change of the metric per unit of weight added to the cell, shape (S, 2); its weighted mean is 0."""


def compute_influences(
    weights: Values, groups: ScoreGroups, metrics: Collection[Metric] = INFLUENCED_METRICS
) -> dict[Metric, Influence]:
    """Compute each metric and the influence of a row of each cell on it.

    Rows of a group are tied. The influence is the Gateaux derivative towards the cell: for a metric of means,
    such as ``F1 = 2 TP / (2 TP + FP + FN)``, that of the quotient; for the ROC AUC the placement of the row
    among the other class less the AUC, over the share of its own class.

    Parameters
    ----------
    weights : ndarray of shape (S, 2)
        Weight of the rows by group and label, at least 0; any positive sum.
    groups : ScoreGroups
        Of the S groups.
    metrics : collection of Metric
        Which to compute, of ``INFLUENCED_METRICS``.

    Returns
    -------
    dict of Metric to Influence
        The metrics asked for, NaN where undefined.

    Raises
    ------
    ValueError
        When shapes differ, weights are negative or sum to 0, or a metric is none of these.

    References
    ----------
    Hampel (1974), The influence curve and its role in robust estimation; DeLong et al. (1988).

    Examples
    --------
    >>> losses = np.array([[0.04, 0.64], [0.64, 0.04]])
    >>> groups = ScoreGroups(first_positive=1, squared_error=losses, log_loss=losses)
    >>> found = compute_influences(np.array([[4.0, 1.0], [2.0, 3.0]]), groups)
    >>> round(found[Metric.PRECISION].value, 3), found[Metric.PRECISION].cells.round(3).tolist()
    (0.6, [[0.0, 0.0], [-1.2, 0.8]])
    """
    shape = groups.squared_error.shape
    if weights.shape != shape or not (weights >= 0).all() or not weights.sum() > 0:
        raise ValueError(f"weights have shape {weights.shape} and sum {weights.sum()}; accepted is {shape}, above 0")
    refused = set(metrics) - set(INFLUENCED_METRICS)
    if refused:
        raise ValueError(f"metric is {min(refused).value}; accepted are {', '.join(INFLUENCED_METRICS)}")
    shares = weights / weights.sum()
    influences: dict[Metric, Influence] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for family, compute in _FAMILIES:
            if not family.isdisjoint(metrics):
                influences |= compute(shares, groups)
    return {metric: influences[metric] for metric in INFLUENCED_METRICS if metric in metrics}


def _influence_quotient(shares: Values, top: Values, bottom: Values) -> Influence:
    """Take the metric ``Σ share · top / Σ share · bottom``."""
    below = (shares * bottom).sum()
    value = (shares * top).sum() / below
    return Influence(value=float(value), cells=(top - value * bottom) / below)


def _influence_losses(shares: Values, groups: ScoreGroups) -> dict[Metric, Influence]:
    everything = np.ones_like(shares)
    log_loss = _influence_quotient(shares, groups.log_loss, everything)
    return {
        Metric.BRIER: _influence_quotient(shares, groups.squared_error, everything),
        Metric.LOG_LOSS: log_loss,
        Metric.LOG_LOSS_SKILL: _influence_skill(shares, log_loss),
    }


def _influence_decisions(shares: Values, groups: ScoreGroups) -> dict[Metric, Influence]:
    decided = np.zeros_like(shares)
    decided[groups.first_positive :] = 1.0
    positive = np.zeros_like(shares)
    positive[:, 1] = 1.0
    hits, everything = decided * positive, np.ones_like(shares)
    return {
        Metric.F1: _influence_quotient(shares, 2 * hits, decided + positive),
        Metric.RECALL: _influence_quotient(shares, hits, positive),
        Metric.PRECISION: _influence_quotient(shares, hits, decided),
        Metric.ACCURACY: _influence_quotient(shares, hits + (1 - decided) * (1 - positive), everything),
        Metric.POSITIVE_RATE: _influence_quotient(shares, decided, everything),
    }


def _influence_ranking(shares: Values, _groups: ScoreGroups) -> dict[Metric, Influence]:
    negative, positive = shares[:, 0], shares[:, 1]
    n_negative, n_positive = negative.sum(), positive.sum()
    won_by_positive = (np.cumsum(negative) - negative / 2) / n_negative
    won_by_negative = (n_positive - np.cumsum(positive) + positive / 2) / n_positive
    auc = float((won_by_positive * positive).sum() / n_positive)
    of_auc = np.column_stack([(won_by_negative - auc) / n_negative, (won_by_positive - auc) / n_positive])
    hits = np.cumsum(positive[::-1])[::-1]
    rows = np.cumsum((negative + positive)[::-1])[::-1]
    # Past the last row there is nothing to be precise about.
    rows = np.where(rows > 0, rows, 1.0)
    # Rows of a group enter the counts of all groups below it: sums run over those.
    lost = np.cumsum(positive * hits / rows**2)
    gained = hits / rows + np.cumsum(positive / rows) - lost
    # With one class, precision is constant and ranks nothing.
    average = float((positive * hits / rows).sum() / n_positive) if n_negative > 0 else np.nan
    of_average = np.column_stack([-lost, gained - average]) / n_positive
    return {
        Metric.ROC_AUC: Influence(value=auc, cells=of_auc),
        Metric.AVERAGE_PRECISION: Influence(value=average, cells=of_average),
    }


def _influence_skill(shares: Values, log_loss: Influence) -> Influence:
    """Take ``1 - L / H(π)``, with the base rate π and its entropy H moving too."""
    base_rate = shares[:, 1].sum()
    entropy = entr(base_rate) + entr(1 - base_rate)
    # With one class there is no skill to have.
    entropy = entropy if entropy > 0 else np.nan
    slope = np.log((1 - base_rate) / base_rate)
    ratio = np.float64(log_loss.value) / entropy
    moved = np.array([0.0, 1.0]) - base_rate
    return Influence(value=float(1 - ratio), cells=(ratio * slope * moved - log_loss.cells) / entropy)


_FAMILIES = (
    ({Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY, Metric.POSITIVE_RATE}, _influence_decisions),
    ({Metric.ROC_AUC, Metric.AVERAGE_PRECISION}, _influence_ranking),
    ({Metric.BRIER, Metric.LOG_LOSS, Metric.LOG_LOSS_SKILL}, _influence_losses),
)
"""What is computed together, as it needs the same sums."""
