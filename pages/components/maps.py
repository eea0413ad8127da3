"""Maps of cells on a page: one that is too wide scrolls, beginning at the newest chunk, and a click selects a cell."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st
from plotly.graph_objects import Figure


def draw_map(figure: Figure, key: str, words: str, on_click: Callable[[], None] | None = None) -> None:
    """Draw a map.

    Parameters
    ----------
    words : str
        What it shows, for those who cannot see it.
    on_click : callable, optional
        Called after a click; `read_click` then says where it was.
    """
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


def read_click(key: str) -> tuple[str, datetime] | None:
    """Give the row and the chunk of the last click on a map; None when it met no cell."""
    points = st.session_state[key]["selection"]["points"]
    found = points[0].get("customdata") if points else None
    return (str(found[0]), datetime.fromisoformat(str(found[1]))) if found else None
