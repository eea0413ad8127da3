"""Decides into which bin of the universal score grid a score falls: the one rule that every engine mirrors.

The grid is the union of three grids on [0, 1] and the deployed threshold:

- 1,024 equal steps, for weak models whose scores crowd in the middle;
- 512 equal steps of the eighth root of the score, for rare events whose scores crowd near 0: at 1e-5 a bin is
  1 % of the score wide;
- 512 equal steps of the eighth root of its complement, for scores near 1;
- the threshold itself, so that every count of decisions is exact.

The index of a bin counts the edges at or below the score, which needs only ``floor``, ``ceil``, and ``sqrt``.
The square root is correctly rounded in IEEE 754 arithmetic and products with powers of two are exact, so
DuckDB, Spark, and NumPy put the same score into the same bin, and the index never falls when the score rises.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

LINEAR_STEPS = 1024
"""Equal steps of the score; a power of two keeps ``LINEAR_STEPS * s`` exact."""

ROOT_STEPS = 512
"""Equal steps of the eighth root, at each end; a power of two for the same reason."""

N_SCORE_BINS = LINEAR_STEPS + 2 * ROOT_STEPS + 2
"""Bins of the grid, 2,050: one more than its edges above 0, the threshold included."""


def assign_score_bins(scores: ArrayLike, threshold: float) -> NDArray[np.int64]:
    """Give each score the index of its bin.

    ``index(s) = floor(1024 s) + floor(512 s^⅛) + 512 - ceil(512 (1 - s)^⅛) + [s >= t]`` with the eighth root
    taken as ``sqrt(sqrt(sqrt(x)))``. ``s >= t`` if and only if ``index(s) >= index(t)``.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Scores in [0, 1].
    threshold : float
        Deployed threshold t in [0, 1]; a score at the threshold is a positive decision.

    Returns
    -------
    ndarray of shape (n,)
        Integers in [0, ``N_SCORE_BINS`` - 1], non-decreasing in the score.

    Raises
    ------
    ValueError
        When a score or the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> assign_score_bins([0.0, 1e-5, 0.5, 1.0], threshold=0.5).tolist()
    [0, 121, 1024, 2049]
    >>> scores = np.random.default_rng(0).random(3)
    >>> assign_score_bins(scores, threshold=0.5).tolist()
    [1196, 729, 386]
    """
    threshold = check_threshold(threshold)
    values = check_scores(scores)
    bins = np.floor(LINEAR_STEPS * values)
    bins += np.floor(ROOT_STEPS * _take_eighth_root(values))
    bins += ROOT_STEPS - np.ceil(ROOT_STEPS * _take_eighth_root(1.0 - values))
    bins += values >= threshold
    return bins.astype(np.int64)


def threshold_bin(threshold: float) -> int:
    """Find the first bin at or above the threshold, ``index(t)``.

    Parameters
    ----------
    threshold : float
        Deployed threshold in [0, 1].

    Returns
    -------
    int
        In [1, ``N_SCORE_BINS`` - 1]; the bins from here on hold exactly the positive decisions.

    Raises
    ------
    ValueError
        When the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> threshold_bin(0.5)
    1024
    """
    return int(assign_score_bins([threshold], threshold)[0])


def score_bin_edges(threshold: float) -> NDArray[np.float64]:
    """Lay out the edges of the bins; bin i holds the scores in [edge i, edge i + 1).

    A score within a few units in the last place below an edge of an eighth-root grid may be counted above it,
    because its root rounds up; the index, not the edge, is the definition.

    Parameters
    ----------
    threshold : float
        Deployed threshold in [0, 1].

    Returns
    -------
    ndarray of shape (N_SCORE_BINS + 1,)
        Non-decreasing, from 0 to 1. Where grids meet, an edge repeats and the bins between are empty; the
        last bin holds the score 1 alone.

    Raises
    ------
    ValueError
        When the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> edges = score_bin_edges(0.5)
    >>> edges.shape, float(edges[threshold_bin(0.5)])
    ((2051,), 0.5)
    """
    threshold = check_threshold(threshold)
    roots = (np.arange(1, ROOT_STEPS + 1) / ROOT_STEPS) ** 8
    linear = np.arange(1, LINEAR_STEPS + 1) / LINEAR_STEPS
    mirrored = 1.0 - np.append(0.0, roots[:-1])
    inner = np.sort(np.concatenate([linear, roots, mirrored, [threshold]]))
    return np.concatenate([[0.0], inner, [1.0]])


def score_bin_midpoints(threshold: float) -> NDArray[np.float64]:
    """Give each bin the middle of its edges, which stands for its scores where a mean score is needed.

    Parameters
    ----------
    threshold : float
        Deployed threshold in [0, 1].

    Returns
    -------
    ndarray of shape (N_SCORE_BINS,)
        Non-decreasing, in [0, 1]; at most 1/2048 away from any score of the bin.

    Raises
    ------
    ValueError
        When the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> float(score_bin_midpoints(0.5)[-1])
    1.0
    """
    edges = score_bin_edges(threshold)
    return (edges[:-1] + edges[1:]) / 2


def group_score_bins(threshold: float, n_groups: int) -> NDArray[np.int64]:
    """Find the first bin of each of ``n_groups`` equal-width groups of the score.

    Bins are kept whole: the one that holds an inner edge j / n_groups belongs to the group above it, so
    scores at the edge do too, and at most 1/1024 of the score below it.

    Parameters
    ----------
    threshold : float
        Deployed threshold in [0, 1].
    n_groups : int
        In [1, 100].

    Returns
    -------
    ndarray of shape (n_groups,)
        Strictly increasing indices, the first 0.

    Raises
    ------
    ValueError
        When the threshold is outside [0, 1] or n_groups outside [1, 100].

    Examples
    --------
    >>> group_score_bins(0.5, n_groups=2).tolist()
    [0, 1024]
    """
    if not 1 <= n_groups <= 100:
        raise ValueError(f"n_groups is {n_groups!r}; accepted is 1 to 100")
    inner = np.arange(1, n_groups) / n_groups
    return np.append(0, np.searchsorted(score_bin_edges(threshold)[1:], inner, side="right"))


def _take_eighth_root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.sqrt(np.sqrt(values))))


def check_threshold(threshold: float) -> float:
    """Return the threshold as a float, or raise ValueError when it is NaN or outside [0, 1].

    Examples
    --------
    >>> check_threshold(1)
    1.0
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold is {threshold!r}; accepted is a number in [0, 1]")
    return float(threshold)


def check_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Return the scores as floats on one axis, or raise ValueError naming the first outside [0, 1].

    Examples
    --------
    >>> check_scores([0, 1])
    array([0., 1.])
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"scores have shape {values.shape}; accepted is one axis")
    refused = ~((values >= 0.0) & (values <= 1.0))
    if refused.any():
        row = int(refused.argmax())
        raise ValueError(f"score of row {row} is {values[row]}; accepted are numbers in [0, 1]")
    return values
