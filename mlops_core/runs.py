"""The records of training runs: decides what a run, its steps, and what comes of them are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlops_core.entities import Actor, Window


class Step(StrEnum):
    """What a run does, in this order."""

    COLLECT = "collect"
    VALIDATE = "validate"
    TRANSFORM = "transform"
    TRAIN = "train"
    EVALUATE = "evaluate"
    PACKAGE = "package"
    REGISTER = "register"
    GATE = "gate"
    PROMOTE = "promote"


class StepStatus(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """Its version passed the gate."""
    REFUSED = "refused"
    """It has a version that the gate refused."""
    FAILED = "failed"
    """It has no version; the reason says why."""
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will happen."""
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING)


class Trigger(StrEnum):
    """What started a run."""

    PERSON = "person"
    SCHEDULE = "schedule"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a run is asked to do."""

    model: str
    reason: str
    actor: Actor
    trigger: Trigger = Trigger.PERSON
    window: Window | None = None
    """Training rows; None for all that are older than the rows kept for the gate."""
    candidates: tuple[str, ...] = ()
    """Names of those to try; empty for all that the entry point names."""
    snapshot: str | None = None
    """Rows of an earlier run to train on again; None to freeze new ones."""
    key: str | None = None
    """Orders with the same key make one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """Where one step stands."""

    step: Step
    status: StepStatus = StepStatus.WAITING
    started_at: datetime | None = None
    """By the machine's clock; None before that."""
    ended_at: datetime | None = None
    fraction: float | None = None
    """Done, 0–1, while it runs; None when it cannot say."""
    words: str = ""
    """What it does, or what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """One execution of the training pipeline."""

    id: int
    order: RunOrder
    workflow: str
    """Names the durable workflow, and the run's folder in the home."""
    at: datetime
    """When it was asked for, as the model sees time; labels that came later do not take part."""
    recorded_at: datetime
    """The same by the machine's clock."""
    held_from: datetime
    """Start of the newest labelled rows as of then, which are kept from training for the gate."""
    status: RunStatus = RunStatus.QUEUED
    steps: tuple[StepState, ...] = tuple(StepState(step=step) for step in Step)
    changed_at: datetime | None = None
    """By the machine's clock, when the status was written; None while it has not changed."""
    version: str | None = None
    """What it registered; None while there is nothing."""
    reason: str = ""
    """Why it ended as it did."""
    report: Mapping[str, object] = field(default_factory=dict)
    """What it found, as JSON: snapshot, findings, leaderboard, comparison, gate."""
