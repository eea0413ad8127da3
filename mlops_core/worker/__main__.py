"""`python -m mlops_core.worker`: decides how a worker is started, and that it ends with the app that started it."""

import argparse
import logging
import os
import sys
import threading

from mlops_core.config import Home
from mlops_core.errors import MLOpsError
from mlops_core.worker.process import run_worker


def main() -> int:
    """Read the arguments and carry out runs until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m mlops_core.worker", description="Carry training runs out.")
    parser.add_argument("--home", help="the home, else DRIFTDECK_HOME, else data/")
    parser.add_argument("--database-url", help="where runs are durable, as a postgresql:// address; else in the home")
    parser.add_argument("--name", default="app", help="of this worker; workers that run at once need different names")
    parser.add_argument("--ready", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="worker: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    if arguments.ready is not None:
        threading.Thread(target=_end_with_app, args=(arguments.ready,), daemon=True).start()
    try:
        run_worker(Home.locate(arguments.home), arguments.database_url, arguments.name, arguments.ready, stopping)
    except MLOpsError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _end_with_app(ready: int) -> None:
    """End at once when the app has closed its end of the pipe; what is not done is done by the next worker."""
    import select

    poller = select.poll()
    poller.register(ready, select.POLLERR | select.POLLHUP)
    poller.poll()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
