"""Decides how large the errors of a regression are expected to be while its labels are missing.

Direct loss estimation (DLE) by the prediction alone: what the absolute error was, on a labelled reference, for
predictions of the same size. It sees a shift of the predictions to where the model is known to err more or less;
it cannot see concept drift, nor a shift of features that leaves the predictions as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.ratios import divide_or_nan
from mlops_core.stats.regression import RegressionMetric

MIN_TABLE_ROWS = 50
"""Rows of the reference that an expected loss rests on; neighbouring bins are pooled until they have as many."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossTable:
    """What a prediction is expected to miss by, for each of n_bins bins of the prediction."""

    absolute: Values
    """Expected |error|, in the unit of the label, shape (n_bins,)."""
    squared: Values
    """Expected squared error, shape (n_bins,)."""
    fourth: Values
    """Expected fourth power of the error, shape (n_bins,)."""
    n: int
    """Labelled rows of the reference."""


def tabulate_losses(prediction_bins: ArrayLike, errors: ArrayLike, n_bins: int) -> LossTable:
    """Average the errors of a labelled reference by bin of the prediction.

    Parameters
    ----------
    prediction_bins : array_like of shape (n,)
        Bin of the prediction of each row, integers in [0, n_bins - 1], ascending with the prediction.
    errors : array_like of shape (n,)
        Prediction less label, finite.
    n_bins : int
        Bins of the prediction.

    Returns
    -------
    LossTable
        As ``fit_loss_table`` makes it.

    Raises
    ------
    ValueError
        When lengths differ, there are no rows, or a bin or an error is outside its domain.

    Examples
    --------
    >>> table = tabulate_losses([0] * 60 + [2] * 60, [1.0] * 60 + [-3.0] * 60, n_bins=3)
    >>> table.absolute.tolist()
    [1.0, 2.0, 3.0]
    """
    bins, missed = np.asarray(prediction_bins), np.asarray(errors, dtype=np.float64)
    if bins.ndim != 1 or bins.shape != missed.shape:
        raise ValueError(f"bins have shape {bins.shape}, errors {missed.shape}; accepted is one per row")
    refused = ~((bins >= 0) & (bins < n_bins) & np.isfinite(missed))
    if refused.any():
        row = int(refused.argmax())
        raise ValueError(
            f"row {row} has bin {bins[row]} and error {missed[row]}; accepted are 0 to {n_bins - 1} and finite errors"
        )

    index = bins.astype(np.int64)

    def add(power: int) -> Values:
        return np.bincount(index, weights=np.abs(missed) ** power, minlength=n_bins).astype(np.float64)

    return fit_loss_table(np.bincount(index, minlength=n_bins), add(1), add(2), add(4))


def fit_loss_table(n: NDArray[np.int64], absolute: Values, squares: Values, fourths: Values) -> LossTable:
    """Turn sums of a labelled reference by bin of the prediction into expected losses.

    Neighbouring bins are pooled, from the lowest on, until each pool has ``MIN_TABLE_ROWS`` rows; what is left at
    the top joins the last pool. A bin that the reference never filled lies on the line between its neighbours, by
    the index of the bin; beyond the lowest and the highest filled bin the loss stays as it is there.

    Parameters
    ----------
    n : ndarray of shape (n_bins,)
        Labelled rows.
    absolute, squares, fourths : ndarray of shape (n_bins,)
        Sums of |error|, of its square, and of its fourth power.

    Returns
    -------
    LossTable
        Of the same bins.

    Raises
    ------
    ValueError
        When there are no rows.

    References
    ----------
    NannyML's documentation of direct loss estimation, which fits a regression to features and prediction where
    this fits one step function to the prediction.

    Examples
    --------
    >>> n = np.array([30, 30, 0, 80])
    >>> fit_loss_table(n, n * [1.0, 3.0, 0.0, 4.0], n * 1.0, n * 1.0).absolute.tolist()
    [2.0, 2.0, 3.0, 4.0]
    """
    filled = np.flatnonzero(n)
    if filled.size == 0:
        raise ValueError("the reference has no labelled rows; accepted is at least one")
    pools = _pool_bins(n[filled])
    rows = np.bincount(pools, weights=n[filled])

    def average(sums: Values) -> Values:
        means = np.bincount(pools, weights=sums[filled]) / rows
        return np.asarray(np.interp(np.arange(n.size), filled, means[pools]))

    return LossTable(absolute=average(absolute), squared=average(squares), fourth=average(fourths), n=int(n.sum()))


