"""Decides how far a feature moves by itself: the largest effect of any chunk of the reference against the rest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.divergence import compute_effect
from mlops_core.stats.sides import pair_counts
from mlops_core.stats.two_sample import LEAST_EXPECTED, pool_rare

LEAST_CHUNKS = 14
"""Chunks from which the largest effect says what is usual: two weeks of days."""
LEAST_ROWS = 200
"""Rows from which a chunk counts as one."""


def find_natural_variation(
    chunk_counts: ArrayLike,
    least_chunks: int = LEAST_CHUNKS,
    least_rows: int = LEAST_ROWS,
    least_expected: float = LEAST_EXPECTED,
    always: ArrayLike | None = None,
) -> float | None:
    """Find the largest effect of a chunk of the reference against the other chunks, leaving that chunk out.

    ``max over i of effect(total − counts_i, counts_i)``, with the effect of ``shift.measure_shift``: the one that
    drift is judged by.

    Parameters
    ----------
    chunk_counts : array_like of shape (k, G)
        Rows of each reference chunk by group; the chunks are as long as those to be judged.
    least_chunks : int
        Chunks of ``least_rows`` that are needed, 2 or more.
    least_rows : int
        Rows that a chunk needs to be looked at; smaller ones are part of the rest.
    least_expected : float
        As for ``two_sample.pool_rare``.
    always : array_like of bool, of shape (G,), optional
        As for ``two_sample.pool_rare``.

    Returns
    -------
    float or None
        In units of the index, below 0 when all chunks are nearer to each other than chance makes them; None
        when there are too few chunks.

    Raises
    ------
    ValueError
        When the counts are no table, a count is negative or not finite, or ``least_chunks`` is below 2.

    References
    ----------
    Quenouille (1956), Notes on bias in estimation, for leaving one out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weekdays = rng.multinomial(1000, [0.4, 0.3, 0.3], size=20)
    >>> sundays = rng.multinomial(1000, [0.2, 0.2, 0.6], size=4)
    >>> round(find_natural_variation(weekdays), 3)
    0.005
    >>> round(find_natural_variation(np.concatenate([weekdays, sundays])), 3)
    0.328
    """
    counts, _ = pair_counts(chunk_counts, chunk_counts)
    if counts.ndim != 2:
        raise ValueError(f"chunk_counts have shape {counts.shape}; accepted is (k, G)")
    if least_chunks < 2:
        raise ValueError(f"least_chunks is {least_chunks!r}; accepted is 2 or more")
    return _find_largest([counts], least_chunks, least_rows, least_expected, always)[0]


def _find_largest(
    partitions: Sequence[NDArray[np.float64]],
    least_chunks: int,
    least_rows: int,
    least_expected: float,
    always: ArrayLike | None,
) -> list[float | None]:
    """Give the largest effect in each of several partitions of the same rows; all of them are measured at once."""
    large = [windows[windows.sum(axis=1) >= max(least_rows, 1)] for windows in partitions]
    enough = [windows for windows in large if len(windows) >= least_chunks]
    if not enough:
        return [None for _ in partitions]
    stacked, total = np.concatenate(enough), partitions[0].sum(axis=0)
    pooled = pool_rare(total - stacked, stacked, least_expected, always)
    effects = compute_effect(pooled.reference, pooled.current, pooled.is_group)
    firsts = np.cumsum([0, *(len(windows) for windows in enough[:-1])])
    largest = iter(np.maximum.reduceat(effects, firsts).tolist())
    return [next(largest) if len(windows) >= least_chunks else None for windows in large]


def find_natural_variations(
    chunk_counts: ArrayLike, always: ArrayLike | None = None, least_chunks: int = LEAST_CHUNKS
) -> list[float | None]:
    """Find the natural variation of windows of 1, 2, 3, … chunks, as long as the reference has enough of them.

    A window of many days differs less from the rest than a day does, so each length has a limit of its own.

    Parameters
    ----------
    chunk_counts : array_like of shape (k, G)
        Rows of each reference chunk by group, in order of time.
    always : array_like of bool, of shape (G,), optional
        As for ``two_sample.pool_rare``.

    Returns
    -------
    list of float or None
        By length less 1, for lengths up to ``k // least_chunks``; as ``find_natural_variation`` gives it for the
        windows that follow one another from the first chunk on.

    Raises
    ------
    ValueError
        As for ``find_natural_variation``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = rng.multinomial(1000, [[0.4, 0.3, 0.3]] * 6 + [[0.2, 0.2, 0.6]], size=(20, 7)).reshape(-1, 3)
    >>> found = find_natural_variations(days)
    >>> len(found), round(found[0], 2), round(found[6], 4)
    (10, 0.35, 0.0006)
    """
    counts = np.asarray(chunk_counts, np.float64)
    lengths = range(1, len(counts) // least_chunks + 1)
    if not lengths:
        return []
    partitions = [_join_chunks(counts, length) for length in lengths]
    return _find_largest(partitions, least_chunks, LEAST_ROWS, LEAST_EXPECTED, always)


def _join_chunks(counts: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Add each so many chunks up; what is left at the end goes to the last window."""
    whole = counts[: len(counts) // length * length]
    windows: NDArray[np.float64] = whole.reshape(-1, length, counts.shape[1]).sum(axis=1)
    windows[-1] += counts[len(whole) :].sum(axis=0)
    return windows
