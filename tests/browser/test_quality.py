"""Data quality in a browser: a click leads from a cell to its reason, and the dialog changes the contract."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_page_names_the_lost_column_and_a_click_shows_another_check(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/quality")
    expect(page.locator(".st-key-headline h1")).to_contain_text("is empty in v4's traffic")
    figure = page.locator(".st-key-quality-map .js-plotly-plot")
    expect(figure).to_be_visible()
    # The cell in the row of ranges, in the column of the newest day.
    box = page.evaluate(
        "() => { const g = document.querySelector('.st-key-quality-map .js-plotly-plot'), l = g._fullLayout, "
        "b = g.getBoundingClientRect(), x = Math.max(...g._fullData.flatMap(t => [...t.x])), "
        "y = l.yaxis.ticktext.indexOf('Range'); "
        "return [b.left + l.xaxis._offset + l.xaxis.d2p(x), b.top + l.yaxis._offset + l.yaxis.d2p(y)] }"
    )
    page.mouse.click(*box)
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
