"""The scheduler: decides when each model is checked by itself, and that no failure of it is silent."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from mlops_core.entities import Actor, ModelSpec
from mlops_core.errors import MLOpsError
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.automation import apply_policy
from mlops_core.services.monitoring import has_news, refresh
from mlops_core.services.retention import apply_retention
from mlops_core.services.runtime import Clock, Runtime
from mlops_core.services.schedule import Job, JobState, note_failure, note_success
from mlops_core.services.shadow import keep_shadow
from mlops_core.store.audit import add_audit_event
from mlops_core.store.models import list_models
from mlops_core.wall_clock import read_wall_clock

TICK_S = 1.0
"""How often the scheduler looks whether something is due."""
STOP_WAIT_S = 20.0
"""How long the end of the app waits for a job that is running."""
LONGEST_QUIET = timedelta(minutes=15)
"""A model without new rows is checked this often: labels grow late and chunks end without any."""
UPKEEP_EVERY = timedelta(days=1)
"""Wait between two looks for data that is older than it is to be kept; the first is made soon after a start."""
SCHEDULER = Actor("scheduler", "system")

_log = logging.getLogger(__name__)


def check_model(runtime: Runtime, spec: ModelSpec) -> None:
    """Count and judge what is new, and do what the policy asks for; nothing is done while there is no news.

    A check that has failed is made again without any.
    """
    now, last = runtime.now(spec.name), runtime.schedule.get(spec.name, Job.CHECK)
    if not (last and last.failures) and not has_news(runtime, spec, now, LONGEST_QUIET):
        return
    try:
        refresh(runtime, spec, now)
    finally:
        # Versions are compared, and the policy is heard, whatever else could not be checked.
        try:
            refresh_alternatives(runtime, spec, now)
        finally:
            apply_policy(runtime, spec, now)


def shadow_model(runtime: Runtime, spec: ModelSpec) -> None:
    """Let the challenger of a model score what has come."""
    keep_shadow(runtime, spec, runtime.now(spec.name))


def keep_up(runtime: Runtime, spec: ModelSpec) -> None:
    """Delete what is older than the model's retention."""
    apply_retention(runtime, spec, actor=SCHEDULER, now=runtime.now(spec.name))


class Scheduler:
    """Runs what is due, one job at a time, in a thread of its own.

    Parameters
    ----------
    every : timedelta
        Wait between two checks of a model.
    jobs : mapping, optional
        What each job does to a model, and the wait after a success of it.
    clock : callable
        Gives the time of the machine, aware UTC.
    """

    def __init__(
        self,
        runtime: Runtime,
        every: timedelta,
        jobs: Mapping[Job, tuple[Callable[[Runtime, ModelSpec], None], timedelta]] | None = None,
        clock: Clock = read_wall_clock,
    ) -> None:
        self._runtime = runtime
        self._jobs = jobs or {
            Job.CHECK: (check_model, every),
            Job.SHADOW: (shadow_model, every),
            Job.UPKEEP: (keep_up, UPKEEP_EVERY),
        }
        self._clock = clock
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the running job end, and begin no other."""
        self._ending.set()
        if self._thread:
            self._thread.join(STOP_WAIT_S)

    @property
    def is_alive(self) -> bool:
        """Say whether it goes on in the background."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._ending.wait(TICK_S):
            self.run_due()

    def run_due(self) -> None:
        """Run every job that is due; one whose turn it is not, as the demo plays, waits for the next look."""
        try:
            specs = list_models(self._runtime.database)
        except MLOpsError as error:
            _log.error("The scheduler cannot read the models: %s", error.message)
            return
        for spec in specs:
            for job in self._jobs:
                if self._ending.is_set() or not self._runtime.schedule.turn.acquire(blocking=False):
                    return
                try:
                    self._run_one(spec, job)
                finally:
                    self._runtime.schedule.turn.release()

    def _run_one(self, spec: ModelSpec, job: Job) -> None:
        now, (task, every) = self._clock(), self._jobs[job]
        state = self._runtime.schedule.get(spec.name, job) or JobState(model=spec.name, job=job, next_at=now)
        if now < state.next_at:
            return
        try:
            task(self._runtime, spec)
        except Exception as error:  # noqa: BLE001  the thread's edge: nobody else would hear of it
            self._fail(note_failure(state, self._clock(), every, _explain(error)), error)
        else:
            self._runtime.schedule.put(note_success(state, self._clock(), every))
            if state.failures:
                self._tell(spec.name, job, "works again", f"after {state.failures:,} failures: {state.message}")

    def _fail(self, state: JobState, error: Exception) -> None:
        self._runtime.schedule.put(state)
        is_first = state.failures == 1
        trace = error if is_first else None
        _log.error("The %s of %s failed: %s", state.job, state.model, state.message, exc_info=trace)
        if is_first:
            self._tell(state.model, state.job, "failed", state.message)

    def _tell(self, model: str, job: Job, what: str, why: str) -> None:
        """Write a change for the worse or better into the audit log, where it stays when all is well again."""
        try:
            with self._runtime.database.transaction() as transaction:
                add_audit_event(
                    transaction,
                    at=self._runtime.now(model),
                    actor=SCHEDULER,
                    action=f"{job} {what}",
                    model=model,
                    subject=model,
                    reason=why,
                    evidence={},
                )
        except MLOpsError as error:
            # A full disk is told by the state of the job alone.
            _log.error("That the %s of %s %s could not be written down: %s", job, model, what, error.message)


def _explain(error: Exception) -> str:
    return error.message if isinstance(error, MLOpsError) else f"{type(error).__name__}: {error}"
