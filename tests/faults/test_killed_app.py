"""An app that is killed in the middle of a run: the next one ends it, with one version and no stray process."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from mlops_core.api.tokens import read_token
from mlops_core.config import Home
from tests.cli.conftest import start
from tests.small_home import MODEL, MODEL_FILE, copy_small_home

LONGEST_S = 120
SLOW = MODEL_FILE.replace("small_training:candidates", "small_training:slow_candidates")


@contextmanager
def running_app(home: Home) -> Iterator[tuple[int, httpx.Client]]:
    """Start an app, give its process id and a client of its API, and kill it in the end."""
    with start("--home", str(home.path), "up", "--port", "0", "--check-every", "0", "--json") as command:
        ready = json.loads(command.stdout.readline())
        headers = {"Authorization": f"Bearer {read_token(home)}"}
        with httpx.Client(base_url=f"{ready['url']}/api/v1/", headers=headers, timeout=60) as client:
            yield ready["pid"], client
        command.kill()


def wait_until(is_so):
    deadline = time.monotonic() + LONGEST_S
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def read_run(client: httpx.Client) -> dict[str, object]:
    return client.get(f"models/{MODEL}/runs/1").raise_for_status().json()["data"]


def is_training(client: httpx.Client) -> bool:
    return any((step["step"], step["status"]) == ("train", "running") for step in read_run(client)["steps"])


def list_descendants(pid: int) -> list[int]:
    """Give the processes that a process has started, and those that they have started."""
    found = [int(one) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for one in tasks.read_text().split()]
    return found + [one for child in found for one in list_descendants(child)]


def is_there(pid: int) -> bool:
    """Say whether a process lives; one that has ended and that nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_run_ends_with_one_version_and_no_process_is_left_when_the_app_is_killed_in_the_middle(tmp_path):
    home = copy_small_home(tmp_path / "home")
    with running_app(home) as (pid, client):
        client.post("models", json={"file": SLOW, "reason": "time to kill"}).raise_for_status()
        names = [one["version"] for one in client.get(f"models/{MODEL}/versions").json()["data"]["versions"]]
        options = ("--home", str(home.path), "retrain", MODEL, "--reason", "a bad day", "--wait")
        with start(*options) as command:
            wait_until(lambda: client.get(f"models/{MODEL}/runs").json()["data"]["runs"])
            wait_until(lambda: is_training(client))
            # Who waits may go; the run of the app goes on.
            command.send_signal(signal.SIGINT)
            errors = command.communicate(timeout=60)[1]
        assert (command.returncode, "The app goes on with run 1." in errors) == (130, True)
        assert read_run(client)["status"] == "running"
        started = list_descendants(pid)
        assert len(started) >= 2
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_there, started)))

    with running_app(home) as (pid, client):
        ended = wait_until(lambda: (run := read_run(client))["status"] not in ("queued", "running") and run)
        versions = [one["version"] for one in client.get(f"models/{MODEL}/versions").json()["data"]["versions"]]
        assert (ended["version"], versions) == ("v4", [*names, "v4"])
        # Its rows are years old, so that the gate has none to judge it by.
        assert (ended["status"], ended["gate"]["passed"]) == ("refused", False)
