"""The pictures of the documentation: decides what they show; made from the running app, never by hand.

`python -m docs.pictures` seeds the demo in a temporary folder, which takes about a minute;
`python -m docs.pictures HOME` takes a copy of a seeded demo home instead. Both need the packages of `make test`.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from mlops_core.config import PROJECT, Home
from tests.browser.conftest import CHROMIUM, PATIENCE_MS, serve

FOLDER = Path(__file__).parent / "pictures"
WIDE, NARROW, HEIGHT = 1440, 400, 900
DIALOG_MARGIN = 48
LONGEST_MS = 240_000
"""For a week of the demo, or a training run."""
COLOURS, KEPT_COLOURS = 256, 128
LARGEST_BYTES = 300_000
ACCOUNT = "operator"
"""Who acts in the pictures; the app names the account that it runs under."""

# A page is ready when its script has ended and every chart, figure, and font is there.
IS_READY = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const charts = [...document.querySelectorAll('[data-testid=stPlotlyChart]')];
  const figures = [...document.querySelectorAll('[data-testid=stMetricChart]')];
  return app && app.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner], [data-testid=stProgress]')
    && charts.every(chart => chart.querySelector('.main-svg .subplot'))
    && figures.every(figure => figure.querySelector('canvas, svg'))
    && document.fonts.status === 'loaded';
}"""
CONTENT_HEIGHT = "() => Math.ceil(document.querySelector('[data-testid=stMain]').scrollHeight)"


def main() -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description="Make the pictures of the docs.")
    parser.add_argument("home", metavar="HOME", nargs="?", help="a seeded demo home; one is seeded when not given")
    given = parser.parse_args().home
    os.environ["LOGNAME"] = ACCOUNT
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = copy_home(Path(given), Path(folder)) if given else seed_home(Path(folder))
        with serve(home) as url, start_chromium() as browser:
            show_pages(browser, url)
            show_change(browser, url)
            show_training(browser, url)


def seed_home(folder: Path) -> Home:
    """Seed the demo as the command does."""
    home = Home(folder / "home")
    subprocess.run([sys.executable, "-m", "mlops_core", "--home", str(home.path), "demo"], cwd=PROJECT, check=True)
    return home


def copy_home(source: Path, folder: Path) -> Home:
    """Copy a home, because the pictures change production."""
    ignored = shutil.ignore_patterns("running.json")
    return Home(Path(shutil.copytree(source.expanduser(), folder / "home", ignore=ignored)))


