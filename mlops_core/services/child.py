"""Child processes with a pipe: decides that they start from a clean Python, and end with all that they have started.

The start methods of `multiprocessing` import the parent's main module in the child. While a page is drawn that is
the page's script, which a child must never run.
"""

import importlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from mlops_core.config import PROJECT

PARENT_LOOK_S = 0.5
"""How often a child looks whether its parent is there."""


class ChildProcess:
    """A function that runs in a Python of its own and talks through a pipe; it sees EOF when this process is gone."""

    def __init__(self, target: str, *arguments: str) -> None:
        """Start `target`, "package.module:function", which takes its end of the pipe and the arguments."""
        self.pipe, theirs = Pipe()
        handle = theirs.fileno()
        command = [sys.executable, "-m", "mlops_core.services.child", target, str(handle), *arguments]
        try:
            self._process = subprocess.Popen(
                command, cwd=PROJECT, stdin=subprocess.DEVNULL, pass_fds=[handle], start_new_session=True
            )
        except OSError:
            self.pipe.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it, and all that it has started, at once, and wait until it is gone."""
        self.pipe.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def limit_memory(wanted: int) -> int:
    """Limit the memory of this process, in bytes, at most to what it may have anyway; give the limit."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    return limit


def end_with_parent() -> None:
    """Watch the process that started this one, and end this one when it is gone, whatever it is doing.

    A child that computes for an hour does not look at its pipe.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_LOOK_S)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


def _run(target: str, handle: str, *arguments: str) -> None:
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(Connection(int(handle)), *arguments)


if __name__ == "__main__":
    _run(*sys.argv[1:])
