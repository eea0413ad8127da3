"""Maps of cells on a page: one that is too wide scrolls, beginning at the newest chunk, and a click selects a cell."""

import html
from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.cells import Key, take_legend


def draw_map(figure: Figure, key: str, words: str, on_click: Callable[[], None] | None = None) -> None:
    """Draw a map below its legend, which stays where it is when the map scrolls.

    Parameters
    ----------
    words : str
        What it shows, for those who cannot see it.
    on_click : callable, optional
        Called after a click; `read_click` then says where it was.
    """
    st.html(write_legend(take_legend(figure)))
    with st.container(key=f"scroll-{key}"):
        st.plotly_chart(
            figure,
            theme=None,
            key=key,
            on_select=on_click or "ignore",
            selection_mode="points",
            config={"displayModeBar": False},
            alt=words,
        )


def write_legend(keys: Sequence[Key]) -> str:
    """Give a legend as text that wraps, each name behind a square as the map has it."""
    entries = "".join(
        f'<li><i class="{"hollow" if key.fill == "transparent" else ""}" '
        f'style="background: {key.fill}; border-color: {key.outline}"></i>{html.escape(key.name)}</li>'
        for key in keys
    )
    return f'<ul class="dd-legend dd-small" aria-label="Legend">{entries}</ul>'


def read_click(key: str) -> tuple[str, datetime] | None:
    """Give the row and the chunk of the last click on a map; None when it met no cell."""
    points = st.session_state[key]["selection"]["points"]
    found = points[0].get("customdata") if points else None
    return (str(found[0]), datetime.fromisoformat(str(found[1]))) if found else None
