"""The Drift page in a browser: a cell is chosen by mouse and by keyboard, and the panel and the address follow."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import find_cell, open_report, take_file

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_click_on_a_cell_opens_its_feature_and_day(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/drift?window-select=All&feature=income")
    panel = page.locator(".st-key-panel-drift-feature .dd-card-title").first
    expect(panel).to_contain_text("income · 14 Mar")
    page.mouse.click(*find_cell(page, "drift-map", "debt", 4))
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
    lines = take_file(page, "drift-csv", tmp_path).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("chunk,feature,status,")
    assert len(lines) == 1 + 2 * 14
    open_report(page, take_file(page, "drift-report", tmp_path))
    expect(page.locator("h1")).to_contain_text("None of the 2 features that can be judged drifted.")
