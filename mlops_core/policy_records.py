"""The records of policies: decides what a decision, what asks for it, and what stops it are called."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_core.entities import Verdict
from mlops_core.runs import RunStatus


class Decision(StrEnum):
    """What is done."""

    HOLD = "HOLD"
    RETRAIN = "RETRAIN"
    ROLL_BACK = "ROLL_BACK"


class Cause(StrEnum):
    """What asks for a run; for a rollback only a verdict does."""

    VERDICT = "verdict"
    LABELS = "labels"
    SCHEDULE = "schedule"


class Obstacle(StrEnum):
    """What keeps a run from being started, or production from being rolled back, though something asks for it."""

    RUNNING = "running"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    NOTHING_NEW = "nothing new"
    """The policy's last run saw the same labels and verdicts; another would end as it did."""
    NO_WAY_BACK = "no way back"
    """No version was in production before."""
    LOOP = "loop"
    """Production was rolled back already; to do so again would be a loop."""
    YOUNG = "young alert"
    """The alert does not stand for long enough yet."""
    BAKING = "baking"
    """The baking window takes the change back by itself if it must be."""
    INCIDENT = "incident"
    """Another version answers than the one in production."""
    UNABLE = "unable"
    """The version before could not serve."""
    NOT_COMPARED = "not compared"
    """The version before was not compared on the newest rows."""
    NOT_BETTER = "not better"
    """The version before was, but is not better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What a policy knows of a run."""

    id: int
    at: datetime
    """When it was ordered."""
    status: RunStatus | None
    """None of one that only a simulation has: it is over, and nobody knows how it would have ended."""
    is_own: bool
    """Whether the policy started it, by a verdict, by labels, or by its schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """What a policy has decided once, with what it rested on."""

    model: str
    at: datetime
    """When it was decided first."""
    decision: Decision
    key: str
    """Decisions with the same key are one: the same reason after the same run or change of production."""
    causes: tuple[Cause, ...]
    verdicts: tuple[Verdict, ...]
    """Those that asked for it."""
    obstacle: Obstacle | None
    """What stopped it; None for a run and for a rollback."""
    words: str
    terms: str
    """The policy of that time, as the section of a model file."""
    run: int | None = None
    """The run that was ordered; None of a hold and of a rollback, and while it could not be ordered."""
    trouble: str = ""
    """Why it could not be carried out; else empty."""
