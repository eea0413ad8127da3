"""Decides how far a feature moves by itself: the largest effect of any chunk of the reference against the rest."""

from numpy.typing import ArrayLike

from mlops_core.stats.shift import measure_shift
from mlops_core.stats.sides import pair_counts
from mlops_core.stats.two_sample import LEAST_EXPECTED

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
    >>> import numpy as np
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
    large = counts[counts.sum(axis=1) >= max(least_rows, 1)]
    if len(large) < least_chunks:
        return None
    effects = measure_shift(counts.sum(axis=0) - large, large, least_expected, always).effect
    return float(effects.max())
