"""How what runs by itself stands: decides that each outcome is known and that one thing counts at a time."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=15), timedelta(minutes=10)
"""Waits after a failure double from the first to the longest."""


class Job(StrEnum):
    """What is done by itself."""

    CHECK = "check"
    """Count new rows and labels, and judge them."""
    SHADOW = "shadow scoring"
    """Let the challenger score what has come."""
    UPKEEP = "upkeep"
    """Delete what is older than the model's retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How one job of one model stands; times are those of the machine, aware UTC."""

    model: str
    job: Job
    next_at: datetime
    succeeded_at: datetime | None = None
    """None before the first success of this process."""
    failures: int = 0
    """In a row, up to now."""
    failed_since: datetime | None = None
    """When the first of them was; None when the last run succeeded."""
    message: str = ""
    """Why the last run failed."""


def note_success(state: JobState, now: datetime, every: timedelta) -> JobState:
    """Give the state after a success: the next run is due after the usual wait."""
    return replace(state, next_at=now + every, succeeded_at=now, failures=0, failed_since=None, message="")


def note_failure(state: JobState, now: datetime, every: timedelta, message: str) -> JobState:
    """Give the state after a failure: it is tried again sooner than usual, ever less often while it goes on."""
    # The exponent is bounded, as a wait of years cannot be computed.
    wait = min(FIRST_RETRY * 2 ** min(state.failures, 20), LONGEST_RETRY, max(every, FIRST_RETRY))
    return replace(
        state,
        next_at=now + wait,
        failures=state.failures + 1,
        failed_since=state.failed_since or now,
        message=message,
    )


def tell_failure(state: JobState) -> str:
    """Say in words that a job fails, since when, why, and when it is tried again."""
    times = "" if state.failures == 1 else f" {state.failures:,} times"
    since = f"{state.failed_since:%H:%M} UTC" if state.failed_since else "the start"
    began = f"at {since}" if state.failures == 1 else f"since {since}"
    return (
        f"The {state.job} of {state.model} failed{times} {began}: {state.message} It is tried again at "
        f"{state.next_at:%H:%M:%S} UTC; what depends on it is shown as of the last one that succeeded."
    )


class Schedule:
    """The states of all jobs of this process, for whoever asks."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        """Held by whoever counts rows or moves a clock for a while: a job, the demo's replay, its seeding."""
        self._lock = threading.Lock()
        self._states: dict[tuple[str, Job], JobState] = {}

    def get(self, model: str, job: Job) -> JobState | None:
        """Give the state of one job; None before it was first looked at."""
        with self._lock:
            return self._states.get((model, job))

    def put(self, state: JobState) -> None:
        """Keep the state of one job."""
        with self._lock:
            self._states[(state.model, state.job)] = state

    def list_states(self) -> list[JobState]:
        """Give all states, by model and job; empty where nothing runs by itself."""
        with self._lock:
            return [state for _, state in sorted(self._states.items())]

    def list_failing(self, model: str) -> list[JobState]:
        """Give the jobs of a model whose last run failed."""
        return [state for state in self.list_states() if state.model == model and state.failures]
