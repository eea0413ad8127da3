"""The matrix of checks by chunk, what stands now beside it, and which check, feature, and chunk the page shows."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from mlops_core.charts.quality import describe_matrix, draw_matrix
from mlops_core.checks.findings import Check
from mlops_core.checks.quality_summary import TROUBLE, find_troubles
from mlops_core.services.activity import write_csv
from mlops_core.services.contract_fields import ALL_ROWS
from mlops_core.services.quality_view import QualityView, list_subjects, make_matrix
from mlops_core.services.quality_words import FINDING_COLUMNS, TROUBLE_COLUMNS, list_findings, list_troubles
from mlops_core.words import write_chunk
from pages.components.downloads import offer_csv
from pages.components.headline import write_title
from pages.components.maps import draw_map, read_click
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

MAP, CHECK, FEATURE, CHUNK = "quality-map", "quality-check", "quality-feature", "quality-chunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The cell that the page shows."""

    check: Check
    subject: str
    """The feature, or "all rows"."""
    chunk: datetime


def choose_cell(quality: QualityView) -> Choice:
    """Give what was chosen by a click or a picker, else the worst of now; what this view lacks is forgotten."""
    checks = list_checks(quality)
    worst = find_worst(quality)
    if st.session_state.get(CHECK) not in checks:
        st.session_state[CHECK] = worst.check if worst else checks[0]
        st.session_state[CHUNK] = worst.chunk if worst else quality.chunks[-1].start
    check = st.session_state[CHECK]
    subjects = list_subjects(quality, check)
    if st.session_state.get(FEATURE) not in subjects:
        st.session_state[FEATURE] = subjects[0]
    chunks = [chunk.start for chunk in quality.chunks]
    if st.session_state.get(CHUNK) not in chunks:
        st.session_state[CHUNK] = chunks[-1]
    return Choice(check=check, subject=st.session_state[FEATURE], chunk=st.session_state[CHUNK])


def find_worst(quality: QualityView) -> Choice | None:
    """Give what stands now, else what was found last; None when nothing was found."""
    troubles = find_troubles(quality.chunks)
    if troubles:
        own = troubles[0].finding
        return Choice(check=own.check, subject=own.feature or ALL_ROWS, chunk=troubles[0].at)
    found = [(chunk, one) for chunk in quality.chunks for one in chunk.findings if one.status in TROUBLE]
    if not found:
        return None
    chunk, last = found[-1]
    return Choice(check=last.check, subject=last.feature or ALL_ROWS, chunk=chunk.start)


def list_checks(quality: QualityView) -> list[Check]:
    """Give the checks that applied in the window."""
    seen = {one.check for chunk in quality.chunks for one in chunk.findings}
    return [check for check in Check if check in seen]


def show_map(quality: QualityView, choice: Choice) -> None:
    """Draw the matrix, then what stands in the newest traffic as a table, with every finding as a file."""
    matrix = make_matrix(quality.spec, quality.chunks)
    unit = quality.spec.chunk.value
    with st.container(border=True, key="panel-quality-map"):
        st.html(
            write_title(f"Every check by {unit}", "a figure counts the features concerned; click a cell to see why")
        )
        figure = draw_matrix(matrix, (choice.check.value, choice.chunk), get_palette())
        draw_map(figure, MAP, describe_matrix(matrix), lambda: take_click(quality))
        st.html(write_title("In the newest traffic", f"its newest {unit}, and the one before it"))
        rows = list_troubles(quality)
        if rows:
            st.html(write_table(TROUBLE_COLUMNS, rows, "What is not as agreed in the newest traffic, the worst first"))
        else:
            show_note("Nothing is wrong there.", f"Newest is {write_chunk(quality.spec, quality.chunks[-1].start)}.")
        offer_csv(
            write_csv(FINDING_COLUMNS, list_findings(quality)),
            f"{quality.spec.name}-{quality.version.name}-quality",
            key="quality-csv",
            label="Download all checks as CSV",
            help=f"Every check of every feature in every {unit} of the window",
        )


def take_click(quality: QualityView) -> None:
    """Show the check, the chunk, and the first feature concerned of the cell that was clicked."""
    found = read_click(MAP)
    if found is None:
        return
    check, at = Check(found[0]), found[1]
    st.session_state[CHECK], st.session_state[CHUNK] = check, at
    st.session_state.pop(FEATURE, None)
    for chunk in quality.chunks:
        own = [one for one in chunk.findings if one.check is check and one.status in TROUBLE]
        if chunk.start == at and own:
            st.session_state[FEATURE] = own[0].feature or ALL_ROWS
