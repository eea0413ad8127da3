"""Decides how p-values, and intervals, are adjusted when many features, segments, or versions are tested at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.proportions import check_confidence


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


def adjust_confidence(p_adjusted: ArrayLike, confidence: float = 0.95) -> float:
    """Give the confidence of each interval beside Benjamini–Hochberg-adjusted p-values, to agree with them.

    With R of the m tested values adjusted below ``1 - confidence``, each interval has the confidence
    ``1 - (1 - confidence) max(R, 1) / m``. Then the expected share of false intervals among those selected is at
    most 1 - confidence, and an interval of the same test as the p-values excludes its null value exactly when the
    adjusted p-value is below 1 - confidence. When none is, this is the confidence of Bonferroni.

    Parameters
    ----------
    p_adjusted : array_like of shape (m,)
        From ``adjust_benjamini_hochberg``, of one family; NaN was not tested and does not count.
    confidence : float
        In (0, 1).

    Returns
    -------
    float
        In [confidence, 1); the confidence itself when nothing was tested.

    Raises
    ------
    ValueError
        When the confidence is outside (0, 1), or an adjusted p-value outside [0, 1].

    References
    ----------
    Benjamini & Yekutieli (2005), False discovery rate-adjusted multiple confidence intervals for selected
    parameters.

    Examples
    --------
    >>> p_adjusted = adjust_benjamini_hochberg([0.001, 0.02, 0.3, 0.9])
    >>> round(adjust_confidence(p_adjusted), 4), round(adjust_confidence([0.4, 0.4]), 4)
    (0.975, 0.975)
    """
    check_confidence(confidence)
    p = np.asarray(p_adjusted, np.float64)
    refused = (p < 0) | (p > 1)
    if refused.any():
        raise ValueError(f"adjusted p-value is {p[refused][0]}; accepted is 0 to 1, or NaN when not tested")
    n_tested = max(1, int(np.isfinite(p).sum()))
    n_selected = int((p < 1 - confidence).sum())
    return 1 - (1 - confidence) * max(n_selected, 1) / n_tested


def share_confidence(n_intervals: int, confidence: float = 0.95) -> float:
    """Give the confidence of each of several intervals that are to hold all together, as Bonferroni has it.

    ``1 - (1 - confidence) / n_intervals``: then the chance that any of them misses is at most 1 - confidence, whatever
    the intervals are of and however they depend on each other, also for the one that is picked because it is best.
    Dunnett's, for several versions beside the same one, are nearer by a little, but hold for normal means alone.

    Parameters
    ----------
    n_intervals : int
        At least 1.
    confidence : float
        Of all together, in (0, 1).

    Returns
    -------
    float
        In [confidence, 1).

    Raises
    ------
    ValueError
        When there is no interval, or the confidence is outside (0, 1).

    References
    ----------
    Dunn (1961), Multiple comparisons among means; Dunnett (1955), A multiple comparison procedure for comparing
    several treatments with a control.

    Examples
    --------
    >>> share_confidence(1), round(share_confidence(3), 4)
    (0.95, 0.9833)
    """
    check_confidence(confidence)
    if n_intervals < 1:
        raise ValueError(f"n_intervals is {n_intervals!r}; accepted is 1 or more")
    return 1 - (1 - confidence) / n_intervals
