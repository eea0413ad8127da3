"""The matrix of checks by chunk, a click on which chooses a cell, and what stands now below it."""

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.quality import describe_matrix, draw_matrix
from mlops_core.charts.theme import Palette
from mlops_core.checks.findings import Check
from mlops_core.checks.quality_summary import TROUBLE
from mlops_core.services.activity import write_csv
from mlops_core.services.contract_fields import ALL_ROWS
from mlops_core.services.quality_view import QualityView, list_subjects, make_matrix
from mlops_core.services.quality_words import (
    CELL_COLUMNS,
    FINDING_COLUMNS,
    TROUBLE_COLUMNS,
    list_cells,
    list_findings,
    list_troubles,
    tell_cut,
)
from mlops_core.services.report import Section, Table
from mlops_core.words import write_chunk
from pages.components.downloads import offer_csv
from pages.components.headline import write_title
from pages.components.maps import draw_map, read_click
from pages.components.quality_choice import Choice, write_choice
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

MAP = "quality-map"


def show_map(quality: QualityView, choice: Choice) -> list[Section]:
    """Draw the matrix, then what stands in the newest traffic as a table, with every finding as a file."""
    matrix = make_matrix(quality.spec, quality.chunks)
    unit, cut = quality.spec.chunk.value, tell_cut(quality)
    title, note, words = f"Every check by {unit}", "a figure counts the features concerned", describe_matrix(matrix)

    def draw(palette: Palette) -> Figure:
        return draw_matrix(matrix, (choice.check.value, choice.chunk), palette)

    with st.container(border=True, key="panel-quality-map"):
        st.html(write_title(title, f"{note}; click a cell to see why"))
        draw_map(draw(get_palette()), MAP, words, lambda: take_click(quality))
        if cut:
            show_note("", cut)
        newest = _show_newest(quality)
        with st.container(horizontal=True):
            offer_csv(
                lambda: write_csv(FINDING_COLUMNS, list_findings(quality)),
                f"{quality.spec.name}-{quality.version.name}-quality",
                key="quality-csv",
                label="Download all checks as CSV",
                help=f"Every check of every feature in every {unit} that is shown",
            )
            if newest.table:
                offer_csv(
                    write_csv(newest.table.columns, newest.table.rows),
                    f"{quality.spec.name}-{quality.version.name}-newest",
                    key="quality-newest-csv",
                    label="Download the newest as CSV",
                )
    table = Table(columns=CELL_COLUMNS, rows=list_cells(matrix))
    told = f"{note}. {cut}" if cut else note
    return [Section(title=title, note=told, draw=draw, words=words, table=table if table.rows else None), newest]


def _show_newest(quality: QualityView) -> Section:
    """Draw what is not as agreed in the newest traffic."""
    unit = quality.spec.chunk.value
    title, note = "In the newest traffic", f"its newest {unit}, and the one before it"
    st.html(write_title(title, note))
    rows = list_troubles(quality)
    if rows:
        st.html(write_table(TROUBLE_COLUMNS, rows, "What is not as agreed in the newest traffic, the worst first"))
        return Section(title=title, note=note, table=Table(columns=TROUBLE_COLUMNS, rows=rows))
    fine = "Nothing is wrong there."
    newest = f"Newest is {write_chunk(quality.spec, quality.chunks[-1].start)}."
    show_note(fine, newest)
    return Section(title=title, note=f"{fine} {newest}")


def take_click(quality: QualityView) -> None:
    """Show the check, the chunk, and the first feature concerned of the cell that was clicked."""
    found = read_click(MAP)
    if found is None:
        return
    check, at = Check(found[0]), found[1]
    concerned = [
        one.feature or ALL_ROWS
        for chunk in quality.chunks
        if chunk.start == at
        for one in chunk.findings
        if one.check is check and one.status in TROUBLE
    ]
    subject = concerned[0] if concerned else list_subjects(quality, check)[0]
    write_choice(quality, Choice(check=check, subject=subject, chunk=at))
