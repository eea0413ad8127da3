"""Decides into which bin a number of a feature falls: a uniform grid, frozen with the reference, without ends.

A grid is a centre, a scale, and one of two monotone transforms. The index of a bin is
``floor(scale · T(x − centre))``, so it needs subtraction, multiplication, ``floor``, and for heavy tails square
roots only: operations that IEEE 754 rounds correctly, so that every engine puts the same number into the same bin.
The grid goes on beyond the reference, so that later traffic and later references are still told apart; sparse counts
make that free. Indices are kept within a small integer; the outermost bins are open, and beyond them lies a bin for
each infinity.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOWEST_BIN, HIGHEST_BIN = -32_767, 32_766
NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN = -32_768, 32_767
MOST_VALUES = 100
"""A feature with at most this many distinct values gets a bin for each."""
HEAVIEST_BIN = 0.01
"""Most of the reference that one bin may hold, values that repeat excepted: KS from counts is exact to this."""
CENTRAL_SHARE = 0.99
"""Share of the reference that the counted steps span; the tails get bins of the same width."""
STEPS = (100, 128, 160, 200, 256, 320, 400, 512, 1024, 2048)
SUBDIVISIONS = 10
"""Bins between two neighbouring values of a feature with few, so that new values do not hide in known ones."""


class Transform(StrEnum):
    """What the distance from the centre goes through."""

    IDENTITY = "identity"
    EIGHTH_ROOT = "eighth_root"
    """``sign(d) |d|^⅛``, near to a logarithm over many decades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericGrid:
    """The bins of one numeric feature."""

    transform: Transform
    centre: float
    scale: float
    """Bins per unit of the transformed distance, above 0."""


def assign_grid_bins(values: ArrayLike, grid: NumericGrid) -> NDArray[np.int64]:
    """Give each number the index of its bin, ``floor(scale · T(x − centre))`` kept within the outermost bins.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; NaN has no bin.

    Returns
    -------
    ndarray of shape (n,)
        Integers from ``LOWEST_BIN`` to ``HIGHEST_BIN``, one beyond for infinities; non-decreasing in the number.

    Raises
    ------
    ValueError
        When a value is NaN.

    Examples
    --------
    >>> grid = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=2.0)
    >>> assign_grid_bins([-0.1, 0.0, 1.2, np.inf], grid).tolist()
    [-1, 0, 2, 32767]
    """
    numbers = np.asarray(values, dtype=np.float64)
    index = locate_numbers(numbers, grid)
    if is_within(index):
        return index.astype(np.int64)
    if np.isnan(numbers).any():
        raise ValueError(f"value of row {int(np.isnan(numbers).argmax())} is NaN; accepted are numbers")
    bins = np.clip(index, LOWEST_BIN, HIGHEST_BIN).astype(np.int64)
    bins[np.isneginf(numbers)], bins[np.isposinf(numbers)] = NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN
    return bins


def locate_numbers(values: NDArray[np.float64], grid: NumericGrid) -> NDArray[np.float64]:
    """Give ``floor(scale · T(x − centre))`` as floats of shape (n,), NaN and what lies beyond the outermost included.

    Examples
    --------
    >>> grid = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=2.0)
    >>> locate_numbers(np.array([-0.1, 1.2, np.nan]), grid).tolist()
    [-1.0, 2.0, nan]
    """
    with np.errstate(over="ignore"):
        place = values - grid.centre
        if grid.transform is Transform.EIGHTH_ROOT:
            place = _take_root(place)
        place *= grid.scale
        return np.floor(place, out=place)


def is_within(index: NDArray[np.float64]) -> bool:
    """Say whether all of what `locate_numbers` gave are bins already, with no NaN, and nothing to be clipped.

    Examples
    --------
    >>> is_within(np.array([3.0, -4.0])), is_within(np.array([3.0, np.nan])), is_within(np.array([1e9]))
    (True, False, False)
    """
    return index.size == 0 or bool(index.min() >= LOWEST_BIN and index.max() <= HIGHEST_BIN)


