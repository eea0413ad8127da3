"""Seeding the demo from the command line: decides how its progress is shown."""

import sys
import time
from argparse import Namespace

from mlops_core.cli.connection import Connection, Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home
from mlops_core.errors import MLOpsError

LOOK_EVERY_S = 0.2
BAR = 30
LINE_EVERY_PERCENT = 5


def run_demo(options: Namespace) -> Outcome:
    """Seed the demo into an empty home."""
    home = locate_home(options)
    with connect(home, may_create=True) as connection:
        document = seed(connection)
    return Outcome(document=document, text=f"The demo is in {home.path}.")


def seed(connection: Connection) -> Document:
    """Seed the demo and show the progress on standard error until it is done.

    Raises
    ------
    ConflictError
        When the home is not empty.
    MLOpsError
        When the seeding failed.
    """
    state, shown = connection.post("/demo", {}), -LINE_EVERY_PERCENT
    while state["state"] == "running":
        shown = _show(state, shown)
        time.sleep(LOOK_EVERY_S)
        state = connection.get("/demo")
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if state["state"] != "done":
        raise MLOpsError(state["error"] or "Seeding the demo stopped.")
    return state


def _show(state: Document, shown: int) -> int:
    """Draw a bar in a terminal, else a line now and then; give the per cent shown last."""
    percent = int(state["fraction"] * 100)
    if sys.stderr.isatty():
        done = percent * BAR // 100
        line = f"{'█' * done}{'░' * (BAR - done)} {percent:3d} %  {state['words']}"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    elif percent < shown + LINE_EVERY_PERCENT:
        return shown
    else:
        print(f"{percent:3d} %  {state['words']}", file=sys.stderr, flush=True)
    return percent
