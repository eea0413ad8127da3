"""Several models in a browser: the table that opens Overview leads to each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mlops_core.services.registry import register_model
from mlops_core.services.runtime import Runtime
from tests.browser.conftest import serve, take_file
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture
def several_url(tmp_path: Path) -> Iterator[str]:
    home = copy_small_home(tmp_path / "home")
    runtime = Runtime.open(home)
    register_model(runtime, MODEL_FILE.replace(MODEL, "boat-loan"), actor=ACTOR, now=PRESENT)
    runtime.close()
    with serve(home) as url:
        yield url


def test_row_leads_to_its_model_when_its_name_is_clicked_and_all_rows_can_be_taken_away(
    several_url: str, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(f"{several_url}/?model-select={MODEL}")
    table = page.get_by_role("table", name="Models, worst first")
    expect(table.locator("tbody tr").first).to_contain_text("The newest row is")
    expect(table.locator("tbody tr").last).to_contain_text("Nothing is in production.")
    expect(page.locator(".st-key-champion")).to_have_text("v2")
    lines = take_file(page, "models-csv", tmp_path).read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["model", MODEL, "boat-loan"]
    table.get_by_role("link", name="boat-loan").click()
    expect(page.locator(".st-key-headline")).to_contain_text("No version is in production yet.")
    expect(page.get_by_role("combobox", name="Model")).to_have_value("boat-loan")
    assert len(page.context.pages) == 1
    page.get_by_role("link", name=MODEL).click()
    expect(page.locator(".st-key-champion")).to_have_text("v2")
