"""Decides what the drift of a feature costs: the metric the labelled reference would have with the current mix.

The rows of each bin of the feature are weighted up or down to the bin's current share. What a bin's rows are
like (their scores, their labels) stays as in the reference, so this is the cost of seeing other rows, not of
a changed relation between rows and labels. Features are taken one by one; their costs do not add up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.influence import INFLUENCED_METRICS, compute_influences
from mlops_core.stats.mix_weights import Weighted, WeightLimits, find_unevenness, weigh_bins
from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.score_groups import ScoreGroups, Values, group_by_score

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the drift of one feature is expected to do to the metrics."""

    changes: Mapping[Metric, Estimate]
    """Weighted less unweighted, in units of the metric, with its interval; empty when there is a reason."""
    n_effective: float
    """Rows that would say as much if all weighed the same, (Σ w)² / Σ w², on the side that has fewer; 0 with none."""
    uncovered_fraction: float
    """Share of the current or of the reference's rows, the larger one, 0–1, that capped weights cannot stand for."""
    reason: str | None
    """Why there is no change to expect; None when there is one."""


def expect_change(
    joint: ArrayLike,
    current: ArrayLike,
    groups: ScoreGroups,
    *,
    reference: ArrayLike | None = None,
    metrics: Collection[Metric] = INFLUENCED_METRICS,
    limits: WeightLimits | None = None,
    confidence: float = 0.95,
) -> Impact:
    """Expect the change of each metric from counts alone, ``θ(Σ_b w_b n_bsy) - θ(Σ_b v_b n_bsy)``.

    A bin's weights are ``w_b = min(q_b / p_b, most_weight)`` and ``v_b = min(r_b / p_b, most_weight)``, with p, q,
    and r the bin's shares of the labelled rows, now, and in the reference. The interval is the delta method's. A
    labelled row has the influence ``w_b (ψ_w - ψ̄_wb) - v_b (ψ_v - ψ̄_vb)``, with ψ_w and ψ_v those on the metrics
    weighted by w and by v and ψ̄ the bin's means, because the weights undo chance in how many rows the bin got; a
    current row has the influence ``ψ̄_wb``, one of the reference ``ψ̄_vb``. Rows are taken as independent, so it is
    too narrow when days differ from each other.

    Parameters
    ----------
    joint : array_like of shape (B, S, 2)
        Labelled rows by bin of the feature, score group, and label.
    current : array_like of shape (B,)
        Current rows by the same bins: counts, not shares, since the interval needs their number.
    groups : ScoreGroups
        Of the S groups; ``score_groups.group_scores`` makes them.
    reference : array_like of shape (B,), optional
        Rows that the current ones are compared with; the labelled rows themselves unless given.
    metrics : collection of Metric
        Which to expect the change of, of ``INFLUENCED_METRICS``.
    limits : WeightLimits, optional
        When the weights are too uneven.
    confidence : float
        In (0, 1).

    Returns
    -------
    Impact
        Its changes hold the metrics asked for.

    Raises
    ------
    ValueError
        When shapes do not fit, a count is negative, a metric is none of these, or the confidence is outside (0, 1).

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
    now = _check_counts("current", current)
    table = _lay_out(joint, now, groups)
    before = table.sum(axis=1) if reference is None else _check_counts("reference", reference)
    if before.shape != now.shape:
        raise ValueError(f"reference has shape {before.shape}; accepted is {now.shape}, that of current")
    return _expect_each([table], [now], [before], groups, metrics, limits or WeightLimits(), confidence)[0]


def expect_changes_by_chunk(
    joint: ArrayLike,
    chunks: ArrayLike,
    groups: ScoreGroups,
    reference: ArrayLike,
    metric: Metric,
    limits: WeightLimits | None = None,
) -> Values:
    """Expect the change of one metric in each of many chunks, as `expect_change` does, but without intervals.

    Parameters
    ----------
    joint : array_like of shape (B, S, 2)
        Labelled rows by bin of the feature, score group, and label.
    chunks : array_like of shape (k, B)
        Rows of each chunk by the same bins.
    reference : array_like of shape (B,)
        Rows that they are compared with.

    Returns
    -------
    ndarray of shape (k,)
        In units of the metric; NaN where the weights are too uneven or the metric is undefined.

    Raises
    ------
    ValueError
        When shapes do not fit, a count is negative, or the metric is none of ``INFLUENCED_METRICS``.

    References
    ----------
    Shimodaira (2000), Improving predictive inference under covariate shift.

    Examples
    --------
    >>> groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    >>> joint = [[[150, 50], [50, 150]], [[50, 150], [150, 50]]]
    >>> expect_changes_by_chunk(joint, [[900, 300], [2, 1]], groups, [500, 500], Metric.ACCURACY).round(3).tolist()
    [0.125, nan]
    """
    now, before, rules = (
        _check_counts("chunks", chunks),
        _check_counts("reference", reference),
        limits or WeightLimits(),
    )
    table = _lay_out(joint, before, groups)
    if now.ndim != 2 or now.shape[1] != before.size:
        raise ValueError(f"chunks have shape {now.shape}; accepted is (k, {before.size})")
    rows = table.sum(axis=1)

    def measure(side: Weighted) -> float:
        weighted = (table.T @ side.weights).reshape(groups.squared_error.shape)
        return compute_influences(weighted, groups, (metric,))[metric].value

    base = weigh_bins(rows, before, rules.most_weight)
    usual, changes = None, np.full(len(now), np.nan)
    for place, mix in enumerate(now):
        side = weigh_bins(rows, mix, rules.most_weight)
        if find_unevenness(base, side, rules) is None:
            usual = measure(base) if usual is None else usual
            changes[place] = measure(side) - usual
    return changes


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
    befores = [np.asarray(table.sum(axis=1), np.float64) for table in tables]
    return _expect_each(tables, mixes, befores, groups, INFLUENCED_METRICS, limits or WeightLimits(), confidence)


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


def _lay_out(joint: ArrayLike, rows: Values, groups: ScoreGroups) -> Values:
    """Give joint counts as (B, 2 S), after a look at their shape and that of the B rows beside them."""
    counts, shape = _check_counts("joint", joint), groups.squared_error.shape
    if rows.ndim != 1 or counts.shape != (rows.size, *shape):
        raise ValueError(f"joint has shape {counts.shape}, bins {rows.shape}; accepted are (B, *{shape}) and (B,)")
    return counts.reshape(rows.size, -1)


def _check_counts(name: str, given: ArrayLike) -> Values:
    counts = np.asarray(given, np.float64)
    refused = ~((counts >= 0) & np.isfinite(counts))
    if refused.any():
        raise ValueError(f"{name} holds {counts[refused][0]}; accepted are counts of 0 or more")
    return counts


def _expect_each(
    tables: Sequence["Values | csr_array"],
    mixes: Sequence[Values],
    befores: Sequence[Values],
    groups: ScoreGroups,
    metrics: Collection[Metric],
    limits: WeightLimits,
    confidence: float,
) -> list[Impact]:
    """Expect the changes by each feature from its counts by bin and cell of score group and label, (B_f, 2 S)."""
    quantile = float(ndtri((1 + check_confidence(confidence)) / 2))
    impacts = []
    for table, current, before in zip(tables, mixes, befores, strict=True):
        rows = np.asarray(table.sum(axis=1), np.float64)
        sides = [weigh_bins(rows, mix, limits.most_weight) for mix in (before, current)]
        n_effective = min(side.n_effective for side in sides)
        reason = find_unevenness(sides[0], sides[1], limits)
        changes = _estimate_changes(table, sides, groups, metrics, quantile) if reason is None else {}
        uncovered = max(side.uncovered for side in sides)
        impacts.append(Impact(changes=changes, n_effective=n_effective, uncovered_fraction=uncovered, reason=reason))
    return impacts


def _estimate_changes(
    table: "Values | csr_array",
    sides: Sequence[Weighted],
    groups: ScoreGroups,
    metrics: Collection[Metric],
    quantile: float,
) -> dict[Metric, Estimate]:
    """Take the sum of the squared influences over the rows term by term, so that no row is touched twice."""
    rows = np.asarray(table.sum(axis=1), np.float64)
    n = rows.sum()
    influences, cells, means = [], [], []
    variance: Values = np.zeros(1)
    for side in sides:
        weighted = np.asarray(table.T @ side.weights).reshape(groups.squared_error.shape)
        found = compute_influences(weighted, groups, metrics)
        influences.append(found)
        cells.append(np.column_stack([one.cells.ravel() for one in found.values()]))
        means.append(table @ cells[-1] / np.where(rows > 0, rows, 1.0)[:, None])
        square = side.weights**2
        within = (table.T @ square) @ cells[-1] ** 2 - (square * rows) @ means[-1] ** 2
        variance = variance + within / n**2 + (side.weights * rows / n) @ means[-1] ** 2 / side.n
    both = sides[0].weights * sides[1].weights
    shared = (table.T @ both) @ (cells[0] * cells[1]) - (both * rows) @ (means[0] * means[1])
    steps = quantile * np.sqrt(np.maximum(variance - 2 * shared / n**2, 0.0))
    changes = {}
    for metric, step in zip(influences[0], steps.tolist(), strict=True):
        change = influences[1][metric].value - influences[0][metric].value
        changes[metric] = Estimate(change, change - step, change + step) if np.isfinite(change) else Estimate(None)
    return changes
