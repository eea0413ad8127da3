"""Child processes with a pipe: decides that they start from a clean Python, whatever script the parent runs.

The start methods of `multiprocessing` import the parent's main module in the child. While a page is drawn that is
the page's script, which a child must never run.
"""

import importlib
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from mlops_core.config import PROJECT


class ChildProcess:
    """A function that runs in a Python of its own and talks through a pipe; it sees EOF when this process is gone."""

    def __init__(self, target: str, *arguments: str) -> None:
        """Start `target`, "package.module:function", which takes its end of the pipe and the arguments."""
        self.pipe, theirs = Pipe()
        handle = theirs.fileno()
        command = [sys.executable, "-m", "mlops_core.services.child", target, str(handle), *arguments]
        try:
            self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, pass_fds=[handle])
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
        """End it at once and wait until it is gone."""
        self.pipe.close()
        self._process.kill()
        self._process.wait()


def _run(target: str, handle: str, *arguments: str) -> None:
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(Connection(int(handle)), *arguments)


if __name__ == "__main__":
    _run(*sys.argv[1:])
