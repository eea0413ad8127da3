"""A demo whose seeding was killed is thrown away at the next start; one that is under way is not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.demo.files import locate_mark
from mlops_core.demo.partial import is_interrupted
from mlops_core.errors import HomeError
from mlops_core.services.registry import list_specs
from mlops_core.shared import open_runtime

PATIENCE_S = 90


def _wait_until_seeding_serves(home: Home, seeding: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and seeding.poll() is None:
        if (home.path / "demo-clock.json").exists():
            return
        time.sleep(0.1)
    raise AssertionError("the story did not begin")


def test_home_is_empty_again_when_seeding_was_killed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    command = [sys.executable, "-m", "mlops_core", "--home", str(home.path), "demo"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as seeding:
        _wait_until_seeding_serves(home, seeding)
        with pytest.raises(HomeError, match="open in another process"):
            open_runtime(home)
        assert home.database.exists()
        os.kill(seeding.pid, signal.SIGKILL)
    assert is_interrupted(home)
    runtime = open_runtime(home)
    try:
        assert list_specs(runtime) == []
        assert not locate_mark(home).exists()
        assert not (home.path / "demo-traffic.parquet").exists()
    finally:
        runtime.close()
