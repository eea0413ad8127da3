"""Commands that take long: they say so, wait, and Ctrl+C ends the work, whoever carries it out."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_core.cli import patience
from mlops_core.cli.patience import tell_when_long
from mlops_core.config import Home
from mlops_core.shared import open_runtime
from mlops_core.store.audit import list_audit_events
from tests.cli.conftest import spawn, start

SCORING = "v2 and v3 score what they have not scored yet …\n"
COMPARE, REHEARSE = ("compare", "car-loan", "v2", "v3"), ("rehearse", "car-loan", "--to", "v3")


def wait_for(is_so: Callable[[], object]) -> object:
    ending = time.monotonic() + 90
    while not (found := is_so()) and time.monotonic() < ending:
        time.sleep(0.02)
    assert found
    return found


def list_children(pid: int) -> list[int]:
    """Give the processes that a process has started for artifacts."""
    found = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _read(task / "children").split()]
    return [child for child in found if "mlops_core.services.child" in _read(Path(f"/proc/{child}/cmdline"))]


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def interrupt(command: subprocess.Popen[str]) -> tuple[str, str]:
    command.send_signal(signal.SIGINT)
    return command.communicate(timeout=60)


def count_replays(home: Home) -> int:
    runtime = open_runtime(home)
    try:
        return runtime.database.table("select count(*) as n from replays_car_loan")["n"][0].as_py()
    finally:
        runtime.close()


@contextmanager
def running_app(home: Home) -> Iterator[int]:
    with start("--home", str(home.path), "up", "--port", "0", "--check-every", "0", "--json") as app:
        try:
            yield json.loads(app.stdout.readline())["pid"]
        except BaseException:
            # Whoever waits for its end would wait for ever.
            app.kill()
            raise
        _, errors = interrupt(app)
    assert app.returncode == 0
    assert "Traceback" not in errors


def test_interrupted_wait_leaves_the_run_to_the_app_and_to_the_next_one(home: Home):
    with running_app(home):
        with start("--home", str(home.path), "retrain", "car-loan", "--reason", "a bad day", "--wait") as command:
            told = next(line for line in command.stderr if line.startswith("Run"))
            wait_for(lambda: list(home.runs.glob("*/log.jsonl")))
            _, errors = interrupt(command)
        assert (command.returncode, told) == (130, "Run 1 of car-loan is ordered.\n")
        assert "The app goes on with run 1." in errors
    (log,) = home.runs.glob("*/log.jsonl")
    told = log.read_text()
    with running_app(home):
        # The next app takes it up where it was.
        wait_for(lambda: len(log.read_text()) > len(told))
    runtime = open_runtime(home)
    try:
        assert not [event for event in list_audit_events(runtime.database) if event.action == "cancel training run"]
    finally:
        runtime.close()


@pytest.mark.parametrize(("arguments", "words"), [(COMPARE, SCORING), (REHEARSE, "Rehearsing v3 …\n")])
def test_interrupted_command_cancels_what_the_app_works_on(home: Home, arguments: tuple[str, ...], words: str):
    with running_app(home) as pid:
        # The child that scores starts with the first replay.
        assert spawn("--home", str(home.path), *COMPARE, "--window", "2024-03-08..2024-03-10").exit_code == 0
        children = list_children(pid)
        for child in children:
            os.kill(child, signal.SIGSTOP)
        with start("--home", str(home.path), *arguments) as command:
            assert command.stderr.readline() == words
            output, errors = interrupt(command)
        assert (command.returncode, output, errors) == (130, "", "Interrupted.\n")
        # Where a replay is cancelled its child ends with it.
        wait_for(lambda: not all(is_there(child) for child in children))
        for child in filter(is_there, children):
            os.kill(child, signal.SIGCONT)
        assert spawn("--home", str(home.path), "versions", "car-loan").exit_code == 0
    assert count_replays(home) == 2 * 600


def test_interrupted_command_cancels_what_it_works_on_itself(home: Home):
    with start("--home", str(home.path), *COMPARE) as command:
        (child,) = wait_for(lambda: list_children(command.pid))
        os.kill(child, signal.SIGSTOP)
        assert command.stderr.readline() == SCORING
        output, errors = interrupt(command)
    assert (command.returncode, output, errors) == (130, "", "Interrupted.\n")
    assert not is_there(child)
    assert count_replays(home) == 0


def test_time_that_has_passed_is_told_again_and_again(capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr(patience, "AGAIN_S", 2)
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return told.count("\n") == 3

    with tell_when_long("It takes long …"):
        wait_for(is_told)
    assert told == "It takes long …\n  … 2 s\n  … 4 s\n"


def test_nothing_is_told_of_what_is_quick(capsys: pytest.CaptureFixture[str]):
    with tell_when_long("It takes long …"):
        pass
    assert capsys.readouterr().err == ""
