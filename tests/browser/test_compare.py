"""The Compare page in a browser: the verdict on the demo, a replay with progress, its address, and its downloads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_report, take_file

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
VERDICT = "v3 is better than v4 on the same 18,992 flights: F1 0.44 instead of 0.02."


def test_replay_widens_the_comparison_and_the_address_opens_the_same_view(demo_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{demo_url}/compare")
    headline = page.locator(".st-key-headline h1")
    expect(headline).to_have_text(VERDICT)
    expect(page).to_have_url(re.compile(r"versions=v4(,|%2C)v3"))
    expect(page.locator(".st-key-compare-differences .main-svg").first).to_be_visible()
    page.click(".st-key-compare-replay button")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.locator(".st-key-compare-cancel button")).to_be_visible()
    expect(headline).to_have_text(
        re.compile(r"v3 is \w+ than v4 on the same [345]\d,\d{3} flights: F1 0\.\d\d instead")
    )
    expect(page.locator(".st-key-compare-replay button")).to_have_count(0)
    wide = headline.inner_text()
    page.reload()
    expect(headline).to_have_text(wide)
    assert page.locator(".stException").count() == 0


def test_versions_are_chosen_in_the_page_and_stay_in_the_address(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/compare?versions=v4,v3")
    expect(page.locator(".st-key-headline h1")).to_have_text(VERDICT)
    page.get_by_role("combobox", name="Versions").click()
    page.get_by_role("option", name="v2", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-headline")).to_contain_text("v2 beside v4: better, F1 0.41 instead of 0.02.")
    expect(page).to_have_url(re.compile(r"versions=v4(,|%2C)v3(,|%2C)v2"))
    page.get_by_role("radio", name="v2 − v4").click()
    expect(page.locator(".st-key-panel-compare-flips")).to_contain_text("v2 beside v4")
    expect(page).to_have_url(re.compile("pair=v2"))


def test_comparison_can_be_taken_away(reading_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{reading_url}/compare?versions=v4,v3")
    expect(page.locator(".st-key-panel-compare-training")).to_contain_text("differ by an effect of 0.1 or more")
    first = {
        "compare-metrics-csv": "metric,",
        "compare-decisions-csv": "version,",
        "compare-flips-csv": "Prediction,",
        "compare-segments-csv": "segment,",
        "compare-making-csv": "What,",
        "compare-training-csv": "feature,",
    }
    for key, head in first.items():
        lines = take_file(page, key, tmp_path).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(head)
        assert len(lines) > 2
    report = take_file(page, "compare-report", tmp_path)
    assert re.fullmatch(r"flight-delay-compare-\d{4}-\d\d-\d\d\.html", report.name)
    open_report(page, report)
    expect(page.locator("h1")).to_have_text(VERDICT)
    for title in ("Precision and recall", "How they were made", "How different the training rows of v4 and v3 are"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()


def test_link_of_a_version_leads_to_its_comparison(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/versions")
    page.locator(".st-key-panel-v3").get_by_role("link", name="Compare").click()
    expect(page.locator(".st-key-headline h1")).to_have_text(VERDICT)
