"""Decides how high the PSI of a feature may stand when nothing has changed: the band behind its series."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv

from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.ratios import divide_or_nan


def no_drift_band(
    n_groups: int, n_current: ArrayLike, n_reference: ArrayLike, level: float = 0.95
) -> NDArray[np.float64]:
    """Bound the PSI that chance alone gives, for chunks of independent rows of the reference's distribution.

    ``(1/n + 1/m) χ²_level(G - 1)``: to second order around p = q the PSI is Σ (p - q)² / p, which is Pearson's
    statistic over n m / (n + m). With PSI's +0.5 on each group the bound holds its level from about five
    expected rows in each group on; below that the smoothing draws both sides together, and PSI stays under
    the bound more often than the level says, never less often. Rows of one day that share their weather move
    further than independent rows: the band shows what chance gives, not what is natural.

    Parameters
    ----------
    n_groups : int
        Groups G that PSI is taken over, null's included; 1 or more.
    n_current : array_like of shape (k,) or scalar
        Rows n of each chunk; at least 0.
    n_reference : array_like of shape (k,) or scalar
        Rows m of the reference; at least 0.
    level : float
        Chance, in (0, 1), that a chunk without drift stays below.

    Returns
    -------
    ndarray of shape (k,) or ()
        At least 0, NaN where a side has no rows; 0 for one group, whose PSI is always 0.

    Raises
    ------
    ValueError
        When n_groups is below 1, a number of rows negative, or the level outside (0, 1).

    References
    ----------
    Yurdakul & Naranjo (2020), Statistical properties of the population stability index.

    Examples
    --------
    >>> no_drift_band(10, [200, 2_000, 20_000], 20_000).round(4)
    array([0.0854, 0.0093, 0.0017])
    """
    check_confidence(level)
    if n_groups < 1:
        raise ValueError(f"n_groups is {n_groups!r}; accepted is 1 or more")
    n, m = np.broadcast_arrays(np.asarray(n_current, np.float64), np.asarray(n_reference, np.float64))
    for name, rows in (("n_current", n), ("n_reference", m)):
        refused = ~(rows >= 0)
        if refused.any():
            raise ValueError(f"{name} is {rows[refused][0]}; accepted is 0 or more rows")
    quantile = 2 * float(gammaincinv((n_groups - 1) / 2, level)) if n_groups > 1 else 0.0
    return quantile * (divide_or_nan(1, n) + divide_or_nan(1, m))
