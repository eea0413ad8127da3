"""Following runs: decides when a worker is started, what it is told, and when a run is over.

What is written in the database counts: a run that is open there and unknown to the worker is ordered again, one that
is over there is cancelled with the worker. So either side may be killed at any moment.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from mlops_core.config import Home, locate_run_records
from mlops_core.entities import ModelSpec
from mlops_core.errors import CancelledError, HomeError, MLOpsError
from mlops_core.run_folder import cut_short, fold_log, read_log, remove_work
from mlops_core.runs import RunStatus, TrainingRun
from mlops_core.services.background import Progress
from mlops_core.services.run_leftovers import clear_leftovers
from mlops_core.services.run_worker import RunWorker
from mlops_core.store.audit import add_audit_event
from mlops_core.store.models import get_model
from mlops_core.store.runs import RunChange, add_run_change, get_run, list_open_runs
from mlops_core.wall_clock import read_wall_clock

if TYPE_CHECKING:
    from mlops_core.services.run_records import RunRecords
    from mlops_core.services.runtime import Runtime

LOOK_S = 0.25
"""How often runs that are not over are looked at."""
IDLE_S = 60.0
"""How long a worker without runs is kept."""
RETRY_S = 5.0
"""Wait after something went wrong that the next look may not meet again."""
STOP_WAIT_S = 20.0
Document = dict[str, Any]

_log = logging.getLogger(__name__)


class RunFollower:
    """Follows the runs of a home in a thread of its own, from the first order on."""

    def __init__(self, home: Home) -> None:
        self._worker = RunWorker(home)
        self._ending, self._news = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._records: RunRecords | None = None
        self._answered: dict[str, int] = {}
        self._progress = Progress()
        self._since = time.time()
        self.problem = ""
        """Why runs cannot go on at the moment; empty while they can."""

    def take_up(self, runtime: "Runtime") -> None:
        """Go on with the runs that were not over when the app ended; when there are none, clear what they have left."""
        if list_open_runs(runtime.database):
            self.wake(runtime)
        else:
            clear_leftovers(runtime, self._since)

    def wake(self, runtime: "Runtime") -> None:
        """Look at the runs now, because one was ordered or cancelled, or the app has started."""
        with self._lock:
            if self._thread is None and not self._ending.is_set():
                self._thread = threading.Thread(target=self._follow, args=(runtime,), name="runs", daemon=True)
                self._thread.start()
        self._news.set()

    def stop(self) -> None:
        """End the worker, whatever it does; the next one takes its runs up."""
        self._ending.set()
        self._news.set()
        self._progress.cancel()
        if self._thread:
            self._thread.join(STOP_WAIT_S)
        self._worker.stop()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker; None while there is none."""
        return self._worker.pid

    def _follow(self, runtime: "Runtime") -> None:
        idle_since = time.monotonic()
        while not self._ending.is_set():
            wait = LOOK_S
            try:
                if self._look(runtime):
                    idle_since = time.monotonic()
                self.problem = ""
            except Exception as error:  # noqa: BLE001  the thread's edge: nobody else would hear of it
                known = isinstance(error, MLOpsError)
                self.problem = error.message if isinstance(error, MLOpsError) else shorten_failure(error)
                _log.error("Following training runs failed: %s", error, exc_info=None if known else error)
                wait = RETRY_S
            is_idle = time.monotonic() - idle_since > IDLE_S
            if is_idle:
                self._worker.stop()
                # A run that was cancelled had a child that could still write.
                clear_leftovers(runtime, self._since)
            self._news.wait(None if is_idle else wait)
            if self._news.is_set():
                self._news.clear()
                idle_since = max(idle_since, time.monotonic() - IDLE_S + RETRY_S)

    def _look(self, runtime: "Runtime") -> bool:
        """Bring every open run one step further; say whether there is any."""
        runs = list_open_runs(runtime.database)
        if runs:
            # Refused here, an address is named; of the worker it is only known that it does not come up.
            locate_run_records(runtime.home)
            self._ensure_worker(runtime, runs)
        if self._records is None:
            if not runtime.home.run_records.exists() and not runs:
                return False
            from mlops_core.services.run_records import RunRecords

            self._records = RunRecords(runtime.home)
        self._records.cancel_all_but({run.workflow for run in runs})
        for run in runs:
            if self._ending.is_set():
                break
            self._bring_forward(runtime, self._records, run)
        return bool(runs)

    def _ensure_worker(self, runtime: "Runtime", runs: list[TrainingRun]) -> None:
        """See that a worker works; when its disk is full, the runs have failed, but for those that have a version."""
        try:
            self._worker.ensure()
        except HomeError as error:
            for run in runs:
                if run.version is None:
                    self._end(runtime, run, RunStatus.FAILED, error.message, {})
            raise

    def _bring_forward(self, runtime: "Runtime", records: "RunRecords", run: TrainingRun) -> None:
        from mlops_core.services.run_orders import write_order

        spec = get_model(runtime.database, run.order.model)
        standing = records.find(run.workflow)
        if standing is None:
            records.order(run.workflow, write_order(spec, run))
        elif standing.failure is not None:
            self._end(runtime, run, RunStatus.FAILED, standing.failure, {})
        elif standing.result is not None:
            self._take_result(runtime, run, standing.result)
        else:
            self._note_steps(runtime, run)
            self._answer(runtime, records, spec, run)

    def _answer(self, runtime: "Runtime", records: "RunRecords", spec: ModelSpec, run: TrainingRun) -> None:
        question = records.read_question(run.workflow)
        if question is None or self._answered.get(run.workflow, 0) >= question["number"]:
            return
        # Compares versions, which takes a second to import and which an app without runs never needs.
        from mlops_core.services.run_answers import answer_question

        try:
            answer = answer_question(runtime, spec, run, question["what"], question["with"], self._progress)
        except CancelledError:
            # The app ends; the next one is asked again.
            return
        except MLOpsError as error:
            answer = {"failed": error.message}
        except Exception:  # noqa: BLE001  asked again, it would fail again: the run ends, and the log says why
            _log.exception("Run %s asked for %r, which failed", run.id, question["what"])
            answer = {"failed": f"{question['what']} failed; the log of the app says why."}
        records.answer(run.workflow, question["number"], answer)
        self._answered[run.workflow] = question["number"]

    def _take_result(self, runtime: "Runtime", run: TrainingRun, result: Document) -> None:
        if "failed" in result:
            self._end(runtime, run, RunStatus.FAILED, result["failed"], result["report"])
            return
        gate = result["gate"]
        status = RunStatus.SUCCEEDED if gate["passed"] else RunStatus.REFUSED
        self._end(runtime, run, status, gate["words"], result["report"] | {"gate": gate})

    def _note_steps(self, runtime: "Runtime", run: TrainingRun) -> None:
        """Keep where the steps stand when one of them has begun or ended."""
        steps = fold_log(read_log(runtime.home.runs / run.workflow))
        if [step.status for step in steps] == [step.status for step in run.steps]:
            return
        newest = get_run(runtime.database, run.id)
        change = RunChange(
            status=RunStatus.RUNNING, steps=steps, at=read_wall_clock(), version=newest.version, report=newest.report
        )
        with runtime.database.transaction() as transaction:
            add_run_change(transaction, run.id, change)

    def _end(self, runtime: "Runtime", run: TrainingRun, status: RunStatus, reason: str, report: Document) -> None:
        folder, newest, now = runtime.home.runs / run.workflow, get_run(runtime.database, run.id), read_wall_clock()
        change = RunChange(
            status=status,
            steps=tuple(cut_short(step, now, reason) for step in fold_log(read_log(folder))),
            at=now,
            version=newest.version,
            reason=reason,
            report=report or newest.report,
        )
        with runtime.database.transaction() as transaction:
            if add_run_change(transaction, run.id, change) and status is RunStatus.FAILED:
                add_audit_event(
                    transaction,
                    at=runtime.now(run.order.model),
                    actor=run.order.actor,
                    action="training run failed",
                    model=run.order.model,
                    subject=f"run {run.id}",
                    reason=reason,
                    evidence={"run": run.id},
                )
        remove_work(folder)
        clear_leftovers(runtime, self._since)
        self._answered.pop(run.workflow, None)


def shorten_failure(error: Exception) -> str:
    """Give what is wrong in one line; the libraries of databases add statements and advice."""
    return f"{type(error).__name__}: {(str(error).splitlines() or ['nothing was said'])[0]}"
