"""Decides how far a share of a count can be trusted."""

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
