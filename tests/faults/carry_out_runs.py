"""A process that owns a home and carries its training run out, as the app would; it orders one when there is none.

`python -m tests.faults.carry_out_runs HOME [STAGE]` ends when the run is over. With a stage, it kills itself as soon as
its database shows it: what it has changed is kept, and the worker has not heard of it or has just heard.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mlops_core.config import Home
from mlops_core.entities import Actor
from mlops_core.runs import RunOrder, RunStatus
from mlops_core.services.deployment import get_history
from mlops_core.services.retraining import get_history as list_runs
from mlops_core.services.retraining import order_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model
from mlops_core.store.snapshots import list_snapshots
from tests.small_home import MODEL, PRESENT

LOOK_S = 0.001
VERSIONS_BEFORE = 3
ORDER = RunOrder(model=MODEL, reason="labels of March are in", actor=Actor("ann", "page"))


def get_newest(runtime: Runtime):
    return list_runs(runtime, get_model(runtime.database, MODEL), 1)[0]


STAGES: Mapping[str, Callable[[Runtime], bool]] = {
    "frozen": lambda runtime: len(list_snapshots(runtime.database, MODEL)) > VERSIONS_BEFORE,
    "registered": lambda runtime: get_newest(runtime).version is not None,
    "judged": lambda runtime: "gate" in get_newest(runtime).report,
    "promoted": lambda runtime: get_history(runtime, MODEL)[-1].version == "v4",
    "over": lambda runtime: get_newest(runtime).status.is_over,
}


def carry_out(runtime: Runtime, stage: str | None) -> RunStatus:
    """Order or go on, and wait for the end."""
    runtime.clocks[MODEL] = lambda: PRESENT
    spec = get_model(runtime.database, MODEL)
    if list_runs(runtime, spec, 1):
        runtime.training.take_up(runtime)
    else:
        order_run(runtime, spec, ORDER)
    while not get_newest(runtime).status.is_over:
        if stage and STAGES[stage](runtime):
            break
        time.sleep(LOOK_S)
    if stage:
        os.kill(os.getpid(), signal.SIGKILL)
    return get_newest(runtime).status


if __name__ == "__main__":
    opened = Runtime.open(Home(Path(sys.argv[1])))
    try:
        sys.stdout.write(carry_out(opened, sys.argv[2] if len(sys.argv) > 2 else None) + "\n")
    finally:
        opened.close()
