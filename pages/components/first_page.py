"""The first page before anybody asks: decides what is imported, read, and said while a browser loads its own part."""

import importlib
import logging
from functools import cache
from pathlib import Path

from mlops_core.demo.seeding import demo_seeding
from mlops_core.services.first_words import find_words, read_words
from mlops_core.services.runtime import Runtime
from pages.components.headline import write_headline

NEEDED = (
    "pages.components.change",
    "pages.components.excerpts",
    "pages.components.models",
    "pages.components.tables",
    "mlops_core.services.cards",
    "mlops_core.charts.timeline",
    # What Streamlit imports late: for the logo, and for the names of icons.
    "PIL.GifImagePlugin",
    "PIL.ImageFile",
    "streamlit.material_icon_names",
)

ASSETS = Path(__file__).parents[1] / "assets"
_log = logging.getLogger(__name__)


def prepare_first_page(runtime: Runtime) -> None:
    """Read what the overview shows, and import what draws it; the page finds these results."""
    from mlops_core.services.performance import list_segment_choices
    from mlops_core.services.registry import list_specs

    for spec in list_specs(runtime)[:1]:
        read_words(runtime, spec)
        list_segment_choices(runtime, spec)
    for name in NEEDED:
        importlib.import_module(name)


def write_first_words(runtime: Runtime, name: str | None) -> str:
    """Give the answer of the overview as HTML; nothing where there is no such model, or where it cannot be read."""
    try:
        headline = None if demo_seeding.is_unfinished else find_words(runtime, name)
    except Exception:  # noqa: BLE001  the page itself says what is wrong
        _log.exception("The first words could not be found.")
        return ""
    if headline is None:
        return ""
    # On a small screen the button and the version in production stand below the words.
    room = 105 if headline.action else 50
    banner = (
        f'<div class="st-key-banner-{headline.status.value}">{write_headline(headline)}'
        f'<div class="actions" style="height: {room}px"></div></div>'
    )
    return _read_frame().replace("WORDS", banner)


@cache
def _read_frame() -> str:
    """Give what stands around the words, with the style of all pages in it: a file of its own would come too late."""
    frame, style = ((ASSETS / name).read_text(encoding="utf-8") for name in ("first-words.html", "driftdeck.css"))
    return frame.replace("STYLE", style)
