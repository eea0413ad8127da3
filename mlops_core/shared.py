"""The runtime of this process: decides that a home is opened once, by the first edge that needs it."""

import json
import logging
import os
import threading
from contextlib import suppress

from mlops_core.artifacts import explain_failed_write
from mlops_core.config import Home
from mlops_core.demo.clock import attach_clock
from mlops_core.demo.partial import discard_interrupted, is_interrupted
from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime
from mlops_core.store.compaction import compact, is_wasteful

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_runtime: Runtime | None = None


def open_runtime(home: Home, *, compacts: bool = False) -> Runtime:
    """Open a home with its clocks, for one caller; see `Runtime.open` for the errors.

    A demo whose seeding was interrupted is thrown away: the home is empty again. One that is to serve for long is
    compacted first where that is worth it.
    """
    runtime = Runtime.open(home)
    if compacts and is_wasteful(runtime.database):
        runtime.close()
        _compact(home)
        runtime = Runtime.open(home)
    if is_interrupted(home):
        runtime.close()
        discard_interrupted(home)
        runtime = Runtime.open(home)
    try:
        attach_clock(runtime)
    except BaseException:
        runtime.close()
        raise
    return runtime


def _compact(home: Home) -> None:
    try:
        before, after = compact(home.database, home.running)
        _log.warning("The database was compacted from %.1f MB to %.1f MB.", before / 1e6, after / 1e6)
    except HomeError as error:
        _log.warning("The database was not compacted: %s", error.message)


def get_runtime() -> Runtime:
    """Give the runtime that pages and API of this process share, opening the home when nobody has."""
    global _runtime  # noqa: PLW0603  one per process is the point
    with _lock:
        if _runtime is None:
            _runtime = open_runtime(Home.locate(), compacts=True)
        return _runtime


def close_runtime() -> None:
    """Close the shared runtime; the next `get_runtime` opens it again."""
    global _runtime  # noqa: PLW0603  one per process is the point
    with _lock:
        if _runtime is not None:
            _runtime.close()
            _runtime = None


def announce(home: Home, url: str) -> None:
    """Leave the app's address in the home, for commands and for the message of a second process.

    Raises
    ------
    HomeError
        When the file cannot be written.
    """
    partial = home.running.with_suffix(".partial")
    try:
        partial.write_text(json.dumps({"pid": os.getpid(), "url": url}))
        partial.replace(home.running)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise explain_failed_write(home.running, error) from error


def withdraw(home: Home) -> None:
    """Take the app's address away again."""
    with suppress(FileNotFoundError):
        home.running.unlink()
