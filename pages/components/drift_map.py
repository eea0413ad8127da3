"""The heat map of features by chunk and the table beside it: either selects the cell that the page shows."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.drift import describe_heat_map, draw_heat_map
from mlops_core.charts.theme import Palette
from mlops_core.services.activity import write_csv
from mlops_core.services.drift_view import MOST_ROWS, DriftView, make_heat_map
from mlops_core.services.drift_words import (
    CELL_COLUMNS,
    has_impact,
    list_cells,
    list_columns,
    list_rows,
    tell_outcomes,
)
from mlops_core.services.report import Section, Table
from mlops_core.words import write_chunk
from pages.components.downloads import offer_csv
from pages.components.drift_choice import CHUNK, FEATURE, Choice
from pages.components.headline import write_title
from pages.components.maps import draw_map, read_click
from pages.components.session import get_palette

MAP, TABLE = "drift-map", "drift-table"


def show_map(drift: DriftView, choice: Choice) -> Section:
    """Draw the heat map; a click on a cell selects its feature and chunk."""
    heat = make_heat_map(drift)
    unit = drift.spec.chunk.value
    title = f"Every feature by {unit}"
    note = "darker is nearer to the limit, ▲ is beyond it; click a cell, or select a row of the table"
    if len(drift.table.features) > MOST_ROWS:
        note += f"; the {MOST_ROWS} worst of {len(drift.table.features)}"
    words = describe_heat_map(heat)

    def draw(palette: Palette) -> Figure:
        return draw_heat_map(heat, (choice.feature, choice.chunk), palette)

    with st.container(border=True, key="panel-drift-map"):
        st.html(write_title(title, note))
        draw_map(draw(get_palette()), MAP, words, take_click)
        told = f"Each cell compares one {unit} with the reference by the PSI, less what chance gives it."
        st.caption(f"{told} {tell_outcomes(drift)}")
    return Section(title=title, note=note, draw=draw, words=words)


def take_click() -> None:
    """Select the cell that was clicked."""
    cell = read_click(MAP)
    if cell is not None:
        st.session_state[FEATURE], st.session_state[CHUNK] = cell


def show_table(drift: DriftView, choice: Choice) -> Section:
    """Draw the features of the chosen chunk, the worst first; selecting a row selects its feature."""
    rows = list_rows(drift, choice.position)
    columns, names = list_columns(drift, choice.position), [row[0] for row in rows]
    title, note = f"Features on {write_chunk(drift.spec, choice.chunk)}", tell_order(drift, choice)
    with st.container(border=True, key="panel-drift-table"):
        st.html(write_title(title, note))
        st.dataframe(
            pd.DataFrame(rows, columns=[_capitalise(name) for name in columns]),
            hide_index=True,
            key="drift-table",
            on_select=lambda: take_row(names),
            selection_mode="single-row",
            height=min(38 + 35 * len(rows), 390),
            column_config={"Reason": st.column_config.TextColumn(width="large")},
            alt=f"{title}, the worst first",
        )
        offer_csv(
            lambda: write_csv(CELL_COLUMNS, list_cells(drift)),
            f"{drift.spec.name}-drift",
            key="drift-csv",
            help="Every feature in every chunk of the window",
        )
    return Section(title=title, note=note, table=Table(columns=columns, rows=rows))


def tell_order(drift: DriftView, choice: Choice) -> str:
    """Say by what the features are ranked."""
    if has_impact(drift, choice.position):
        return f"what drifted first, by its expected effect on {drift.spec.primary_metric.label}"
    return "what drifted first, by effect ÷ limit"


def take_row(names: Sequence[str]) -> None:
    """Select the feature of the row that was selected."""
    rows = st.session_state[TABLE]["selection"]["rows"]
    if rows and rows[0] < len(names):
        st.session_state[FEATURE] = names[rows[0]]


def _capitalise(name: str) -> str:
    return name[:1].upper() + name[1:]
