"""The story of November: drift has worn v3 down, a run leads to v5, the gate lets it pass, and it does better."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from mlops_core.config import Home
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.demo.replay import DemoReplay
from mlops_core.entities import Action, Actor
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.shared import open_runtime
from mlops_core.store.models import get_model
from tests.browser.conftest import serve

OpenPage = Callable[..., Page]
NOVEMBER = datetime(2013, 11, 11, 12, tzinfo=UTC)
RUN_MS = 240_000


@pytest.fixture
def november_url(copy_demo: Callable[[], Home]) -> Iterator[str]:
    """The demo on 11 November, eleven days after v4 was rolled back to v3."""
    home = copy_demo()
    runtime = open_runtime(home)
    spec, now = get_model(runtime.database, DEMO_MODEL), runtime.now(DEMO_MODEL)
    change = ChangeRequest(
        model=DEMO_MODEL, to="v3", action=Action.ROLL_BACK, actor=Actor("ann", "page"), reason="v4 misses late flights"
    )
    change_production(runtime, change, now=now)
    replay = DemoReplay()
    replay.play(runtime, spec, NOVEMBER - now)
    while replay.state().is_playing:
        time.sleep(0.1)
    assert (runtime.now(DEMO_MODEL), replay.state().error) == (NOVEMBER, None)
    runtime.close()
    with serve(home) as url:
        yield url


def train_and_promote(page: Page, leave_out: Sequence[str] = ()) -> None:
    """Order a run without some candidates, wait for the gate, and put what passed into production."""
    page.get_by_role("button", name="Train a new version").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The entry point brings the flights from elsewhere.")
    for name in leave_out:
        dialog.get_by_role("button", name=f"Remove {name}", exact=True).click()
    dialog.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("list", name="Steps of run 1")).to_contain_text("Collect")
    headline = page.locator(".st-key-headline")
    expect(headline).to_contain_text("v5 has passed the gate and is the challenger now.", timeout=RUN_MS)
    gate = page.get_by_role("list", name="What the gate says")
    expect(gate).to_contain_text(re.compile(r"F1: .* against v3, (not worse|better) \(margin 0.01\)"))
    expect(gate).to_contain_text("JFK, ROC AUC")
    page.get_by_role("button", name="Review promotion to v5").click()
    page.fill(".st-key-promote-reason input", "The gate says it is not worse")
    page.get_by_role("button", name="Promote v5").click()
    expect(headline).to_contain_text("v5 has passed the gate and is in production.")
    expect(page.locator(".st-key-champion")).to_have_text("v5")


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_button_leads_to_a_version_that_passes_the_gate_and_goes_into_production(
    november_url: str, open_page: OpenPage
) -> None:
    # The others are fitted in the soak alone: that takes as long again.
    others = ("boosted trees without weather", "logistic regression")
    train_and_promote(open_page(f"{november_url}/retraining"), leave_out=others)


@pytest.mark.soak
def test_new_version_does_better_on_the_same_flights_by_december(november_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{november_url}/retraining")
    train_and_promote(page)
    for _ in range(3):
        page.click(".st-key-replay-week button")
        page.wait_for_selector(".st-key-replay-week", state="detached")
        page.wait_for_selector(".st-key-replay-week button:enabled")
    page.goto(f"{november_url}/compare?versions=v3,v5")
    headline = page.locator(".st-key-headline")
    expect(headline).to_contain_text("v5 is better than v3 on the same", timeout=RUN_MS)
    # Nobody has let v5 score what it was trained on, so that the rows of both are new to both.
    expect(headline).to_contain_text("31 Oct – 1 Dec")
    expect(headline).not_to_contain_text("was trained on")
    page.get_by_role("radio", name="30 d").click()
    expect(headline).to_contain_text("2 Nov – 1 Dec")
    expect(headline).to_contain_text(
        re.compile(r"v5 is better than v3 on the same 2\d,\d{3} flights: F1 0\.\d+ instead")
    )
    expect(headline).not_to_contain_text("was trained on")
    metrics = page.get_by_role("table", name="Every metric")
    for name in ("F1", "ROC AUC"):
        row = metrics.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))
        expect(row).to_contain_text(re.compile(r"\+0\.\d+ \[\+0\.\d+, \+0\.\d+\] better"))
