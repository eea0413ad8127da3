"""What runs leave behind when they are cut off goes once none is open, and nothing else does."""

import os

import pytest

from mlops_core.run_folder import LOG
from mlops_core.runs import RunStatus
from tests.services.test_run_attention import leave_run

OLD_S = 1_600_000_000


@pytest.fixture
def left(runtime):
    """What a run was working on when it was killed, and a file that is being written this moment."""
    home = runtime.home
    work, log = home.runs / "w" / "prepared.parquet", home.runs / "w" / LOG
    half, fresh = (home.snapshots / f".{name}.parquet.7-8.partial" for name in ("half", "fresh"))
    work.parent.mkdir(parents=True)
    for file in (work, log, half, fresh):
        file.write_text("rows")
    os.utime(half, (OLD_S, OLD_S))
    return {"work": work, "log": log, "half": half, "fresh": fresh, "whole": next(home.snapshots.glob("*.parquet"))}


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (RunStatus.CANCELLED, {"log", "fresh", "whole"}),
        (RunStatus.RUNNING, {"work", "log", "half", "fresh", "whole"}),
    ],
)
def test_work_and_half_written_files_go_at_the_start_unless_a_run_is_open(runtime, left, monkeypatch, status, kept):
    leave_run(runtime, status)
    # A run that is open is not carried out here.
    monkeypatch.setenv("DRIFTDECK_RUNS_URL", "mysql://there/runs")
    runtime.training.take_up(runtime)
    assert {name for name, file in left.items() if file.exists()} == kept
