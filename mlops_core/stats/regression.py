"""Decides what is kept of predicted and realised numbers, and how each metric of a regression is read from it.

The error of a row is its prediction less its label, so that a positive bias is a prediction that is too high.
Sums and the histogram of errors merge by addition. Bins of the histogram are 1/32 of an octave wide, 2.2 % of the
error itself, on both sides of 0: fine enough for quantiles in any unit, and no additive figure rests on them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.ratios import divide_or_nan

BINS_PER_OCTAVE = 32
"""Bins for each doubling of the error."""

OCTAVES = 40
"""Doublings covered above and below 1: errors from 9e-13 to 1.1e12 in the unit of the label."""

N_SIDE_BINS = 2 * OCTAVES * BINS_PER_OCTAVE
"""Bins of either sign, 2,560."""

N_ERROR_BINS = 2 * N_SIDE_BINS + 1
"""Bins of the grid, 5,121; the one in the middle holds 0 and what is closer to it than the grid resolves."""

SMALLEST_SPREAD = 1e-10
"""Sums of squares of the labels around their mean below this share of those around 0 are lost in rounding."""

Values = NDArray[np.float64]


class RegressionMetric(StrEnum):
    """A performance metric of a regression."""

    MAE = "mae"
    """Mean absolute error, in the unit of the label."""
    RMSE = "rmse"
    """Root of the mean squared error, in the unit of the label."""
    BIAS = "bias"
    """Mean error, in the unit of the label; above 0 for predictions that are too high."""
    R2 = "r2"
    """Share of the variance of the labels that the predictions explain, at most 1."""
    MAPE = "mape"
    """Mean of |error / label| over the labels that are not 0, as a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorSums:
    """Labelled rows of k chunks, by the sums that the metrics of a regression need."""

    n: NDArray[np.int64]
    """Labelled rows, shape (k,)."""
    error: Values
    """Sum of prediction - label, shape (k,)."""
    error_squares: Values
    """Sum of its squares, shape (k,)."""
    absolute_error: Values
    """Sum of |prediction - label|, shape (k,)."""
    relative_error: Values
    """Sum of |(prediction - label) / label| over the labels that are not 0, shape (k,)."""
    n_nonzero: NDArray[np.int64]
    """Labels that are not 0, shape (k,)."""
    label: Values
    """Sum of the labels, shape (k,)."""
    label_squares: Values
    """Sum of their squares, shape (k,)."""
    histogram: NDArray[np.int64]
    """Rows by bin of the error, ascending, shape (k, N_ERROR_BINS)."""

    def __post_init__(self) -> None:
        k = len(self.n)
        for field in fields(self):
            found, accepted = getattr(self, field.name).shape, (k, N_ERROR_BINS) if field.name == "histogram" else (k,)
            if found != accepted:
                raise ValueError(f"{field.name} has shape {found}; accepted is {accepted}")


def sum_errors(predictions: ArrayLike, labels: ArrayLike, chunk_index: ArrayLike, n_chunks: int) -> ErrorSums:
    """Sum and count the errors of rows by chunk.

    Parameters
    ----------
    predictions : array_like of shape (n,)
        Finite numbers.
    labels : array_like of shape (n,)
        Finite numbers in the same unit, or NaN for a row without a label, which is left out.
    chunk_index : array_like of shape (n,)
        Chunk of each row, integers in [0, n_chunks - 1].
    n_chunks : int
        Chunks k; one without rows has zeros.

    Returns
    -------
    ErrorSums
        Of k chunks.

    Raises
    ------
    ValueError
        When lengths differ, or a prediction, label, or chunk is outside its domain.

    Examples
    --------
    >>> sums = sum_errors([3.0, 1.0, 5.0], [2.0, 0.0, np.nan], [0, 0, 0], n_chunks=1)
    >>> sums.n.tolist(), sums.error.tolist(), sums.relative_error.tolist(), sums.n_nonzero.tolist()
    ([2], [2.0], [0.5], [1])
    """
    predicted, truth, chunks = _check_rows(predictions, labels, chunk_index, n_chunks)
    errors, nonzero = predicted - truth, truth != 0

    def add(weights: Values, rows: NDArray[np.bool_] | slice = slice(None)) -> Values:
        return np.bincount(chunks[rows], weights=weights, minlength=n_chunks).astype(np.float64)

    cells = chunks * N_ERROR_BINS + assign_error_bins(errors)
    return ErrorSums(
        n=np.bincount(chunks, minlength=n_chunks),
        error=add(errors),
        error_squares=add(errors**2),
        absolute_error=add(np.abs(errors)),
        relative_error=add(np.abs(errors[nonzero] / truth[nonzero]), nonzero),
        n_nonzero=np.bincount(chunks[nonzero], minlength=n_chunks),
        label=add(truth),
        label_squares=add(truth**2),
        histogram=np.bincount(cells, minlength=n_chunks * N_ERROR_BINS).reshape(n_chunks, N_ERROR_BINS),
    )


