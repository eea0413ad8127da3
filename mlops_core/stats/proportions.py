"""Decides how far a share of a count can be trusted, and the difference of two shares of the same rows."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from mlops_core.stats.ratios import divide_or_nan


def check_confidence(confidence: float) -> float:
    """Return the confidence, or raise ValueError when it is not strictly between 0 and 1.

    Examples
    --------
    >>> check_confidence(0.95)
    0.95
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence!r}; accepted is a number strictly between 0 and 1")
    return confidence


def wilson_interval(
    successes: ArrayLike, n: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound a proportion by the score interval of Wilson.

    ``(x + z²/2 ± z sqrt(x (n - x) / n + z²/4)) / (n + z²)``: unlike the textbook interval it has a width at 0
    and 1 and never leaves [0, 1].

    Parameters
    ----------
    successes : array_like of shape (k,) or scalar
        Counts x in [0, n].
    n : array_like of shape (k,) or scalar
        Trials; 0 gives NaN.
    confidence : float
        In (0, 1).

    Returns
    -------
    low, high : ndarray of shape (k,) or ()
        Ends in [0, 1]; NaN where n is 0.

    Raises
    ------
    ValueError
        When a count is negative or above n, or the confidence is outside (0, 1).

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples
    --------
    >>> low, high = wilson_interval(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4902, 0.9433)
    """
    check_confidence(confidence)
    x, trials = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    refused = ~((x >= 0) & (x <= trials))
    if refused.any():
        raise ValueError(f"successes are {x[refused][0]} of {trials[refused][0]}; accepted is 0 to n")
    z = float(ndtri((1 + confidence) / 2))
    half = z * np.sqrt(np.nan_to_num(divide_or_nan(x * (trials - x), trials)) + z * z / 4)
    middle = x + z * z / 2
    low = np.where(trials > 0, np.maximum((middle - half) / (trials + z * z), 0.0), np.nan)
    high = np.where(trials > 0, np.minimum((middle + half) / (trials + z * z), 1.0), np.nan)
    return low, high


def tango_interval(gained: int, lost: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the difference of two proportions of the same rows by the score interval of Tango.

    It holds every difference d for which ``|gained - lost - n d| <= z sqrt(n (2 q + d (1 - d)))``, with q the
    probability of a loss that is the likeliest given d: the larger root of ``2 n q² + (2 n d - gained - lost - d
    (gained - lost)) q - lost d (1 - d) = 0``. So it holds 0 exactly when McNemar's chi-square, without correction,
    is at most z²; it has a width when no row differs, and never leaves [-1, 1].

    Parameters
    ----------
    gained, lost : int
        Rows of the second proportion only, and of the first only; at least 0, together at most n.
    n : int
        All rows, at least 1.
    confidence : float
        In (0, 1).

    Returns
    -------
    low, high : float
        Ends of the second proportion less the first, in [-1, 1].

    Raises
    ------
    ValueError
        When a count is negative, n is below 1 or below their sum, or the confidence is outside (0, 1).

    References
    ----------
    Tango (1998), Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design; McNemar (1947).

    Examples
    --------
    >>> low, high = tango_interval(gained=1, lost=7, n=21)
    >>> round(low, 3), round(high, 3)
    (-0.517, -0.026)
    """
    check_confidence(confidence)
    if min(gained, lost) < 0 or n < max(1, gained + lost):
        raise ValueError(
            f"{gained} gained and {lost} lost of {n}; accepted is 0 or more, together at most n, n above 0"
        )
    z = float(ndtri((1 + confidence) / 2))
    return -_bound_gain(lost, gained, n, z), _bound_gain(gained, lost, n, z)


def _bound_gain(gained: int, lost: int, n: int, z: float) -> float:
    """Find the largest difference that is accepted; the distance to it falls beyond the one observed."""
    inside, outside = (gained - lost) / n, 1.0
    while inside < (middle := (inside + outside) / 2) < outside:
        slope = 2 * n * middle - gained - lost - middle * (gained - lost)
        root = math.sqrt(max(slope * slope + 8 * n * lost * middle * (1 - middle), 0.0))
        variance = n * ((root - slope) / (2 * n) + middle * (1 - middle))
        if gained - lost - n * middle >= -z * math.sqrt(max(variance, 0.0)):
            inside = middle
        else:
            outside = middle
    return inside
