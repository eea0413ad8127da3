"""Decides what is kept of rows scored for more than two classes, and how each metric is read from it.

Each class has the histogram of its own score over all rows, on the universal grid of scores, split by what a row
was predicted and by what it turned out to be. All parts merge by addition. From them come the realised metrics,
and, where labels are missing, the estimated ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins
from mlops_core.stats.losses import compute_log_losses
from mlops_core.stats.ranking import compute_roc_auc
from mlops_core.stats.ratios import divide_or_nan

GRID_THRESHOLD = 0.5
"""The grid of scores needs a threshold, which no class has here; one that is an edge anyway adds an empty bin."""

Values = NDArray[np.float64]


class MulticlassMetric(StrEnum):
    """A performance metric of a classifier of more than two classes."""

    ACCURACY = "accuracy"
    MACRO_F1 = "macro_f1"
    LOG_LOSS = "log_loss"
    ROC_AUC = "roc_auc"
    """Mean over the classes of one against the rest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassCounts:
    """Rows of k chunks scored for C classes; bins are those of the score of the class itself."""

    confusion: NDArray[np.int64]
    """Labelled rows by label, then prediction, shape (k, C, C)."""
    own: NDArray[np.int64]
    """Rows labelled with the class, shape (k, C, N_SCORE_BINS)."""
    other: NDArray[np.int64]
    """Rows labelled with another class, shape (k, C, N_SCORE_BINS)."""
    chosen: NDArray[np.int64]
    """Rows predicted as the class, labelled or not, shape (k, C, N_SCORE_BINS)."""
    passed_over: NDArray[np.int64]
    """Rows predicted as another class, labelled or not, shape (k, C, N_SCORE_BINS)."""
    log_loss: NDArray[np.float64]
    """Sum of -ln of the score of the label's class over the labelled rows, in nats, shape (k,)."""
    log_loss_squares: NDArray[np.float64]
    """Sum of the squares of the same, shape (k,)."""

    def __post_init__(self) -> None:
        k, n_classes = self.confusion.shape[:2]
        binned, summed = (k, n_classes, N_SCORE_BINS), (k,)
        shapes = {"confusion": (k, n_classes, n_classes), "log_loss": summed, "log_loss_squares": summed}
        for field in fields(self):
            found, accepted = getattr(self, field.name).shape, shapes.get(field.name, binned)
            if found != accepted:
                raise ValueError(f"{field.name} has shape {found}; accepted is {accepted}")

    @property
    def n(self) -> NDArray[np.int64]:
        """Rows of each chunk, labelled or not, shape (k,)."""
        return np.asarray(self.chosen.sum(axis=(1, 2)))

    @property
    def n_labelled(self) -> NDArray[np.int64]:
        """Labelled rows of each chunk, shape (k,)."""
        return np.asarray(self.confusion.sum(axis=(1, 2)))


