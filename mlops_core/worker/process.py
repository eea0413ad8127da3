"""The worker process: decides that one worker of a name works in a home, and how its runs are kept."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from mlops_core.config import Home, locate_run_records
from mlops_core.errors import HomeError
from mlops_core.services.run_records import PIPELINE_VERSION, QUEUE, WORKFLOW
from mlops_core.worker.pipeline import MOST_RECOVERIES, Pipeline

LOOK_S = 0.2
"""How often the worker looks for new runs and for answers."""
LOCK_WAIT_S = 10.0
"""How long a worker waits for one that is about to end."""


def run_worker(home: Home, database_url: str | None, name: str, ready: int | None, stopping: threading.Event) -> None:
    """Carry out runs until it is told to stop.

    Parameters
    ----------
    ready : int, optional
        File descriptor to which a line is written once runs can be ordered.

    Raises
    ------
    HomeError
        When another worker of this name works in the home.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    with _locked(home.path / f"worker-{name}.lock"):
        os.umask(0o077)
        _launch(home, database_url or locate_run_records(home), name)
        if ready is not None:
            os.write(ready, b"ready\n")
        stopping.wait()


def _launch(home: Home, url: str, name: str) -> None:
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
        return Pipeline(home, order).run()

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=LOOK_S)


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
