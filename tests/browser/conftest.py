"""A real browser on a real app in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mlops_core.config import PROJECT, Home
from tests.small_home import copy_small_home

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
EXPECTATION_MS = 30_000
START_S = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Chromium, the one that `make test` found, or the one on the path.

    Of a module only: while Playwright is open its event loop runs, and no other test could run one.
    """
    found = os.environ.get("DRIFTDECK_CHROMIUM") or shutil.which("chromium")
    expect.set_options(timeout=EXPECTATION_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM))
        yield chromium
        chromium.close()


def find_cell(page: Page, key: str, row: str, column: int) -> tuple[float, float]:
    """Give where on the screen a cell of a map is, by the scales that the chart itself has; −1 is the newest column."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(chart.locator(".points path").first).to_be_attached()
    x, y = chart.evaluate(
        """(chart, [row, column]) => {
          const { xaxis, yaxis } = chart._fullLayout, box = chart.getBoundingClientRect();
          const columns = 1 + Math.max(...chart._fullData.flatMap(trace => [...trace.x]));
          const x = xaxis.c2p(column < 0 ? columns + column : column), y = yaxis.c2p(yaxis.ticktext.indexOf(row));
          return [box.x + xaxis._offset + x, box.y + yaxis._offset + y];
        }""",
        [row, column],
    )
    return x, y


def take_file(page: Page, key: str, folder: Path) -> Path:
    """Click a button that downloads a file, and give it under the name that the app gave it."""
    with page.expect_download() as taken:
        page.click(f".st-key-{key} button")
    taken.value.save_as(folder / taken.value.suggested_filename)
    return folder / taken.value.suggested_filename


def open_report(page: Page, report: Path) -> None:
    """Open a report as a file; it has figures and asks nobody for anything."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.locator("figure .main-svg").first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@contextmanager
def serve(home: Home) -> Iterator[str]:
    """Serve a home with the project's own command and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlops_core", "--home", str(home.path), "up", "--port", str(port)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as app:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, app)
            yield url
        finally:
            app.send_signal(signal.SIGTERM)
            app.communicate(timeout=30)


def _wait_for(url: str, app: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and app.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the app did not answer at {url}")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a fresh browser profile and wait for its sentence."""
    contexts = []

    def open_at(url: str, width: int = 1440, height: int = 1000, scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(".st-key-headline h1")
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.fixture
def demo_url(copy_demo: Callable[[], Home]) -> Iterator[str]:
    with serve(copy_demo()) as url:
        yield url


@pytest.fixture(scope="session")
def small_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give an app on the small home for tests that only look."""
    with serve(copy_small_home(tmp_path_factory.mktemp("small") / "home")) as url:
        yield url


@pytest.fixture(scope="session")
def reading_url(seeded_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give an app on the demo for tests that only look."""
    home = Home(Path(shutil.copytree(seeded_home.path, tmp_path_factory.mktemp("reading") / "home")))
    with serve(home) as url:
        yield url
