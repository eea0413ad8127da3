"""Overview in a browser: what can be taken away, and that nothing moves when it is offered."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_report, take_file

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_report_and_tables_can_be_taken_away(small_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{small_url}/?window-select=All")
    sentence = page.locator(".st-key-headline h1").inner_text()
    rows = list(csv.DictReader(take_file(page, "timeline-csv", tmp_path).read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["chunk", "version", "source", "value", "rolling", "labels"]
    assert {(row["version"], row["source"]) for row in rows} >= {("v1", "live"), ("v2", "live")}
    assert {row["labels"] for row in rows} == {"600"}
    happened = take_file(page, "happenings-csv", tmp_path).read_text(encoding="utf-8").splitlines()
    assert happened[0] == "When (UTC),Who,What"
    assert len(happened) > 8
    report = take_file(page, "overview-report", tmp_path)
    assert re.fullmatch(r"car-loan-overview-\d{4}-\d\d-\d\d\.html", report.name)
    open_report(page, report)
    expect(page.locator("h1")).to_have_text(sentence)
    titles = ["In figures", "ROC AUC over time", "Drift", "Data quality", "What happened"]
    expect(page.locator("h2")).to_have_text(titles)
    expect(page.get_by_role("table", name="In figures")).to_contain_text("Labels arrived, v2")
    expect(page.get_by_role("table", name="Data quality")).to_contain_text("Age of the newest row")


def test_metric_that_is_chosen_is_in_the_address(small_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{small_url}/?window-select=All")
    title = page.locator(".st-key-panel-timeline .dd-card-title")
    expect(title).to_contain_text("ROC AUC over time")
    assert "metric=" not in page.url
    page.get_by_role("radio", name="Brier").click()
    expect(title).to_contain_text("Brier over time")
    expect(page).to_have_url(re.compile("metric=brier"))
    page.reload()
    expect(title).to_contain_text("Brier over time")
    page.get_by_role("link", name="Performance").first.click()
    expect(page.get_by_role("combobox", name="Metric")).to_have_value("ROC AUC")


def test_nothing_moves_when_the_report_is_offered(small_url: str, open_page: OpenPage) -> None:
    page = open_page(small_url)
    measure = "() => ['.st-key-report-place', '.st-key-champion'].map(s => document.querySelector(s).offsetHeight)"
    expect(page.get_by_role("button", name="Download report")).to_be_visible()
    before = page.evaluate(measure)
    page.evaluate("() => document.querySelector('.st-key-overview-report').remove()")
    assert page.evaluate(measure) == before