def assign_error_bins(errors: ArrayLike) -> NDArray[np.int64]:
    """Give each error the index of its bin.

    ``sign(e) · floor(32 (log2 |e| + 40) + 1)`` from the middle bin, cut at 0 and at the last bin of the side.
    Engines whose logarithm rounds differently may put an error at an edge into the next bin.

    Examples
    --------
    >>> (assign_error_bins([-1.0, -1e-20, 0.0, 1.0, 2.0, 1e300]) - N_SIDE_BINS).tolist()
    [-1281, 0, 0, 1281, 1313, 2560]
    """
    values = np.asarray(errors, dtype=np.float64)
    distance = np.abs(values)
    octaves = np.log2(distance, out=np.full_like(distance, -np.inf), where=distance > 0)
    steps = np.clip(np.floor(BINS_PER_OCTAVE * (octaves + OCTAVES) + 1), 0, N_SIDE_BINS)
    return np.asarray(N_SIDE_BINS + np.sign(values) * steps, dtype=np.int64)


def error_bin_edges() -> Values:
    """Lay out the edges of the bins; the outermost, which are open, end at 40 octaves above 1.

    Examples
    --------
    >>> edges = error_bin_edges()
    >>> edges.shape, float(edges[-1]) == 2.0**40, float(edges[N_SIDE_BINS + 1]) == 2.0**-40
    ((5122,), True, True)
    """
    side = 2.0 ** (np.arange(N_SIDE_BINS + 1) / BINS_PER_OCTAVE - OCTAVES)
    return np.concatenate([-side[::-1], side])


def transform_error_sums(sums: ErrorSums, change: Callable[[NDArray[Any]], NDArray[Any]]) -> ErrorSums:
    """Apply one linear change along the chunks, the first axis, to every array of the sums.

    Examples
    --------
    >>> sums = sum_errors([3.0, 1.0], [2.0, 0.0], [0, 1], n_chunks=2)
    >>> transform_error_sums(sums, lambda values: values.sum(axis=0, keepdims=True)).n.tolist()
    [2]
    """
    return ErrorSums(**{field.name: change(getattr(sums, field.name)) for field in fields(sums)})


def compute_regression_metrics(sums: ErrorSums) -> dict[RegressionMetric, Values]:
    """Compute every metric of each chunk.

    ``R² = 1 - Σe² / (Σy² - (Σy)² / n)``.

    Parameters
    ----------
    sums : ErrorSums
        Of k chunks.

    Returns
    -------
    dict of RegressionMetric to ndarray of shape (k,)
        All of ``RegressionMetric``. NaN without labels; R² also where the labels do not differ, or by less than
        1e-5 of their size, and MAPE where all labels are 0.

    References
    ----------
    Hyndman & Koehler (2006), Another look at measures of forecast accuracy.

    Examples
    --------
    >>> sums = sum_errors([3.0, 1.0, 5.0], [2.0, 1.0, 6.0], [0, 0, 0], n_chunks=1)
    >>> {metric.value: values.round(3).tolist() for metric, values in compute_regression_metrics(sums).items()}
    {'mae': [0.667], 'rmse': [0.816], 'bias': [0.0], 'r2': [0.857], 'mape': [0.222]}
    """
    spread = sums.label_squares - np.nan_to_num(divide_or_nan(sums.label**2, sums.n))
    explained = divide_or_nan(sums.error_squares, np.where(spread > SMALLEST_SPREAD * sums.label_squares, spread, 0.0))
    return {
        RegressionMetric.MAE: divide_or_nan(sums.absolute_error, sums.n),
        RegressionMetric.RMSE: np.sqrt(divide_or_nan(sums.error_squares, sums.n)),
        RegressionMetric.BIAS: divide_or_nan(sums.error, sums.n),
        RegressionMetric.R2: 1 - explained,
        RegressionMetric.MAPE: divide_or_nan(sums.relative_error, sums.n_nonzero),
    }


