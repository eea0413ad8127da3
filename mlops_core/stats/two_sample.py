"""Decides how two binned samples are tested and how far apart their values lie.

All take counts with the bins along the last axis; the leading axes broadcast. Both sides are samples: the reference
is never taken as exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from mlops_core.stats.ratios import divide_or_nan
from mlops_core.stats.sides import Values, pair_counts, take_shares

LEAST_EXPECTED = 5.0
"""Rows expected in a category below which the chi-square approximation is not to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChiSquare:
    """Two-sample chi-square tests of shape (...)."""

    statistic: Values
    """At least 0; NaN where a side is empty."""
    dof: NDArray[np.int64]
    """Groups with rows on either side, less 1; 0 where there is one group or none."""
    p_value: Values
    """In [0, 1]; 1 where there is one group, NaN where a side is empty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledCounts:
    """Counts with the rare categories moved into one more column, the last."""

    reference: Values
    """Shape (..., G + 1); 0 where a category was pooled."""
    current: Values
    """Shape (..., G + 1); 0 where a category was pooled."""
    is_group: NDArray[np.bool_]
    """Which columns are groups, shape (..., G + 1): those that were not pooled, and the pool when it has rows."""
    pooled_share: Values
    """Share of the reference's rows in rare categories, shape (...), in [0, 1]; NaN where the reference is empty."""


def compute_ks(reference: ArrayLike, current: ArrayLike) -> Values:
    """Compute the Kolmogorov–Smirnov distance ``max |F_reference − F_current|`` at the upper edges of the bins.

    Parameters
    ----------
    reference, current : array_like of shape (..., B)
        Rows by bin, in order of the value, without nulls.

    Returns
    -------
    ndarray of shape (...)
        In [0, 1], below the exact distance by at most the share of the heaviest bin; NaN where a side is empty.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Smirnov (1939), On the estimation of the discrepancy between empirical curves of distribution for two
    independent samples.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> compute_ks([250, 250, 250, 250], rng.multinomial(1000, [[0.25] * 4, [0.1, 0.2, 0.3, 0.4]])).round(2)
    array([0.02, 0.19])
    """
    reached, passed = (take_shares(side).cumsum(axis=-1) for side in pair_counts(reference, current))
    return np.asarray(np.clip(np.abs(reached - passed).max(axis=-1), 0.0, 1.0))


def compute_wasserstein(
    reference_counts: ArrayLike,
    reference_means: ArrayLike,
    current_counts: ArrayLike,
    current_means: ArrayLike,
    reference_std: ArrayLike,
) -> Values:
    """Compute the first Wasserstein distance ``∫ |F − G| dx`` in standard deviations of the reference.

    The distributions are the discrete ones that put each bin's rows at the mean of that bin on that side.

    Parameters
    ----------
    reference_counts, current_counts : array_like of shape (..., B)
        Rows by bin, without nulls.
    reference_means, current_means : array_like of shape (..., B)
        Mean of each bin's rows in units of the feature; not read where the bin is empty (NaN, for instance).
    reference_std : array_like of shape (...)
        Standard deviation of the reference in units of the feature.

    Returns
    -------
    ndarray of shape (...)
        At least 0; NaN where a side is empty, a bin with rows has no finite mean, or the standard deviation is
        not above 0.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``, or the means have another number of bins.

    References
    ----------
    Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the line.

    Examples
    --------
    >>> float(compute_wasserstein([50, 50], [1.0, 3.0], [0, 100], [np.nan, 3.5], reference_std=1.0))
    1.5
    >>> rng = np.random.default_rng(0)
    >>> places = np.arange(5.0)
    >>> compute_wasserstein([20] * 5, places, rng.multinomial(1000, [0.2] * 5, size=2), places, 2**0.5).round(2)
    array([0.04, 0.03])
    """
    sides = pair_counts(reference_counts, current_counts)
    means = np.asarray(reference_means, np.float64), np.asarray(current_means, np.float64)
    if any(mean.shape[-1:] != sides[0].shape[-1:] for mean in means):
        raise ValueError(f"means have shapes {[mean.shape for mean in means]}; accepted is one mean per bin, last")
    p, q, x, y = np.broadcast_arrays(*(take_shares(side) for side in sides), *means)
    steps = np.concatenate([p, -q], axis=-1)
    # NaN sorts last, where an empty bin adds a width without a step; with rows it makes the sum NaN.
    places = np.where(steps == 0, np.nan, np.concatenate([x, y], axis=-1))
    is_undefined = (np.isnan(steps) | ((steps != 0) & ~np.isfinite(places))).any(axis=-1)
    order = np.argsort(places, axis=-1)
    steps, places = np.take_along_axis(steps, order, axis=-1), np.take_along_axis(places, order, axis=-1)
    with np.errstate(invalid="ignore"):
        widths = np.nan_to_num(np.diff(places, axis=-1), nan=0.0)
    distance = (np.abs(steps.cumsum(axis=-1))[..., :-1] * widths).sum(axis=-1)
    return divide_or_nan(np.where(is_undefined, np.nan, distance), reference_std)


