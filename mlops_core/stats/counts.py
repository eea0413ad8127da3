"""Decides what is kept of scored rows: counts of score bin by label, by chunk, which merge by addition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins, check_scores
from mlops_core.stats.losses import compute_log_losses, compute_squared_errors

_BINNED = ("unlabelled", "negative", "positive")
_SUMMED = ("squared_error", "squared_error_squares", "log_loss", "log_loss_squares")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreLabelCounts:
    """Rows of k chunks, counted by score bin and label, with the sums that bins cannot give exactly."""

    threshold: float
    """Deployed threshold in [0, 1], an edge of the bins."""
    unlabelled: NDArray[np.int64]
    """Rows without a label, shape (k, N_SCORE_BINS)."""
    negative: NDArray[np.int64]
    """Rows with label 0, shape (k, N_SCORE_BINS)."""
    positive: NDArray[np.int64]
    """Rows with label 1, shape (k, N_SCORE_BINS)."""
    squared_error: NDArray[np.float64]
    """Sum of (s - y)² over the labelled rows of each chunk, shape (k,); 0 without labels."""
    squared_error_squares: NDArray[np.float64]
    """Sum of (s - y)⁴, shape (k,)."""
    log_loss: NDArray[np.float64]
    """Sum of -ln p(y) in nats, p clipped away from 0 and 1 (``losses.LOG_LOSS_CLIP``), shape (k,)."""
    log_loss_squares: NDArray[np.float64]
    """Sum of (ln p(y))², shape (k,)."""

    def __post_init__(self) -> None:
        k = len(self.positive)
        for name, shape in [(name, (k, N_SCORE_BINS)) for name in _BINNED] + [(name, (k,)) for name in _SUMMED]:
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; accepted is {shape}")

    @property
    def n(self) -> NDArray[np.int64]:
        """Rows of each chunk, labelled or not, shape (k,)."""
        return np.asarray(self.n_labelled + self.unlabelled.sum(axis=1))

    @property
    def n_labelled(self) -> NDArray[np.int64]:
        """Labelled rows of each chunk, shape (k,)."""
        return np.asarray(self.negative.sum(axis=1) + self.n_positive)

    @property
    def n_positive(self) -> NDArray[np.int64]:
        """Rows with label 1 of each chunk, shape (k,)."""
        return np.asarray(self.positive.sum(axis=1))


def count_scores(
    scores: ArrayLike, labels: ArrayLike, chunk_index: ArrayLike, n_chunks: int, threshold: float
) -> ScoreLabelCounts:
    """Count rows by chunk, score bin, and label.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Scores in [0, 1].
    labels : array_like of shape (n,)
        0, 1, or NaN for a row without a label.
    chunk_index : array_like of shape (n,)
        Chunk of each row, integers in [0, n_chunks - 1].
    n_chunks : int
        Chunks k; one without rows has zeros.
    threshold : float
        Deployed threshold in [0, 1].

    Returns
    -------
    ScoreLabelCounts
        Of k chunks.

    Raises
    ------
    ValueError
        When lengths differ, or a score, label, chunk, or the threshold is outside its domain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(100)
    >>> counts = count_scores(scores, rng.random(100) < scores, np.zeros(100, int), 1, threshold=0.5)
    >>> counts.n.tolist(), counts.n_labelled.tolist(), counts.n_positive.tolist()
    ([100], [100], [53])
    """
    values = check_scores(scores)
    truth, chunks = _check_rows(values, labels, chunk_index, n_chunks)
    cells = chunks * N_SCORE_BINS + assign_score_bins(values, threshold)

    def count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(cells[rows], minlength=n_chunks * N_SCORE_BINS).reshape(n_chunks, N_SCORE_BINS)

    labelled = ~np.isnan(truth)
    chunks, values, known = chunks[labelled], values[labelled], truth[labelled]
    squares = compute_squared_errors(values, known)
    losses = compute_log_losses(values, known)

    def add(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(chunks, weights=weights, minlength=n_chunks).astype(np.float64)

    return ScoreLabelCounts(
        threshold=float(threshold),
        unlabelled=count(~labelled),
        negative=count(truth == 0),
        positive=count(truth == 1),
        squared_error=add(squares),
        squared_error_squares=add(squares**2),
        log_loss=add(losses),
        log_loss_squares=add(losses**2),
    )


def merge_counts(counts: ScoreLabelCounts) -> ScoreLabelCounts:
    """Add all chunks into one; the result has k = 1.

    Examples
    --------
    >>> counts = count_scores([0.2, 0.8, 0.9], [0, 1, np.nan], [0, 1, 1], n_chunks=2, threshold=0.5)
    >>> merge_counts(counts).n.tolist()
    [3]
    """
    return transform_counts(counts, lambda values: values.sum(axis=0, keepdims=True))


def stack_counts(parts: Sequence[ScoreLabelCounts]) -> ScoreLabelCounts:
    """Put the chunks of several counts one after the other; k is the sum of theirs.

    Raises
    ------
    ValueError
        When there are no parts, or their thresholds differ.

    Examples
    --------
    >>> counts = count_scores([0.2, 0.8, 0.9], [0, 1, np.nan], [0, 1, 1], n_chunks=2, threshold=0.5)
    >>> stack_counts([counts, counts]).n.tolist()
    [1, 2, 1, 2]
    """
    thresholds = {part.threshold for part in parts}
    if len(thresholds) != 1:
        raise ValueError(f"the parts have the thresholds {sorted(thresholds)}; accepted is one for all")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _BINNED + _SUMMED}
    return ScoreLabelCounts(threshold=thresholds.pop(), **arrays)


def select_chunks(counts: ScoreLabelCounts, selection: ArrayLike) -> ScoreLabelCounts:
    """Keep the chunks of a mask of shape (k,), or of an index or a list of indices, in that order.

    Examples
    --------
    >>> counts = count_scores([0.2, 0.8, 0.9], [0, 1, np.nan], [0, 1, 1], n_chunks=2, threshold=0.5)
    >>> select_chunks(counts, [False, True]).n.tolist(), select_chunks(counts, 0).n.tolist()
    ([2], [1])
    """
    chosen = np.atleast_1d(np.asarray(selection))
    chosen = chosen if chosen.size else chosen.astype(np.intp)
    return transform_counts(counts, lambda values: values[chosen])


def roll_counts(counts: ScoreLabelCounts, width: int) -> ScoreLabelCounts:
    """Merge each chunk with the ``width`` - 1 chunks before it; the first chunks have fewer to merge with.

    Raises
    ------
    ValueError
        When the width is below 1.

    Examples
    --------
    >>> counts = count_scores([0.2, 0.8, 0.9], [0, 1, 1], [0, 1, 2], n_chunks=3, threshold=0.5)
    >>> roll_counts(counts, width=2).n.tolist()
    [1, 2, 2]
    """
    if width < 1:
        raise ValueError(f"width is {width!r}; accepted is 1 or more chunks")

    def roll(values: NDArray[Any]) -> NDArray[Any]:
        if values.ndim == 1:
            # Differences of running sums of floats would leave residues where a chunk has none.
            return np.convolve(values, np.ones(width))[: values.size] if values.size else values
        total = values.cumsum(axis=0)
        total[width:] -= total[:-width]
        return total

    return transform_counts(counts, roll)


def transform_counts(counts: ScoreLabelCounts, change: Callable[[NDArray[Any]], NDArray[Any]]) -> ScoreLabelCounts:
    """Apply one linear change along the chunks, the first axis, to every array of the counts.

    Examples
    --------
    >>> counts = count_scores([0.2, 0.8], [0, 1], [0, 0], n_chunks=1, threshold=0.5)
    >>> transform_counts(counts, lambda values: 2 * values).n.tolist()
    [4]
    """
    arrays = {name: change(getattr(counts, name)) for name in _BINNED + _SUMMED}
    return ScoreLabelCounts(threshold=counts.threshold, **arrays)


def _check_rows(
    values: NDArray[np.float64], labels: ArrayLike, chunk_index: ArrayLike, n_chunks: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    truth, chunks = np.asarray(labels, np.float64), np.asarray(chunk_index)
    if truth.shape != values.shape or chunks.shape != values.shape:
        raise ValueError(f"{values.size} scores, labels {truth.shape}, chunks {chunks.shape}; accepted is one per row")
    refused = ~(np.isnan(truth) | (truth == 0) | (truth == 1))
    if refused.any():
        raise ValueError(f"label of row {int(refused.argmax())} is {truth[refused][0]}; accepted are 0, 1, and NaN")
    outside = (chunks < 0) | (chunks >= n_chunks)
    if outside.any():
        raise ValueError(f"chunk index is {chunks[outside][0]}; accepted is 0 to {n_chunks - 1}")
    return truth, chunks.astype(np.int64)
