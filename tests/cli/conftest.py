"""The command line on a real small home."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mlops_core.cli import main
from mlops_core.config import PROJECT, Home
from tests.small_home import copy_small_home


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, object]:
        """The one JSON document on standard output."""
        return json.loads(self.output)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process, on the small home."""
    return main_in(home, capsys)


def main_in(home: Home, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Give what runs a command in this process, on a home."""

    def run_here(*arguments: str) -> Ended:
        exit_code = main(["--home", str(home.path), *arguments])
        captured = capsys.readouterr()
        return Ended(exit_code, captured.out, captured.err)

    return run_here


def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "mlops_core", *arguments]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # A shell that starts the tests in the background has it ignored, and so would all that they start.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **options,
    )


def spawn(*arguments: str) -> Ended:
    """Run a command in a process of its own to its end."""
    with start(*arguments) as command:
        output, errors = command.communicate(timeout=120)
    return Ended(command.returncode, output, errors)
