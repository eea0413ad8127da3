"""What several groups of tests share: the demo, seeded once, and the browser."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from mlops_core.config import PROJECT, Home
from mlops_core.demo.data import Tables, load_tables
from mlops_core.demo.features import build_features
from tests.small_home import keep_small_home

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two processes one seeds the demo with its first file: have the other begin with files that need none."""
    seeding = items[0].path if items else None
    first = [item for item in items if item.path == seeding]
    without_demo = [item for item in items if item.path.parent.name == "faults" and item.path != seeding]
    rest = [item for item in items if item.path != seeding and item.path.parent.name != "faults"]
    items[:] = [*first, *without_demo, *rest]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _place_of_the_small_home(run_folder: Path) -> None:
    keep_small_home(run_folder / "small")


@pytest.fixture(scope="session")
def seeded_home(run_folder: Path) -> Home:
    """Give the demo as the command seeds it; copy it before changing anything."""
    home = Home(run_folder / "seeded" / "home")
    with (run_folder / "seeding").open("w", encoding="utf-8") as turn:
        # Of several processes that test, one seeds, and the others wait for it.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not home.path.parent.exists():
            command = [sys.executable, "-m", "mlops_core", "--home", str(home.path), "demo"]
            ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=os.environ, check=False)
            assert ended.returncode == 0, ended.stderr
    return home


@pytest.fixture
def copy_demo(seeded_home: Home, tmp_path: Path) -> Callable[[], Home]:
    """Give a function that makes a fresh copy of the demo."""

    def copy() -> Home:
        return Home(Path(shutil.copytree(seeded_home.path, tmp_path / "demo")))

    return copy


@pytest.fixture(scope="session")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="session")
def frame(tables: Tables) -> pd.DataFrame:
    return build_features(tables)
