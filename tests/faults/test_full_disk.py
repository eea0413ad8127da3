"""A run that finds a disk full fails with its reason, leaves nothing half-written, and can be ordered again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.run_folder import LOG, LogLine, append_line, read_log
from mlops_core.runs import RunStatus, Step, StepStatus
from mlops_core.wall_clock import read_wall_clock
from tests.faults.test_home import mounted
from tests.small_home import copy_small_home

OWN_MOUNTS = (("unshare", "-Urm"), ("unshare", "-m"))
"""How a process gets mounts that nobody else sees: as any user, and as root."""
KNOWN = ["v1", "v2", "v3"]


def find_own_mounts(folder: Path) -> tuple[str, ...]:
    """Give the command that lets a process mount a disk, or skip the test where that is not allowed."""
    for command in OWN_MOUNTS:
        trial = (*command, "mount", "-t", "tmpfs", "tmpfs", str(folder))
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("neither user namespaces nor root may mount a small disk here")


def carry_out(home: Home, *disks: str) -> tuple[list[dict[str, object]], str]:
    """Let runs find disks full, one after the other, and give what each has left, and what was told."""
    command = [sys.executable, "-m", "tests.faults.fill_disks", str(home.path), *disks]
    command = [*find_own_mounts(home.path.parent), *command]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=280)
    assert ended.returncode == 0, ended.stderr
    left = [json.loads(line) for line in ended.stdout.splitlines()]
    for one in left:
        assert (one["production"], one["running"], one["broken_line"]) == ("v2", [], None)
        # No half-written file, none that nobody knows of, and nothing of what the run has worked on.
        assert one["snapshots"] == one["recorded"]
        assert one["artifacts"] == [".skops"] * len(one["versions"])
        assert one["work"] == [LOG]
    return left, ended.stderr


def test_run_fails_and_says_which_disk_is_full_and_the_next_one_succeeds_when_there_is_room(tmp_path):
    home = copy_small_home(tmp_path / "home")
    (frozen, packed, kept, last), _ = carry_out(home, "snapshots", "artifacts", "records")
    for one in (frozen, packed, kept):
        assert (one["status"], one["version"], one["versions"]) == (RunStatus.FAILED, None, KNOWN)
        assert "cannot be written: No space left on device, " in one["reason"]
    assert frozen["failed"] == [Step.COLLECT]
    assert frozen["reason"].startswith(f"{home.snapshots}/")
    assert " kB are free and it needs more. Free some space" in frozen["reason"]
    assert packed["failed"] == [Step.PACKAGE]
    assert packed["reason"].startswith(f"{home.artifacts}/")
    assert kept["failed"]
    assert kept["reason"].startswith(f"{home.run_records} cannot be written")
    assert kept["reason"].endswith("and 2.00 MB are needed. Free some space, then order the run again.")
    assert (last["status"], last["version"], last["versions"]) == (RunStatus.SUCCEEDED, "v4", [*KNOWN, "v4"])


@pytest.mark.soak
def test_run_ends_once_there_is_room_when_not_even_its_failure_could_be_written_down(tmp_path):
    home = copy_small_home(tmp_path / "home")
    (waited, last), told = carry_out(home, ".")
    assert "No space left on device" in told
    # Whether it goes on or has failed is a matter of who finds room first.
    if waited["status"] == RunStatus.FAILED:
        assert "No space left on device" in waited["reason"]
    else:
        assert (waited["status"], waited["version"]) == (RunStatus.SUCCEEDED, "v4")
    assert (last["status"], len(last["versions"])) == (RunStatus.SUCCEEDED, 4 + (waited["version"] is not None))


def test_log_of_a_run_stays_readable_when_a_line_did_not_fit(tmp_path):
    def tell(words: str) -> None:
        line = LogLine(at=read_wall_clock(), step=Step.TRAIN, status=StepStatus.RUNNING, words=words)
        append_line(folder, line)

    with mounted(tmp_path / "disk", "24k") as folder:
        (folder / "zeros").write_bytes(b"\0" * 8192)
        for number in range(200):
            tell(f"{number:03d}" * 30)
        (folder / "zeros").unlink()
        tell("there is room again")
        told = [line.words for line in read_log(folder)]
        assert (told[-1], 1 < len(told) < 200) == ("there is room again", True)
        assert len((folder / LOG).read_text().splitlines()) == len(told)
