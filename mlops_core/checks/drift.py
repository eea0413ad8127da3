"""Drift against its limit: decides by which rule a feature has drifted in a chunk, or has not, or cannot be judged.

An alert has an effect at or above its limit, max(``alert_effect``, natural variation), an adjusted p-value below
``significance``, and the same in enough of the last chunks; a warning the same with max(``warning_effect``, natural
variation), without persistence. What cannot be judged is not OK, is no member of the chunk's family of tests, and is
no evidence that a shift lasts. A chunk too small for an alert of its own is such evidence.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from mlops_core.entities import Status
from mlops_core.stats.multiplicity import adjust_benjamini_hochberg

Values = NDArray[np.float64]

STATUSES = (Status.INSUFFICIENT_DATA, Status.OK, Status.WARNING, Status.ALERT)
"""What the codes of a judgement stand for, the worst last."""


class Cause(IntEnum):
    """Which rule gave the status of a feature in a chunk; the first that applies, in this order."""

    TOO_FEW_REFERENCE_ROWS = 0
    TOO_FEW_ROWS = 1
    UNDEFINED = 2
    """The effect, the p-value, or the pooled share is not a number."""
    MOSTLY_POOLED = 3
    BELOW_LIMIT = 4
    NATURAL = 5
    """Above the fixed limit of a warning, but chunks of the reference move as far by themselves."""
    NOT_SIGNIFICANT = 6
    ABOVE_WARNING_LIMIT = 7
    TOO_FEW_ROWS_FOR_ALERT = 8
    CANDIDATE = 9
    """Above the limit of an alert in a window that is no part of a series."""
    LASTING = 10
    NOT_LASTING = 11
    """Above the limit of an alert, but in too few of the last chunks."""
    COSTLY = 12
    """Below every limit, but no chance, and expected to cost more of the metric than is accepted."""


_STATUS_OF = {
    Cause.TOO_FEW_REFERENCE_ROWS: Status.INSUFFICIENT_DATA,
    Cause.TOO_FEW_ROWS: Status.INSUFFICIENT_DATA,
    Cause.UNDEFINED: Status.INSUFFICIENT_DATA,
    Cause.MOSTLY_POOLED: Status.INSUFFICIENT_DATA,
    Cause.BELOW_LIMIT: Status.OK,
    Cause.NATURAL: Status.OK,
    Cause.NOT_SIGNIFICANT: Status.OK,
    Cause.ABOVE_WARNING_LIMIT: Status.WARNING,
    Cause.TOO_FEW_ROWS_FOR_ALERT: Status.WARNING,
    Cause.CANDIDATE: Status.ALERT,
    Cause.LASTING: Status.ALERT,
    Cause.NOT_LASTING: Status.WARNING,
    Cause.COSTLY: Status.WARNING,
}
_CODES = np.array([STATUSES.index(_STATUS_OF[cause]) for cause in Cause], np.int8)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """From where on a moved feature is a warning or an alert."""

    alert_effect: float = 0.2
    """Effect of an alert, in units of the population stability index; natural variation raises it."""
    warning_effect: float = 0.1
    """Effect of a warning, at most ``alert_effect``; natural variation raises it."""
    significance: float = 0.01
    """Adjusted p-value below which a shift is no chance, in (0, 1)."""
    least_rows: int = 200
    """Rows on either side, to be judged."""
    least_alert_rows: int = 500
    """Rows on either side, for an alert."""
    least_chunks: int = 2
    """Chunks of the last ``recent_chunks``, this one included, that must be above the limit of an alert."""
    recent_chunks: int = 3
    """Chunks that persistence looks at."""
    most_pooled_share: float = 0.5
    """Share of the reference in rare categories above which there is no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftJudgement:
    """The status of f features in k chunks."""

    codes: NDArray[np.int8]
    """Position in ``STATUSES``, shape (f, k); the higher the worse."""
    causes: NDArray[np.int8]
    """Value of ``Cause``, shape (f, k)."""
    effects: Values
    """As given, shape (f, k)."""
    p_adjusted: Values
    """Over the judged features of each chunk, shape (f, k); NaN where there is no verdict."""
    alert_limits: Values
    """Effect from which an alert is possible, shape (f,)."""
    warning_limits: Values
    """Effect from which a warning is possible, shape (f,)."""
    n_exceeding: NDArray[np.int64]
    """Chunks among the last ``recent_chunks`` above the limit of an alert, this one included, shape (f, k)."""
    n_reference: NDArray[np.int64]
    """Shape (f,)."""
    n_current: NDArray[np.int64]
    """Shape (f, k)."""
    pooled_shares: Values
    """As given, shape (f, k)."""
    limits: DriftLimits
    """What was asked for."""
    losses: Values | None = None
    """Expected loss of the primary metric where it was looked at, shape (f, k), else NaN; None when nowhere."""
    most_loss: float | None = None
    """Loss from which on a small shift is a warning; None when no loss is looked at."""

    def get_status(self, feature: int, chunk: int) -> Status:
        """Give the status of one feature in one chunk, by position."""
        return STATUSES[self.codes[feature, chunk]]


