"""Decides how counts by bin become a density that can be drawn: spread evenly within each bin of the grid."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.grids import NumericGrid, Transform
from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]


def find_bin_edges(bins: ArrayLike, grid: NumericGrid) -> Values:
    """Give the lower edge of each bin, ``centre + T⁻¹(i / scale)``; that of bin i + 1 is the upper edge of bin i.

    Parameters
    ----------
    bins : array_like of int, of shape (b,)
        Indices of a grid, those of infinities excepted.

    Returns
    -------
    ndarray of shape (b,)
        In units of the feature.

    References
    ----------
    Scott (1992), Multivariate density estimation, chapter 3, on histograms.

    Examples
    --------
    >>> find_bin_edges([0, 3], NumericGrid(transform=Transform.IDENTITY, centre=1.0, scale=2.0)).tolist()
    [1.0, 2.5]
    """
    place = np.asarray(bins, np.float64) / grid.scale
    with np.errstate(over="ignore"):
        distance = place if grid.transform is Transform.IDENTITY else np.sign(place) * np.abs(place) ** 8
    return np.asarray(grid.centre + distance)


def spread_density(bins: ArrayLike, counts: ArrayLike, grid: NumericGrid, edges: ArrayLike) -> Values:
    """Compute the density between edges of one's own, each bin's rows spread evenly over its width.

    Parameters
    ----------
    bins : array_like of int, of shape (b,)
        Ascending indices of a grid, those of infinities excepted.
    counts : array_like of shape (b,)
        Rows of each bin; at least 0.
    edges : array_like of shape (e + 1,)
        Increasing, in units of the feature; rows outside count in the whole, but are in no part.

    Returns
    -------
    ndarray of shape (e,)
        Share per unit of the feature, at least 0; NaN without rows, infinite where a part is too narrow.

    Raises
    ------
    ValueError
        When the edges do not increase.

    References
    ----------
    Scott (1992), Multivariate density estimation, chapter 3, on histograms.

    Examples
    --------
    >>> grid = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
    >>> rng = np.random.default_rng(0)
    >>> bins, counts = np.unique(np.floor(rng.uniform(0, 4, 1000)).astype(int), return_counts=True)
    >>> spread_density(bins, counts, grid, [0.0, 2.0, 4.0]).round(1).tolist()
    [0.2, 0.3]
    """
    wanted = np.asarray(edges, np.float64)
    widths = np.diff(wanted)
    if not (widths > 0).all():
        raise ValueError(
            f"edges have a step of {widths.min() if widths.size else 'nothing'}; accepted are rising edges"
        )
    index, rows = np.asarray(bins, np.int64), np.asarray(counts, np.float64)
    if index.size == 0:
        return np.full(widths.size, np.nan)
    # Edges and the rows below each of them; between the bins the sum stays where it is.
    places = np.column_stack([find_bin_edges(index, grid), find_bin_edges(index + 1, grid)]).ravel()
    below = np.column_stack([rows.cumsum() - rows, rows.cumsum()]).ravel()
    # Parts narrower than a number can tell have an infinite density.
    with np.errstate(over="ignore"):
        return divide_or_nan(np.diff(np.interp(wanted, places, below)), rows.sum()) / widths
