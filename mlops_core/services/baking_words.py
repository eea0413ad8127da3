"""Baking windows in words: decides how a promise, what was seen of it, and an outcome are told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mlops_core.checks.baking import Seen, tell_promise
from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.entities import Deployment, Status
from mlops_core.production import Bake, Origin, Outcome, Revert
from mlops_core.services.baking import BakeState
from mlops_core.words import NARROW_INTERVAL, write_day, write_instant

TOLD_FOR = timedelta(days=7)
"""How long a kept promise is told beside the champion; a broken one is as long as it serves."""
STATUSES: Mapping[Outcome | None, Status] = {
    None: Status.INSUFFICIENT_DATA,
    Outcome.KEPT: Status.OK,
    Outcome.BROKEN: Status.ALERT,
    Outcome.UNDECIDED: Status.INSUFFICIENT_DATA,
    Outcome.SUPERSEDED: Status.INSUFFICIENT_DATA,
}
OUTCOMES = {
    Outcome.KEPT: "Kept its promise",
    Outcome.BROKEN: "Broke its promise",
    Outcome.UNDECIDED: "Baking ended undecided",
    Outcome.SUPERSEDED: "Baking was cut short",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeNote:
    """What is said of one baking window."""

    status: Status
    """Whose colour and shape it has."""
    lead: str
    """"Baking until 3 Nov 04:00 UTC", "Kept its promise"."""
    detail: str
    """The figures behind it."""
    is_brief: bool = False
    """Whether the figures are told only to who asks for them."""


def note_champion(states: Mapping[int, BakeState], champion: Deployment | None, now: datetime) -> BakeNote | None:
    """Give what stands beside the champion: its window while it bakes, and the outcome for a while."""
    state = states.get(champion.id) if champion else None
    if state is None:
        return None
    note, at = note_bake(state), state.bake.decided_at
    if at is None:
        return note
    if state.bake.outcome is not Outcome.BROKEN and now - at > TOLD_FOR:
        return None
    return replace(note, lead=f"{note.lead} on {write_day(at)}", is_brief=True)


def note_bake(state: BakeState) -> BakeNote:
    """Give what is said of a window, with the figures."""
    bake = state.bake
    if bake.outcome is None:
        until = write_instant(bake.until)
        lead = f"Baked until {until} UTC, its labels are to come" if state.is_over else f"Baking until {until} UTC"
        return BakeNote(status=STATUSES[None], lead=lead, detail=_tell_so_far(bake, state.seen))
    told = bake.reason
    if bake.revert is Revert.DONE:
        told += " It was taken back by itself."
    elif bake.refusal:
        told += f" It was not taken back by itself: {bake.refusal}"
    return BakeNote(status=STATUSES[bake.outcome], lead=OUTCOMES[bake.outcome], detail=told)


def _tell_so_far(bake: Bake, seen: Seen | None) -> str:
    """Say what was promised and what was seen: "F1 0.48 [0.46, 0.50] promised, 0.47–0.55 seen so far"."""
    promise = bake.promise
    verb = "" if promise.origin in (Origin.OFFLINE, Origin.NOTHING) else " promised"
    return f"{promise.metric.label} {tell_promise(promise)}{verb}, {_tell_seen(seen)}."


def _tell_seen(seen: Seen | None) -> str:
    if seen is None or seen.n == 0:
        return "nothing answered yet"
    realised, estimated = seen.realised, seen.estimated
    if seen.n_labelled >= LEAST_LABELS and realised.low is not None and realised.high is not None:
        return f"{_write_range(realised.low, realised.high)} seen so far"
    if seen.n >= LEAST_LABELS and estimated.value is not None:
        return f"{estimated.value:.2f} estimated until labels come"
    return "too few labels so far"


def _write_range(low: float, high: float) -> str:
    digits = 3 if high - low < NARROW_INTERVAL else 2
    return f"{low:.{digits}f}–{high:.{digits}f}"
