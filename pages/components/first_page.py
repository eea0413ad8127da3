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
    "pages.components.baking",
    "pages.components.change",
    "pages.components.excerpts",
    "pages.components.models",
    "pages.components.overview_panels",
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
    # What is offered and the version in production stand beside the words, on a small screen below them.
    room = 158 if headline.action else 105
    banner = (
        f'<div class="st-key-banner-{headline.status.value}" style="--room: {room}px">{write_headline(headline)}'
        '<div class="actions"></div></div>'
    )
    return _read_frame().replace("WORDS", banner)


@cache
def _read_frame() -> str:
    """Give what stands around the words, with the style of all pages in it: a file of its own would come too late."""
    frame, style = ((ASSETS / name).read_text(encoding="utf-8") for name in ("first-words.html", "driftdeck.css"))
    return frame.replace("STYLE", style)
