"""Long work of this process: decides that one run at a time answers a question, and that it outlives its page."""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mlops_core.errors import CancelledError, MLOpsError

MOST_KEPT = 20
STOP_WAIT_S = 10.0
"""How long the end of the app waits for a piece of work that was cancelled."""
Found = TypeVar("Found")
Report = Callable[[float, str], None]
"""Takes the share that is done, 0–1, and words for it."""
_log = logging.getLogger(__name__)


class Progress:
    """What a piece of work tells, and is told, while it runs."""

    def __init__(self) -> None:
        self.fraction = 0.0
        """Done, 0 to 1."""
        self.step = "Starting"
        self._cancelled = threading.Event()

    def report(self, fraction: float, step: str) -> None:
        """Say how much is done, in words; a place to stop at.

        Raises
        ------
        CancelledError
            When nobody wants the work any more.
        """
        if self.is_cancelled():
            raise CancelledError("It was cancelled; nothing of it is kept.")
        self.fraction, self.step = fraction, step

    def cancel(self) -> None:
        """Ask the work to stop at the next place where it can."""
        self._cancelled.set()

    def is_cancelled(self) -> bool:
        """Say whether nobody wants the work any more."""
        return self._cancelled.is_set()


@dataclass(slots=True)
class Run(Generic[Found]):
    """One piece of work, while it runs and afterwards."""

    progress: Progress = field(default_factory=Progress)
    found: Found | None = None
    error: str | None = None
    """Why it ended without a result."""

    @property
    def is_over(self) -> bool:
        """Whether there is a result or an error."""
        return self.found is not None or self.error is not None


class BackgroundRuns:
    """The runs of this process by the question that they answer; the newest ones are kept."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, Run[Any]] = {}
        self._threads: dict[Hashable, threading.Thread] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable) -> Run[Any] | None:
        """Give the run for a question; None when it was not asked."""
        return self._runs.get(key)

    def start(self, key: Hashable, work: Callable[[Progress], Found], what: str) -> Run[Found]:
        """Work in a thread of its own, unless the same is being worked on already.

        Parameters
        ----------
        what : str
            What it is, for the log and for whoever waits: "rehearsal".
        """
        with self._lock:
            known = self._runs.get(key)
            if known is not None and not known.is_over:
                return known
            self._runs.pop(key, None)
            run = self._runs[key] = Run[Found]()
            for old in [one for one, other in self._runs.items() if other.is_over][:-MOST_KEPT]:
                del self._runs[old], self._threads[old]
            thread = threading.Thread(target=self._carry_out, args=(run, work, what), name=what, daemon=True)
            self._threads[key] = thread
            thread.start()
        return run

    def stop(self) -> None:
        """Cancel what runs, and wait for its end, but not for ever."""
        with self._lock:
            runs, threads = list(self._runs.values()), list(self._threads.values())
        for run in runs:
            run.progress.cancel()
        for thread in threads:
            thread.join(STOP_WAIT_S)

    @staticmethod
    def _carry_out(run: Run[Found], work: Callable[[Progress], Found], what: str) -> None:
        try:
            run.found = work(run.progress)
        except MLOpsError as error:
            run.error = error.message
        except Exception:  # noqa: BLE001  a thread has no edge above it that would log the failure
            _log.exception("The %s failed", what)
            run.error = f"The {what} failed; the log of the app says why."