def compute_error_quantiles(sums: ErrorSums, shares: ArrayLike) -> Values:
    """Compute the quantiles of the errors of each chunk from their histogram.

    The lowest bin with at least the share of the rows at or below it, and in it the place that a row would have
    if the rows of a bin were evenly spread.

    Parameters
    ----------
    sums : ErrorSums
        Of k chunks.
    shares : array_like of shape (q,)
        In [0, 1]; 0.5 asks for the median.

    Returns
    -------
    ndarray of shape (k, q)
        In the unit of the label, within 2.2 % of a row's error; NaN without labels. Errors beyond 1.1e12 count
        as that.

    Raises
    ------
    ValueError
        When a share is outside [0, 1].

    References
    ----------
    Hyndman & Fan (1996), Sample quantiles in statistical packages.

    Examples
    --------
    >>> errors = np.random.default_rng(0).normal(size=10_000)
    >>> sums = sum_errors(errors, np.zeros(10_000), np.zeros(10_000, int), n_chunks=1)
    >>> compute_error_quantiles(sums, [0.05, 0.5, 0.95]).round(2)
    array([[-1.63, -0.01,  1.64]])
    """
    wanted = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    refused = ~((wanted >= 0) & (wanted <= 1))
    if refused.any():
        raise ValueError(f"a share is {wanted[refused][0]}; accepted is 0 to 1")
    edges = error_bin_edges()
    found = np.full((len(sums.n), wanted.size), np.nan)
    for chunk in np.flatnonzero(sums.n > 0):
        below = np.cumsum(sums.histogram[chunk])
        # Half a row from either end is where the lowest and the highest row are.
        rank = np.clip(wanted * below[-1], 0.5, below[-1] - 0.5)
        bins = np.searchsorted(below, rank, side="left")
        count = sums.histogram[chunk, bins]
        part = (rank - (below[bins] - count)) / count
        found[chunk] = edges[bins] + part * (edges[bins + 1] - edges[bins])
        found[chunk, bins == N_SIDE_BINS] = 0.0
    return found


def _check_rows(
    predictions: ArrayLike, labels: ArrayLike, chunk_index: ArrayLike, n_chunks: int
) -> tuple[Values, Values, NDArray[np.int64]]:
    """Return prediction, label, and chunk of the labelled rows."""
    predicted, truth = np.asarray(predictions, np.float64), np.asarray(labels, np.float64)
    chunks = np.asarray(chunk_index)
    if predicted.ndim != 1 or truth.shape != predicted.shape or chunks.shape != predicted.shape:
        shapes = f"predictions {predicted.shape}, labels {truth.shape}, chunks {chunks.shape}"
        raise ValueError(f"{shapes}; accepted is one per row")
    for name, refused, values, accepted in (
        ("prediction", ~np.isfinite(predicted), predicted, "finite numbers"),
        ("label", np.isinf(truth), truth, "finite numbers and NaN"),
        ("chunk index", ~((chunks >= 0) & (chunks < n_chunks)), chunks, f"0 to {n_chunks - 1}"),
    ):
        if refused.any():
            raise ValueError(f"{name} of row {int(refused.argmax())} is {values[refused][0]}; accepted: {accepted}")
    known = ~np.isnan(truth)
    return predicted[known], truth[known], chunks[known].astype(np.int64)
