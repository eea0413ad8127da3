"""The Performance page in a browser: its sentence, another threshold and what it decides, and its downloads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_report, take_file

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
STEPS = 20
"""Presses of a key, each of which moves the threshold by 0.001."""


def read_row(page: Page, name: str) -> list[str]:
    """Give the cells of a row of the decisions: chosen and deployed."""
    row = page.locator(".st-key-panel-threshold tr", has_text=re.compile(f"^{name}"))
    return row.locator("td").all_inner_texts()[1:]


def test_decisions_change_when_the_threshold_is_moved_by_keyboard(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/performance?window-select=All")
    expect(page.locator(".st-key-headline")).to_contain_text("v2 keeps its standard: ROC AUC was 0.")
    expect(page.locator(".st-key-panel-threshold")).to_contain_text("At 0.5000, v2 flags")
    chosen, deployed = read_row(page, "Found")
    assert chosen == deployed
    page.get_by_role("slider", name="Threshold").focus()
    for _ in range(STEPS):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".st-key-panel-threshold")).to_contain_text("At 0.4805, v2 flags")
    chosen, still_deployed = read_row(page, "Found")
    assert int(chosen.replace(",", "")) > int(deployed.replace(",", ""))
    assert still_deployed == deployed
    expect(page).to_have_url(re.compile("threshold=0.48"))


def test_cheapest_threshold_is_told_when_costs_are_set(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/performance?window-select=All&false-alarm-cost=1")
    page.get_by_label("Cost of a miss").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-panel-threshold")).to_contain_text("Least cost: ")
    assert len(read_row(page, "Cost per 1,000")) == 2


def test_report_and_tables_can_be_taken_away(small_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{small_url}/performance?window-select=All")
    first = {"trend-csv": "chunk,", "decisions-csv": "threshold,", "segments-csv": "segment_column,"}
    for key, head in first.items():
        lines = take_file(page, key, tmp_path).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(head)
        assert len(lines) > 2
    report = take_file(page, "performance-report", tmp_path)
    assert re.fullmatch(r"car-loan-performance-\d{4}-\d\d-\d\d\.html", report.name)
    open_report(page, report)
    expect(page.locator("h1")).to_contain_text("v2 keeps its standard")
