"""Decides which neighbouring bins of the reference become one group of the population stability index."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_GROUPS = 10
LOWEST_SHARE, HIGHEST_SHARE = 0.5, 1.5
"""Least and most that a group holds, as multiples of an even share: 5 % and 15 % for ten groups."""
_OUTSIDE_COST = 1e3
"""So dear that evenness, whose cost is at most about 1, never buys a group outside its bounds."""
_ROUNDING = 1e-9
_MOST_PARTS, _PARTS_PER_GROUP = 250, 20
"""Bins up to which every cut is tried, and how finely more of them are bundled first: to 0.5 % for ten groups."""


def group_bins(reference: ArrayLike, n_groups: int = N_GROUPS) -> NDArray[np.int64]:
    """Cut ordered bins into groups of nearly even shares of the reference.

    Among all cuts into at most ``n_groups`` runs of whole bins, the one is taken that first leaves the least
    mass outside ``LOWEST_SHARE`` … ``HIGHEST_SHARE`` even shares and then minimises ``Σ (share − 1/n_groups)²``.
    A tie, a single bin above the highest share, is excepted: its group costs twice the square of what it holds
    beside the tie, so that the other bins share the rest evenly and only crumbs too small to stand alone join it.
    There are at least two groups where two bins have rows. Above 250 bins with rows, neighbours that are together
    no more than a twentieth of an even share stay together, which keeps the search short.

    Parameters
    ----------
    reference : array_like of shape (B,)
        Rows by bin, in order of the value.
    n_groups : int
        Groups aimed at and at most made, 1 or more.

    Returns
    -------
    ndarray of shape (B,)
        Group of each bin: from 0 on, non-decreasing by steps of 1, none without rows of the reference. A bin
        without rows belongs to the group on its left (at the left end: to the first). One group when there are
        no rows.

    Raises
    ------
    ValueError
        When a count is negative or NaN, there are no bins, or ``n_groups`` is below 1.

    References
    ----------
    Siddiqi (2006), Credit risk scorecards. Fisher (1958), On grouping for maximum homogeneity, for the search.

    Examples
    --------
    >>> group_bins([2, 60, 0, 9, 9, 10, 5, 5]).tolist()
    [0, 0, 0, 1, 2, 3, 4, 4]
    >>> rng = np.random.default_rng(0)
    >>> counts = np.bincount(rng.binomial(200, 0.5, 10_000), minlength=201)
    >>> (merge_groups(counts, group_bins(counts)) / 10_000).round(2).tolist()
    [0.09, 0.09, 0.09, 0.1, 0.11, 0.11, 0.1, 0.1, 0.1, 0.12]
    """
    counts = _check_reference(reference)
    if n_groups < 1:
        raise ValueError(f"n_groups is {n_groups!r}; accepted is 1 or more")
    filled = np.flatnonzero(counts)
    if filled.size == 0:
        return np.zeros(counts.size, np.int64)
    shares = counts[filled] / counts.sum()
    parts = _bundle(shares, n_groups)
    starts = parts[_cut(np.add.reduceat(shares, parts), n_groups)]
    is_first = np.zeros(counts.size, np.int64)
    is_first[filled[starts[1:]]] = 1
    return np.asarray(is_first.cumsum())


def separate_bins(reference: ArrayLike) -> NDArray[np.int64]:
    """Make each bin that has rows a group of its own, for a feature with few distinct values.

    Parameters
    ----------
    reference : array_like of shape (B,)
        Rows by bin, in order of the value.

    Returns
    -------
    ndarray of shape (B,)
        As ``group_bins`` gives them.

    Raises
    ------
    ValueError
        When a count is negative or NaN, or there are no bins.

    Examples
    --------
    >>> separate_bins([0, 5, 0, 1, 7]).tolist()
    [0, 0, 0, 1, 2]
    """
    is_filled = _check_reference(reference) > 0
    return np.asarray(np.maximum(is_filled.cumsum() - 1, 0))


def merge_groups(counts: ArrayLike, groups: ArrayLike) -> NDArray[np.float64]:
    """Add the counts of each group's bins.

    Parameters
    ----------
    counts : array_like of shape (..., B)
        Rows by bin, of any number of chunks.
    groups : array_like of shape (B,)
        Group of each bin, as ``group_bins`` gives it.

    Returns
    -------
    ndarray of shape (..., G)
        Rows by group; sums along the last axis stay what they were.

    Raises
    ------
    ValueError
        When there is not one group per bin, or the groups do not go from 0 on by steps of 0 or 1.

    Examples
    --------
    >>> merge_groups([[1, 2, 3], [4, 5, 6]], [0, 0, 1])
    array([[3., 3.],
           [9., 6.]])
    """
    values, index = np.asarray(counts, np.float64), np.asarray(groups)
    if values.ndim == 0 or index.shape != values.shape[-1:]:
        raise ValueError(f"groups have shape {index.shape}, counts {values.shape}; accepted is one group per bin")
    steps = np.diff(index)
    if index.size == 0 or index[0] != 0 or not ((steps == 0) | (steps == 1)).all():
        raise ValueError(f"groups are {index.tolist()}; accepted are integers from 0 on by steps of 0 or 1")
    starts = np.concatenate([[0], np.flatnonzero(steps) + 1])
    return np.asarray(np.add.reduceat(values, starts, axis=-1))


def _check_reference(reference: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(reference, np.float64)
    if counts.ndim != 1 or counts.size == 0:
        raise ValueError(f"reference has shape {counts.shape}; accepted is (B,) with 1 bin or more")
    refused = ~(np.isfinite(counts) & (counts >= 0))
    if refused.any():
        raise ValueError(f"count of bin {int(refused.argmax())} is {counts[refused][0]}; accepted is 0 or more rows")
    return counts


def _bundle(shares: NDArray[np.float64], n_groups: int) -> NDArray[np.int64]:
    """Give the first bin of each part that is not cut: single bins, or runs of light ones when bins are many."""
    if shares.size <= _MOST_PARTS:
        return np.arange(shares.size)
    step = 1 / (_PARTS_PER_GROUP * n_groups)
    is_heavy = shares >= step
    position = np.floor((shares.cumsum() - shares) / step)
    is_first = np.concatenate([[True], (np.diff(position) > 0) | is_heavy[1:] | is_heavy[:-1]])
    return np.flatnonzero(is_first)


def _cut(shares: NDArray[np.float64], n_groups: int) -> NDArray[np.int64]:
    """Give the first bin of each group of the cheapest cut, by dynamic programming over the number of groups."""
    cost = _price_runs(shares, n_groups)
    # Of the cheapest cut of the bins up to each one: its cost, and where its last group begins.
    best, origins = cost[:, 0], [np.zeros(shares.size, np.int64)]
    totals = [best[-1]]
    for _ in range(1, min(n_groups, shares.size)):
        costs = cost[:, 1:] + best[:-1]
        origin = costs.argmin(axis=1)
        best = np.take_along_axis(costs, origin[:, None], axis=1)[:, 0]
        origins.append(origin + 1)
        totals.append(best[-1])
    # One group shows no drift whatever comes, so there are two wherever two bins have rows.
    fewest = min(len(totals), 2)
    starts, last = [], shares.size - 1
    for origin in reversed(origins[: fewest + int(np.argmin(totals[fewest - 1 :]))]):
        starts.append(int(origin[last]))
        last = starts[-1] - 1
    return np.array(starts[::-1], np.int64)


def _price_runs(shares: NDArray[np.float64], n_groups: int) -> NDArray[np.float64]:
    """Price the group of each run of bins, indexed by its last and its first bin; infinite when they cross."""
    lowest, highest = LOWEST_SHARE / n_groups, HIGHEST_SHARE / n_groups
    edges = np.concatenate([[0.0], shares.cumsum()])
    held = edges[1:, None] - edges[:-1]
    heaviest = np.maximum.accumulate(np.tril(np.broadcast_to(shares[:, None], held.shape)), axis=0)
    is_tie = heaviest > highest + _ROUNDING
    outside = np.maximum(lowest - held, np.where(is_tie, 0.0, held - highest)) - _ROUNDING
    uneven = held - np.where(is_tie, heaviest, 1 / n_groups)
    cost = _OUTSIDE_COST * np.maximum(outside, 0.0) + np.where(is_tie, 2.0, 1.0) * uneven**2
    return np.where(np.tri(shares.size, dtype=bool), cost, np.inf)
