"""An app that is killed in the middle of a run: the next one ends it, with one version and no stray process."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from mlops_core.api.tokens import read_token
from mlops_core.config import Home
from tests.cli.conftest import start
from tests.faults.test_killed_runs import (
    LONGEST_S,
    MOMENTS,
    assert_gone_on,
    assert_nothing_runs,
    assert_whole,
    change_model_file,
    read_lines,
    wait_for,
)
from tests.small_home import MODEL, copy_small_home

OPEN = ("queued", "running")


@contextmanager
def running_app(home: Home) -> Iterator[tuple[object, httpx.Client]]:
    """Start an app, give it and a client of its API, and kill it in the end."""
    with start("--home", str(home.path), "up", "--port", "0", "--check-every", "0", "--json") as app:
        url = json.loads(app.stdout.readline())["url"]
        headers = {"Authorization": f"Bearer {read_token(home)}"}
        with httpx.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=60) as client:
            try:
                yield app, client
            finally:
                app.kill()


@pytest.fixture
def home(tmp_path) -> Home:
    """The small home, whose gate is held on traffic that is years old, and whose policy promotes what has passed."""
    home = copy_small_home(tmp_path / "home")
    change_model_file(home, "[words]", '[policy]\npromote = "when it passes the gate"\n[words]')
    return home


def wait_until_over(client: httpx.Client) -> dict[str, object]:
    deadline = time.monotonic() + LONGEST_S
    while (run := client.get(f"models/{MODEL}/runs/1").raise_for_status().json()["data"])["status"] in OPEN:
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
    return run


@pytest.mark.soak
@pytest.mark.parametrize("moment", MOMENTS)
def test_next_app_ends_the_run_when_one_is_killed_at_every_step(home, moment):
    with running_app(home) as (app, client):
        client.post(f"models/{MODEL}/retrain", json={"reason": "a bad day"}).raise_for_status()
        wait_for(home, app, moment)
        os.kill(app.pid, signal.SIGKILL)
        before = read_lines(home)
    assert_nothing_runs(home)
    with running_app(home) as (_, client):
        ended = wait_until_over(client)
    assert (ended["status"], ended["version"]) == ("succeeded", "v4"), ended
    assert_nothing_runs(home)
    assert_gone_on(home, before, moment)
    assert_whole(home)
