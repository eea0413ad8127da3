"""Decides by which effect and which p-value drift is judged: those of the counts with their rare categories pooled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.divergence import compute_effect, compute_psi
from mlops_core.stats.sides import Values
from mlops_core.stats.two_sample import LEAST_EXPECTED, chi_square_test, pool_rare

FEW_GROUPS = 16
"""Groups up to which features are measured together."""


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
    always : array_like of bool, of shape (..., G), optional
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifts:
    """How far f features moved in k chunks."""

    psi: Values
    """Population stability index for display, without pooling, shape (f, k); NaN where a side is empty."""
    effect: Values
    """As in ``Shift``, shape (f, k)."""
    p_value: Values
    """As in ``Shift``, shape (f, k)."""
    pooled_share: Values
    """As in ``Shift``, shape (f, k)."""


def measure_shifts(
    references: Sequence[NDArray[np.int64]],
    currents: Sequence[NDArray[np.int64]],
    always: Sequence[NDArray[np.bool_]],
) -> Shifts:
    """Measure many features at once; those with few groups go together, since each call costs more than its sums.

    Parameters
    ----------
    references : sequence of f arrays of shape (G,)
        Rows by group; G differs by feature.
    currents : sequence of f arrays of shape (k, G)
        Rows of each chunk by group.
    always : sequence of f arrays of shape (G,)
        As for ``pool_rare``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chunks = rng.multinomial(1000, [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])
    >>> measure_shifts([np.array([2000, 3000, 5000])], [chunks], [np.zeros(3, bool)]).psi.round(3).tolist()
    [[0.004, 0.565]]
    """
    k = currents[0].shape[0] if currents else 0
    psi, effect, p_value, pooled = (np.full((len(references), k), np.nan) for _ in range(4))
    alike: dict[int, list[int]] = {}
    for i, mask in enumerate(always):
        alike.setdefault(max(mask.size, FEW_GROUPS), []).append(i)
    for members in alike.values():
        before, after, pools, is_group = _pad([(references[i], currents[i], always[i]) for i in members])
        shift = measure_shift(before, after, always=pools)
        psi[members], effect[members] = compute_psi(before, after, is_group), shift.effect
        p_value[members], pooled[members] = shift.p_value, shift.pooled_share
    return Shifts(psi=psi, effect=effect, p_value=p_value, pooled_share=pooled)


def _pad(
    features: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Give features the same number of groups, the ones added without rows: they are pooled and change nothing."""
    f, k, width = len(features), len(features[0][1]), max(mask.size for _, _, mask in features)
    before, after = np.zeros((f, 1, width), np.int64), np.zeros((f, k, width), np.int64)
    pools, is_group = np.zeros((f, 1, width), bool), np.zeros((f, 1, width), bool)
    for i, (reference, current, mask) in enumerate(features):
        before[i, 0, : mask.size], after[i, :, : mask.size] = reference, current
        pools[i, 0, : mask.size], is_group[i, 0, : mask.size] = mask, True
    return before, after, pools, is_group
