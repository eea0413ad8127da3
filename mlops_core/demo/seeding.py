"""Seeding the demo from a page or over HTTP: decides that it runs once, into an empty home."""

import logging
import threading
from dataclasses import dataclass, replace
from enum import StrEnum

from mlops_core.errors import ConflictError, MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import list_models

_log = logging.getLogger(__name__)


class SeedingStage(StrEnum):
    """Where the seeding stands."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedingState:
    """How far the seeding has come."""

    state: SeedingStage = SeedingStage.IDLE
    fraction: float = 0.0
    """Share that is done, 0–1."""
    words: str = ""
    """What is being done."""
    error: str | None = None
    """Why it failed; None when it did not."""


class DemoSeeding:
    """The one seeding of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = SeedingState()

    def state(self) -> SeedingState:
        """Say how far it is."""
        return self._state

    @property
    def is_unfinished(self) -> bool:
        """Say whether it goes on or failed; the demo's model is there before its story is told to the end."""
        return self._state.state in (SeedingStage.RUNNING, SeedingStage.FAILED)

    def start(self, runtime: Runtime) -> SeedingState:
        """Start in the background and return at once.

        Raises
        ------
        ConflictError
            When it runs already, or the home holds a model.
        """
        with self._lock:
            if self._state.state is SeedingStage.RUNNING:
                raise ConflictError("The demo is being seeded already; wait for it.")
            models = list_models(runtime.database)
            if models:
                raise ConflictError(
                    f"The home {runtime.home.path} holds {models[0].name!r}; the demo needs an empty one."
                )
            self._state = SeedingState(state=SeedingStage.RUNNING, words="Starting")
            threading.Thread(target=self._run, args=(runtime,), name="demo-seeding", daemon=True).start()
            return self._state

    def _run(self, runtime: Runtime) -> None:
        try:
            from mlops_core.demo.seed import seed_demo

            seed_demo(runtime, self._report)
        except MLOpsError as error:
            self._fail(error.message)
        except Exception:  # noqa: BLE001  the thread's edge: nobody else would hear of it
            _log.exception("Seeding the demo failed")
            self._fail("Seeding failed; the log says why.")
        else:
            self._state = SeedingState(state=SeedingStage.DONE, fraction=1.0, words="Done")

    def _fail(self, reason: str) -> None:
        self._state = replace(self._state, state=SeedingStage.FAILED, error=reason)

    def _report(self, fraction: float, words: str) -> None:
        self._state = replace(self._state, fraction=min(max(fraction, 0.0), 1.0), words=words)


demo_seeding = DemoSeeding()
