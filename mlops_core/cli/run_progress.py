"""Waiting for a training run: decides how its progress is shown, and what Ctrl+C does to it."""

import sys
import time

from mlops_core.cli.connection import Connection, Document
from mlops_core.errors import MLOpsError
from mlops_core.runs import RunStatus, StepStatus

LOOK_S = 0.4


def follow_run(connection: Connection, model: str, run: int) -> Document:
    """Wait until a run is over, tell its steps on standard error, and give it as it stands then.

    Raises
    ------
    KeyboardInterrupt
        After it was said that the app goes on with the run, or the run was cancelled as there is no app.
    """
    path = f"/models/{model}/runs/{run}"
    told: dict[str, str] = {}
    try:
        _print(f"Run {run} of {model} is ordered.")
        while True:
            document = connection.get(path)
            _show(document, told)
            if RunStatus(document["status"]).is_over:
                return document
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        _give_up(connection, model, run)
        raise


def _give_up(connection: Connection, model: str, run: int) -> None:
    if connection.url is not None:
        _print(f"\nThe app goes on with run {run}. To cancel it: runs {model} --cancel {run} --reason …")
        return
    try:
        connection.post(f"/models/{model}/runs/{run}/cancel", {"reason": "Interrupted where it was ordered"})
        _print(f"\nRun {run} is cancelled.")
    except MLOpsError as error:
        _print(f"\n{error.message}")


def _show(document: Document, told: dict[str, str]) -> None:
    """Write a line for each step that has news: in a terminal the newest one changes where it stands."""
    for step in document["steps"]:
        if step["status"] == StepStatus.WAITING:
            continue
        line = _write(step)
        # In a file not each per cent is a line.
        seen = line if sys.stderr.isatty() else f"{step['status']} {step['words']}"
        if told.get(step["step"]) == seen:
            continue
        told[step["step"]] = seen
        if sys.stderr.isatty() and step["status"] == StepStatus.RUNNING:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        else:
            _print(line)


def _write(step: Document) -> str:
    status = StepStatus(step["status"])
    state = f"{step['fraction']:.0%}" if step["fraction"] is not None else status.value
    return f"{step['step']:<9}  {state:<7}  {step['words']}".rstrip()


def _print(line: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() and not line.startswith("\n") else ""
    print(f"{clear}{line}", file=sys.stderr, flush=True)
