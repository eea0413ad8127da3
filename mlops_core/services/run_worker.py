"""The worker's process: decides when it is started again, and that it never outlives the app."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

from mlops_core.config import PROJECT, Home
from mlops_core.errors import HomeError, MLOpsError

READY_WAIT_S = 120.0
"""How long a worker may take until runs can be ordered: on a busy machine it imports for long."""
LONGEST_PAUSE_S = 30.0
"""Longest wait before a worker that has ended by itself is started again."""
READY, FULL = "ready", "full"
"""What a worker tells in a line of its own: that runs can be ordered; with the words for it, that there is no room."""
MOST_TOLD = 4096

_log = logging.getLogger(__name__)


class RunWorker:
    """One process that carries runs out, started when it is needed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = -1
        self._failures = 0
        self._next_start = 0.0

    @property
    def pid(self) -> int | None:
        """The process id; None while there is no process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def ensure(self) -> None:
        """See that it works, and wait until it does.

        Raises
        ------
        HomeError
            When what runs have done cannot be written down: the disk is full.
        MLOpsError
            When it has ended and its pause is not over, or it does not come up.
        """
        if self.pid is not None:
            return
        if self._process is not None:
            told = self._read()
            self._note_end()
            _refuse_full(told)
        if time.monotonic() < self._next_start:
            raise MLOpsError("The training worker has ended; it is started again in some seconds.")
        self._start()

    def stop(self) -> None:
        """End it, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(self._ready)

    def _note_end(self) -> None:
        assert self._process
        _log.warning("The training worker has ended with code %s; another is started.", self._process.returncode)
        self.stop()
        self._failures += 1
        self._next_start = time.monotonic() + min(2.0 ** (self._failures - 1) - 1, LONGEST_PAUSE_S)

    def _start(self) -> None:
        self._ready, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        command = [sys.executable, "-m", "mlops_core.worker", "--home", str(self._home.path), "--ready", str(theirs)]
        try:
            self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, pass_fds=[theirs])
        finally:
            os.close(theirs)
        waiting, _, _ = select.select([self._ready], [], [], READY_WAIT_S)
        told = self._read() if waiting else ""
        if not told.startswith(READY):
            self.stop()
            _refuse_full(told)
            raise MLOpsError("The training worker does not come up; the log of the app says why.")

    def _read(self) -> str:
        """Give what the worker has told since the last time; it has told something, or is gone."""
        return os.read(self._ready, MOST_TOLD).decode(errors="replace")


def _refuse_full(told: str) -> None:
    for line in told.splitlines():
        if line.startswith(FULL):
            raise HomeError(line.removeprefix(FULL).strip())
