"""Decides how paired rows are drawn again, within chunks, and what two versions score on a draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlops_core.entities import Metric
from mlops_core.stats.losses import compute_log_losses, compute_squared_errors
from mlops_core.stats.ratios import divide_or_nan

CELL_METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY)
"""Metrics of the counts of label × decision of the champion × decision of the candidate."""

ROW_METRICS = (Metric.ROC_AUC, Metric.BRIER, Metric.LOG_LOSS)
"""Metrics that need the scores of each row."""

MIN_STRATUM_ROWS = 20
"""Smaller strata are pooled: resampling within a stratum of m rows shows only (m - 1) / m of its variance."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedRows:
    """Labelled rows with what both versions made of them; the last axis is champion, candidate."""

    labels: NDArray[np.int64]
    """0 or 1, shape (n,)."""
    scores: Values
    """In [0, 1], shape (n, 2)."""
    decisions: NDArray[np.bool_]
    """True for a score at or above the version's threshold, shape (n, 2)."""
    strata: NDArray[np.int64]
    """Chunk of each row, shape (n,)."""

    def select(self, rows: NDArray[np.bool_]) -> "PairedRows":
        """Keep the rows of a mask of shape (n,)."""
        return PairedRows(
            labels=self.labels[rows],
            scores=self.scores[rows],
            decisions=self.decisions[rows],
            strata=self.strata[rows],
        )