def count_classes(
    scores: ArrayLike, labels: ArrayLike, predictions: ArrayLike, chunk_index: ArrayLike, n_chunks: int
) -> ClassCounts:
    """Count rows by chunk, class, score bin, prediction, and label.

    Parameters
    ----------
    scores : array_like of shape (n, C)
        Score of each class, in [0, 1], taken as logged: rows are not made to sum to 1.
    labels : array_like of shape (n,)
        Class of each row, 0 to C - 1, or NaN for a row without a label.
    predictions : array_like of shape (n,)
        Class that the model answered with, 0 to C - 1; usually that of the highest score.
    chunk_index : array_like of shape (n,)
        Chunk of each row, integers in [0, n_chunks - 1].
    n_chunks : int
        Chunks k; one without rows has zeros.

    Returns
    -------
    ClassCounts
        Of k chunks.

    Raises
    ------
    ValueError
        When lengths differ, or a score, label, prediction, or chunk is outside its domain.

    Examples
    --------
    >>> scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
    >>> counts = count_classes(scores, [0, 2, np.nan], scores.argmax(axis=1), [0, 0, 0], n_chunks=1)
    >>> counts.confusion.tolist(), counts.n.tolist(), counts.log_loss.round(3).tolist()
    ([[[1, 0, 0], [0, 0, 0], [0, 1, 0]]], [3], [1.561])
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"scores have shape {table.shape}; accepted is (rows, classes)")
    n_rows, n_classes = table.shape
    known = ~np.isnan(np.asarray(labels, dtype=np.float64))
    truth = _check_index("label", np.where(known, np.asarray(labels, np.float64), 0), n_rows, n_classes)
    chosen = _check_index("prediction", predictions, n_rows, n_classes)
    chunks = _check_index("chunk index", chunk_index, n_rows, n_chunks)
    every = np.arange(n_classes)
    cells = (chunks[:, None] * n_classes + every) * N_SCORE_BINS
    cells += assign_score_bins(table.ravel(), GRID_THRESHOLD).reshape(table.shape)

    def count(selected: NDArray[np.bool_]) -> NDArray[np.int64]:
        counted = np.bincount(cells[selected], minlength=n_chunks * n_classes * N_SCORE_BINS)
        return counted.reshape(n_chunks, n_classes, N_SCORE_BINS)

    is_label, is_chosen = truth[:, None] == every, chosen[:, None] == every
    pairs = ((chunks * n_classes + truth) * n_classes + chosen)[known]
    losses = compute_log_losses(table[known, truth[known]], np.ones(int(known.sum())))
    return ClassCounts(
        confusion=np.bincount(pairs, minlength=n_chunks * n_classes**2).reshape(n_chunks, n_classes, n_classes),
        own=count(is_label & known[:, None]),
        other=count(~is_label & known[:, None]),
        chosen=count(is_chosen),
        passed_over=count(~is_chosen),
        log_loss=np.bincount(chunks[known], weights=losses, minlength=n_chunks).astype(np.float64),
        log_loss_squares=np.bincount(chunks[known], weights=losses**2, minlength=n_chunks).astype(np.float64),
    )


def transform_class_counts(counts: ClassCounts, change: Callable[[NDArray[Any]], NDArray[Any]]) -> ClassCounts:
    """Apply one linear change along the chunks, the first axis, to every array of the counts.

    Examples
    --------
    >>> counts = count_classes(np.eye(3), [0, 1, 2], [0, 1, 2], [0, 1, 1], n_chunks=2)
    >>> transform_class_counts(counts, lambda values: values.sum(axis=0, keepdims=True)).n.tolist()
    [3]
    """
    return ClassCounts(**{field.name: change(getattr(counts, field.name)) for field in fields(counts)})


def compute_class_metrics(counts: ClassCounts) -> dict[MulticlassMetric, Values]:
    """Compute every metric of each chunk over its labelled rows.

    Accuracy, macro F1, and log loss are exact; the ROC AUC treats rows of a bin as tied. Means over classes are
    plain, over the classes that have a value: F1 for those that occur as a label or a prediction, ROC AUC for
    those with rows both of and outside the class.

    Parameters
    ----------
    counts : ClassCounts
        Of k chunks.

    Returns
    -------
    dict of MulticlassMetric to ndarray of shape (k,)
        All of ``MulticlassMetric``; NaN where undefined.

    References
    ----------
    Fawcett (2006), An introduction to ROC analysis, for one class against the rest.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.dirichlet([1, 1, 1], 1000)
    >>> labels = (rng.random((1000, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    >>> counts = count_classes(scores, labels, scores.argmax(axis=1), np.zeros(1000, int), n_chunks=1)
    >>> metrics = compute_class_metrics(counts)
    >>> metrics[MulticlassMetric.ACCURACY].round(3), metrics[MulticlassMetric.ROC_AUC].round(3)
    (array([0.622]), array([0.81]))
    """
    hits = np.diagonal(counts.confusion, axis1=1, axis2=2)
    both = counts.confusion.sum(axis=1) + counts.confusion.sum(axis=2)
    k, n_classes = hits.shape
    areas = compute_roc_auc(counts.other.reshape(-1, N_SCORE_BINS), counts.own.reshape(-1, N_SCORE_BINS))
    return {
        MulticlassMetric.ACCURACY: divide_or_nan(hits.sum(axis=1), counts.n_labelled),
        MulticlassMetric.MACRO_F1: average_classes(divide_or_nan(2 * hits, both)),
        MulticlassMetric.LOG_LOSS: divide_or_nan(counts.log_loss, counts.n_labelled),
        MulticlassMetric.ROC_AUC: average_classes(areas.reshape(k, n_classes)),
    }


def average_classes(by_class: Values) -> Values:
    """Average over the classes, the last axis, that have a value; NaN without any.

    Examples
    --------
    >>> average_classes(np.array([[0.5, 1.0, np.nan], [np.nan, np.nan, np.nan]]))
    array([0.75,  nan])
    """
    return divide_or_nan(np.nansum(by_class, axis=-1), np.isfinite(by_class).sum(axis=-1))


def _check_index(name: str, values: ArrayLike, n_rows: int, n_accepted: int) -> NDArray[np.int64]:
    index = np.asarray(values)
    if index.shape != (n_rows,):
        raise ValueError(f"{name} has shape {index.shape}; accepted is one per row, ({n_rows},)")
    refused = ~((index >= 0) & (index < n_accepted) & (index == np.floor(index)))
    if refused.any():
        raise ValueError(
            f"{name} of row {int(refused.argmax())} is {index[refused][0]}; accepted is 0 to {n_accepted - 1}"
        )
    return index.astype(np.int64)
