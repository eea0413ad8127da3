"""Drift in words: decides how a judgement reads for one feature, and what it makes of the whole model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlops_core.checks.drift import STATUSES, Cause, DriftJudgement
from mlops_core.entities import Status
from mlops_core.words import write_share, write_value

LEAST_JUDGED_SHARE = 0.5
"""Share of the features that must be judged before a model without drift is OK."""
MOST_NAMED = 5
"""Features that a sentence names; it counts the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSummary:
    """What the features of one chunk say about the model."""

    status: Status
    """The worst of the features; OK only when enough of them were judged."""
    alerts: tuple[str, ...]
    """Features with an alert, the most important first; the one that moved most when importance is not known."""
    warnings: tuple[str, ...]
    """Features with a warning, in the same order."""
    n_features: int
    """Features looked at."""
    n_judged: int
    """Features with a verdict."""
    importance: float | None
    """Share of the model's importance that the features with an alert or a warning have, in [0, 1]; None when it
    is not known."""
    sentence: str
    """By which features, by how many, and by their importance."""


def explain(judgement: DriftJudgement, name: str, feature: int, chunk: int) -> str:
    """Say why a feature has its status in a chunk, both by position, with the figures."""
    rules, cause = judgement.limits, Cause(judgement.causes[feature, chunk])
    if cause is Cause.TOO_FEW_REFERENCE_ROWS:
        return f"{judgement.n_reference[feature]:,} rows in the reference; {rules.least_rows} are needed."
    if cause is Cause.TOO_FEW_ROWS:
        return f"{judgement.n_current[feature, chunk]:,} rows; {rules.least_rows} are needed."
    if cause is Cause.UNDEFINED:
        return f"The drift of {name} could not be computed."
    if cause is Cause.MOSTLY_POOLED:
        share = write_share(float(judgement.pooled_shares[feature, chunk]))
        return f"{share} of {name}'s reference are in categories too rare to be compared."
    return _explain_verdict(judgement, name, feature, chunk, cause)


def summarise_drift(
    judgement: DriftJudgement, names: Sequence[str], chunk: int = -1, importance: Mapping[str, float] | None = None
) -> DriftSummary:
    """Say what the features of one chunk make of the model.

    Parameters
    ----------
    names : sequence of str
        Of the f features, in the order of the judgement.
    chunk : int
        Position of the chunk; the last unless given.
    importance : mapping, optional
        By feature, in any unit; one that is absent, negative, or not a number has none.
    """
    codes = judgement.codes[:, chunk]
    weights = np.nan_to_num([max((importance or {}).get(name, 0.0), 0.0) for name in names])
    order = np.lexsort((-np.nan_to_num(judgement.effects[:, chunk]), -weights))
    moved = {
        status: tuple(names[feature] for feature in order if codes[feature] == STATUSES.index(status))
        for status in (Status.ALERT, Status.WARNING)
    }
    n_judged = int((codes > STATUSES.index(Status.INSUFFICIENT_DATA)).sum())
    status = next((status for status in moved if moved[status]), Status.OK)
    if status is Status.OK and (n_judged == 0 or n_judged < LEAST_JUDGED_SHARE * len(names)):
        status = Status.INSUFFICIENT_DATA
    total = float(weights.sum())
    share = float(weights[codes >= STATUSES.index(Status.WARNING)].sum()) / total if total > 0 else None
    is_candidate = bool((judgement.causes[:, chunk] == Cause.CANDIDATE).any())
    return DriftSummary(
        status=status,
        alerts=moved[Status.ALERT],
        warnings=moved[Status.WARNING],
        n_features=len(names),
        n_judged=n_judged,
        importance=share,
        sentence=_tell(moved[Status.ALERT], moved[Status.WARNING], len(names), n_judged, share, is_candidate),
    )


def _explain_verdict(judgement: DriftJudgement, name: str, feature: int, chunk: int, cause: Cause) -> str:
    rules = judgement.limits
    effect = float(judgement.effects[feature, chunk])
    moved = f"{name} moved by {write_value(effect)}" if effect > 0 else f"{name} moved no more than chance moves it"
    limit, warning = (float(each[feature]) for each in (judgement.alert_limits, judgement.warning_limits))
    known = f"limit {write_value(limit)}"
    if cause.value < Cause.LASTING and warning < limit:
        known += f", warning from {write_value(warning)}"
    p = float(judgement.p_adjusted[feature, chunk])
    chance = "adjusted p < 0.001" if p < 0.001 else f"adjusted p = {p:.3f}"
    if cause is Cause.COSTLY:
        assert judgement.losses is not None
        return (
            f"{moved} ({known}), {chance}; small as that is, it is expected to cost "
            f"{judgement.losses[feature, chunk]:.3f} of the primary metric, and {judgement.most_loss:g} is too much."
        )
    recent = f"in {judgement.n_exceeding[feature, chunk]} of the last {rules.recent_chunks} chunks"
    return {
        Cause.BELOW_LIMIT: f"{moved} ({known}).",
        Cause.NATURAL: f"{moved}, as it does by itself: chunks of the reference moved by up to {write_value(warning)}.",
        Cause.NOT_SIGNIFICANT: f"{moved} ({known}), but chance may have done it: {chance}.",
        Cause.ABOVE_WARNING_LIMIT: f"{moved} ({known}), {chance}.",
        Cause.TOO_FEW_ROWS_FOR_ALERT: f"{moved} ({known}), {chance}, but an alert needs {rules.least_alert_rows} rows.",
        Cause.CANDIDATE: f"{moved} ({known}), {chance}: a candidate, as one window cannot show that it lasts.",
        Cause.LASTING: f"{moved} ({known}), {chance}, {recent}.",
        Cause.NOT_LASTING: f"{moved} ({known}), {chance}, {recent}; an alert needs {rules.least_chunks}.",
    }[cause]


def _tell(
    alerts: tuple[str, ...],
    warnings: tuple[str, ...],
    n_features: int,
    n_judged: int,
    importance: float | None,
    is_candidate: bool,
) -> str:
    told = []
    of_all = f"of {n_features} feature{'' if n_features == 1 else 's'}"
    if alerts:
        where = " in this one window" if is_candidate else ""
        told.append(f"{len(alerts)} {of_all} drifted{where}: {_list(alerts)}.")
    if warnings:
        count = f"{len(warnings)} more" if alerts else f"{len(warnings)} {of_all}"
        told.append(f"{count} may have drifted: {_list(warnings)}.")
    if told and importance is not None:
        told.append(f"Of the model's importance, that is {write_share(importance)}.")
    if not told and n_judged:
        told.append(f"None of {n_judged} judged feature{'' if n_judged == 1 else 's'} drifted.")
    if n_judged < n_features:
        told.append(f"{n_features - n_judged} {of_all} could not be judged.")
    return " ".join(told) or "There are no features."


def _list(names: tuple[str, ...]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f", and {rest} more" if rest > 0 else "")