@contextmanager
def start_chromium() -> Iterator[Browser]:
    """Give the browser that `make test` uses."""
    found = os.environ.get("DRIFTDECK_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM))
        yield chromium
        chromium.close()


def show_pages(browser: Browser, url: str) -> None:
    """Take the pages as the demo opens."""
    for name, path, width, scheme in (
        ("overview", "/", WIDE, "light"),
        ("overview-dark", "/", WIDE, "dark"),
        ("overview-narrow", "/", NARROW, "light"),
        ("performance", "/performance", WIDE, "light"),
        ("quality", "/quality", WIDE, "light"),
        ("drift", "/drift", WIDE, "light"),
        ("versions", "/versions", WIDE, "light"),
        ("compare", "/compare", WIDE, "light"),
    ):
        with open_page(browser, url + path, width, scheme) as page:
            take_page(page, name, width)


def show_change(browser: Browser, url: str) -> None:
    """Take the dialog, roll back, and take the line in the audit log with its evidence."""
    with open_page(browser, url, WIDE, "light") as page:
        page.click(".st-key-review-rollback button")
        page.wait_for_selector(".st-key-rollback-confirm button:enabled")
        take_dialog(page, "rollback-dialog")
        page.click(".st-key-rollback-confirm button")
        page.wait_for_selector(".st-key-undo-change")
    with open_page(browser, f"{url}/activity", WIDE, "light") as page:
        select_newest_line(page)
        take_page(page, "activity", WIDE)


def show_training(browser: Browser, url: str) -> None:
    """Play into November, train a new version, and take its run, and two weeks later how it does in the shadow."""
    play_weeks(browser, url, 2)
    with open_page(browser, f"{url}/retraining", WIDE, "light") as page:
        page.click(".st-key-review-run button")
        page.click(".st-key-run-confirm button")
        page.wait_for_selector(".st-key-panel-run-gate", timeout=LONGEST_MS)
        take_page(page, "retraining", WIDE)
    play_weeks(browser, url, 2)
    with open_page(browser, f"{url}/versions", WIDE, "light") as page:
        take_element(page, "panel-challenger", "challenger")


def play_weeks(browser: Browser, url: str, n: int) -> None:
    """Let weeks of the demo go by."""
    with open_page(browser, url, WIDE, "light") as page:
        for _ in range(n):
            page.click(".st-key-replay-week button")
            page.wait_for_selector(".st-key-replay-week", state="detached")
            page.wait_for_selector(".st-key-replay-week button:enabled", timeout=LONGEST_MS)


@contextmanager
def open_page(browser: Browser, url: str, width: int, scheme: str) -> Iterator[Page]:
    """Open an address in a fresh profile and wait until it is drawn."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, device_scale_factor=1
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".st-key-headline h1")
    wait_until_drawn(page)
    yield page
    context.close()


def wait_until_drawn(page: Page) -> None:
    """Wait for charts and fonts, and for what still moves."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(IS_READY)
    page.wait_for_timeout(1500)
    page.wait_for_function(IS_READY)


def select_newest_line(page: Page) -> None:
    """Select the first line of the audit table, which is drawn on a canvas: its box is left of the first row."""
    box = page.locator(".st-key-audit-table canvas").first.bounding_box()
    row_height = 35
    page.mouse.click(box["x"] + 16, box["y"] + 1.5 * row_height)
    page.wait_for_selector(".st-key-panel-evidence")
    page.mouse.move(WIDE - 20, 5)
    wait_until_drawn(page)


def take_page(page: Page, name: str, width: int) -> None:
    """Grow the window to the content and save it."""
    page.set_viewport_size({"width": width, "height": page.evaluate(CONTENT_HEIGHT)})
    wait_until_drawn(page)
    page.set_viewport_size({"width": width, "height": page.evaluate(CONTENT_HEIGHT)})
    wait_until_drawn(page)
    save(page.screenshot(), name)


def take_element(page: Page, key: str, name: str) -> None:
    """Save the part of a page that a key marks."""
    page.set_viewport_size({"width": WIDE, "height": page.evaluate(CONTENT_HEIGHT)})
    wait_until_drawn(page)
    save(page.locator(f".st-key-{key}").screenshot(), name)


def take_dialog(page: Page, name: str) -> None:
    """Grow the window to the dialog and save it."""
    wait_until_drawn(page)
    dialog = page.get_by_role("dialog")
    box = dialog.bounding_box()
    page.set_viewport_size({"width": WIDE, "height": int(box["y"] + box["height"]) + DIALOG_MARGIN})
    wait_until_drawn(page)
    save(page.screenshot(), name)


def save(picture: bytes, name: str) -> None:
    """Save a picture with a palette of its own; refuse one that is too large for a page."""
    path = FOLDER / f"{name}.png"
    image = choose_palette(Image.open(io.BytesIO(picture)).convert("RGB"))
    image.save(path, optimize=True)
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ValueError(f"{path.name} has {size:,} bytes; accepted are {LARGEST_BYTES:,}.")
    print(f"{path.relative_to(PROJECT)}  {image.width} × {image.height}, {size // 1000} kB")


def choose_palette(image: Image.Image) -> Image.Image:
    """Keep the commonest colours as they are, so that no surface changes, and spread the rest of the palette."""
    pixels = np.asarray(image)
    colours, places, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    spread = image.quantize(COLOURS - KEPT_COLOURS, Image.Quantize.MAXCOVERAGE).getpalette()
    palette = np.vstack([colours[np.argsort(-counts)[:KEPT_COLOURS]], np.reshape(spread, (-1, 3))]).astype(np.uint8)
    distances = ((colours[:, None].astype(int) - palette[None].astype(int)) ** 2).sum(axis=2)
    indices = distances.argmin(axis=1).astype(np.uint8)[places.ravel()]
    chosen = Image.fromarray(indices.reshape(pixels.shape[:2]), mode="P")
    chosen.putpalette(palette.tobytes())
    return chosen


if __name__ == "__main__":
    main()
