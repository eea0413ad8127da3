"""Comparisons and rehearsals over real sockets: how many run, who waits, who is refused, and who has gone."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from mlops_core.api.application import create_api
from mlops_core.api.turns import AT_ONCE, MOST_WAITING, Turns
from mlops_core.cli.connection import Connection, _open_client
from mlops_core.cli.serve import bind
from mlops_core.errors import BusyError, HomeError
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.runtime import Runtime
from mlops_core.shared import open_runtime
from mlops_core.store.models import get_version
from tests.api.conftest import check_error
from tests.small_home import MODEL, copy_small_home

TOKEN = "x" * 43
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
COMPARISON = f"/api/v1/models/{MODEL}/comparison?challenger=v3"
REHEARSAL = f"/api/v1/models/{MODEL}/rehearsal?to=v3"


@dataclass(frozen=True, slots=True)
class Served:
    """An API that a server answers for on a real socket."""

    runtime: Runtime
    turns: Turns
    address: tuple[str, int]
    pool: ThreadPoolExecutor

    def get(self, path: str, **options: object) -> httpx.Response:
        url = f"http://127.0.0.1:{self.address[1]}{path}"
        return httpx.request("GET", url, headers=AUTHORIZED, timeout=120, trust_env=False, **options)

    def start(self, path: str) -> Future[httpx.Response]:
        return self.pool.submit(self.get, path)

    def send(self, path: str) -> socket.socket:
        """Ask without waiting for the answer."""
        asking = socket.create_connection(self.address)
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        return asking

    def count_replays(self) -> int:
        return self.runtime.database.table("select count(*) as n from replays_car_loan")["n"][0].as_py()

    @contextmanager
    def hanging(self) -> Iterator[int]:
        """Let every replay hang; give the child that does."""
        self.runtime.replays.check(get_version(self.runtime.database, MODEL, "v3").artifact_hash)
        child = self.runtime.replays._child.pid
        os.kill(child, signal.SIGSTOP)
        try:
            yield child
        finally:
            # It ends with the replay that is cancelled.
            if self.runtime.replays._child is not None and self.runtime.replays._child.pid == child:
                os.kill(child, signal.SIGCONT)


def wait_for(is_so: Callable[[], bool]) -> None:
    ending = time.monotonic() + 60
    while not is_so() and time.monotonic() < ending:
        time.sleep(0.01)
    assert is_so()


@contextmanager
def serve(path: Path, artifact_host: ArtifactHost, turns: Turns) -> Iterator[Served]:
    runtime = open_runtime(copy_small_home(path))
    runtime.artifacts, runtime.replays = artifact_host, ArtifactHost(runtime.home.artifacts)
    app = create_api(lambda: runtime, lambda: TOKEN)
    app.state.api = replace(app.state.api, turns=turns)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with bind("127.0.0.1", 0) as listener, ThreadPoolExecutor(AT_ONCE + MOST_WAITING) as pool:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(runtime, turns, listener.getsockname(), pool)
        finally:
            runtime.replays.close()
            server.should_exit = True
            thread.join()
            runtime.database.close()


@pytest.fixture
def served(tmp_path: Path, artifact_host: ArtifactHost) -> Iterator[Served]:
    with serve(tmp_path / "home", artifact_host, Turns()) as found:
        yield found


def test_short_reports_are_answered_and_further_comparisons_refused_while_many_run(served: Served):
    with served.hanging():
        asked = [served.start((COMPARISON, REHEARSAL)[i % 2]) for i in range(AT_ONCE + MOST_WAITING)]
        wait_for(lambda: (served.turns.n_running, served.turns.n_waiting) == (AT_ONCE, MOST_WAITING))
        for path in ("/health", f"/models/{MODEL}/production", f"/models/{MODEL}/performance"):
            assert served.get(f"/api/v1{path}").status_code == 200
        refused = served.get(COMPARISON)
        error = check_error(refused, 503, "busy")
        assert "all places, 2 to run and 8 to wait, are taken. Try again in 10 s." in error["message"]
        assert (refused.headers["retry-after"], error["details"]) == ("10", {"retry_after_s": 10})
        assert not any(one.done() for one in asked)
    assert [one.result().status_code for one in asked] == [200] * len(asked)
    assert (served.turns.n_running, served.turns.n_waiting) == (0, 0)
    assert served.get(COMPARISON).json()["data"]["n"] == 14 * 600


def test_comparison_is_refused_when_its_turn_does_not_come_in_time(tmp_path: Path, artifact_host: ArtifactHost):
    with serve(tmp_path / "home", artifact_host, Turns(1, 1, 0.2)) as served:
        with served.hanging():
            first = served.start(COMPARISON)
            wait_for(lambda: served.turns.n_running == 1)
            error = check_error(served.get(REHEARSAL), 503, "busy")
            assert "the turn did not come in the 0.2 s that one may wait for it." in error["message"]
            assert served.turns.n_waiting == 0
        assert first.result().status_code == 200


@pytest.mark.parametrize("path", [COMPARISON, REHEARSAL])
def test_work_ends_and_leaves_nothing_when_whoever_asked_has_gone(served: Served, path: str):
    with served.hanging() as child:
        with served.send(path):
            wait_for(served.runtime.replays._lock.locked)
            assert served.turns.n_running == 1
        wait_for(lambda: served.turns.n_running == 0)
        assert not Path(f"/proc/{child}").exists()
    assert served.count_replays() == 0
    assert served.get(path).status_code == 200
    assert served.count_replays() > 0


def test_request_leaves_the_queue_when_whoever_asked_has_gone(tmp_path: Path, artifact_host: ArtifactHost):
    with serve(tmp_path / "home", artifact_host, Turns(1, 1)) as served:
        with served.hanging():
            first = served.start(COMPARISON)
            wait_for(lambda: served.turns.n_running == 1)
            with served.send(COMPARISON):
                wait_for(lambda: served.turns.n_waiting == 1)
            wait_for(lambda: served.turns.n_waiting == 0)
            next_one = served.start(REHEARSAL)
            wait_for(lambda: served.turns.n_waiting == 1)
        assert [one.result().status_code for one in (first, next_one)] == [200, 200]


def test_turn_is_given_on_when_a_comparison_fails(tmp_path: Path, artifact_host: ArtifactHost):
    with serve(tmp_path / "home", artifact_host, Turns(1, 0)) as served:
        for _ in range(3):
            check_error(served.get(COMPARISON.replace("v3", "v9")), 404, "not_found")
        assert served.get(COMPARISON).status_code == 200


def test_body_that_nobody_reads_changes_nothing_unless_it_is_too_large(served: Served):
    assert served.get(COMPARISON, content=b"{}").status_code == 200
    check_error(served.get(COMPARISON, content=b"x" * 70_000), 413, "too_large")


def test_command_that_is_patient_waits_longer_than_others(served: Served):
    path = f"/models/{MODEL}/comparison"
    url = f"http://127.0.0.1:{served.address[1]}"
    with _open_client(url, TOKEN, 0.2) as client, served.hanging():
        connection = Connection(url=url, client=client, send=client.send)
        patient = served.pool.submit(connection.get, path, {"challenger": "v3"}, patiently=True)
        wait_for(served.runtime.replays._lock.locked)
        with pytest.raises(HomeError, match=r"did not answer as it should: timed out\. Try again\."):
            connection.get(path, {"challenger": "v1"})
        wait_for(lambda: served.turns.n_running == 1)
        assert not patient.done()
        os.kill(served.runtime.replays._child.pid, signal.SIGCONT)
        assert patient.result()["n"] == 14 * 600


def test_refusal_for_now_is_told_by_commands_as_what_it_is(tmp_path: Path, artifact_host: ArtifactHost):
    with serve(tmp_path / "home", artifact_host, Turns(1, 0)) as served:
        url = f"http://127.0.0.1:{served.address[1]}"
        with _open_client(url, TOKEN) as client, served.hanging():
            first = served.start(COMPARISON)
            wait_for(lambda: served.turns.n_running == 1)
            with pytest.raises(BusyError, match=r"all places, 1 to run and 0 to wait, are taken\. Try again in 10 s\."):
                Connection(url=url, client=client, send=client.send).get(f"/models/{MODEL}/rehearsal", {"to": "v3"})
        assert first.result().status_code == 200
