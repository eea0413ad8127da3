"""The running app, and commands beside it."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_core.config import Home
from tests.cli.conftest import spawn, start
from tests.small_home import copy_small_home


@dataclass(frozen=True, slots=True)
class Running:
    """An app that runs in a process of its own."""

    home: Home
    url: str
    pid: int

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = copy_small_home(tmp_path_factory.mktemp("up") / "home")
    with start("--home", str(home.path), "up", "--port", "0", "--json") as command:
        ready = json.loads(command.stdout.readline())
        yield Running(home, ready["url"], ready["pid"])
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=60)
    assert (command.returncode, output) == (0, "")
    assert "Traceback" not in errors
    assert not home.running.exists()


def test_up_leaves_its_address_in_the_home(app: Running):
    assert json.loads(app.home.running.read_text()) == {"pid": app.pid, "url": app.url}


def test_up_ends_with_2_and_names_the_app_when_the_home_is_open(app: Running):
    ended = spawn("--home", str(app.home.path), "up", "--port", "0")
    assert (ended.exit_code, ended.output) == (2, "")
    assert f"the app at {app.url} (process {app.pid})" in ended.errors
    assert len(ended.errors.splitlines()) == 1


def test_up_ends_with_2_and_names_the_port_when_it_is_in_use(app: Running, tmp_path: Path):
    ended = spawn("--home", str(tmp_path / "other"), "up", "--port", app.port, "--demo")
    assert (ended.exit_code, ended.output) == (2, "")
    assert f"Port {app.port} of 127.0.0.1 is in use" in ended.errors
    assert "--port" in ended.errors
    assert len(ended.errors.splitlines()) == 1


def test_up_ends_with_2_when_the_host_is_not_of_this_machine(tmp_path: Path):
    ended = spawn("--home", str(tmp_path / "home"), "up", "--host", "192.0.2.1")
    assert ended.exit_code == 2
    assert "192.0.2.1" in ended.errors


def test_commands_go_through_the_running_app(app: Running):
    home = ("--home", str(app.home.path))
    changed = spawn(*home, "rollback", "car-loan", "--to", "v1", "--reason", "worse", "--json")
    assert changed.exit_code == 0
    assert changed.document["channel"] == "command"
    assert spawn(*home, "versions", "car-loan", "--json").document["champion"] == "v1"
    doctor = spawn(*home, "doctor", "--port", app.port)
    assert doctor.exit_code == 0, doctor.output
    assert f"the app at {app.url} has it open and answers" in doctor.output


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1, "url": "no address"}', '{"pid": "x", "url": 1}'])
def test_address_that_is_stale_is_ignored(run, home: Home, content: str):
    home.running.write_text(content)
    assert run("audit", "verify").exit_code == 0


def test_address_of_another_homes_app_is_ignored(app: Running, run, home: Home):
    home.token.write_text("x" * 43)
    home.running.write_text(json.dumps({"pid": os.getpid(), "url": app.url}))
    assert "6 lines" in run("audit", "verify").output


def test_port_that_only_listens_is_in_use(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = spawn("--home", str(tmp_path / "home"), "up", "--port", port)
    assert f"Port {port} of 127.0.0.1 is in use" in ended.errors
