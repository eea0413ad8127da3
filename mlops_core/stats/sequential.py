"""Decides whether, and where, a series of daily figures left the level it had kept."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

N_BASELINE = 14
"""Figures that only set the level: two weeks, so that each weekday is in them twice."""

SLACK = 0.5
"""Standard deviations a figure may stand off before it counts: half of the smallest shift worth finding."""

LIMIT = 8.0
"""Sum of what counts, in standard deviations, that is a change; about 1 % of 90-day series without one pass it."""

ROUNDING = 1e-12
"""Share of the largest figure below which a step is rounding, not movement."""

CLIP = 3.0
"""The most that one figure counts, in standard deviations: a single wild day is no change of level."""


def find_change(
    values: ArrayLike,
    *,
    n_baseline: int = N_BASELINE,
    slack: float = SLACK,
    limit: float = LIMIT,
    clip: float = CLIP,
) -> int | None:
    """Find the first figure of a new level, by a two-sided cumulative sum that learns level and spread as it goes.

    Each figure is compared with all before it, ``T_i = (x_i - mean) / (s sqrt(1 + 1/(i-1)))``, which for
    independent normal figures of one level follows t with i - 2 degrees of freedom; carried to the normal scale,
    ``Z_i = Φ⁻¹(F_t(T_i))``, cut to ±clip. The sums ``S⁺_i = max(0, S⁺_(i-1) + Z_i - slack)`` and ``S⁻``, its mirror
    image, start after the baseline, and the first to pass the limit gives the alarm. The change lies between the
    figure after that sum last stood at 0 and the alarm, where two levels fit the figures so far best.

    No level or spread is assumed, so the rate of false alarms is that of a known one: by Siegmund's approximation
    for 90 figures ``1 - exp(-76 · 4 slack² / (e^(2 slack b) - 2 slack b - 1))`` with ``b = limit + 1.166``, 0.8 %.
    It is about 10 % when successive figures correlate by 0.3: take a weekly cycle out first.

    Parameters
    ----------
    values : array_like of shape (n,)
        Figures in order of time, in any unit; NaN for one that is undefined, which is passed over.
    n_baseline : int
        Defined figures before the sums start; 2 or more.
    slack : float
        At least 0, in standard deviations.
    limit : float
        Above 0, in standard deviations.
    clip : float
        Above slack, in standard deviations.

    Returns
    -------
    int or None
        Index into ``values``; None without a change, or with no figure after the baseline.

    Raises
    ------
    ValueError
        When values are not on one axis or infinite, or a parameter is outside its domain.

    References
    ----------
    Page (1954), Continuous inspection schemes; Hawkins (1987), Self-starting CUSUM charts for location and
    scale; Siegmund (1985), Sequential analysis, chapter 2; Hinkley (1970), Inference about the change-point.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=60)
    >>> find_change(noise) is None, find_change(noise + 2 * (np.arange(60) >= 40))
    (True, 41)
    """
    series = np.asarray(values, np.float64)
    if series.ndim != 1 or np.isinf(series).any():
        raise ValueError(f"values have shape {series.shape} or are infinite; accepted is one axis of numbers and NaN")
    _check_parameters(n_baseline, slack, limit, clip)
    defined = np.flatnonzero(~np.isnan(series))
    steps = np.clip(_standardise(series[defined]), -clip, clip)
    first = min(
        (alarm for side in (1, -1) if (alarm := _pass_limit(side * steps, n_baseline, slack, limit)) is not None),
        default=None,
    )
    return None if first is None else int(defined[_place_change(series[defined], *first)])


def _standardise(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each figure its distance from those before it on the normal scale; 0 for the first two."""
    if figures.size < 3:
        return np.zeros(figures.size)
    # Running sums lose the spread of a series far from 0, so the first figure is taken off.
    centred = figures - figures[0]
    before = np.arange(2, figures.size)
    mean = np.cumsum(centred)[1:-1] / before
    squares = np.cumsum(centred**2)[1:-1] - before * mean**2
    spread = np.sqrt(np.maximum(squares, 0.0) / (before - 1) * (1 + 1 / before))
    off = centred[2:] - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        # A level kept without any spread makes the smallest step an endless one, and none no step.
        ratio = np.where(np.abs(off) <= ROUNDING * np.abs(figures).max(), 0.0, off / spread)
    # The lower tail of -|T|: the upper one would round to 1, and to an infinite Z, far too early.
    steps = np.copysign(-ndtri(stdtr(before - 1, -np.abs(ratio))), ratio)
    return np.concatenate([[0.0, 0.0], steps])


def _pass_limit(steps: NDArray[np.float64], n_baseline: int, slack: float, limit: float) -> tuple[int, int] | None:
    """Give where the sum passes the limit and where its climb began; None when it never does."""
    total, begun = 0.0, n_baseline
    for position, step in enumerate(steps[n_baseline:].tolist(), start=n_baseline):
        if total == 0.0:
            begun = position
        total = max(0.0, total + step - slack)
        if total > limit:
            return position, begun
    return None


def _place_change(figures: NDArray[np.float64], alarm: int, begun: int) -> int:
    """Give the first figure of the second of two levels, by the least sum of squares up to the alarm."""
    seen = figures[: alarm + 1] - figures[: alarm + 1].mean()
    before = np.arange(begun, alarm + 1)
    # Taken from the whole mean, the two levels explain total² n / (before · after), with total the sum before.
    explained = np.cumsum(seen)[before - 1] ** 2 / (before * (seen.size - before))
    return int(before[np.argmax(explained)])


def _check_parameters(n_baseline: int, slack: float, limit: float, clip: float) -> None:
    if n_baseline < 2:
        raise ValueError(f"n_baseline is {n_baseline!r}; accepted is 2 or more")
    if not 0 <= slack < clip:
        raise ValueError(f"slack is {slack!r} and clip {clip!r}; accepted is a slack from 0 to below the clip")
    if not limit > 0:
        raise ValueError(f"limit is {limit!r}; accepted is a number above 0")