def judge_drift(
    effects: ArrayLike,
    p_values: ArrayLike,
    n_reference: ArrayLike,
    n_current: ArrayLike,
    natural: ArrayLike,
    limits: DriftLimits | None = None,
    has_persistence: bool = True,
    pooled_shares: ArrayLike = 0.0,
) -> DriftJudgement:
    """Judge every feature in every chunk at once, by the first `Cause` that applies.

    Parameters
    ----------
    effects, p_values : array_like of shape (f, k)
        Of ``stats.shift.measure_shift``; the k chunks follow one another in time, those without rows included. The
        first ones have none before them, so a series begins ``recent_chunks`` - 1 chunks early.
    n_reference : array_like of shape (f,)
        Rows of the reference that each chunk was compared with.
    n_current : array_like of shape (f, k) or (k,)
        Rows of each chunk.
    natural : array_like of shape (f,)
        Natural variation in units of the effect; NaN or None when the reference is too short to know it.
    limits : DriftLimits, optional
        The defaults unless given.
    has_persistence : bool
        False for ad-hoc windows, which are not a series: their alert is a candidate.
    pooled_shares : array_like of shape (f, k)
        Share of the reference in rare categories, in [0, 1].
    """
    effect, p, current, pooled = np.broadcast_arrays(
        *(np.asarray(part, np.float64) for part in (effects, p_values, n_current, pooled_shares))
    )
    before, own = np.asarray(n_reference, np.float64)[:, None], np.asarray(natural, np.float64)
    shifts = _Shifts(effect=effect, p=p, before=before, current=current, natural=own, pooled=pooled)
    return _judge(shifts, limits or DriftLimits(), has_persistence=has_persistence)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shifts:
    """What was given of f features in k chunks: shape (f, k) unless said otherwise."""

    effect: Values
    p: Values
    before: Values
    """Rows of the reference, shape (f, 1)."""
    current: Values
    """Rows of the chunk."""
    natural: Values
    """Shape (f,); NaN when not known."""
    pooled: Values

    @property
    def is_defined(self) -> NDArray[np.bool_]:
        """Say which have all of their numbers."""
        return np.asarray(np.isfinite(self.effect) & np.isfinite(self.p) & np.isfinite(self.pooled))


