"""Pages run alone, as Streamlit's own test runner does it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import PROJECT, Home
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.shared import close_runtime, get_runtime
from tests.small_home import copy_small_home


@pytest.fixture
def run_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Run a page of a home alone, without the router."""

    def run(home: Home, page: str, **query: str) -> AppTest:
        monkeypatch.setenv("DRIFTDECK_HOME", str(home.path))
        close_runtime()
        return draw(page, **query)

    yield run
    close_runtime()


def draw(page: str, **query: str) -> AppTest:
    """Run a page of the home that DRIFTDECK_HOME names."""
    test = AppTest.from_file(str(PROJECT / "pages" / "router.py"), default_timeout=60)
    test.switch_page(f"{page}.py")
    for key, value in query.items():
        test.query_params[key.replace("_", "-")] = value
    return test.run()


class WarmHost(ArtifactHost):
    """A child that outlives the runtime that uses it: to start one takes seconds."""

    def close(self) -> None:
        """Stay for the next test."""


@pytest.fixture(scope="session")
def warm_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WarmHost, WarmHost]]:
    """Give where preflights load and where traffic is replayed, for all copies of the small home."""
    folder = copy_small_home(tmp_path_factory.mktemp("warm") / "home").artifacts
    hosts = WarmHost(folder), WarmHost(folder)
    yield hosts
    for host in hosts:
        ArtifactHost.close(host)


@pytest.fixture
def run_warm(
    warm_hosts: tuple[WarmHost, WarmHost], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., AppTest]]:
    """Run a page of a small home whose artifacts are as they were, with children that other tests have started."""

    def run(home: Home, page: str, **query: str) -> AppTest:
        monkeypatch.setenv("DRIFTDECK_HOME", str(home.path))
        close_runtime()
        runtime = get_runtime()
        runtime.artifacts, runtime.replays = warm_hosts
        return draw(page, **query)

    yield run
    close_runtime()


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    return Home(tmp_path / "empty")
