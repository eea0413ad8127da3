"""Decides how paired rows are drawn again, within chunks, and what two versions score on a draw."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from mlops_core.entities import Metric
from mlops_core.stats.losses import compute_log_losses, compute_squared_errors
from mlops_core.stats.paired_rows import PairedRows, Values, count_cells, pool_strata
from mlops_core.stats.ratios import divide_or_nan

CELL_METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY)
"""Metrics of the counts of label × decision of the champion × decision of the candidate."""

MEAN_METRICS = (Metric.BRIER, Metric.LOG_LOSS, Metric.LOG_LOSS_SKILL)
"""Metrics of means over rows."""

FLIP_PRIOR = 0.25
"""Rows added to each cell of flipped decisions of a class before it is drawn from: no flip among few rows does not
mean that none can happen."""

BLOCK_DRAWS = 200_000
"""Rows drawn at a time, so that they stay in the processor's cache."""

_SKILL = Metric.LOG_LOSS_SKILL


def resample_cells(
    rows: PairedRows, rng: np.random.Generator, n_resamples: int, flip_prior: float = FLIP_PRIOR
) -> NDArray[np.int64]:
    """Draw the counts of the cells as resampling rows within strata would, by one multinomial per stratum.

    Each cell of flipped decisions of a class that is there has ``flip_prior`` rows more, spread over the strata
    by their size; the number of rows drawn stays that of the rows.

    Returns an array of shape (n_resamples, 2, 2, 2), each draw summing to the number of rows.

    References
    ----------
    Agresti & Min (2005), Simple improved confidence intervals for comparing matched proportions.

    Examples
    --------
    >>> from mlops_core.stats.paired_rows import pair_rows
    >>> rows = pair_rows([0, 1, 1], [0.1, 0.8, 0.2], [0.9, 0.7, 0.6], 0.5, 0.5, [0, 0, 0])
    >>> resample_cells(rows, np.random.default_rng(0), n_resamples=4).sum(axis=(1, 2, 3)).tolist()
    [3, 3, 3, 3]
    """
    counted = count_cells(rows)
    has_class = counted.sum(axis=(0, 2, 3)) > 0
    added = flip_prior * has_class[:, None, None] * (1 - np.eye(2))
    drawn = np.zeros((n_resamples, 8), dtype=np.int64)
    for cells in counted.reshape(-1, 8):
        n = int(cells.sum())
        weights = cells + added.ravel() * n / rows.labels.size
        filled = np.flatnonzero(weights)
        drawn[:, filled] += rng.multinomial(n, weights[filled] / weights.sum(), size=n_resamples)
    return drawn.reshape(n_resamples, 2, 2, 2)


def compute_cell_metric(metric: Metric, cells: NDArray[np.int64]) -> Values:
    """Compute one of ``CELL_METRICS`` for both versions.

    Counts of shape (..., 2, 2, 2) give values of shape (..., 2), champion first; NaN where undefined.

    Examples
    --------
    >>> cells = np.array([[[5, 1], [0, 0]], [[0, 1], [0, 3]]])
    >>> compute_cell_metric(Metric.RECALL, cells)
    array([0.75, 1.  ])
    """
    tables = np.stack([cells.sum(axis=-1), cells.sum(axis=-2)], axis=-3)
    true_negative, false_positive = tables[..., 0, 0], tables[..., 0, 1]
    false_negative, true_positive = tables[..., 1, 0], tables[..., 1, 1]
    wrong = false_positive + false_negative
    parts = {
        Metric.F1: (2 * true_positive, 2 * true_positive + wrong),
        Metric.RECALL: (true_positive, true_positive + false_negative),
        Metric.PRECISION: (true_positive, true_positive + false_positive),
        Metric.ACCURACY: (true_positive + true_negative, true_positive + true_negative + wrong),
    }
    return divide_or_nan(*parts[metric])


def compute_row_metric(metric: Metric, rows: PairedRows) -> Values:
    """Compute one of ``MEAN_METRICS``, or the average precision, for both versions, shape (2,); NaN where undefined.

    Examples
    --------
    >>> from mlops_core.stats.paired_rows import pair_rows
    >>> rows = pair_rows([0, 1, 1], [0.1, 0.8, 0.2], [0.9, 0.7, 0.6], 0.5, 0.5, [0, 0, 0])
    >>> compute_row_metric(Metric.AVERAGE_PRECISION, rows).round(3).tolist()
    [1.0, 0.583]
    """
    if metric is Metric.AVERAGE_PRECISION:
        return _weigh_average_precision(_rank_rows(rows), np.ones(rows.labels.size))
    compute_losses = compute_squared_errors if metric is Metric.BRIER else compute_log_losses
    losses = compute_losses(rows.scores, rows.labels[:, None].astype(np.float64)).mean(axis=0)
    return 1 - divide_or_nan(losses, _compute_entropy(rows.labels.mean())) if metric is _SKILL else losses


