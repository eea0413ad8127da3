"""Data quality in a browser: a click leads from a cell to its reason, and the dialog changes the contract."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import find_cell, open_report, take_file

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_page_names_the_lost_column_and_a_click_shows_another_check(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/quality")
    expect(page.locator(".st-key-headline h1")).to_contain_text("is empty in v4's traffic")
    page.mouse.click(*find_cell(page, "quality-map", "Range", -1))
    expect(page.locator(".st-key-panel-quality-check")).to_contain_text("Range: ")


def test_contract_is_changed_with_the_keyboard_and_undone(demo_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{demo_url}/quality")
    page.locator(".st-key-contract-edit button").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("spinbutton", name="Empty at most (% of rows)")
    field.fill("100")
    page.get_by_role("textbox", name="Reason (kept in the audit log)").fill("The source is gone for good")
    page.locator(".st-key-contract-save button").click()
    expect(page.locator(".st-key-contract-undo button")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".st-key-panel-contract")).to_contain_text("100 %")
    page.locator(".st-key-contract-undo button").click()
    expect(page.locator(".st-key-contract-undo")).to_have_count(0)
    expect(page.locator(".st-key-panel-contract")).to_contain_text("Undo of change 1")


def test_click_on_a_cell_ends_in_the_address_and_a_reload_shows_the_same(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/quality?window-select=All&quality-version=v1")
    panel = page.locator(".st-key-panel-quality-check")
    expect(panel).to_contain_text("7 Mar, OK:")
    page.mouse.click(*find_cell(page, "quality-map", "Empty values", 2))
    expect(panel).to_contain_text("Empty values: income")
    expect(panel).to_contain_text("3 Mar, OK:")
    expect(page).to_have_url(re.compile(r"check=quality\.null_fraction"))
    expect(page).to_have_url(re.compile(r"chunk=2024-03-03"))
    page.reload()
    expect(panel).to_contain_text("Empty values: income")
    expect(panel).to_contain_text("3 Mar, OK:")
    expect(page.get_by_role("combobox", name="Day")).to_have_value("3 Mar")
    assert page.get_by_role("alert").count() == 0


def test_address_follows_the_pickers_and_another_page_begins_anew(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/quality?window-select=All&quality-version=v1&chunk=2024-03-03T00:00Z")
    page.get_by_role("combobox", name="Check").focus()
    page.keyboard.type("Empty values, against")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-panel-quality-check")).to_contain_text("Empty values, against training: income")
    expect(page).to_have_url(re.compile(r"check=skew\.null_fraction"))
    page.get_by_role("link", name="Drift").first.click()
    expect(page.locator(".st-key-drift-feature")).to_be_visible()
    assert page.get_by_role("alert").count() == 0
    assert "check=" not in page.url


def test_legend_of_the_map_is_read_whole_on_a_narrow_screen(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/quality", width=400)
    entries = page.locator(".st-key-panel-quality-map .dd-legend li")
    expect(entries).to_have_text(["as agreed", "not enough data", "alert"])
    boxes = [entry.bounding_box() for entry in entries.all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 400 for box in boxes)


def test_report_and_tables_can_be_taken_away(small_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{small_url}/quality?window-select=All&feature=debt&check=quality.null_fraction")
    for key, head, least in (
        ("quality-csv", ["Start (UTC)", "Rows", "Check"], 120),
        ("quality-newest-csv", ["Status", "Feature", "Check"], 1),
        ("contract-csv", ["Feature", "Kind", "Empty at most"], 2),
        ("contract-rows-csv", ["Term", "Accepted"], 3),
    ):
        rows = list(csv.reader(take_file(page, key, tmp_path).read_text(encoding="utf-8").splitlines()))
        assert rows[0][: len(head)] == head
        assert len(rows) > least
    report = take_file(page, "quality-report", tmp_path)
    assert re.fullmatch(r"car-loan-data-quality-\d{4}-\d\d-\d\d\.html", report.name)
    open_report(page, report)
    expect(page.locator("h1")).to_have_text("No new rows have come for too long.")
    expect(page.locator("body")).to_contain_text("Check: Empty values · Feature: debt")
    titles = ["Every check by day", "In the newest traffic", "Empty values: debt", "The contract"]
    expect(page.locator("h2")).to_have_text([*titles, "The contract of all rows", "Refused deliveries"])
    expect(page.locator("figure .main-svg").nth(2)).to_be_visible()
    expect(page.get_by_role("table", name="The contract", exact=True)).to_contain_text("income")
