"""Where a run's model code works: decides that it runs in a child with limits, which ends when nobody wants it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_core.errors import CancelledError, MLOpsError
from mlops_core.services.child import ChildProcess

POLL_S = 0.1
CANCEL_LOOK_S = 0.5
"""How often a task looks whether its run is still wanted."""
Document = dict[str, Any]
Tell = Callable[[float | None, str], None]


@dataclass(slots=True, kw_only=True)
class Bench:
    """One child for one run, started when it is needed first and again when it has ended."""

    time_limit_s: float
    """A task that takes longer ends with its child."""
    memory_limit_bytes: int
    is_cancelled: Callable[[], bool]
    models: Path
    """A folder from which entry points can be imported."""
    _child: ChildProcess | None = None

    def ask(self, task: Document, tell: Tell) -> Document:
        """Let the child carry out a task, and tell how far it is meanwhile.

        Raises
        ------
        CancelledError
            When the run is no longer wanted; the child is gone then.
        MLOpsError
            When the task cannot be done, takes too long, or ends its process.
        """
        try:
            child = self._ensure_child()
            child.pipe.send(json.dumps(task))
            kind, answer = self._wait(child, tell)
        except (EOFError, OSError) as error:
            self.close()
            raise MLOpsError("The process that trains has ended by itself, perhaps for want of memory.") from error
        except MLOpsError:
            self.close()
            raise
        if kind == "failed":
            raise MLOpsError(answer)
        done: Document = json.loads(answer)
        return done

    def close(self) -> None:
        """End the child, whatever it does."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _ensure_child(self) -> ChildProcess:
        if self._child is None or not self._child.is_alive():
            self.close()
            arguments = (str(self.memory_limit_bytes), str(self.models))
            self._child = ChildProcess("mlops_core.training.child:serve_tasks", *arguments)
        return self._child

    def _wait(self, child: ChildProcess, tell: Tell) -> tuple[str, str]:
        deadline = time.monotonic() + self.time_limit_s
        next_look = 0.0
        while True:
            if child.pipe.poll(POLL_S):
                answer = child.pipe.recv()
                if answer[0] != "progress":
                    return answer[0], answer[1]
                tell(answer[1], answer[2])
            now = time.monotonic()
            if now > deadline:
                raise MLOpsError(f"It took longer than the {self.time_limit_s / 60:g} minutes that a step may take.")
            if now > next_look:
                next_look = now + CANCEL_LOOK_S
                if self.is_cancelled():
                    raise CancelledError("The run was cancelled.")
