"""What was cut off leaves files behind: decides which of them go, and when nobody can be working on them any more."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_core.artifacts import PARTIAL
from mlops_core.errors import MLOpsError
from mlops_core.run_folder import remove_work
from mlops_core.store.runs import list_open_runs

if TYPE_CHECKING:
    from mlops_core.services.runtime import Runtime

_log = logging.getLogger(__name__)


def clear_leftovers(runtime: "Runtime", since: float) -> None:
    """Delete what runs that are over have worked on, and files that were never whole; nothing while a run is open.

    What cannot be deleted is told in the log, and tried again the next time.

    Parameters
    ----------
    since : float
        Half-written files of later, in seconds since 1970, are left: this process may be writing them.
    """
    try:
        if not list_open_runs(runtime.database):
            _clear(runtime, since)
    except (MLOpsError, OSError) as error:
        _log.warning("What runs have left behind could not be deleted: %s", error)


def _clear(runtime: "Runtime", since: float) -> None:
    for folder in _list(runtime.home.runs, "*"):
        remove_work(folder)
    for folder in (runtime.home.snapshots, runtime.home.artifacts):
        for path in _list(folder, f".*{PARTIAL}"):
            if path.stat().st_mtime < since:
                path.unlink(missing_ok=True)


def _list(folder: Path, pattern: str) -> Iterator[Path]:
    return folder.glob(pattern) if folder.is_dir() else iter(())