def choose_grid(values: ArrayLike) -> NumericGrid:
    """Choose the grid of a feature from its reference.

    With few distinct values each gets a bin of its own; otherwise the plainest transform and the fewest steps
    are taken that leave no bin with more than ``HEAVIEST_BIN`` of the reference, values that repeat excepted.

    Parameters
    ----------
    values : array_like of shape (n,)
        The reference; NaN and infinities are left out.

    Returns
    -------
    NumericGrid
        A grid of unit steps around 0 when no number is left.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> choose_grid(rng.normal(size=5000)).transform.value
    'identity'
    >>> choose_grid([1.0, 2.0, 4.0]).scale
    10.0
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
    distinct, counts = np.unique(numbers, return_counts=True)
    lattice = _choose_lattice(distinct) if distinct.size <= MOST_VALUES else None
    if lattice is not None:
        return lattice
    return _choose_steps(distinct, counts)


def _choose_lattice(distinct: NDArray[np.float64]) -> NumericGrid | None:
    """Give each value the middle of a bin; None when the closest two are too close for that."""
    with np.errstate(over="ignore", divide="ignore"):
        gap = float(np.diff(distinct).min()) if distinct.size > 1 else max(abs(float(distinct[0])), 1.0) / 100
        length = float(distinct[-1] - distinct[0])
        step = gap / SUBDIVISIONS if length / gap * SUBDIVISIONS < HIGHEST_BIN else gap / 2
        grid = NumericGrid(
            transform=Transform.IDENTITY, centre=float(distinct[0]) - step / 2, scale=float(np.float64(1.0) / step)
        )
        is_fit = np.isfinite(grid.scale) and length * grid.scale < HIGHEST_BIN
        return grid if is_fit and np.unique(assign_grid_bins(distinct, grid)).size == distinct.size else None


def measure_heaviest_bin(values: ArrayLike, grid: NumericGrid) -> float:
    """Give the largest share of the numbers that one bin holds, values that alone exceed ``HEAVIEST_BIN`` left out.

    Parameters
    ----------
    values : array_like of shape (n,)
        A reference; NaN and infinities are left out.

    Returns
    -------
    float
        In [0, 1]; 0 without numbers. KS from counts of the grid is exact to this.

    Examples
    --------
    >>> grid = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
    >>> measure_heaviest_bin(np.arange(1000) / 125, grid)
    0.125
    """
    numbers = np.asarray(values, dtype=np.float64)
    distinct, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    if distinct.size == 0:
        return 0.0
    n, bins = counts.sum(), assign_grid_bins(distinct, grid)
    return float(np.bincount(bins - bins[0], weights=np.where(counts > HEAVIEST_BIN * n, 0, counts)).max() / n)


def _choose_steps(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> NumericGrid:
    """Take the fewest steps that are fine enough, by the plainest transform; the best of all when none is."""
    share = counts / counts.sum()
    # A value that alone is heavier than a bin may be has no say in how wide bins are.
    light = np.where(share > HEAVIEST_BIN, 0.0, share)
    centre, first = float(distinct[np.searchsorted(share.cumsum(), 0.5)]), float(distinct[0])
    ways = [
        (transform, middle, place, span)
        for transform, middle in (
            (Transform.IDENTITY, centre),
            *((Transform.EIGHTH_ROOT, middle) for middle in (first, 0.0, centre)),
        )
        if np.isfinite(span := _measure_span(place := _place(distinct, transform, middle), share))
    ]
    best, lightest = NumericGrid(transform=Transform.EIGHTH_ROOT, centre=0.0, scale=100.0), np.inf
    for steps, (transform, middle, place, span) in product(STEPS, ways):
        grid = NumericGrid(transform=transform, centre=middle, scale=steps / span)
        heaviest = _weigh_bins(place, grid.scale, light) if np.isfinite(grid.scale) else np.inf
        if heaviest < lightest:
            best, lightest = grid, heaviest
        if heaviest <= HEAVIEST_BIN:
            return grid
    return best


def _weigh_bins(place: NDArray[np.float64], scale: float, share: NDArray[np.float64]) -> float:
    """Give the largest share that one bin holds, the same bins as those of ``assign_grid_bins``."""
    with np.errstate(over="ignore"):
        bins = np.clip(np.floor(place * scale), LOWEST_BIN, HIGHEST_BIN).astype(np.int64)
    return float(np.bincount(bins - bins[0], weights=share).max())


def _place(distinct: NDArray[np.float64], transform: Transform, middle: float) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return _transform(distinct - middle, transform)


def _measure_span(place: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """Give the length, after the transform, of the span that holds the central share of the reference."""
    tail = (1 - CENTRAL_SHARE) / 2
    with np.errstate(over="ignore"):
        first, last = np.searchsorted(share.cumsum(), [tail, 1 - tail])
        span = float(place[min(last, place.size - 1)] - place[first])
        return span if span > 0 else float(place[-1] - place[0])


def _transform(distance: NDArray[np.float64], transform: Transform) -> NDArray[np.float64]:
    return distance if transform is Transform.IDENTITY else _take_root(distance)


def _take_root(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    root = np.abs(distance)
    for _ in range(3):
        np.sqrt(root, out=root)
    return np.copysign(root, distance, out=root)