def _judge(shifts: _Shifts, rules: DriftLimits, *, has_persistence: bool) -> DriftJudgement:
    has_rows = np.minimum(shifts.current, shifts.before) >= rules.least_rows
    is_judged = has_rows & shifts.is_defined & (shifts.pooled <= rules.most_pooled_share)
    p_adjusted = adjust_benjamini_hochberg(np.where(is_judged, shifts.p, np.nan).T).T
    alert_limits = np.fmax(rules.alert_effect, shifts.natural)
    exceeds = is_judged & (shifts.effect >= alert_limits[:, None]) & (p_adjusted < rules.significance)
    judgement = DriftJudgement(
        codes=np.zeros(exceeds.shape, np.int8),
        causes=np.zeros(exceeds.shape, np.int8),
        effects=shifts.effect,
        p_adjusted=p_adjusted,
        alert_limits=alert_limits,
        warning_limits=np.fmax(rules.warning_effect, shifts.natural),
        n_exceeding=_count_recent(exceeds, rules.recent_chunks),
        n_reference=shifts.before[:, 0].astype(np.int64),
        n_current=shifts.current.astype(np.int64),
        pooled_shares=shifts.pooled,
        limits=rules,
    )
    causes = _find_causes(shifts, judgement, is_judged, exceeds, has_persistence=has_persistence)
    return replace(judgement, codes=_CODES[causes], causes=causes.astype(np.int8))


def _find_causes(
    shifts: _Shifts,
    judgement: DriftJudgement,
    is_judged: NDArray[np.bool_],
    exceeds: NDArray[np.bool_],
    *,
    has_persistence: bool,
) -> NDArray[np.int64]:
    """Give the first rule that applies to each feature in each chunk, shape (f, k)."""
    rules = judgement.limits
    applies = {
        Cause.TOO_FEW_REFERENCE_ROWS: shifts.before < rules.least_rows,
        Cause.TOO_FEW_ROWS: shifts.current < rules.least_rows,
        Cause.UNDEFINED: ~shifts.is_defined,
        Cause.MOSTLY_POOLED: ~is_judged,
        Cause.BELOW_LIMIT: shifts.effect < rules.warning_effect,
        Cause.NATURAL: shifts.effect < judgement.warning_limits[:, None],
        Cause.NOT_SIGNIFICANT: judgement.p_adjusted >= rules.significance,
        Cause.ABOVE_WARNING_LIMIT: ~exceeds,
        Cause.TOO_FEW_ROWS_FOR_ALERT: np.minimum(shifts.current, shifts.before) < rules.least_alert_rows,
        Cause.CANDIDATE: np.full(exceeds.shape, not has_persistence),
        Cause.LASTING: judgement.n_exceeding >= rules.least_chunks,
    }
    return np.select(list(applies.values()), list(applies), default=Cause.NOT_LASTING)


def find_small_shifts(judgement: DriftJudgement) -> NDArray[np.bool_]:
    """Say where a feature is below its limits, but moved by more than chance, shape (f, k)."""
    is_small = np.isin(judgement.causes, (Cause.BELOW_LIMIT, Cause.NATURAL))
    return np.asarray(is_small & (judgement.p_adjusted < judgement.limits.significance))


def warn_of_losses(judgement: DriftJudgement, losses: Values, most_loss: float) -> DriftJudgement:
    """Turn small shifts into warnings where they are expected to cost too much.

    Parameters
    ----------
    losses : ndarray of shape (f, k)
        Expected loss of the primary metric, in its units, positive when it gets worse; NaN where it is not known.
    most_loss : float
        Loss from which on a shift is a warning, above 0.
    """
    is_costly = find_small_shifts(judgement) & (losses >= most_loss)
    causes = np.where(is_costly, np.int8(Cause.COSTLY), judgement.causes)
    return replace(judgement, causes=causes, codes=_CODES[causes], losses=losses, most_loss=most_loss)


def _count_recent(exceeds: NDArray[np.bool_], recent_chunks: int) -> NDArray[np.int64]:
    """Count, for each chunk, those that exceed among it and the ones before it; before the first there are none."""
    padded = np.pad(exceeds, ((0, 0), (recent_chunks - 1, 0)))
    return np.asarray(sliding_window_view(padded, recent_chunks, axis=1).sum(axis=-1))
