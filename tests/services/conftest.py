"""Services on a copy of the small home."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_core.config import Home
from mlops_core.entities import ModelSpec
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.runtime import Runtime
from mlops_core.store.connection import Database
from mlops_core.store.models import get_model
from tests.small_home import MODEL, copy_small_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


@pytest.fixture(scope="session")
def warm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ArtifactHost, Path]]:
    """One child for all tests, and the folder it reads; to start one takes seconds."""
    folder = copy_small_home(tmp_path_factory.mktemp("warm") / "home").artifacts
    host = ArtifactHost(folder)
    yield host, folder
    host.close()


@pytest.fixture
def runtime(home: Home, warm_host: tuple[ArtifactHost, Path], tmp_path: Path) -> Iterator[Runtime]:
    """The small home, whose artifacts lie where the warm child reads; what a test spoils is mended after it."""
    host, folder = warm_host
    whole = home.artifacts.rename(tmp_path / "whole")
    home.artifacts.symlink_to(folder)
    opened = Runtime.open(home)
    opened.artifacts = opened.replays = host
    yield opened
    opened.training.stop()
    opened.database.close()
    shutil.copytree(whole, folder, dirs_exist_ok=True)


@pytest.fixture
def spec(runtime: Runtime) -> ModelSpec:
    return get_model(runtime.database, MODEL)


TABLES = (
    "deployments",
    "decisions",
    "audit",
    "versions",
    "snapshots",
    "models",
    "verdicts",
    "batches",
    "pending_chunks",
)


def read_tables(database: Database) -> dict[str, pa.Table]:
    """Give the whole content of the control tables, to compare before and after."""
    return {name: database.table(f"from {name} order by all") for name in TABLES}
