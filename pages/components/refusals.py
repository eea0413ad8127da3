"""Deliveries that were refused, why, and some of their rows."""

import streamlit as st

from mlops_core.services.activity import write_csv
from mlops_core.services.quality_view import QualityView
from mlops_core.services.quality_words import (
    REFUSAL_COLUMNS,
    REFUSED_COLUMNS,
    list_refusal_rows,
    list_refused_cells,
)
from mlops_core.services.report import Section, Table
from pages.components.downloads import offer_csv
from pages.components.headline import write_title
from pages.components.states import show_note
from pages.components.tables import write_table

MOST_SHOWN = 20


def show_refusals(quality: QualityView) -> Section:
    """Draw the newest refusals; the file has all of the window, with the rows that were kept."""
    rows = list_refusal_rows(quality)
    title, note = "Refused deliveries", f"{len(rows):,} in this window" if rows else "none in this window"
    with st.container(border=True, key="panel-refusals"):
        st.html(write_title(title, note))
        if not rows:
            show_note(
                "Every delivery was accepted.",
                "One with an unknown column, a wrong type, or a value that cannot be is refused whole and listed here.",
            )
            return Section(title=title, note=note)
        st.html(write_table(REFUSAL_COLUMNS, rows[:MOST_SHOWN], "Refused deliveries, newest first"))
        if rows[MOST_SHOWN:]:
            show_note(f"The newest {MOST_SHOWN} of {len(rows):,}.", "The file has all of them.")
        offer_csv(
            lambda: write_csv(REFUSED_COLUMNS, list_refused_cells(quality)),
            f"{quality.spec.name}-refused",
            key="refused-csv",
            label="Download with rows as CSV",
            help="Each refused delivery with up to five of its rows, those at fault where they are known",
        )
    return Section(title=title, note=note, table=Table(columns=REFUSAL_COLUMNS, rows=rows))
