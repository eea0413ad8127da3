"""Retraining in a browser: a run is ordered, watched by two people, passes the gate, and may be promoted."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.small_home import copy_small_home

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture
def trainable_url(tmp_path: Path) -> Iterator[str]:
    """The small home; however long ago they are, its last labelled days are kept for the gate."""
    with serve(copy_small_home(tmp_path / "home")) as url:
        yield url


def test_run_is_ordered_followed_by_two_people_and_leads_to_a_promotion(
    trainable_url: str, open_page: OpenPage
) -> None:
    page = open_page(f"{trainable_url}/retraining")
    page.get_by_role("button", name="Train a new version").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("5,400 labelled loans of 5,400 that were logged.")
    expect(dialog.get_by_label("Reason")).to_have_value(re.compile("Train on labels that had arrived by"))
    dialog.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("list", name="Steps of run 1")).to_contain_text("Collect")
    other = open_page(f"{trainable_url}/retraining?run=1", 400)
    for seen in (page, other):
        expect(seen.locator(".st-key-headline")).to_contain_text("v4 has passed the gate and is the challenger now.")
        expect(seen.get_by_role("list", name="What the gate says")).to_contain_text("not worse (margin 0.01)")
        expect(seen.get_by_role("table", name="Candidates, the best first")).to_contain_text("boosted trees")
    page.get_by_role("button", name="Review promotion to v4").click()
    expect(page.get_by_role("dialog")).to_contain_text("Promote car-loan · v2 is in production")
    expect(page.get_by_role("button", name="Promote v4")).to_be_enabled()
