"""One check of one feature: pickers, its history against its limit, and its reasons."""

import html
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.quality import Reading, describe_history, draw_history
from mlops_core.charts.theme import Palette
from mlops_core.services.activity import write_csv
from mlops_core.services.quality_view import QualityView, is_share, list_readings
from mlops_core.services.quality_words import READING_COLUMNS, list_reading_rows
from mlops_core.services.report import Section, Table
from mlops_core.words import write_chunk
from pages.components.downloads import offer_csv
from pages.components.headline import write_title
from pages.components.quality_choice import Choice, show_pickers
from pages.components.session import get_palette
from pages.components.states import show_note


def show_check(quality: QualityView, choice: Choice) -> Section:
    """Draw the pickers and the history of what is chosen."""
    label, note = f"{choice.check.label}: {choice.subject}", "history; the limit is dashed"
    readings = list_readings(quality, choice.check, choice.subject)
    words, is_known = describe_history(label, readings), any(one.value is not None for one in readings)
    rows = list_reading_rows(choice.check, readings)

    def draw(palette: Palette) -> Figure:
        return draw_history(readings, percent=is_share(choice.check), palette=palette)

    with st.container(border=True, key="panel-quality-check"):
        st.html(write_title(label, note))
        show_pickers(quality, choice)
        told = _show_reading(quality, choice, readings)
        if is_known:
            st.plotly_chart(
                draw(get_palette()),
                theme=None,
                key="quality-history",
                config={"displayModeBar": False},
                alt=words,
            )
        _show_values(quality, choice, label, rows)
    return Section(
        title=label,
        note=f"{note}. {told}",
        draw=draw if is_known else None,
        words=words if is_known else "",
        table=Table(columns=READING_COLUMNS, rows=rows),
    )


def _show_values(quality: QualityView, choice: Choice, label: str, rows: Sequence[Sequence[str]]) -> None:
    """Fold the figures behind the history up, and offer them as a file."""
    with st.expander(f"The {len(rows)} values behind it" if rows[1:] else "The value behind it"):
        st.dataframe(
            pd.DataFrame(rows, columns=list(READING_COLUMNS)),
            hide_index=True,
            key="quality-readings",
            column_config={"Reason": st.column_config.TextColumn(width="large")},
            alt=f"{label}, newest first",
        )
        offer_csv(
            write_csv(READING_COLUMNS, rows), f"{quality.spec.name}-{choice.check.value}", key="quality-check-csv"
        )


def _show_reading(quality: QualityView, choice: Choice, readings: Sequence[Reading]) -> str:
    """Draw what the check says of the chosen chunk; give it for the report."""
    own = next((one for one in readings if one.at == choice.chunk), None)
    if own is None:
        told = f"Not checked on {write_chunk(quality.spec, choice.chunk)}."
        show_note(told)
        return told
    head = f"{own.name}, {own.status.value}:"
    st.html(f'<div class="dd-detail"><b>{html.escape(head)}</b> {html.escape(own.reason)}</div>')
    return f"{head} {own.reason}"
