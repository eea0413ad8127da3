"""Links between pages: decides that a link keeps the model and opens what it names."""

import html
from urllib.parse import urlencode

from pages.components.filters import View


def link_run(view: View, run: int) -> str:
    """Give a link to a training run, as HTML."""
    return _link("retraining", {"model-select": view.spec.name, "run": str(run)}, f"run {run}")


def link_version(view: View, version: str) -> str:
    """Give a link to where a version comes from, as HTML."""
    return _link("versions", {"model-select": view.spec.name, "lineage-version": version}, version)


def _link(page: str, query: dict[str, str], words: str) -> str:
    address = html.escape(f"{page}?{urlencode(query)}")
    return f'<a href="{address}" target="_self">{html.escape(words)}</a>'
