"""Decides how p-values are adjusted when many features are tested at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjust_benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that rejecting those at most α keeps the false discovery rate at α.

    With the m tested p-values in ascending order, the i-th becomes ``min over j ≥ i of p_j m / j``, at most 1.

    Parameters
    ----------
    p_values : array_like of shape (..., m)
        In [0, 1], one family along the last axis; NaN was not tested and does not count.

    Returns
    -------
    ndarray of shape (..., m)
        Adjusted p-values in [0, 1], none below its p-value, in the same order; NaN stays NaN.

    Raises
    ------
    ValueError
        When a p-value is outside [0, 1], or the input has no axis.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate.

    Examples
    --------
    >>> adjust_benjamini_hochberg([0.01, np.nan, 0.04, 0.03])
    array([0.03,  nan, 0.04, 0.04])
    >>> adjust_benjamini_hochberg(np.random.default_rng(0).random(3)).round(3)
    array([0.637, 0.405, 0.123])
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim == 0:
        raise ValueError("p_values has no axis; accepted is shape (..., m)")
    refused = (p < 0) | (p > 1)
    if refused.any():
        raise ValueError(f"p-value is {p[refused][0]}; accepted is 0 to 1, or NaN when not tested")
    # NaN sorts last, so the rank of a tested value counts tested values only.
    order = np.argsort(p, axis=-1, kind="stable")
    n_tested = np.isfinite(p).sum(axis=-1, keepdims=True)
    scaled = np.take_along_axis(p, order, axis=-1) * n_tested / np.arange(1, p.shape[-1] + 1)
    lowest_above = np.fmin.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(lowest_above, 1.0), axis=-1)
    return np.where(np.isnan(p), np.nan, adjusted)
