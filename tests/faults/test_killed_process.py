"""A process that is killed while it changes production leaves whole transactions and an intact audit log."""

import random
import subprocess
import sys
import time

import pytest

from mlops_core.config import PROJECT
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.connection import Database
from mlops_core.store.deployments import list_deployments
from tests.small_home import MODEL, copy_small_home

ROUNDS, SOAK_ROUNDS = 3, 100


def kill_in_the_middle(home, chance: random.Random) -> int:
    """Start the loop, kill it at a random moment, and give the number of the last change it said was committed."""
    command = [sys.executable, "-m", "tests.faults.roll_back_in_a_loop", str(home.path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as loop:
        for _ in range(chance.randint(1, 30)):
            line = loop.stdout.readline()
        time.sleep(chance.random() * 0.02)
        loop.kill()
        rest = [text for text in loop.stdout.read().splitlines() if text]
    return int([line, *rest][-1])


def assert_whole(home, last: int) -> None:
    database = Database.open(home.database)
    try:
        history = list_deployments(database, MODEL)
        decisions = database.table("select id, target from decisions order by id")
        events = [event for event in list_audit_events(database, MODEL, 100_000) if "deployment" in event.evidence]
        broken = find_broken_line(database)
    finally:
        database.close()
    numbers = [deployment.id for deployment in history]
    assert numbers == list(range(1, len(history) + 1))
    # What was said to be committed is there; the one that was being committed may be.
    assert len(history) - last in (0, 1)
    assert [deployment.previous for deployment in history] == [None, *(d.version for d in history[:-1])]
    assert decisions["id"].to_pylist() == numbers
    assert decisions["target"].to_pylist() == [deployment.version for deployment in history]
    assert [event.evidence["deployment"] for event in reversed(events)] == numbers
    assert broken is None


def run_rounds(home, n_rounds: int) -> None:
    chance = random.Random(0)
    for _ in range(n_rounds):
        assert_whole(home, kill_in_the_middle(home, chance))


def test_ledger_and_audit_are_whole_when_the_process_is_killed(tmp_path):
    run_rounds(copy_small_home(tmp_path / "home"), ROUNDS)


@pytest.mark.soak
def test_ledger_and_audit_are_whole_when_the_process_is_killed_a_hundred_times(tmp_path):
    run_rounds(copy_small_home(tmp_path / "home"), SOAK_ROUNDS)
