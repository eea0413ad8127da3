"""A run whose worker, or whose app, is killed at any step goes on at that step and registers exactly one version.

Moments are read off the log of the run. The ordinary suite kills at steps drawn by the day, the soak at every one.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.frozen_rows import locate_rows
from mlops_core.run_folder import LOG, LogLine, read_log
from mlops_core.runs import RunStatus, Step, StepStatus
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.challengers import get_challenger
from mlops_core.store.connection import Database
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.runs import list_runs
from mlops_core.store.snapshots import list_snapshots
from tests.faults.carry_out_runs import STAGES
from tests.small_home import MODEL, copy_small_home

LONGEST_S = 240
LOOK_S = 0.001
WORKER, OWNER = "worker", "owner"
"""Whom to kill; the owner of the home takes its worker with it."""
DAY = datetime.now(UTC).date().isoformat()
Moment = tuple[Step, Callable[[LogLine], bool]]


def begins(line: LogLine) -> bool:
    return True


MOMENTS: Mapping[str, Moment] = {
    "collect, the candidates": (Step.COLLECT, lambda line: line.fraction is not None),
    "collect, the rows": (Step.COLLECT, lambda line: line.fraction is None),
    "validate": (Step.VALIDATE, begins),
    "transform": (Step.TRANSFORM, begins),
    "train, the first candidate": (Step.TRAIN, lambda line: line.words.startswith("boosted trees")),
    "train, the second candidate": (Step.TRAIN, lambda line: line.words.startswith("logistic regression")),
    "evaluate": (Step.EVALUATE, begins),
    "package": (Step.PACKAGE, begins),
    "register": (Step.REGISTER, begins),
    "gate": (Step.GATE, begins),
    "promote": (Step.PROMOTE, begins),
}


@pytest.fixture
def home(tmp_path) -> Home:
    """The small home, whose policy promotes what has passed the gate."""
    home = copy_small_home(tmp_path / "home")
    change_model_file(home, "[words]", '[policy]\npromote = "when it passes the gate"\n[words]')
    return home


def change_model_file(home: Home, old: str, new: str) -> None:
    """Change the stored model file, as its owner would with `init`."""
    database = Database.open(home.database)
    with database.transaction() as transaction:
        transaction.run_sql("update models set spec = replace(spec, $old, $new)", {"old": old, "new": new})
    database.close()


def start_owner(home: Home, *stage: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.carry_out_runs", str(home.path), *stage]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_lines(home: Home) -> list[LogLine]:
    """Give the log of the only run; empty while there is none."""
    return [line for folder in home.runs.glob("*") for line in read_log(folder)]


def wait_for(home: Home, owner: subprocess.Popen[str], moment: str) -> int:
    """Wait for a moment of the run; give the number of its line."""
    step, is_it = MOMENTS[moment]
    deadline = time.monotonic() + LONGEST_S
    while True:
        for number, line in enumerate(read_lines(home)):
            if line.step is step and line.status is StepStatus.RUNNING and is_it(line):
                return number
        assert owner.poll() is None, owner.communicate()
        assert time.monotonic() < deadline, f"{moment} never came"
        time.sleep(LOOK_S)


def finish(owner: subprocess.Popen[str]) -> str:
    output, errors = owner.communicate(timeout=LONGEST_S)
    assert owner.returncode == 0, errors
    return output.strip()


def read_worker_pid(home: Home) -> int:
    return int((home.path / "worker-app.lock").read_text())


def kill_at(home: Home, *kills: tuple[str, str]) -> list[list[LogLine]]:
    """Kill the worker or the owner at moments of one run, let it end, and give what it had told until each."""
    told, owner = [], start_owner(home)
    try:
        for moment, whom in kills:
            wait_for(home, owner, moment)
            os.kill(read_worker_pid(home) if whom == WORKER else owner.pid, signal.SIGKILL)
            told.append(read_lines(home))
            if whom == OWNER:
                owner.communicate()
                owner = start_owner(home)
        assert finish(owner) == RunStatus.SUCCEEDED
    finally:
        owner.kill()
        owner.communicate()
    return told


def assert_gone_on(home: Home, before: list[LogLine], moment: str) -> None:
    """Check that the run went on with the step in which it was interrupted."""
    step = MOMENTS[moment][0]
    told = read_lines(home)
    assert told[: len(before)] == before
    earlier = [other for other in Step if list(Step).index(other) < list(Step).index(step)]
    again = [line for line in told[len(before) :] if line.step in earlier]
    assert again == []
    first = [line for line in told[len(before) :] if line.words.startswith("boosted trees: fold")]
    assert not first or moment != "train, the second candidate"


def assert_whole(home: Home) -> None:
    """Check that one run has left what one run leaves."""
    database = Database.open(home.database)
    try:
        (run,) = list_runs(database, MODEL)
        versions = list_versions(database, MODEL)
        (made,) = [version for version in versions if version.run == run.id]
        assert (run.status, run.version, len(versions)) == (RunStatus.SUCCEEDED, made.name, 4)
        assert {state.step: state.status for state in run.steps} == dict.fromkeys(Step, StepStatus.DONE)
        assert [change.version for change in list_deployments(database, MODEL)] == ["v1", "v2", made.name]
        snapshots = {state.snapshot.id for state in list_snapshots(database, MODEL)}
        assert len(snapshots) == 4
        events = Counter(event.action for event in list_audit_events(database, MODEL))
        assert events["register version"] == 4
        assert {events[name] for name in ("order training run", "passed the gate")} == {1}
        assert (events["promote"], "training run failed" in events) == (3, False)
        assert get_challenger(database, MODEL) is None
        assert get_version(database, MODEL, made.name).snapshot.id == run.report["snapshot"]["id"]
        assert find_broken_line(database) is None
    finally:
        database.close()
    files = {file.name for file in home.snapshots.iterdir()}
    assert files == {locate_rows(home.snapshots, one).name for one in snapshots}
    assert {file.name for file in home.artifacts.iterdir()} == {f"{one.artifact_hash}.skops" for one in versions}
    assert [file.name for file in (home.runs / run.workflow).iterdir()] == [LOG]


def assert_nothing_runs(home: Home) -> None:
    """Check that no process of the home is left."""
    deadline = time.monotonic() + LONGEST_S
    while list_processes(home):
        assert time.monotonic() < deadline, list_processes(home)
        time.sleep(0.05)


def list_processes(home: Home) -> list[str]:
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = one.read_text()
        except OSError:
            continue
        if str(home.path) in text and "mlops_core" in text:
            found.append(text.replace("\0", " "))
    return found


def test_run_goes_on_and_registers_one_version_when_worker_and_owner_are_killed_at_steps_of_the_day(home):
    chance = random.Random(DAY)
    moments = sorted(chance.sample(list(MOMENTS), 2), key=list(MOMENTS).index)
    kills = list(zip(moments, chance.sample([WORKER, OWNER], 2), strict=True))
    try:
        for before, (moment, _) in zip(kill_at(home, *kills), kills, strict=True):
            assert_gone_on(home, before, moment)
        assert_whole(home)
        assert_nothing_runs(home)
    except AssertionError as error:
        error.add_note(f"killed at: {kills} (drawn by the day {DAY})")
        raise


@pytest.mark.soak
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("whom", [WORKER, OWNER])
def test_run_goes_on_and_registers_one_version_when_it_is_killed_at_every_step(home, whom, moment):
    (before,) = kill_at(home, (moment, whom))
    assert not any(line.step is MOMENTS[moment][0] and line.status is StepStatus.DONE for line in before)
    assert_gone_on(home, before, moment)
    assert_whole(home)
    assert_nothing_runs(home)


@pytest.mark.soak
def test_run_ends_when_its_worker_is_killed_at_each_step_in_turn(home):
    kills = [(moment, WORKER) for moment in MOMENTS]
    for before, (moment, _) in zip(kill_at(home, *kills), kills, strict=True):
        assert_gone_on(home, before, moment)
    assert_whole(home)


@pytest.mark.soak
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_done_twice_when_the_owner_is_killed_as_soon_as_it_is_done(home, stage):
    with start_owner(home, stage) as owner:
        owner.communicate(timeout=LONGEST_S)
        assert owner.returncode == -signal.SIGKILL
    with start_owner(home) as owner:
        assert finish(owner) == RunStatus.SUCCEEDED
    assert_whole(home)
    assert_nothing_runs(home)
