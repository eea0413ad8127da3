"""Decides how far apart the values of two samples lie when all of them are at hand, and by which of them groups begin.

Nothing is binned first: what is measured here is what the figures from counts come near to.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlops_core.stats.groups import cut_groups
from mlops_core.stats.ratios import divide_or_nan
from mlops_core.stats.sides import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDistances:
    """How far apart the values of one number lie on two sides."""

    ks: float
    """Kolmogorov–Smirnov distance, in [0, 1]; NaN where a side is empty."""
    wasserstein: float
    """First Wasserstein distance in standard deviations of the reference, at least 0; NaN where it is undefined."""


def measure_values(reference: ArrayLike, current: ArrayLike) -> ValueDistances:
    """Measure ``max |F − G|`` and ``∫ |F − G| dx / s``, with s the standard deviation of the reference.

    Parameters
    ----------
    reference : array_like of shape (n,)
        Numbers without nulls, in any order; infinities are values beyond all others.
    current : array_like of shape (m,)
        The same.

    Returns
    -------
    ValueDistances
        The Wasserstein distance is NaN where a value is infinite, or the reference has one value only.

    Raises
    ------
    ValueError
        When a side has another shape, or a value is NaN.

    References
    ----------
    Smirnov (1939), On the estimation of the discrepancy between empirical curves of distribution for two
    independent samples. Vallender (1974), Calculation of the Wasserstein distance between probability
    distributions on the line.

    Examples
    --------
    >>> found = measure_values([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0])
    >>> found.ks, round(found.wasserstein, 3)
    (0.5, 1.789)
    >>> rng = np.random.default_rng(0)
    >>> round(measure_values(rng.normal(size=1000), rng.normal(0.5, size=1000)).wasserstein, 1)
    0.6
    """
    before, after = (_sort(side, name) for side, name in ((reference, "reference"), (current, "current")))
    if before.size == 0 or after.size == 0:
        return ValueDistances(ks=np.nan, wasserstein=np.nan)
    places = np.concatenate([before, after])
    places.sort(kind="stable")
    apart = np.searchsorted(before, places, side="right") / before.size
    apart -= np.searchsorted(after, places, side="right") / after.size
    np.abs(apart, out=apart)
    return ValueDistances(ks=float(apart.max()), wasserstein=_integrate(apart, places, before))


def choose_starts(reference: ArrayLike) -> Values:
    """Choose the first value of each group in which a number is compared, from all values of its reference.

    Groups are cut as ``groups.choose_groups`` cuts them, with each value as a bin of its own: at most twenty values
    are a group each, of more there are ten groups of nearly even shares, to 0.5 % of the reference.

    Parameters
    ----------
    reference : array_like of shape (n,)
        Numbers without nulls; an infinity is a value as others are.

    Returns
    -------
    ndarray of shape (g,)
        Increasing; −∞ alone when there are no values.

    Raises
    ------
    ValueError
        When the shape is another, or a value is NaN.

    Examples
    --------
    >>> choose_starts([3.0, 1.0, 1.0]).tolist()
    [1.0, 3.0]
    >>> choose_starts(np.arange(1000.0)).tolist()
    [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0]
    """
    values, held = np.unique(_sort(reference, "reference"), return_counts=True)
    return values[cut_groups(held)] if values.size else np.array([-np.inf])


def _sort(side: ArrayLike, name: str) -> Values:
    values = np.sort(np.asarray(side, np.float64), axis=None)
    if np.ndim(side) != 1:
        raise ValueError(f"{name} has shape {np.shape(side)}; accepted is one axis")
    # NaN sorts last.
    if values.size and np.isnan(values[-1]):
        raise ValueError(f"{int(np.isnan(values).sum())} values of the {name} are NaN; accepted are numbers")
    return values


def _integrate(apart: Values, places: Values, before: Values) -> float:
    """Integrate the distance of the curves over the value, in standard deviations of the reference."""
    if not np.isfinite(places[[0, -1]]).all() or before[0] == before[-1]:
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):
        spread, length = float(before.std()), float((apart[:-1] * np.diff(places)).sum())
    return float(divide_or_nan(length, spread)) if np.isfinite(spread) else float("nan")
