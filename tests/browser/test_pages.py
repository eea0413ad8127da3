"""What every page owes its reader, wide and narrow, light and dark, full and empty."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from mlops_core.config import Home
from tests.browser.conftest import serve

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
PATHS = ("/", "/performance", "/drift", "/quality", "/versions", "/compare", "/activity")
REPORTED = ("/", "/performance", "/drift", "/quality", "/compare")
"""Those that can be taken away as a report."""
WIDTHS, HEIGHT = (1440, 1280, 1180, 1060, 940, 800, 769, 660, 400), 1000
COUNT_LINES = "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
LEAST_CONTRAST = 4.5

HAS_NO_OVERHANG = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return main.scrollWidth - main.clientWidth <= 0;
}"""
IS_IN_SCHEME = """scheme => {
  const [r, g, b] = getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/g).map(Number);
  return scheme === 'dark' ? r + g + b < 380 : r + g + b > 380;
}"""
LIST_NAMELESS = """() => [...document.querySelectorAll('[data-testid=stMain] button')].filter(
  e => e.offsetParent && !e.textContent.trim() && !e.getAttribute('aria-label') && !e.title
    && !e.closest('[data-testid=stElementToolbar], [data-testid=stTooltipIcon]')
).map(e => e.outerHTML.slice(0, 90))"""

MEASURE_CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1] };
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => { const f = [r, g, b].map(linear);
    return .2126 * f[0] + .7152 * f[1] + .0722 * f[2] };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] > .99) return c } return [255, 255, 255, 1] };
  const found = [];
  const words = 'h1, h2, .dd-kicker, .dd-detail, .dd-muted, .dd-table td, .dd-table th, p';
  for (const e of document.querySelectorAll(words)) {
    if (!e.innerText || !e.innerText.trim() || !e.offsetParent) continue;
    // The value above a slider's thumb lies outside of what it is a child of.
    if (e.closest('[data-testid=stSliderThumbValue]')) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    found.push([ratio, e.innerText.slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0]).slice(0, 3);
}"""


def check_contrast(page: Page) -> None:
    """Check that all text is readable, in the light theme and in the dark one."""
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(IS_IN_SCHEME, arg=scheme)
        colours.append(page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"))
        # The page is drawn anew in its other colours; what cannot be read by then never will be.
        with suppress(TimeoutError):
            page.wait_for_function(
                f"least => ({MEASURE_CONTRAST})()[0][0] >= least", arg=LEAST_CONTRAST, timeout=20_000
            )
        worst = page.evaluate(MEASURE_CONTRAST)
        assert worst[0][0] >= LEAST_CONTRAST, (scheme, worst)
    assert colours[0] != colours[1]


@pytest.mark.parametrize("path", PATHS)
def test_page_fits_any_width_names_its_buttons_and_is_readable(
    reading_url: str, open_page: OpenPage, path: str
) -> None:
    page = open_page(reading_url + path)
    report = page.get_by_role("button", name="Download report").get_by_text("Download report")
    expect(report).to_have_count(int(path in REPORTED))
    page.wait_for_load_state("networkidle")
    assert page.evaluate(LIST_NAMELESS) == []
    check_contrast(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        # Charts follow the new width after a moment; what does not fit by then never will.
        page.wait_for_function(HAS_NO_OVERHANG)
        if path in REPORTED:
            expect(report).to_be_visible()
            assert report.evaluate(COUNT_LINES) < 1.5, width
    assert page.locator(".stException").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialog_is_readable_in_both_themes(reading_url: str, open_page: OpenPage, scheme: str) -> None:
    page = open_page(reading_url, scheme=scheme)
    page.click(".st-key-review-rollback button")
    page.wait_for_selector(".st-key-rollback-confirm button:enabled")
    worst = page.evaluate(MEASURE_CONTRAST)
    assert worst[0][0] >= LEAST_CONTRAST, worst


def test_headline_fits_one_line_at_1440(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(reading_url)
    # The line is as wide as its font, which may come after the text.
    page.wait_for_function(
        "() => { const e = document.querySelector('.st-key-headline h1'); "
        "return e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight) < 1.5 }"
    )


def test_answer_stands_there_before_the_program_has_come(reading_url: str, browser: Browser) -> None:
    page = browser.new_page()
    late: list[Route] = []
    page.route("**/static/js/index.*", lambda route: late.append(route))
    page.goto(reading_url, wait_until="commit")
    words, place = page.locator("#first-words h1"), page.locator(".st-key-headline h1")
    expect(words).to_be_visible()
    sentence, box = words.inner_text(), words.bounding_box()
    assert sentence.startswith("v4 misses")
    for route in late:
        route.continue_()
    page.unroute_all()
    expect(place).to_be_visible()
    expect(page.locator("#first-words")).to_have_count(0)
    assert place.inner_text() == sentence
    moved = [abs(place.bounding_box()[side] - box[side]) for side in ("x", "y", "height")]
    assert max(moved) < 2, "the sentence is seen to jump when the page is drawn"
    page.close()


def test_page_asks_nobody_outside_for_anything(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(reading_url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".st-key-headline h1")
    page.wait_for_load_state("networkidle")
    outside = [url for url in asked if not url.startswith((reading_url, "data:", "blob:"))]
    assert asked
    assert outside == []


def test_link_opens_the_same_view(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/?window-select=7+d&segment-select=origin%3A+JFK")
    expect(page.locator(".st-key-window-select [aria-checked=true]")).to_have_text("7 d")
    expect(page.get_by_role("combobox", name="Segment")).to_have_value("origin: JFK")


def test_link_with_an_unknown_model_is_answered_in_a_sentence(reading_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{reading_url}/?model-select=nope")
    expect(page.get_by_text("which is not known here")).to_be_visible()


@pytest.fixture(scope="module")
def empty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give an app on an empty home, which the last test of this file begins to fill."""
    with serve(Home(tmp_path_factory.mktemp("empty") / "home")) as url:
        yield url


def test_empty_home_offers_the_demo_on_every_page(empty_url: str, open_page: OpenPage) -> None:
    page = open_page(empty_url)
    for path in PATHS:
        page.goto(empty_url + path)
        expect(page.locator(".st-key-headline")).to_contain_text("This home is empty.")
        expect(page.locator(".st-key-demo-load button")).to_be_enabled()


def test_demo_shows_its_progress_when_it_is_loaded_from_the_page(empty_url: str, open_page: OpenPage) -> None:
    page = open_page(empty_url)
    page.click(".st-key-demo-load button")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator(".st-key-headline")).to_contain_text("%")
