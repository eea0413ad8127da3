"""The Drift page in a browser: a cell is chosen by mouse and by keyboard, and the panel and the address follow."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.small_home import copy_small_home

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def small_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(copy_small_home(tmp_path_factory.mktemp("small") / "home")) as url:
        yield url


def find_cell(page: Page, feature: str, column: int) -> tuple[float, float]:
    """Give where on the screen the cell of a feature is, by the scales that the chart itself has."""
    x, y = page.evaluate(
        """([feature, column]) => {
          const chart = document.querySelector('.st-key-drift-map .js-plotly-plot');
          const { xaxis, yaxis } = chart._fullLayout, box = chart.getBoundingClientRect();
          const row = yaxis.ticktext.indexOf(feature);
          return [box.x + xaxis._offset + xaxis.c2p(column), box.y + yaxis._offset + yaxis.c2p(row)];
        }""",
        [feature, column],
    )
    return x, y


def test_click_on_a_cell_opens_its_feature_and_day(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/drift?window-select=All&feature=income")
    panel = page.locator(".st-key-panel-drift-feature .dd-card-title").first
    expect(panel).to_contain_text("income · 14 Mar")
    expect(page.locator(".st-key-drift-map .js-plotly-plot .points path").first).to_be_attached()
    page.mouse.click(*find_cell(page, "debt", 4))
    expect(panel).to_contain_text("debt · 5 Mar")
    expect(page.locator(".st-key-headline")).to_contain_text("NO DRIFT · 5 Mar")
    expect(page).to_have_url(re.compile(r"chunk=2024-03-05"))


def test_feature_is_chosen_by_keyboard_alone(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/drift?window-select=All&feature=income&chunk=2024-03-05T00:00Z")
    panel = page.locator(".st-key-panel-drift-feature .dd-card-title").first
    expect(panel).to_contain_text("income · 5 Mar")
    page.get_by_role("combobox", name="Feature").focus()
    page.keyboard.type("debt")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("debt · 5 Mar")


def test_table_and_report_can_be_taken_away(small_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{small_url}/drift?window-select=All")
    with page.expect_download() as taken:
        page.click(".st-key-drift-csv button")
    taken.value.save_as(tmp_path / "cells.csv")
    lines = (tmp_path / "cells.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("chunk,feature,status,")
    assert len(lines) == 1 + 2 * 14
    with page.expect_download() as taken:
        page.click(".st-key-drift-report button")
    taken.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    expect(page.locator("h1")).to_contain_text("None of the 2 features that can be judged drifted.")
    expect(page.locator("figure .main-svg").first).to_be_visible()
