"""The worker process: decides that one worker of a name works in a home, how its runs are kept, and when it gives up.

A run whose record cannot be written is nobody's: the library leaves it where it is. So the worker ends then, and the
next one takes the run up.
"""

import errno
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mlops_core.artifacts import measure_free
from mlops_core.config import Home, locate_run_records
from mlops_core.errors import HomeError, MLOpsError
from mlops_core.services.run_records import PIPELINE_VERSION, QUEUE, WORKFLOW
from mlops_core.services.run_worker import FULL, READY
from mlops_core.words import write_size
from mlops_core.worker.pipeline import MOST_RECOVERIES, Pipeline

LOOK_S = 0.2
"""How often the worker looks for new runs and for answers."""
LOCK_WAIT_S = 10.0
"""How long a worker waits for one that is about to end."""
WATCH_S = 5.0
"""How often the worker looks for runs that nobody works on."""
LEAST_FREE_BYTES = 2_000_000
"""Room that the records of runs must have for a worker to begin."""

_log = logging.getLogger(__name__)


def run_worker(home: Home, database_url: str | None, name: str, ready: int | None, stopping: threading.Event) -> None:
    """Carry out runs until it is told to stop.

    Parameters
    ----------
    ready : int, optional
        File descriptor to which a line is written once runs can be ordered, and another one when they cannot go on.

    Raises
    ------
    HomeError
        When another worker of this name works in the home, or the records of runs have no room.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    with _locked(home.path / f"worker-{name}.lock"):
        os.umask(0o077)
        url = database_url or locate_run_records(home)
        if url.startswith("sqlite") and measure_free(home.run_records) < LEAST_FREE_BYTES:
            words = explain_full_records(home)
            _tell(ready, f"{FULL} {words}")
            raise HomeError(words)
        at_work: set[str] = set()
        _launch(home, url, name, ready, at_work)
        _tell(ready, READY)
        _watch(name, at_work, stopping)


def explain_full_records(home: Home) -> str:
    """Say that what runs have done cannot be written down."""
    free = write_size(measure_free(home.run_records))
    return (
        f"{home.run_records} cannot be written: {os.strerror(errno.ENOSPC)}, {free} are free and "
        f"{write_size(LEAST_FREE_BYTES)} are needed. Free some space, then order the run again."
    )


def _launch(home: Home, url: str, name: str, ready: int | None, at_work: set[str]) -> None:
    config: DBOSConfig = {
        "name": "driftdeck",
        "system_database_url": url,
        "application_version": PIPELINE_VERSION,
        "executor_id": name,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "notification_listener_polling_interval_sec": LOOK_S,
    }
    logging.getLogger("dbos").addFilter(_is_news)
    DBOS(config=config)

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_RECOVERIES)
    def retrain(order: dict[str, Any]) -> dict[str, Any]:
        at_work.add(order["workflow"])
        try:
            return Pipeline(home, order).run()
        except DBAPIError as error:
            is_full = "disk is full" in str(error.orig)
            _give_up(ready, f"The records of runs cannot be written: {error.orig}.", home if is_full else None)
        finally:
            at_work.discard(order["workflow"])

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=LOOK_S)


def _watch(name: str, at_work: set[str], stopping: threading.Event) -> None:
    """Wait for the end; give up when a run of this worker is nobody's in two looks, one after the other."""
    before: set[str] = set()
    while not stopping.wait(WATCH_S):
        try:
            mine = DBOS.list_workflows(
                status="PENDING",
                executor_id=name,
                app_version=PIPELINE_VERSION,
                load_input=False,
                load_output=False,
            )
        except SQLAlchemyError as error:
            _log.warning("The records of runs cannot be read: %s", error)
            continue
        left = {status.workflow_id for status in mine} - at_work
        if left & before:
            _give_up(None, f"The runs {sorted(left & before)} were left behind.", None)
        before = left


def _give_up(ready: int | None, why: str, full: Home | None) -> NoReturn:
    """End at once; the next worker takes up what is not over, unless a full disk lets it fail."""
    _log.error(why)
    if full:
        _tell(ready, f"{FULL} {explain_full_records(full)}")
    os._exit(MLOpsError.exit_code)


def _tell(ready: int | None, line: str) -> None:
    if ready is not None:
        os.write(ready, line.encode() + b"\n")


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out that a cancelled run did not come to its end."""
    error = record.exc_info[1] if record.exc_info else None
    return "Cancelled" not in type(error).__name__ and "no longer owned" not in record.getMessage()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise HomeError(
                        f"Another worker works in {path.parent}. Stop it, or give this one another --name."
                    ) from error
                time.sleep(0.1)
        print(os.getpid(), file=file, flush=True)
        yield
