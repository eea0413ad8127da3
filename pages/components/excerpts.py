"""Drift and data quality on Overview: what was wrong of late, by chunk, with the way to the page that has it all."""

import streamlit as st

from mlops_core.charts.drift import describe_heat_map, draw_heat_map
from mlops_core.charts.quality import describe_matrix, draw_matrix
from mlops_core.services.excerpts import (
    MOVED_COLUMNS,
    Excerpt,
    Map,
    list_moved,
    read_drift_excerpt,
    read_quality_excerpt,
)
from mlops_core.services.quality_words import CELL_COLUMNS, list_cells
from mlops_core.services.report import Section, Table
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.maps import draw_map
from pages.components.session import get_palette
from pages.components.states import show_note


def show_drift_excerpt(view: View) -> Section:
    """Draw the drifted features only, or say that there are none, or why nobody knows."""
    found = read_drift_excerpt(view.runtime, view.spec, view.now)
    with st.container(border=True, key="panel-drift"):
        if isinstance(found, str):
            return show_unknown("Drift", "Whether features drifted cannot be said yet.", found)
        show_sentence("Drift", found)
        if found.map.rows:
            draw_map(draw_heat_map(found.map, None, get_palette()), "drift-excerpt", describe_heat_map(found.map))
        more = f"{found.n_others} more drifted in this time." if found.n_others else ""
        if more:
            st.caption(more)
        show_way("drift.py", "All features")
    return Section(
        title="Drift",
        note=join_notes(found, more),
        draw=(lambda palette: draw_heat_map(found.map, None, palette)) if found.map.rows else None,
        words=describe_heat_map(found.map) if found.map.rows else "",
        table=Table(columns=MOVED_COLUMNS, rows=list_moved(found.map)) if found.map.rows else None,
    )


def show_quality_excerpt(view: View) -> Section:
    """Draw the checks that found something only, or say that none did, or why nobody knows."""
    found = read_quality_excerpt(view.runtime, view.spec, view.now)
    with st.container(border=True, key="panel-quality"):
        if isinstance(found, str):
            return show_unknown("Data quality", "Whether traffic is as agreed cannot be said yet.", found)
        show_sentence("Data quality", found)
        more = f"{found.n_others} more found something in this time." if found.n_others else ""
        if found.map.rows:
            draw_map(draw_matrix(found.map, None, get_palette()), "quality-excerpt", describe_matrix(found.map))
            st.caption(f"A figure counts the features concerned. {more}")
        show_way("quality.py", "All checks")
    return Section(
        title="Data quality",
        note=join_notes(found, more),
        draw=(lambda palette: draw_matrix(found.map, None, palette)) if found.map.rows else None,
        words=describe_matrix(found.map) if found.map.rows else "",
        table=Table(columns=CELL_COLUMNS, rows=list_cells(found.map)) if found.map.rows else None,
    )


def join_notes(found: Excerpt[Map], more: str) -> str:
    """Give what stands around a map as one remark."""
    head = f"{found.note}: {found.sentence}" if found.note else found.sentence
    return f"{head} {more}".strip()


def show_unknown(title: str, sentence: str, reason: str) -> Section:
    st.html(write_title(title))
    show_note(sentence, reason)
    return Section(title=title, note=f"{sentence} {reason}")


def show_sentence(title: str, found: Excerpt[Map]) -> None:
    st.html(write_title(title, found.note))
    st.caption(found.sentence)


def show_way(page: str, label: str) -> None:
    st.page_link(page, label=label, icon=":material/arrow_forward:", icon_position="right")