def estimate_losses(prediction_counts: ArrayLike, table: LossTable) -> dict[RegressionMetric, Values]:
    """Estimate the mean absolute error and the root of the mean squared error of each chunk without its labels.

    ``Σ_b c_b a_b / n`` and ``sqrt(Σ_b c_b s_b / n)``, with c the rows and a and s the expected absolute and
    squared error of bin b.

    Parameters
    ----------
    prediction_counts : array_like of shape (k, n_bins)
        Rows of each chunk by bin of the prediction, labelled or not.
    table : LossTable
        Of a labelled reference of the same version and the same bins.

    Returns
    -------
    dict of RegressionMetric to ndarray of shape (k,)
        MAE and RMSE, in the unit of the label; NaN for a chunk without rows.

    Raises
    ------
    ValueError
        When a count is negative or their shape does not fit the table.

    References
    ----------
    NannyML's documentation of direct loss estimation.

    Examples
    --------
    >>> table = tabulate_losses([0] * 60 + [1] * 60, [1.0] * 60 + [-3.0] * 60, n_bins=2)
    >>> estimate_losses([[10, 10], [0, 20]], table)[RegressionMetric.MAE]
    array([2., 3.])
    """
    counts = _check_counts(prediction_counts, table)
    n = counts.sum(axis=1)
    return {
        RegressionMetric.MAE: divide_or_nan(counts @ table.absolute, n),
        RegressionMetric.RMSE: np.sqrt(divide_or_nan(counts @ table.squared, n)),
    }


def estimate_loss_errors(prediction_counts: ArrayLike, table: LossTable) -> dict[RegressionMetric, Values]:
    """Estimate the standard error of the realised losses around their estimates.

    Given their predictions, the errors of the rows are taken as independent draws from those of the reference in
    the same bin: ``Σ_b c_b (s_b - a_b²) / n²`` is the variance of the MAE, and by the delta method
    ``Σ_b c_b (f_b - s_b²) / (4 n² RMSE²)`` that of the RMSE, with a, s, f the expected first, second, and fourth
    powers. Not covered are the error of the table, what the rows of a chunk have in common, and concept drift.

    Parameters
    ----------
    prediction_counts : array_like of shape (k, n_bins)
        Rows of each chunk by bin of the prediction, labelled or not.
    table : LossTable
        Of a labelled reference of the same version and the same bins.

    Returns
    -------
    dict of RegressionMetric to ndarray of shape (k,)
        For MAE and RMSE, at least 0, in the unit of the label; NaN for a chunk without rows.

    Raises
    ------
    ValueError
        When a count is negative or their shape does not fit the table.

    References
    ----------
    Efron (1982), The jackknife, the bootstrap and other resampling plans, chapter 6.

    Examples
    --------
    >>> errors = np.random.default_rng(0).normal(size=1000)
    >>> table = tabulate_losses(np.zeros(1000, int), errors, n_bins=1)
    >>> estimate_loss_errors([[400]], table)[RegressionMetric.MAE].round(4)
    array([0.0297])
    """
    counts = _check_counts(prediction_counts, table)
    n = counts.sum(axis=1)
    rmse = estimate_losses(counts, table)[RegressionMetric.RMSE]
    # Interpolated or equal losses may leave a variance below 0 by a rounding error.
    absolute = counts @ np.maximum(table.squared - table.absolute**2, 0)
    squared = counts @ np.maximum(table.fourth - table.squared**2, 0)
    return {
        RegressionMetric.MAE: divide_or_nan(np.sqrt(absolute), n),
        RegressionMetric.RMSE: divide_or_nan(np.sqrt(squared), 2 * n * rmse),
    }


def _pool_bins(n: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the pools of neighbouring bins, each with at least ``MIN_TABLE_ROWS`` rows if there are as many."""
    pools = np.zeros(n.size, dtype=np.int64)
    pool, rows = 0, 0
    left = np.cumsum(n[::-1])[::-1]
    for index, count in enumerate(n):
        if rows >= MIN_TABLE_ROWS and left[index] >= MIN_TABLE_ROWS:
            pool, rows = pool + 1, 0
        pools[index] = pool
        rows += count
    return pools


def _check_counts(prediction_counts: ArrayLike, table: LossTable) -> Values:
    counts = np.asarray(prediction_counts, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] != table.absolute.size:
        raise ValueError(f"prediction counts have shape {counts.shape}; accepted is (k, {table.absolute.size})")
    refused = ~(counts >= 0)
    if refused.any():
        raise ValueError(f"a prediction count is {counts[refused][0]}; accepted is 0 or more")
    return counts
