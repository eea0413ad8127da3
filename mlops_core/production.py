"""The records of changes of production: decides what a promise, a baking window, and its outcome are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlops_core.entities import Action, Actor, Deployment, Metric

BAKER = Actor("baking", "system")
"""Who writes outcomes down and, when asked to, takes a change back."""
POLICY = Actor("policy", "system")
"""Who orders runs, promotes what they made, and rolls production back when nobody does."""


def is_taken_back_by_itself(change: Deployment) -> bool:
    """Say whether a change of production is a rollback that nobody made."""
    return change.action is Action.ROLL_BACK and change.actor in (BAKER, POLICY)


class Origin(StrEnum):
    """Where a promise comes from."""

    REHEARSAL = "rehearsal"
    """What the version did on the rows of the rehearsal, paired with the version that it replaced."""
    STANDARD = "standard"
    """What the model file asks of the primary metric."""
    OFFLINE = "offline"
    """What the version did on held-out training rows; shown, not judged."""
    NOTHING = "nothing"


class Outcome(StrEnum):
    """How a baking window ended."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"
    """Too few labels came in time, nothing was promised, or the days were hard for the version before it as well."""
    SUPERSEDED = "superseded"
    """Production changed again before the time was over."""


class Revert(StrEnum):
    """What became of taking a broken change back by itself."""

    DUE = "due"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a change of production lets one expect of the primary metric, in its own units and direction."""

    metric: Metric
    origin: Origin
    value: float | None = None
    """The figure itself; None for a standard."""
    low: float | None = None
    """Lower end; None when there is none."""
    high: float | None = None
    """Upper end; None when there is none."""

    @property
    def is_judged(self) -> bool:
        """Say whether it has an end that can be missed."""
        return self.low is not None or self.high is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bake:
    """The time after one change of production in which it is watched."""

    deployment: int
    model: str
    version: str
    start: datetime
    """When the version was put into production."""
    until: datetime
    """End of the last chunk that is watched."""
    promise: Promise
    outcome: Outcome | None = None
    """None while it bakes, or while labels of its time are to come."""
    reason: str = ""
    decided_at: datetime | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    """What was seen when it was decided."""
    revert: Revert | None = None
    """None when nothing was to be taken back."""
    refusal: str = ""
    """Why it was not taken back though that was asked for; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSpan:
    """When a version's rows of some chunk were scored."""

    version: str
    chunk: datetime
    n: int
    """Rows."""
    first: datetime
    """Time of the oldest row."""
    last: datetime
    """Time of the newest row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray(AnswerSpan):
    """Rows of one chunk that a version answered while the ledger did not have it in production."""

    found_at: datetime | None = None
    """When a check saw first that there are so many; None before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Consecutive chunks in which a version answered."""

    version: str
    start: datetime
    end: datetime
    n: int
    """Rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPrediction:
    """One prediction, and what the ledger says of its time."""

    prediction_id: str
    version: str
    """The version that answered, as the log says."""
    at: datetime
    score: float | None
    """None when it was answered without one."""
    label: float | None
    """The newest; None while there is none."""
    champion: str | None
    """The version that was in production then, as the ledger says; None before the first."""
    agrees: bool
    """Whether the version that answered may have been asked, some minutes around a change allowed."""
