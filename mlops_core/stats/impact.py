"""Decides what the drift of a feature costs: the metric the labelled reference would have with the current mix.

The rows of each bin of the feature are weighted up or down to the bin's current share. What a bin's rows are
like (their scores, their labels) stays as in the reference, so this is the cost of seeing other rows, not of
a changed relation between rows and labels. Features are taken one by one; their costs do not add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.influence import Influence, compute_influences
from mlops_core.stats.proportions import check_confidence, divide_or_nan
from mlops_core.stats.score_groups import ScoreGroups, Values, group_by_score
from mlops_core.words import write_share

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEAST_ROWS = 200
"""Current rows, and effective rows of the reference, below which nothing is said."""

MOST_WEIGHT = 20.0
"""Rows that one row of the reference may stand for, relative to its share: more would hang all on a few rows."""

MOST_UNCOVERED = 0.1
"""Share of the current rows that the weighted reference may fail to stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimits:
    """When the weights are too uneven to say anything."""

    least_rows: float = LEAST_ROWS
    """Current rows, and effective rows of the reference, that are needed."""
    most_weight: float = MOST_WEIGHT
    """Cap of a bin's weight, current share over share in the reference; above 1."""
    most_uncovered: float = MOST_UNCOVERED
    """Largest share of the current rows, 0–1, that bins at the cap, or empty in the reference, may lack."""

    def __post_init__(self) -> None:
        if not (self.least_rows >= 1 and self.most_weight > 1 and 0 <= self.most_uncovered < 1):
            raise ValueError(f"{self}; accepted are least_rows from 1, most_weight above 1, most_uncovered in [0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the drift of one feature is expected to do to the metrics."""

    changes: Mapping[Metric, Estimate]
    """Weighted less unweighted, in units of the metric, with its interval; empty when there is a reason."""
    n_effective: float
    """Rows that would say as much if all weighed the same, (Σ w)² / Σ w²; 0 with none."""
    uncovered_fraction: float
    """Share of the current rows, 0–1, beyond what the capped weights can stand for."""
    reason: str | None
    """Why there is no change to expect; None when there is one."""


def expect_change(
    joint: ArrayLike,
    current: ArrayLike,
    groups: ScoreGroups,
    *,
    limits: WeightLimits | None = None,
    confidence: float = 0.95,
) -> Impact:
    """Expect the change of each metric from counts alone, ``θ(Σ_b w_b n_bsy) - θ(Σ_b n_bsy)``.

    A bin's weight is ``w_b = min(q_b / p_b, most_weight)``, with p and q the bin's shares in the reference and
    now. The interval is the delta method's. A row of the reference has the influence ``w_b (ψ_w - ψ̄_b) - ψ_1``,
    with ψ_w and ψ_1 those on the weighted and the unweighted metric and ψ̄_b the bin's mean, because the weights
    undo chance in how many rows the bin got; a current row has the influence ``ψ̄_b``. Rows are taken as
    independent, so it is too narrow when days differ from each other.

    Parameters
    ----------
    joint : array_like of shape (B, S, 2)
        Labelled rows of the reference by bin of the feature, score group, and label.
    current : array_like of shape (B,)
        Current rows by the same bins: counts, not shares, since the interval needs their number.
    groups : ScoreGroups
        Of the S groups; ``score_groups.group_scores`` makes them.
    limits : WeightLimits, optional
        When the weights are too uneven.
    confidence : float
        In (0, 1).

    Returns
    -------
    Impact
        Its changes hold all of ``INFLUENCED_METRICS``.

    Raises
    ------
    ValueError
        When shapes do not fit, a count is negative, or the confidence is outside (0, 1).

    References
    ----------
    Shimodaira (2000), Improving predictive inference under covariate shift; Kish (1965), Survey sampling, for
    the effective rows; Holt & Smith (1979), Post stratification.

    Examples
    --------
    >>> from mlops_core.stats.score_groups import count_joint
    >>> rng = np.random.default_rng(0)
    >>> bins, labels = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    >>> groups, index = group_by_score(np.where(bins == 0, 0.5, np.where(labels == 1, 0.9, 0.1)), threshold=0.5)
    >>> joint = count_joint(bins, 2, index, 3, labels)
    >>> change = expect_change(joint, [1600, 400], groups).changes[Metric.ACCURACY]
    >>> round(change.value, 2), round(change.low, 2), round(change.high, 2)
    (-0.16, -0.17, -0.15)
    """
    counts, now = np.asarray(joint, np.float64), _check_counts("current", current)
    shape = groups.squared_error.shape
    if counts.shape != (now.size, *shape) or now.ndim != 1:
        raise ValueError(f"joint has shape {counts.shape}, current {now.shape}; accepted are (B, *{shape}) and (B,)")
    table = _check_counts("joint", counts).reshape(now.size, -1)
    return _expect_each([table], [now], groups, limits or WeightLimits(), confidence)[0]


def expect_changes_from_rows(
    scores: ArrayLike,
    labels: ArrayLike,
    threshold: float,
    feature_bins: ArrayLike,
    current: Sequence[ArrayLike],
    *,
    limits: WeightLimits | None = None,
    confidence: float = 0.95,
) -> list[Impact]:
    """Expect the changes by several features from the rows of the reference, each score a group of its own.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Scores in [0, 1] of labelled rows of the reference.
    labels : array_like of shape (n,)
        0 or 1.
    threshold : float
        Deployed threshold in [0, 1].
    feature_bins : array_like of shape (F, n)
        Bin of each row by feature; integers from 0.
    current : sequence of F array_like of shape (B_f,)
        Current rows by bin, for each feature: counts, not shares.
    limits : WeightLimits, optional
        When the weights are too uneven.
    confidence : float
        In (0, 1).

    Returns
    -------
    list of F Impact
        As of ``expect_change``, whose answers differ from these only by the width of its score groups.

    Raises
    ------
    ValueError
        When shapes do not fit, or a score, label, bin, count, or parameter is outside its domain.

    References
    ----------
    Shimodaira (2000), Improving predictive inference under covariate shift.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bins, labels = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    >>> scores = np.where(bins == 0, 0.5, np.where(labels == 1, 0.9, 0.1))
    >>> impacts = expect_changes_from_rows(scores, labels, 0.5, [bins], [[1600, 400]])
    >>> round(impacts[0].changes[Metric.ACCURACY].value, 2)
    -0.16
    """
    # A page needs only the counts, and should not wait for this import.
    from scipy.sparse import csr_array

    groups, index = group_by_score(scores, threshold)
    truth, bins = np.asarray(labels), np.asarray(feature_bins)
    if truth.shape != index.shape or bins.shape != (len(current), index.size):
        given = f"{index.size} scores, labels {truth.shape}, bins {bins.shape}"
        raise ValueError(f"{given}; accepted are one label per score and bins of ({len(current)}, {index.size})")
    refused = ~((truth == 0) | (truth == 1))
    if refused.any():
        raise ValueError(f"label of row {int(refused.argmax())} is {truth[refused][0]}; accepted are 0 and 1")
    kinds, ones = 2 * index + truth.astype(np.int64), np.ones(index.size)
    mixes = [_check_counts("current", mix) for mix in current]
    tables = []
    for own, mix in zip(bins, mixes, strict=True):
        outside = ~((own >= 0) & (own < mix.size))
        if outside.any():
            raise ValueError(
                f"bin of row {int(outside.argmax())} is {own[outside][0]}; accepted is 0 to {mix.size - 1}"
            )
        tables.append(csr_array((ones, (own, kinds)), shape=(mix.size, groups.squared_error.size)))
    return _expect_each(tables, mixes, groups, limits or WeightLimits(), confidence)


def measure_harm(impact: Impact, metric: Metric) -> float | None:
    """Turn the expected change so that positive is worse; None when there is none or no direction is worse.

    Examples
    --------
    >>> impact = Impact(
    ...     changes={Metric.BRIER: Estimate(0.02)}, n_effective=500.0, uncovered_fraction=0.0, reason=None
    ... )
    >>> measure_harm(impact, Metric.BRIER)
    0.02
    """
    change = impact.changes.get(metric)
    if change is None or change.value is None or metric.higher_is_better is None:
        return None
    return -change.value if metric.higher_is_better else change.value


def rank_by_harm(impacts: Mapping[str, Impact], metric: Metric) -> list[str]:
    """Give the features, the most harmful first; those without a figure come last, in their order.

    Examples
    --------
    >>> changes = {"wind": -0.01, "delay": -0.03, "rain": None}
    >>> impacts = {
    ...     name: Impact(changes={Metric.F1: Estimate(value)}, n_effective=500.0, uncovered_fraction=0.0, reason=None)
    ...     for name, value in changes.items()
    ... }
    >>> rank_by_harm(impacts, Metric.F1)
    ['delay', 'wind', 'rain']
    """

    def order(name: str) -> float:
        harm = measure_harm(impacts[name], metric)
        return np.inf if harm is None else -harm

    return sorted(impacts, key=order)


def _check_counts(name: str, given: ArrayLike) -> Values:
    counts = np.asarray(given, np.float64)
    refused = ~((counts >= 0) & np.isfinite(counts))
    if refused.any():
        raise ValueError(f"{name} holds {counts[refused][0]}; accepted are counts of 0 or more")
    return counts


def _expect_each(
    tables: Sequence["Values | csr_array"],
    mixes: Sequence[Values],
    groups: ScoreGroups,
    limits: WeightLimits,
    confidence: float,
) -> list[Impact]:
    """Expect the changes by each feature from its counts by bin and cell of score group and label, (B_f, 2 S)."""
    quantile = float(ndtri((1 + check_confidence(confidence)) / 2))
    unweighted: dict[Metric, Influence] = {}
    impacts = []
    for table, current in zip(tables, mixes, strict=True):
        rows = np.asarray(table.sum(axis=1), np.float64)
        weights, uncovered = _weigh_bins(rows, current, limits.most_weight)
        squares = float(rows @ weights**2)
        n_effective = float(rows @ weights) ** 2 / squares if squares > 0 else 0.0
        reason = _find_reason(current.sum(), n_effective, uncovered, limits)
        changes: dict[Metric, Estimate] = {}
        if reason is None:
            # All features count the same rows of the reference, so the unweighted metrics are the first one's.
            unweighted = unweighted or _influence_cells(table, np.ones(rows.size), groups)
            weighted = _influence_cells(table, weights, groups)
            changes = _estimate_changes(table, weights, current.sum(), (unweighted, weighted), quantile)
        impacts.append(Impact(changes=changes, n_effective=n_effective, uncovered_fraction=uncovered, reason=reason))
    return impacts


def _weigh_bins(rows: Values, current: Values, most_weight: float) -> tuple[Values, float]:
    """Weigh each bin, scaled so that the rows' mean weight is 1, and give the share of current rows left out."""
    shares = np.nan_to_num(divide_or_nan(rows, rows.sum()))
    mix = np.nan_to_num(divide_or_nan(current, current.sum()))
    weights = np.minimum(np.nan_to_num(divide_or_nan(mix, shares)), most_weight)
    covered = float(shares @ weights)
    return weights / (covered or 1.0), max(1.0 - covered, 0.0)


def _find_reason(n_current: float, n_effective: float, uncovered: float, limits: WeightLimits) -> str | None:
    if n_current < limits.least_rows:
        return f"{n_current:,.0f} current rows; {limits.least_rows:,.0f} are needed"
    if uncovered > limits.most_uncovered:
        return f"{write_share(uncovered)} of the current rows lie where the reference has hardly any"
    if n_effective < limits.least_rows:
        return f"the weighted reference says as much as {n_effective:,.0f} rows; {limits.least_rows:,.0f} are needed"
    return None


def _influence_cells(table: "Values | csr_array", weights: Values, groups: ScoreGroups) -> dict[Metric, Influence]:
    return compute_influences(np.asarray(table.T @ weights).reshape(groups.squared_error.shape), groups)


def _estimate_changes(
    table: "Values | csr_array",
    weights: Values,
    n_current: float,
    influences: tuple[dict[Metric, Influence], dict[Metric, Influence]],
    quantile: float,
) -> dict[Metric, Estimate]:
    """Take the sum of ``(w (ψ_w - ψ̄_b) - ψ_1)²`` over the rows term by term, so that no row is touched twice."""
    before, after = (np.column_stack([one.cells.ravel() for one in each.values()]) for each in influences)
    rows = np.asarray(table.sum(axis=1), np.float64)
    mean = np.nan_to_num(divide_or_nan(table @ after, rows[:, None]))
    squares = (table.T @ weights**2) @ after**2 - (weights**2 * rows) @ mean**2
    products = (table.T @ weights) @ (after * before) - weights @ (mean * (table @ before))
    squares += table.sum(axis=0) @ before**2 - 2 * products
    variance = squares / rows.sum() ** 2 + (weights * rows / rows.sum()) @ mean**2 / n_current
    steps = quantile * np.sqrt(np.maximum(variance, 0.0))
    changes = {}
    for metric, step in zip(influences[0], steps.tolist(), strict=True):
        change = influences[1][metric].value - influences[0][metric].value
        changes[metric] = Estimate(change, change - step, change + step) if np.isfinite(change) else Estimate(None)
    return changes
