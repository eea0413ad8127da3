"""The running app, and commands beside it."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from mlops_core.api.tokens import read_token
from mlops_core.config import Home
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.shared import open_runtime
from mlops_core.store.models import get_model
from tests.cli.conftest import spawn, start
from tests.small_home import MODEL, PRESENT, copy_small_home, draw_loans


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
    _leave_rows_waiting(home)
    with start("--home", str(home.path), "up", "--port", "0", "--check-every", "1", "--json") as command:
        ready = json.loads(command.stdout.readline())
        yield Running(home, ready["url"], ready["pid"])
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=60)
    assert (command.returncode, output) == (0, "")
    assert "Traceback" not in errors
    assert not home.running.exists()


def _leave_rows_waiting(home: Home) -> None:
    """Store a day of traffic that nobody has counted."""
    runtime = open_runtime(home)
    try:
        rows = draw_loans(300, PRESENT, 1, seed=77).drop_columns(["label"])
        rows = rows.append_column("version", pa.repeat("v2", 300)).append_column("score", pa.repeat(0.5, 300))
        ingest_predictions(runtime, get_model(runtime.database, MODEL), rows, now=PRESENT + timedelta(days=1))
    finally:
        runtime.close()


def _ask(app: Running, path: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {read_token(app.home)}"}
    return httpx.get(f"{app.url}/api/v1{path}", headers=headers, timeout=60).raise_for_status().json()["data"]


def test_app_counts_by_itself_what_waits_when_it_starts(app: Running):
    ending = time.monotonic() + 90
    while not (jobs := _ask(app, "/health")["jobs"]) and time.monotonic() < ending:
        time.sleep(0.2)
    job = jobs[0]
    assert (job["model"], job["job"], job["failures"], job["message"]) == (MODEL, "check", 0, "")
    assert job["succeeded_at"] < job["next_at"]
    document = _ask(app, f"/models/{MODEL}/performance?version=v2")
    assert (document["chunks"][-1]["start"], document["chunks"][-1]["n"]) == (PRESENT.isoformat(), 300)


@pytest.mark.parametrize("given", ["-1", "soon", "86401", "1.5", ""])
def test_up_ends_with_2_when_the_wait_between_checks_is_not_accepted(tmp_path: Path, given: str):
    ended = spawn("--home", str(tmp_path / "other"), "up", "--port", "0", f"--check-every={given}")
    assert (ended.exit_code, ended.output) == (2, "")
    assert f"DRIFTDECK_CHECK_EVERY is {given!r}; accepted are 0 to 86400 seconds" in ended.errors
    assert not (tmp_path / "other").exists()


def test_compaction_is_refused_while_the_app_runs(app: Running):
    ended = spawn("--home", str(app.home.path), "compact")
    assert ended.exit_code == 2
    assert f"The app at {app.url} has the home open. Stop it" in ended.errors


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
    assert f"{app.port} is used by this home's app" in doctor.output


def test_doctor_looks_at_the_port_that_is_asked_for_when_the_app_listens_elsewhere(app: Running):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = str(taken.getsockname()[1])
        found = spawn("--home", str(app.home.path), "doctor", "--port", other)
    assert f"{other} on 127.0.0.1 is used by another program" in found.output
    assert "this home's app" not in found.output
    assert "0 is free" in spawn("--home", str(app.home.path), "doctor", "--port", "0").output


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1, "url": "no address"}', '{"pid": "x", "url": 1}'])
def test_address_that_is_stale_is_ignored(run, home: Home, content: str):
    home.running.write_text(content)
    assert run("audit", "verify").exit_code == 0


def test_address_of_another_homes_app_is_ignored(app: Running, run, home: Home):
    home.token.write_text("x" * 43)
    home.running.write_text(json.dumps({"pid": os.getpid(), "url": app.url}))
    assert "8 lines" in run("audit", "verify").output


def test_port_that_only_listens_is_in_use(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = spawn("--home", str(tmp_path / "home"), "up", "--port", port)
    assert f"Port {port} of 127.0.0.1 is in use" in ended.errors
