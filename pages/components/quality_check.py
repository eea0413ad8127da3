"""One check of one feature: pickers, its history against its limit, and its reasons."""

import html

import pandas as pd
import streamlit as st

from mlops_core.charts.quality import describe_history, draw_history
from mlops_core.services.activity import write_csv
from mlops_core.services.quality_view import QualityView, is_share, list_readings, list_subjects
from mlops_core.services.quality_words import READING_COLUMNS, list_reading_rows
from mlops_core.words import write_chunk
from pages.components.downloads import offer_csv
from pages.components.headline import write_title
from pages.components.quality_map import Choice, list_checks
from pages.components.session import get_palette
from pages.components.states import show_note


def show_check(quality: QualityView, choice: Choice) -> None:
    """Draw the pickers and the history of what is chosen."""
    label = f"{choice.check.label}: {choice.subject}"
    with st.container(border=True, key="panel-quality-check"):
        st.html(write_title(label, "history; the limit is dashed"))
        _show_pickers(quality, choice)
        readings = list_readings(quality, choice.check, choice.subject)
        own = next((one for one in readings if one.at == choice.chunk), None)
        if own:
            st.html(
                f'<div class="dd-detail"><b>{html.escape(own.name)}, {own.status.value}:</b> '
                f"{html.escape(own.reason)}</div>"
            )
        else:
            show_note(f"Not checked on {write_chunk(quality.spec, choice.chunk)}.")
        if any(one.value is not None for one in readings):
            st.plotly_chart(
                draw_history(readings, percent=is_share(choice.check), palette=get_palette()),
                theme=None,
                key="quality-history",
                config={"displayModeBar": False},
                alt=describe_history(label, readings),
            )
        rows = list_reading_rows(choice.check, readings)
        with st.expander(f"The {len(rows)} values behind it"):
            st.dataframe(
                pd.DataFrame(rows, columns=list(READING_COLUMNS)),
                hide_index=True,
                key="quality-readings",
                column_config={"Reason": st.column_config.TextColumn(width="large")},
                alt=f"{label}, newest first",
            )
            offer_csv(
                write_csv(READING_COLUMNS, rows),
                f"{quality.spec.name}-{choice.check.value}",
                key="quality-check-csv",
            )


def _show_pickers(quality: QualityView, choice: Choice) -> None:
    check, feature, chunk = st.columns(3)
    check.selectbox("Check", list_checks(quality), key="quality-check", format_func=lambda one: one.label)
    feature.selectbox("Feature", list_subjects(quality, choice.check), key="quality-feature")
    chunk.selectbox(
        quality.spec.chunk.value.capitalize(),
        [one.start for one in reversed(quality.chunks)],
        key="quality-chunk",
        format_func=lambda start: write_chunk(quality.spec, start),
    )
