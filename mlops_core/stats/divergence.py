"""Decides how far two distributions over the same groups are apart, and how much of that chance alone gives.

All take counts with the groups along the last axis; the leading axes broadcast, so that a reference of shape (G,)
against k chunks of shape (k, G) is one call.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr

from mlops_core.stats.ratios import divide_or_nan
from mlops_core.stats.sides import Values, pair_counts, take_shares

SMOOTHING = 0.5
"""Rows added to each group where a logarithm would meet a zero: half a row, as in Jeffreys' prior."""


def smooth_counts(counts: ArrayLike, is_group: ArrayLike | None = None) -> Values:
    """Add ``SMOOTHING`` to each group's count, the only smoothing there is.

    Parameters
    ----------
    counts : array_like of shape (..., G)
        Rows by group.
    is_group : array_like of bool, of shape (..., G), optional
        Which columns are groups here; the others become 0.

    Returns
    -------
    ndarray of shape (..., G)
        NaN along the last axis where all counts are 0: half rows are no data.

    Examples
    --------
    >>> smooth_counts([[3, 0], [0, 0]])
    array([[3.5, 0.5],
           [nan, nan]])
    """
    values = np.asarray(counts, np.float64)
    smoothed = values + SMOOTHING
    if is_group is not None:
        values, smoothed = np.where(is_group, values, 0.0), np.where(is_group, smoothed, 0.0)
    return np.where(values.sum(axis=-1, keepdims=True) > 0, smoothed, np.nan)


def compute_psi(reference: ArrayLike, current: ArrayLike, is_group: ArrayLike | None = None) -> Values:
    """Compute the population stability index ``Σ (p − q) ln(p / q)`` of smoothed shares.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.
    is_group : array_like of bool, of shape (..., G), optional
        Which columns are groups; all unless given.

    Returns
    -------
    ndarray of shape (...)
        At least 0, in nats; NaN where a side is empty. Symmetric in its sides.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Siddiqi (2006), Credit risk scorecards.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chunks = rng.multinomial(1000, [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])
    >>> compute_psi([2000, 3000, 5000], chunks).round(3)
    array([0.004, 0.565])
    """
    p, q = (take_shares(smooth_counts(side, is_group)) for side in pair_counts(reference, current))
    p, q = np.broadcast_arrays(p, q)
    ratio = np.divide(p, q, out=np.ones(p.shape), where=q > 0)
    return np.asarray(((p - q) * np.log(ratio)).sum(axis=-1))


def expect_psi(n_groups: ArrayLike, n: ArrayLike, m: ArrayLike) -> Values:
    """Give the index that chance alone gives two samples of one distribution, ``(G − 1)(1/n + 1/m)``.

    Parameters
    ----------
    n_groups : array_like of shape (...)
        Groups G, 1 or more.
    n, m : array_like of shape (...)
        Rows of the two sides; all three broadcast.

    Returns
    -------
    ndarray of shape (...)
        At least 0; NaN where a side is empty.

    References
    ----------
    Yurdakul & Naranjo (2020), Statistical properties of the population stability index: nm/(n + m) times the
    index is nearly chi-square with G − 1 degrees of freedom.

    Examples
    --------
    >>> float(expect_psi(11, 100_000, 500))
    0.0201
    """
    inverses = divide_or_nan(1.0, n) + divide_or_nan(1.0, m)
    return np.asarray((np.asarray(n_groups, np.float64) - 1.0) * inverses)


def compute_effect(reference: ArrayLike, current: ArrayLike, is_group: ArrayLike | None = None) -> Values:
    """Compute the index less what chance alone gives, ``psi − (G − 1)(1/n + 1/m)``: 0 on average without drift.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.
    is_group : array_like of bool, of shape (..., G), optional
        Which columns are groups; all unless given.

    Returns
    -------
    ndarray of shape (...)
        At least ``-expect_psi``; NaN where a side is empty.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chunks = rng.multinomial(500, [0.1] * 10, size=1000)
    >>> abs(float(compute_effect([1000] * 10, chunks).mean())) < 0.001
    True
    """
    sides = pair_counts(reference, current)
    n_groups: NDArray[np.int64] | int = sides[0].shape[-1]
    if is_group is not None:
        mask = np.asarray(is_group, bool)
        n_groups, sides = mask.sum(axis=-1), (np.where(mask, sides[0], 0.0), np.where(mask, sides[1], 0.0))
    n, m = (side.sum(axis=-1) for side in sides)
    return np.asarray(compute_psi(*sides, is_group) - expect_psi(n_groups, n, m))


def compute_jensen_shannon(reference: ArrayLike, current: ArrayLike) -> Values:
    """Compute the Jensen–Shannon distance of smoothed shares: the root of the divergence in bits.

    ``sqrt((KL(p ‖ (p + q)/2) + KL(q ‖ (p + q)/2)) / 2)``, logarithms to the base 2.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.

    Returns
    -------
    ndarray of shape (...)
        In [0, 1]; NaN where a side is empty.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> compute_jensen_shannon([2000, 3000, 5000], rng.multinomial(1000, [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])).round(3)
    array([0.026, 0.314])
    """
    p, q = (take_shares(smooth_counts(side)) for side in pair_counts(reference, current))
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2))
    return np.asarray(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def compute_total_variation(reference: ArrayLike, current: ArrayLike) -> Values:
    """Compute the total variation ``½ Σ |p − q|``: the share of rows that would have to move.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.

    Returns
    -------
    ndarray of shape (...)
        In [0, 1]; NaN where a side is empty.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Levin & Peres (2017), Markov chains and mixing times, section 4.1.

    Examples
    --------
    >>> float(compute_total_variation([50, 50], [80, 20]).round(3))
    0.3
    """
    p, q = (take_shares(side) for side in pair_counts(reference, current))
    return np.asarray(np.clip(np.abs(p - q).sum(axis=-1) / 2, 0.0, 1.0))


def compute_hellinger(reference: ArrayLike, current: ArrayLike) -> Values:
    """Compute the Hellinger distance ``(1/√2) ‖√p − √q‖``.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.

    Returns
    -------
    ndarray of shape (...)
        In [0, 1]; NaN where a side is empty.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Hellinger (1909), Neue Begründung der Theorie quadratischer Formen von unendlichvielen Veränderlichen.

    Examples
    --------
    >>> float(compute_hellinger([100, 0], [50, 50]).round(3))
    0.541
    """
    p, q = (take_shares(side) for side in pair_counts(reference, current))
    return np.asarray(np.clip(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=-1) / 2), 0.0, 1.0))
