"""Decides how much wider an interval must be that is looked at again whenever rows have come."""

import math

from scipy.special import ndtri

from mlops_core.stats.proportions import check_confidence

FALSE_ALARMS = 0.05
"""Chance that any of all looks, however many and whenever, finds beyond an end what is not beyond it."""


def find_widening(n: int, n_first: int, confidence: float = 0.95, false_alarms: float = FALSE_ALARMS) -> float:
    """Find how many times as far as the end of an interval of one look a value must be to be beyond it at any look.

    An interval at 95 % misses on one side in 2.5 % of looks; of ten looks at growing rows, one of them misses in
    about 10 %. The sums of independent rows, over their standard deviation, pass the one-sided mixture boundary
    ``sqrt((1 + 1/τ) 2 log(1 + sqrt(τ + 1) / (2 α)))`` at any number of rows with a chance of at most α, without a
    plan of how often is looked; ``τ = n / n_first (log(1 - 2 log 2α) - 2 log 2α)`` makes it narrowest at the first
    look. It grows with the root of the logarithm of the rows only. Estimates that are means in the long run follow it.

    Parameters
    ----------
    n : int
        Rows that the interval rests on, at least 1.
    n_first : int
        Rows from which on is looked, at least 1.
    confidence : float
        Of the interval, both sides together, in (0, 1).
    false_alarms : float
        Chance α over all looks, of one side, strictly between 0 and 0.5.

    Returns
    -------
    float
        The boundary over the normal quantile of the confidence; above 1 for the defaults.

    Raises
    ------
    ValueError
        When an argument is outside its domain.

    References
    ----------
    Robbins (1970), Statistical methods related to the law of the iterated logarithm; Waudby-Smith, Arbour, Sinha,
    Kennedy & Ramdas (2024), Time-uniform central limit theory and asymptotic confidence sequences.

    Examples
    --------
    >>> [round(find_widening(n, 500), 2) for n in (500, 5_000, 50_000)]
    [1.42, 1.52, 1.7]
    """
    check_confidence(confidence)
    if n < 1 or n_first < 1 or not 0 < false_alarms < 0.5:
        raise ValueError(
            f"n is {n!r}, n_first {n_first!r}, false_alarms {false_alarms!r}; accepted are 1 or more, 1 or more, and "
            "a number strictly between 0 and 0.5"
        )
    twice = -2 * math.log(2 * false_alarms)
    spread = n / n_first * (twice + math.log1p(twice))
    boundary = math.sqrt((1 + 1 / spread) * 2 * math.log1p(math.sqrt(spread + 1) / (2 * false_alarms)))
    return boundary / float(ndtri((1 + confidence) / 2))
