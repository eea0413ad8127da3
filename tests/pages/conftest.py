"""Pages run alone, as Streamlit's own test runner does it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import PROJECT, Home
from mlops_core.shared import close_runtime


@pytest.fixture
def run_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Run a page of a home alone, without the router."""

    def run(home: Home, page: str, **query: str) -> AppTest:
        monkeypatch.setenv("DRIFTDECK_HOME", str(home.path))
        close_runtime()
        test = AppTest.from_file(str(PROJECT / "pages" / "router.py"), default_timeout=60)
        test.switch_page(f"{page}.py")
        for key, value in query.items():
            test.query_params[key.replace("_", "-")] = value
        return test.run()

    yield run
    close_runtime()


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    return Home(tmp_path / "empty")
