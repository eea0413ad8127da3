"""Drift and data quality on Overview: what was wrong of late, by chunk, with the way to the page that has it all."""

import streamlit as st

from mlops_core.charts.drift import describe_heat_map, draw_heat_map
from mlops_core.charts.quality import describe_matrix, draw_matrix
from mlops_core.services.excerpts import read_drift_excerpt, read_quality_excerpt
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.maps import draw_map
from pages.components.session import get_palette
from pages.components.states import show_note


def show_drift_excerpt(view: View) -> None:
    """Draw the drifted features only, or say that there are none, or why nobody knows."""
    found = read_drift_excerpt(view.runtime, view.spec, view.now)
    with st.container(border=True, key="panel-drift"):
        if isinstance(found, str):
            show_unknown("Drift", "Whether features drifted cannot be said yet.", found)
            return
        show_sentence("Drift", found.note, found.sentence)
        if found.map.rows:
            draw_map(draw_heat_map(found.map, None, get_palette()), "drift-excerpt", describe_heat_map(found.map))
        if found.n_others:
            st.caption(f"{found.n_others} more drifted in this time.")
        show_way("drift.py", "All features")


def show_quality_excerpt(view: View) -> None:
    """Draw the checks that found something only, or say that none did, or why nobody knows."""
    found = read_quality_excerpt(view.runtime, view.spec, view.now)
    with st.container(border=True, key="panel-quality"):
        if isinstance(found, str):
            show_unknown("Data quality", "Whether traffic is as agreed cannot be said yet.", found)
            return
        show_sentence("Data quality", found.note, found.sentence)
        if found.map.rows:
            draw_map(draw_matrix(found.map, None, get_palette()), "quality-excerpt", describe_matrix(found.map))
            more = f" {found.n_others} more found something in this time." if found.n_others else ""
            st.caption(f"A figure counts the features concerned.{more}")
        show_way("quality.py", "All checks")


def show_unknown(title: str, sentence: str, reason: str) -> None:
    st.html(write_title(title))
    show_note(sentence, reason)


def show_sentence(title: str, note: str, sentence: str) -> None:
    st.html(write_title(title, note))
    st.caption(sentence)


def show_way(page: str, label: str) -> None:
    st.page_link(page, label=label, icon=":material/arrow_forward:", icon_position="right")
