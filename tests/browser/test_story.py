"""The main job, in a real browser: see the fault, roll back, and watch the metric come back."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mlops_core.config import Home
from tests.browser.conftest import serve

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def _play_week(page: Page) -> None:
    page.click(".st-key-replay-week button")
    page.wait_for_selector(".st-key-replay-week", state="detached")
    page.wait_for_selector(".st-key-replay-week button:enabled")


@pytest.fixture(scope="module")
def story_url(seeded_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give an app on the demo for the tests of this file: each leaves it as it was, but for the last one."""
    with serve(Home(Path(shutil.copytree(seeded_home.path, tmp_path_factory.mktemp("story") / "home")))) as url:
        yield url


def test_dialog_opens_and_closes_when_only_the_keyboard_is_used(story_url: str, open_page: OpenPage) -> None:
    page = open_page(story_url)
    page.locator(".st-key-review-rollback button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-rollback-confirm button")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".st-key-champion")).to_have_text("v4")


def test_undo_takes_a_rollback_back_when_it_is_clicked(story_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{story_url}/versions")
    page.click(".st-key-review-rollback button")
    page.click(".st-key-rollback-confirm button")
    expect(page.locator(".st-key-champion")).to_have_text("v3")
    page.click(".st-key-undo-change button")
    expect(page.locator(".st-key-champion")).to_have_text("v4")


@pytest.mark.timeout(300)
def test_rollback_mends_the_metric_when_two_weeks_are_played(story_url: str, open_page: OpenPage) -> None:
    page = open_page(story_url)
    headline = page.locator(".st-key-headline")
    expect(headline).to_contain_text("v4 misses 99 % of late flights. v3 would have caught 41 % of them.")
    expect(headline).to_contain_text("dep_delay")
    expect(page.locator(".st-key-champion")).to_have_text("v4")

    page.click(".st-key-review-rollback button")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("v3 would be better.")
    expect(dialog).to_contain_text("Artifact loads")
    page.fill(".st-key-rollback-reason input", "v4 misses nearly all late flights")
    page.click(".st-key-rollback-confirm button")

    expect(page.locator(".st-key-champion")).to_have_text("v3")
    expect(page.locator(".st-key-undo-change button")).to_be_visible()
    expect(headline).to_contain_text("v3 is in production")

    _play_week(page)
    _play_week(page)
    expect(headline).to_contain_text("v3 keeps its standard and does better than v4 would have.")
    expect(page.locator(".st-key-banner-OK")).to_be_visible()
    told = re.search(r"F1 (\d\.\d+) under v3, (\d\.\d+) under v4", headline.inner_text())
    assert told is not None
    assert float(told[1]) > float(told[2]) + 0.2
    chart = page.get_by_role("img", name=re.compile("F1 over time")).or_(page.get_by_label(re.compile("F1 over time")))
    expect(chart.first).to_be_visible()

    page.get_by_role("link", name="Activity", exact=True).click()
    expect(headline).to_contain_text("rolled back to v3 on 31 Oct 2013")
    page.locator(".st-key-action-select").get_by_text("roll back", exact=True).click()
    table = page.locator(".st-key-audit-table canvas").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 18, "y": 52}, force=True)
    evidence = page.locator(".st-key-panel-evidence")
    expect(evidence).to_contain_text("v3 would be better.")
    expect(evidence).to_contain_text("F1 by origin")
    expect(evidence).to_contain_text("v4 misses nearly all late flights")
