"""Decides how far the means of a number on two sides are apart, in units of its own spread."""

import numpy as np

from mlops_core.stats.features import BinnedSample


def compute_standardised_difference(left: BinnedSample, right: BinnedSample) -> float:
    """Compute the standardised difference of the means, ``(m₂ − m₁) / √((s₁² + s₂²) / 2)``.

    It does not grow with the number of rows, as a test would; 0.1 is a usual limit of balance.

    Parameters
    ----------
    left, right : BinnedSample
        One number on two sides, over the same bins.

    Returns
    -------
    float
        Positive when the right side is higher; 0 for means that are equal; NaN where a side has no finite values, and
        where means differ without any spread.

    References
    ----------
    Austin (2009), Balance diagnostics for comparing the distribution of baseline covariates between treatment groups.

    Examples
    --------
    >>> left = BinnedSample(counts=np.array([5, 5]), means=np.array([0.0, 2.0]))
    >>> right = BinnedSample(counts=np.array([1, 9]), means=np.array([0.0, 2.0]))
    >>> round(compute_standardised_difference(left, right), 3)
    0.97
    """
    difference = _average(right) - _average(left)
    spread = float(np.sqrt((left.standard_deviation**2 + right.standard_deviation**2) / 2))
    if difference == 0:
        return 0.0
    return difference / spread if spread > 0 else float("nan")


def _average(side: BinnedSample) -> float:
    filled = side.counts > 0
    if not filled.any() or not np.isfinite(side.means[filled]).all():
        return float("nan")
    return float(np.average(side.means[filled], weights=side.counts[filled]))
