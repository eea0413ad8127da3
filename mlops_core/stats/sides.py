"""Decides which two sets of counts can be compared, and that an empty side has no shares."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]


def pair_counts(reference: ArrayLike, current: ArrayLike) -> tuple[Values, Values]:
    """Return both counts as floats, or raise when they cannot stand against each other.

    Parameters
    ----------
    reference, current : array_like of shape (..., B)
        Rows by bin, 0 or more; the leading axes broadcast.

    Returns
    -------
    reference, current : ndarray of shape (..., B)
        Each in the shape it came in.

    Raises
    ------
    ValueError
        When a count is negative, NaN, or infinite, or the bins are not the same number of 1 or more.

    Examples
    --------
    >>> pair_counts([1, 2], [[3, 4], [5, 6]])[1].shape
    (2, 2)
    """
    sides = np.asarray(reference, np.float64), np.asarray(current, np.float64)
    shapes = [side.shape for side in sides]
    if any(side.ndim == 0 or side.shape[-1] == 0 for side in sides) or shapes[0][-1] != shapes[1][-1]:
        raise ValueError(f"counts have shapes {shapes}; accepted is the same number of bins, 1 or more, last")
    for name, side in zip(("reference", "current"), sides, strict=True):
        refused = ~(np.isfinite(side) & (side >= 0))
        if refused.any():
            raise ValueError(f"a count of the {name} is {side[refused][0]}; accepted is 0 or more rows")
    return sides


def take_shares(counts: Values) -> Values:
    """Divide counts of shape (..., B) by their sum over the bins; NaN where there are no rows.

    Examples
    --------
    >>> take_shares(np.array([[1.0, 3.0], [0.0, 0.0]]))
    array([[0.25, 0.75],
           [ nan,  nan]])
    """
    return divide_or_nan(counts, counts.sum(axis=-1, keepdims=True))
