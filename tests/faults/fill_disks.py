"""A process that owns a home on small disks, fills one after the other, and orders a run each time.

`unshare -Urm python -m tests.faults.fill_disks HOME DISK …` mounts what it needs where nobody else sees it, and writes
a JSON document a run: what had been filled, how the run ended, and what it has left. The last run has room.
"""

import json
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlops_core.config import Home
from mlops_core.entities import Actor, ModelSpec
from mlops_core.run_folder import read_log
from mlops_core.runs import RunOrder, Step, StepStatus, TrainingRun
from mlops_core.services.deployment import get_history
from mlops_core.services.retraining import find_run, order_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import find_broken_line
from mlops_core.store.models import get_model, list_versions
from mlops_core.store.snapshots import list_snapshots
from tests.small_home import MODEL, PRESENT

LONGEST_S = 240
LOOK_S = 0.01
SIZES = {"snapshots": "1m", "artifacts": "1m", "records": "8m", ".": "64m"}
"""Of the disks that a folder of the home can lie on, or the home itself; "records" holds what the worker keeps."""
FILLED_WHILE_TRAINING = ("records", ".")


def put_on_small_disk(home: Home, name: str) -> None:
    folder = home.path / name
    folder.mkdir(exist_ok=True)
    kept = shutil.copytree(folder, home.path.with_name(f"{home.path.name} before {name}"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZES[name]}", "tmpfs", str(folder)], check=True)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    if name == "records":
        home.run_records.symlink_to(folder / home.run_records.name)


def fill(folder: Path) -> None:
    """Take all the room that a disk has."""
    with suppress(OSError), (folder / "zeros").open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass


def make_room(home: Home, full: str) -> None:
    (home.path / full / "zeros").unlink(missing_ok=True)


def is_training(runtime: Runtime, run: TrainingRun) -> bool:
    lines = read_log(runtime.home.runs / run.workflow)
    return any((line.step, line.status) == (Step.TRAIN, StepStatus.RUNNING) for line in lines)


def carry_out(runtime: Runtime, spec: ModelSpec, full: str | None) -> TrainingRun:
    """Order a run on a disk that is full, or gets full while it trains, and wait for its end."""
    waits = full in FILLED_WHILE_TRAINING
    if full and not waits:
        fill(runtime.home.path / full)
    run = order_run(runtime, spec, RunOrder(model=MODEL, reason="labels of March are in", actor=Actor("ann", "page")))
    deadline = time.monotonic() + LONGEST_S
    while not run.status.is_over:
        if waits and is_training(runtime, run):
            fill(runtime.home.path / full)
            waits = False
        if full == "." and runtime.training.problem:
            # Not even that it has failed can be written down.
            told = runtime.training.problem
            make_room(runtime.home, full)
            full = None
            sys.stderr.write(told + "\n")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{full}: still {run.status}: {runtime.training.problem} {run.steps}")
        time.sleep(LOOK_S)
        run = find_run(runtime, spec, run.id)
    return run


def describe(runtime: Runtime, run: TrainingRun, full: str | None) -> dict[str, object]:
    home = runtime.home
    return {
        "full": full,
        "status": run.status,
        "reason": run.reason,
        "failed": [state.step for state in run.steps if state.status is StepStatus.FAILED],
        "running": [state.step for state in run.steps if state.status is StepStatus.RUNNING],
        "version": run.version,
        "versions": [version.name for version in list_versions(runtime.database, MODEL)],
        "production": get_history(runtime, MODEL)[-1].version,
        "recorded": sorted(f"{state.snapshot.id}.parquet" for state in list_snapshots(runtime.database, MODEL)),
        "snapshots": sorted(file.name for file in home.snapshots.iterdir() if file.name != "zeros"),
        "artifacts": sorted(file.suffix for file in home.artifacts.iterdir() if file.name != "zeros"),
        "work": sorted(file.name for file in (home.runs / run.workflow).iterdir()),
        "broken_line": find_broken_line(runtime.database),
    }


def main(home: Home, disks: list[str]) -> None:
    for name in disks:
        put_on_small_disk(home, name)
    runtime = Runtime.open(home)
    runtime.clocks[MODEL] = lambda: PRESENT
    spec = get_model(runtime.database, MODEL)
    try:
        for full in (*disks, None):
            run = carry_out(runtime, spec, full)
            sys.stdout.write(json.dumps(describe(runtime, run, full)) + "\n")
            if full:
                make_room(home, full)
    finally:
        runtime.close()


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), sys.argv[2:])