def resample_means(columns: Values, strata: NDArray[np.int64], rng: np.random.Generator, n_resamples: int) -> Values:
    """Draw rows within pooled strata, with replacement, and take the mean of each column over each draw.

    Columns of shape (n, k) give an array of shape (n_resamples, k); a draw is the same rows for all columns.

    Examples
    --------
    >>> columns = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]])
    >>> drawn = resample_means(columns, np.zeros(3, int), np.random.default_rng(0), n_resamples=1000)
    >>> drawn.mean(axis=0).round(1).tolist(), drawn.std(axis=0).round(2).tolist()
    ([2.0, 1.0], [0.47, 0.47])
    """
    totals = np.zeros((n_resamples, columns.shape[1]))
    pooled = pool_strata(strata)
    for stratum in range(int(pooled.max()) + 1):
        own = np.ascontiguousarray(columns[pooled == stratum].T)
        n = own.shape[1]
        step = max(1, BLOCK_DRAWS // n)
        for start in range(0, n_resamples, step):
            picked = rng.integers(n, size=(min(step, n_resamples - start), n))
            for place, column in enumerate(own):
                totals[start : start + step, place] += column.take(picked).sum(axis=1)
    return totals / len(columns)


def resample_losses(
    rows: PairedRows, metrics: Collection[Metric], rng: np.random.Generator, n_resamples: int
) -> dict[Metric, Values]:
    """Draw the differences, candidate minus champion, of those ``MEAN_METRICS`` that are asked for.

    Only the loss that the candidate has more on each row is drawn, and for the skill the label, whose mean gives
    the entropy of the draw. Returns one array of shape (n_resamples,) per metric; NaN where a draw holds one class
    only and the metric is the skill.

    Examples
    --------
    >>> from mlops_core.stats.paired_rows import pair_rows
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random((50, 2))
    >>> labels = (rng.random(50) < scores[:, 1]).astype(int)
    >>> rows = pair_rows(labels, *scores.T, 0.5, 0.5, np.zeros(50, int))
    >>> float(resample_losses(rows, [Metric.BRIER], rng, n_resamples=1000)[Metric.BRIER].mean().round(2))
    -0.17
    """
    labels = rows.labels[:, None].astype(np.float64)
    columns = {
        Metric.BRIER: np.diff(compute_squared_errors(rows.scores, labels)),
        Metric.LOG_LOSS: np.diff(compute_log_losses(rows.scores, labels)),
        _SKILL: labels,
    }
    wanted = [metric for metric in columns if metric in metrics or (metric is Metric.LOG_LOSS and _SKILL in metrics)]
    drawn = resample_means(np.hstack([columns[metric] for metric in wanted]), rows.strata, rng, n_resamples)
    found = dict(zip(wanted, drawn.T, strict=True))
    if _SKILL in found:
        found[_SKILL] = -divide_or_nan(found[Metric.LOG_LOSS], _compute_entropy(found[_SKILL]))
    return {metric: found[metric] for metric in metrics}


def resample_average_precision(rows: PairedRows, rng: np.random.Generator, n_resamples: int) -> Values:
    """Draw rows within pooled strata, with replacement, and compute the average precision of both versions.

    Returns an array of shape (n_resamples, 2), champion first; NaN where a draw holds one class only.

    Examples
    --------
    >>> from mlops_core.stats.paired_rows import pair_rows
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random((50, 2))
    >>> labels = (rng.random(50) < scores[:, 1]).astype(int)
    >>> rows = pair_rows(labels, *scores.T, 0.5, 0.5, np.zeros(50, int))
    >>> resample_average_precision(rows, rng, n_resamples=500).mean(axis=0).round(1).tolist()
    [0.6, 0.9]
    """
    ranked, pooled = _rank_rows(rows), pool_strata(rows.strata)
    members = [np.flatnonzero(pooled == stratum) for stratum in range(int(pooled.max()) + 1)]
    weights = np.empty(rows.labels.size)
    results = np.empty((n_resamples, 2))
    for draw in range(n_resamples):
        for own in members:
            weights[own] = np.bincount(rng.integers(own.size, size=own.size), minlength=own.size)
        results[draw] = _weigh_average_precision(ranked, weights)
    return results


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _RankedRows:
    order: tuple[NDArray[np.int64], ...]
    """Rows by descending score, of each version, each of shape (n,)."""
    ends: tuple[NDArray[np.int64], ...]
    """Place in that order of the last row of each score."""
    labels: tuple[Values, ...]
    """Labels in that order."""


def _rank_rows(rows: PairedRows) -> _RankedRows:
    orders = tuple(np.argsort(-scores, kind="stable") for scores in rows.scores.T)
    ranked = zip(rows.scores.T, orders, strict=True)
    return _RankedRows(
        order=orders,
        ends=tuple(np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)) for scores, order in ranked),
        labels=tuple(rows.labels[order].astype(np.float64) for order in orders),
    )


def _weigh_average_precision(ranked: _RankedRows, weights: Values) -> Values:
    """Compute the sum of precision over the gain in recall, rows of one score taken together."""
    found = np.empty(2)
    for version, (order, ends, labels) in enumerate(zip(ranked.order, ranked.ends, ranked.labels, strict=True)):
        drawn = weights[order]
        seen, hits = np.cumsum(drawn)[ends], np.cumsum(drawn * labels)[ends]
        precision = hits / np.maximum(seen, 1.0)
        has_both = 0 < hits[-1] < seen[-1]
        # A dot product would start as many threads as there are processors, for each draw.
        found[version] = (precision * np.diff(hits, prepend=0.0)).sum() / hits[-1] if has_both else np.nan
    return found


def _compute_entropy(base_rate: Values) -> Values:
    """Give the log loss, in nats, of a model that knows only the base rate."""
    return np.asarray(entr(base_rate) + entr(1 - base_rate))
