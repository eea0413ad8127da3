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


class Cause(StrEnum):
    """What asks for a run."""

    VERDICT = "verdict"
    LABELS = "labels"
    SCHEDULE = "schedule"


class Obstacle(StrEnum):
    """What keeps a run from being started though something asks for it."""

    RUNNING = "running"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    NOTHING_NEW = "nothing new"
    """The policy's last run saw the same labels and verdicts; another would end as it did."""


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
    """Decisions with the same key are one: the same reason after the same run."""
    causes: tuple[Cause, ...]
    verdicts: tuple[Verdict, ...]
    """Those that asked for a run."""
    obstacle: Obstacle | None
    """What stopped it; None for a run."""
    words: str
    terms: str
    """The policy of that time, as the section of a model file."""
    run: int | None = None
    """The run that was ordered; None of a hold, and while it could not be ordered."""
    trouble: str = ""
    """Why it could not be ordered; else empty."""