def pool_strata(strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the strata from 0, all those below ``MIN_STRATUM_ROWS`` rows as one.

    Examples
    --------
    >>> np.unique(pool_strata(np.repeat([3, 5, 9, 11], [30, 1, 2, 25])), return_counts=True)[1].tolist()
    [3, 30, 25]
    """
    _, index, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    merged = np.where(sizes[index] < MIN_STRATUM_ROWS, -1, index)
    return np.unique(merged, return_inverse=True)[1]


def count_cells(rows: PairedRows) -> NDArray[np.int64]:
    """Count the rows of each pooled stratum by label, champion's decision, and candidate's decision.

    Returns an array of shape (strata, 2, 2, 2).

    Examples
    --------
    >>> labels = np.array([0, 1, 1])
    >>> scores = np.array([[0.1, 0.9], [0.8, 0.7], [0.2, 0.6]])
    >>> rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=np.zeros(3, int))
    >>> count_cells(rows).tolist()
    [[[[0, 1], [0, 0]], [[0, 1], [0, 1]]]]
    """
    strata = pool_strata(rows.strata)
    cells = strata * 8 + rows.labels * 4 + rows.decisions[:, 0] * 2 + rows.decisions[:, 1]
    n_strata = int(strata.max()) + 1
    return np.bincount(cells, minlength=8 * n_strata).reshape(n_strata, 2, 2, 2)


def resample_cells(rows: PairedRows, rng: np.random.Generator, n_resamples: int) -> NDArray[np.int64]:
    """Draw the counts of the cells as resampling rows within strata would, by one multinomial per stratum.

    Returns an array of shape (n_resamples, 2, 2, 2), each draw summing to the number of rows.

    Examples
    --------
    >>> scores = np.array([[0.1, 0.9], [0.8, 0.7], [0.2, 0.6]])
    >>> labels, strata = np.array([0, 1, 1]), np.zeros(3, int)
    >>> rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=strata)
    >>> resample_cells(rows, np.random.default_rng(0), n_resamples=4).sum(axis=(1, 2, 3)).tolist()
    [3, 3, 3, 3]
    """
    drawn = np.zeros((n_resamples, 8), dtype=np.int64)
    for cells in count_cells(rows).reshape(-1, 8):
        filled = np.flatnonzero(cells)
        n = int(cells.sum())
        drawn[:, filled] += rng.multinomial(n, cells[filled] / n, size=n_resamples)
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
    """Compute one of ``ROW_METRICS`` for both versions, shape (2,); NaN where undefined.

    Examples
    --------
    >>> scores = np.array([[0.1, 0.9], [0.8, 0.7], [0.2, 0.6]])
    >>> labels, strata = np.array([0, 1, 1]), np.zeros(3, int)
    >>> rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=strata)
    >>> compute_row_metric(Metric.ROC_AUC, rows)
    array([1., 0.])
    """
    return _prepare(metric, rows)(np.ones(rows.labels.size))


def resample_rows(
    rows: PairedRows, metrics: Sequence[Metric], rng: np.random.Generator, n_resamples: int
) -> dict[Metric, Values]:
    """Draw rows within strata with replacement, and compute ``ROW_METRICS`` with the same draw for all.

    Returns one array of shape (n_resamples, 2) per metric; NaN where a draw holds one class only.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random((50, 2))
    >>> labels, strata = (rng.random(50) < scores[:, 1]).astype(int), np.zeros(50, int)
    >>> rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=strata)
    >>> resample_rows(rows, [Metric.BRIER], rng, n_resamples=1000)[Metric.BRIER].mean(axis=0).round(2)
    array([0.32, 0.15])
    """
    prepared = {metric: _prepare(metric, rows) for metric in metrics}
    strata = pool_strata(rows.strata)
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata)
    size, start = np.repeat(sizes, sizes), np.repeat(np.cumsum(sizes) - sizes, sizes)
    results = {metric: np.empty((n_resamples, 2)) for metric in metrics}
    weights = np.empty(order.size)
    for draw in range(n_resamples):
        # A uniform in [0, 1) times the size rounds to less than the size, so the floor stays in its stratum.
        picked = (rng.random(order.size) * size).astype(np.int64)
        picked += start
        weights[order] = np.bincount(picked, minlength=order.size)
        for metric, weigh in prepared.items():
            results[metric][draw] = weigh(weights)
    return results


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _RankedRows:
    positive: NDArray[np.int64]
    """Rows with label 1, shape (P,)."""
    negative: NDArray[np.int64]
    """Rows with label 0 by ascending score of each version, shape (2, N)."""
    below: NDArray[np.int64]
    """Negatives strictly below each positive, by version, shape (2, P)."""
    not_above: NDArray[np.int64]
    """Negatives below or tied with each positive, by version, shape (2, P)."""


def _prepare(metric: Metric, rows: PairedRows) -> Callable[[Values], Values]:
    """Do once what all draws share; the result maps row weights of shape (n,) to both values."""
    if metric is Metric.ROC_AUC:
        return partial(_weigh_roc_auc, _rank_rows(rows))
    compute_losses = compute_squared_errors if metric is Metric.BRIER else compute_log_losses
    return partial(_weigh_losses, compute_losses(rows.scores, rows.labels[:, None].astype(np.float64)))


def _weigh_losses(losses: Values, weights: Values) -> Values:
    return np.asarray(weights @ losses / weights.sum())


def _weigh_roc_auc(ranked: _RankedRows, weights: Values) -> Values:
    won = np.empty(2)
    drawn = weights[ranked.positive]
    total = np.zeros(ranked.negative.shape[1] + 1)
    for version in range(2):
        np.cumsum(weights[ranked.negative[version]], out=total[1:])
        won[version] = drawn @ (total[ranked.below[version]] + total[ranked.not_above[version]]) / 2
    return divide_or_nan(won, total[-1] * drawn.sum())


def _rank_rows(rows: PairedRows) -> _RankedRows:
    positive, negative = np.flatnonzero(rows.labels == 1), np.flatnonzero(rows.labels == 0)
    ordered = [negative[np.argsort(scores[negative], kind="stable")] for scores in rows.scores.T]
    pairs = [(scores[order], scores[positive]) for scores, order in zip(rows.scores.T, ordered, strict=True)]
    return _RankedRows(
        positive=positive,
        negative=np.stack(ordered),
        below=np.stack([np.searchsorted(low, high, side="left") for low, high in pairs]),
        not_above=np.stack([np.searchsorted(low, high, side="right") for low, high in pairs]),
    )
