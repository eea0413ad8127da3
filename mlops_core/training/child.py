"""The child of a training run: decides how a task is asked for, and that whatever model code does is answered in words.

A task is a JSON object with the key "task" and its arguments; the answers are ("progress", fraction, words), and at
the end ("done", result) or ("failed", words).
"""

import json
import os
import signal
import sys
from multiprocessing.connection import Connection

from mlops_core.errors import MLOpsError
from mlops_core.services.child import end_with_parent, limit_memory


def serve_tasks(pipe: Connection, memory_limit_bytes: str, models: str) -> None:
    """Carry out one task after the other until the worker is gone; runs in the child.

    Parameters
    ----------
    models : str
        A folder from which entry points can be imported, beside what is installed.
    """
    sys.path.append(models)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit = limit_memory(int(memory_limit_bytes))
    # Threads that wait for each other spin: on a busy machine two are many times slower than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from mlops_core.training.tasks import carry_out

    def report(fraction: float, words: str) -> None:
        pipe.send(("progress", fraction, words))

    while True:
        try:
            task = json.loads(pipe.recv())
        except (EOFError, OSError):
            return
        try:
            answer = ("done", json.dumps(carry_out(task, report)))
        except MLOpsError as error:
            answer = ("failed", error.message)
        except MemoryError:
            answer = ("failed", f"It needs more than the {limit / 1e9:.1f} GB of memory that training may take.")
        except Exception as error:  # noqa: BLE001  whatever model code raises is the answer
            answer = ("failed", f"{type(error).__name__}: {error}")
        try:
            pipe.send(answer)
        except OSError:
            # The worker was killed meanwhile: nobody is there to be told.
            return
