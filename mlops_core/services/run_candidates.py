"""What could be trained: decides how an entry point is asked for its candidates before a run is ordered."""

import json
from dataclasses import dataclass

from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import MLOpsError
from mlops_core.services.background import Progress
from mlops_core.services.child import ChildProcess
from mlops_core.services.run_orders import find_holdout_start, find_training_window, get_training
from mlops_core.services.runtime import Runtime
from mlops_core.store.training_rows import LabelledSpan, measure_span

LONGEST_S = 60.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an entry point offers."""

    candidates: tuple[str, ...]
    brings_rows: bool
    """Whether rows come from elsewhere, not from the log."""


def load_offer(runtime: Runtime, spec: ModelSpec, progress: Progress) -> Offer:
    """Ask an entry point for its candidates, in a child; its module is read anew.

    Raises
    ------
    InputError
        When the model is not trained here.
    MLOpsError
        When the entry point cannot be loaded, takes too long, or ends its process.
    CancelledError
        When nobody wants to know any more.
    """
    training = get_training(spec)
    task = {
        "task": "plan",
        "entry_point": training.entry_point,
        "candidates": [],
        "features": list(spec.columns.features),
    }
    arguments = (str(int(training.memory_gb * 10**9)), str(runtime.home.path / "models"))
    child = ChildProcess("mlops_core.training.child:serve_tasks", *arguments)
    try:
        child.pipe.send(json.dumps(task))
        kind, answer = _wait(child, progress)
    except (EOFError, OSError) as error:
        raise MLOpsError(f"The entry point {training.entry_point!r} has ended its process.") from error
    finally:
        child.kill()
    if kind == "failed":
        raise MLOpsError(answer)
    found = json.loads(answer)
    return Offer(candidates=tuple(found["candidates"]), brings_rows=found["brings_rows"])


def _wait(child: ChildProcess, progress: Progress) -> tuple[str, str]:
    for i in range(round(LONGEST_S / POLL_S)):
        progress.report(min(i / 50, 0.95), "Asking the entry point for its candidates")
        if child.pipe.poll(POLL_S):
            kind, answer = child.pipe.recv()
            return kind, answer
    raise MLOpsError(f"The entry point did not answer within {LONGEST_S:g} s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRows:
    """What the log would give for a run that is ordered now."""

    window: Window
    """The span asked for; from the beginning of time when none was."""
    found: LabelledSpan


def measure_logged(runtime: Runtime, spec: ModelSpec, window: Window | None) -> LoggedRows:
    """Count the logged rows that a run would learn from.

    Raises
    ------
    InputError
        When the model is not trained here.
    """
    now = runtime.now(spec.name)
    span = window or find_training_window(None, find_holdout_start(runtime, spec, now))
    return LoggedRows(window=span, found=measure_span(runtime.database, spec, span, now))
