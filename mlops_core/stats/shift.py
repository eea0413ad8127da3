"""Decides by which effect and which p-value drift is judged: those of the counts with their rare categories pooled."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from mlops_core.stats.divergence import compute_effect
from mlops_core.stats.sides import Values
from mlops_core.stats.two_sample import LEAST_EXPECTED, chi_square_test, pool_rare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shift:
    """How far current rows of shape (...) moved from the reference; not for display but for verdicts."""

    effect: Values
    """Population stability index less what chance gives; 0 on average without drift; NaN where a side is empty."""
    p_value: Values
    """Of the two-sample chi-square test, in [0, 1]; NaN where a side is empty."""
    pooled_share: Values
    """Share of the reference's rows in pooled categories, in [0, 1]; NaN where the reference is empty."""


def measure_shift(
    reference: ArrayLike,
    current: ArrayLike,
    least_expected: float = LEAST_EXPECTED,
    always: ArrayLike | None = None,
) -> Shift:
    """Pool rare categories, then take the effect and the test of what remains.

    Parameters
    ----------
    reference, current : array_like of shape (..., G)
        Rows by group or category; the leading axes broadcast.
    least_expected : float
        As for ``pool_rare``.
    always : array_like of bool, of shape (G,), optional
        As for ``pool_rare``.

    Returns
    -------
    Shift
        Of shape (...).

    Raises
    ------
    ValueError
        As for ``pool_rare``.

    References
    ----------
    Siddiqi (2006), Credit risk scorecards; Rabanser et al. (2019), Failing loudly, for the test of each feature.

    Examples
    --------
    >>> import numpy as np
    >>> shares = 1 / np.arange(1, 301) ** 1.5
    >>> counts = np.random.default_rng(0).multinomial(1000, shares / shares.sum(), size=2)
    >>> found = measure_shift(counts[0], counts[1])
    >>> round(float(found.effect), 3), round(float(found.p_value), 2)
    (0.002, 0.38)
    """
    pooled = pool_rare(reference, current, least_expected, always)
    return Shift(
        effect=compute_effect(pooled.reference, pooled.current, pooled.is_group),
        p_value=chi_square_test(pooled.reference, pooled.current).p_value,
        pooled_share=pooled.pooled_share,
    )
