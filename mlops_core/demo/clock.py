"""The demo's time: decides that its present is a position in 2013, kept in the home, which only replay moves."""

import json
import threading
from datetime import datetime
from pathlib import Path

from mlops_core.artifacts import writing_whole
from mlops_core.demo.files import locate_position
from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime

DEMO_MODEL = "flight-delay"


class DemoClock:
    """A clock that stands still until it is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._now = read_position(file)

    def __call__(self) -> datetime:
        """Give the present of the demo."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move the present; it is kept when the process ends at once."""
        with self._lock:
            write_position(self._file, now)
            self._now = now


def read_position(file: Path) -> datetime:
    """Read the position.

    Raises
    ------
    HomeError
        When the file is damaged.
    """
    try:
        return datetime.fromisoformat(json.loads(file.read_text())["now"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HomeError(f"The demo's clock {file} cannot be read ({error}). Put it back from a backup.") from error


def write_position(file: Path, now: datetime) -> None:
    """Write the position, whole or not at all; see `writing_whole` for the errors."""
    with writing_whole(file) as partial:
        partial.write_text(json.dumps({"now": now.isoformat()}))


def attach_clock(runtime: Runtime) -> None:
    """Give the demo model its clock, when the home holds the demo."""
    file = locate_position(runtime.home)
    if file.exists():
        runtime.clocks[DEMO_MODEL] = DemoClock(file)


def start_clock(runtime: Runtime, now: datetime) -> DemoClock:
    """Make the home a demo home whose present is `now`."""
    file = locate_position(runtime.home)
    write_position(file, now)
    clock = DemoClock(file)
    runtime.clocks[DEMO_MODEL] = clock
    return clock