def chi_square_test(reference: ArrayLike, current: ArrayLike) -> ChiSquare:
    """Test whether two samples come from one distribution, both sides random.

    ``Σ (√(m/n) a − √(n/m) b)² / (a + b)`` over the groups with rows on either side, for counts a of n and b of m
    rows: Pearson's statistic of the 2 × G table, without correction.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group.

    Returns
    -------
    ChiSquare
        Of shape (...).

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``.

    References
    ----------
    Pearson (1911), On the probability that two independent distributions of frequency are really samples from
    the same population.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = chi_square_test([200, 300, 500], rng.multinomial(1000, [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]))
    >>> found.dof.tolist(), found.p_value.round(3).tolist()
    ([2, 2], [0.389, 0.0])
    """
    a, b = pair_counts(reference, current)
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    ratio = np.sqrt(divide_or_nan(m, n))
    total = a + b
    squares = (ratio * a - divide_or_nan(1.0, ratio) * b) ** 2
    # Where a side is empty the ratio is 0 or NaN, and so is the sum: NaN squares are kept, empty groups are not.
    statistic = np.divide(squares, total, out=np.zeros(total.shape), where=total > 0).sum(axis=-1)
    is_defined = ((n > 0) & (m > 0))[..., 0]
    dof = np.maximum((total > 0).sum(axis=-1) - 1, 0)
    p_value = np.where(dof > 0, chdtrc(np.maximum(dof, 1), statistic), 1.0)
    return ChiSquare(
        statistic=np.where(is_defined, statistic, np.nan),
        dof=dof,
        p_value=np.where(is_defined, p_value, np.nan),
    )


def pool_rare(
    reference: ArrayLike,
    current: ArrayLike,
    least_expected: float = LEAST_EXPECTED,
    always: ArrayLike | None = None,
) -> PooledCounts:
    """Pool the categories too rare to be tested into one.

    A category is rare when ``(a + b) min(n, m) / (n + m)``, the rows expected on the smaller side if nothing
    changed, is below ``least_expected``. This looks at the rows of both sides together, not at the share of the
    reference: picking the categories in which the reference happens to have many rows would make it look
    different from the current rows, and the test would find drift where there is none.

    When the pool itself has fewer rows than that on the smaller side, expected and observed, the smallest other
    category joins it. A pool that is full on either account stays alone, so that a category that is new and common
    is not hidden in another.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by category.
    least_expected : float
        Expected rows from which a category stands alone, 0 or more.
    always : array_like of bool, of shape (..., G), optional
        Categories to pool whatever their size: unseen ones and the rest beyond the listed ones.

    Returns
    -------
    PooledCounts
        Of shape (..., G + 1). ``pooled_share`` is of the reference, because it says how much of what the
        reference tells apart is given up; current rows in new categories are no reason not to judge.

    Raises
    ------
    ValueError
        When the counts cannot be compared, see ``sides.pair_counts``, or ``least_expected`` is negative or NaN.

    References
    ----------
    Cochran (1954), Some methods for strengthening the common χ² tests.

    Examples
    --------
    >>> found = pool_rare([900, 90, 6, 4], [[450, 40, 6, 4], [90, 9, 1, 0]])
    >>> found.current
    array([[450.,  40.,   0.,   0.,  10.],
           [ 90.,   0.,   0.,   0.,  10.]])
    >>> found.pooled_share
    array([0.01, 0.01])
    >>> shares = 1 / np.arange(1, 301) ** 1.5
    >>> counts = np.random.default_rng(0).multinomial(1000, shares / shares.sum(), size=2)
    >>> found = pool_rare(counts[0], counts[1])
    >>> int(found.is_group.sum()), float(found.pooled_share)
    (19, 0.124)
    """
    if not least_expected >= 0:
        raise ValueError(f"least_expected is {least_expected!r}; accepted is 0 or more")
    a, b = np.broadcast_arrays(*pair_counts(reference, current))
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    expected = np.nan_to_num((a + b) * divide_or_nan(np.minimum(n, m), n + m))
    is_rare = expected < least_expected
    if always is not None:
        is_rare = is_rare | np.asarray(always, bool)
    is_pooled = is_rare | _find_joining(expected, is_rare, np.where(n > m, b, a), least_expected)
    sides = [
        np.concatenate([np.where(is_pooled, 0.0, side), (side * is_pooled).sum(axis=-1, keepdims=True)], axis=-1)
        for side in (a, b)
    ]
    has_rows = (sides[0] + sides[1])[..., -1:] > 0
    return PooledCounts(
        reference=sides[0],
        current=sides[1],
        is_group=np.concatenate([~is_pooled, has_rows], axis=-1),
        pooled_share=divide_or_nan((a * is_rare).sum(axis=-1), n[..., 0]),
    )


def _find_joining(
    expected: Values, is_rare: NDArray[np.bool_], observed: Values, least_expected: float
) -> NDArray[np.bool_]:
    """Mark the smallest other category where the pool has rows but too few on the smaller side."""
    n_expected = (expected * is_rare).sum(axis=-1, keepdims=True)
    n_observed = (observed * is_rare).sum(axis=-1, keepdims=True)
    is_short = (n_expected > 0) & (n_expected < least_expected) & (n_observed < least_expected)
    smallest = np.where(is_rare, np.inf, expected).argmin(axis=-1)
    return np.asarray(is_short & (np.arange(expected.shape[-1]) == smallest[..., None]))
