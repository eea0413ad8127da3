"""Decides how far rows lie from the plane that the reference's columns span together.

A row can lie far off although each of its values is an everyday one: the columns no longer go together.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mlops_core.stats.multivariate import Matrix, check_rows

VARIANCE_KEPT = 0.65
"""Share of the reference's variance that the components hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEncoding:
    """How one column becomes a number without unit, as the reference had it."""

    levels: Matrix | None
    """Codes of the reference, ascending, shape (L,); None for a numeric column."""
    shares: Matrix | None
    """Share of each level in the reference, and last of null, shape (L + 1,); None for a numeric column."""
    fill: float
    """Median of the reference, in place of null; NaN for a categorical column."""
    low: float
    """Smallest finite value of the reference, in place of -inf; NaN for a categorical column."""
    high: float
    """Largest finite value, in place of inf; NaN for a categorical column."""
    centre: float
    """Mean of the encoded column."""
    scale: float
    """Its standard deviation; 0 for a column that never varied and so is left out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReconstructionModel:
    """The plane that the reference's columns span together."""

    columns: tuple[ColumnEncoding, ...]
    """One per column of the rows, in their order."""
    components: Matrix
    """Orthonormal directions of the plane, shape (c, columns that vary), the one of most variance first."""
    variance_kept: float
    """Share of the variance that the components hold, 0–1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionError:
    """How far rows lie from the plane, in standard deviations of a column."""

    mean: float | None
    """Mean distance, at least 0; None without rows."""
    standard_error: float | None
    """Of the mean, for independent rows; None below two rows."""
    n: int
    """Rows."""


def fit_reconstruction(
    reference: ArrayLike, *, categorical: Collection[int] = (), variance_kept: float = VARIANCE_KEPT
) -> ReconstructionModel:
    """Fit the plane of the first principal components of the reference.

    A numeric column takes its median for null and its finite extremes for ±inf; a category becomes its share
    in the reference, null's included, so categories of equal share are not told apart. Each column is then
    standardised, and one that never varies left out, since it has no scale.

    Parameters
    ----------
    reference : array_like of shape (m, d)
        Rows, NaN for null.
    categorical : collection of int
        Positions of the columns that hold codes of categories.
    variance_kept : float
        In (0, 1); the fewest components that hold more are kept, and always fewer than columns.

    Returns
    -------
    ReconstructionModel
        Small: no row of the reference is kept.

    Raises
    ------
    ValueError
        When rows are not a matrix, fewer than two columns vary, or a parameter is outside its domain.

    References
    ----------
    Jolliffe (2002), Principal component analysis; Rabanser et al. (2019), Failing loudly.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(500, 1))
    >>> model = fit_reconstruction(shared + 0.5 * rng.normal(size=(500, 3)))
    >>> model.components.shape, round(model.variance_kept, 3)
    ((1, 3), 0.867)
    """
    rows = check_rows(reference)
    if not 0.0 < variance_kept < 1.0:
        raise ValueError(f"variance_kept is {variance_kept!r}; accepted is a number strictly between 0 and 1")
    if not set(categorical) <= set(range(rows.shape[1])):
        raise ValueError(f"categorical is {sorted(categorical)}; accepted are positions of {rows.shape[1]} columns")
    columns = tuple(_fit_column(rows[:, j], j in categorical) for j in range(rows.shape[1]))
    encoded = _encode(columns, rows)
    if encoded.shape[1] < 2:
        raise ValueError(f"{encoded.shape[1]} columns vary; accepted is 2 or more")
    variances, directions = np.linalg.eigh(encoded.T @ encoded / len(rows))
    held = np.cumsum(variances[::-1]) / variances.sum()
    n_components = min(int(np.searchsorted(held, variance_kept, side="right")) + 1, encoded.shape[1] - 1)
    return ReconstructionModel(
        columns=columns,
        components=directions[:, ::-1].T[:n_components],
        variance_kept=float(held[n_components - 1]),
    )


def reconstruction_error(model: ReconstructionModel, rows: ArrayLike) -> ReconstructionError:
    """Measure the mean distance of rows from the plane, ``mean_i ‖z_i - Wᵀ W z_i‖`` over encoded rows z.

    Rises when columns no longer go together as they did, falls when they go together more closely.

    Parameters
    ----------
    model : ReconstructionModel
        Fitted on the reference.
    rows : array_like of shape (n, d)
        In the columns of the reference; an unseen category counts as one of share 0.

    Returns
    -------
    ReconstructionError
        At least 0.

    Raises
    ------
    ValueError
        When rows are not a matrix of the reference's columns.

    References
    ----------
    Jolliffe (2002), Principal component analysis, chapter 10.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=500)
    >>> model = fit_reconstruction(np.column_stack([x, x]))
    >>> found = reconstruction_error(model, np.column_stack([x, -x]))
    >>> round(found.mean, 2), round(found.standard_error, 2)
    (1.13, 0.04)
    """
    values = check_rows(rows)
    if values.shape[1] != len(model.columns):
        raise ValueError(f"rows have {values.shape[1]} columns; accepted is {len(model.columns)}")
    encoded = _encode(model.columns, values)
    residual = encoded - encoded @ model.components.T @ model.components
    distances = np.sqrt(np.einsum("ij,ij->i", residual, residual))
    n = len(distances)
    return ReconstructionError(
        mean=float(distances.mean()) if n else None,
        standard_error=float(distances.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        n=n,
    )


def _fit_column(values: Matrix, is_categorical: bool) -> ColumnEncoding:
    levels: Matrix | None = None
    shares: Matrix | None = None
    fill = low = high = np.nan
    if is_categorical:
        known = values[~np.isnan(values)]
        levels, counts = np.unique(known, return_counts=True)
        shares = np.append(counts, values.size - known.size) / max(values.size, 1)
    elif (finite := values[np.isfinite(values)]).size:
        low, fill, high = (float(figure) for figure in (finite.min(), np.median(finite), finite.max()))
    column = ColumnEncoding(levels=levels, shares=shares, fill=fill, low=low, high=high, centre=0.0, scale=1.0)
    encoded = _encode_column(column, values)
    if not (encoded.size and np.ptp(encoded) > 0):
        return replace(column, scale=0.0)
    return replace(column, centre=float(encoded.mean()), scale=float(encoded.std()))


def _encode(columns: tuple[ColumnEncoding, ...], rows: Matrix) -> Matrix:
    kept = [_encode_column(column, rows[:, j]) for j, column in enumerate(columns) if column.scale > 0]
    return np.column_stack(kept) if kept else np.empty((len(rows), 0))


def _encode_column(column: ColumnEncoding, values: Matrix) -> Matrix:
    if column.levels is None or column.shares is None:
        encoded = np.nan_to_num(values, nan=column.fill, neginf=column.low, posinf=column.high)
    else:
        place = np.searchsorted(column.levels, values)
        is_level = np.append(column.levels, np.nan)[place] == values
        encoded = np.where(is_level, column.shares[place], np.where(np.isnan(values), column.shares[-1], 0.0))
    return (encoded - column.centre) / column.scale
