"""What the Data quality page is about: check, feature, and chunk, each a picker and a part of the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import streamlit as st

from mlops_core.checks.findings import Check
from mlops_core.checks.quality_summary import TROUBLE, find_troubles
from mlops_core.services.contract_fields import ALL_ROWS
from mlops_core.services.quality_view import QualityView, list_subjects
from mlops_core.words import write_chunk
from pages.components.address import read_query, write_query, write_start
from pages.components.filters import ALL_TRAFFIC, View

CHECK, FEATURE, CHUNK = "quality-check", "quality-feature", "quality-chunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The cell that the page shows."""

    check: Check
    subject: str
    """The feature, or "all rows"."""
    chunk: datetime


def choose_cell(quality: QualityView) -> Choice:
    """Give what the address asks for, else the worst of now, which goes on with time; there must be chunks."""
    worst = find_worst(quality)
    check = read_query(CHECK, "check", {one.value: one for one in list_checks(quality)}, worst.check)
    starts = [chunk.start for chunk in reversed(quality.chunks)]
    chunk = read_query(CHUNK, "chunk", {write_start(start): start for start in starts}, worst.chunk)
    subjects = list_subjects(quality, check)
    subject = read_query(FEATURE, "feature", {name: name for name in subjects}, _get_default(worst, check, subjects))
    choice = Choice(check=check, subject=subject, chunk=chunk)
    write_choice(quality, choice)
    st.session_state[CHECK], st.session_state[FEATURE], st.session_state[CHUNK] = check, subject, chunk
    return choice


def find_worst(quality: QualityView) -> Choice:
    """Give what stands now, else what was found last, else the first check of the newest chunk."""
    troubles = find_troubles(quality.chunks)
    if troubles:
        own = troubles[0].finding
        return Choice(check=own.check, subject=own.feature or ALL_ROWS, chunk=troubles[0].at)
    found = [(chunk, one) for chunk in quality.chunks for one in chunk.findings if one.status in TROUBLE]
    if not found:
        first = list_checks(quality)[0]
        return Choice(check=first, subject=list_subjects(quality, first)[0], chunk=quality.chunks[-1].start)
    chunk, last = found[-1]
    return Choice(check=last.check, subject=last.feature or ALL_ROWS, chunk=chunk.start)


def _get_default(worst: Choice, check: Check, subjects: Sequence[str]) -> str:
    """Give the feature that a check opens with: that of the worst of now, else the first."""
    return worst.subject if check is worst.check else subjects[0]


def list_checks(quality: QualityView) -> list[Check]:
    """Give the checks that applied in the window."""
    seen = {one.check for chunk in quality.chunks for one in chunk.findings}
    return [check for check in Check if check in seen]


def write_choice(quality: QualityView, choice: Choice) -> None:
    """Have a cell shown: the address names it, and the page is drawn by the address."""
    worst = find_worst(quality)
    write_query("check", None if choice.check == worst.check else choice.check.value)
    write_query("chunk", None if choice.chunk == worst.chunk else write_start(choice.chunk))
    default = _get_default(worst, choice.check, list_subjects(quality, choice.check))
    write_query("feature", None if choice.subject == default else choice.subject)


def forget_choice() -> None:
    """Leave the cell out of the address, where there is none."""
    for name in ("check", "chunk", "feature"):
        st.query_params.pop(name, None)


def show_pickers(quality: QualityView, choice: Choice) -> None:
    """Let another cell be picked."""
    check, feature, chunk = st.columns(3)
    take = partial(_take_pick, quality)
    subjects = list_subjects(quality, choice.check)
    check.selectbox(
        "Check", list_checks(quality), key="quality-check", format_func=lambda one: one.label, on_change=take
    )
    feature.selectbox("Feature", subjects, key="quality-feature", on_change=take)
    chunk.selectbox(
        quality.spec.chunk.value.capitalize(),
        [one.start for one in reversed(quality.chunks)],
        key="quality-chunk",
        format_func=lambda start: write_chunk(quality.spec, start),
        on_change=take,
    )


def _take_pick(quality: QualityView) -> None:
    """Show what the pickers say; where the check is not of the feature, the first one that it is of."""
    check, subject, chunk = st.session_state[CHECK], st.session_state[FEATURE], st.session_state[CHUNK]
    subjects = list_subjects(quality, check)
    write_choice(quality, Choice(check=check, subject=subject if subject in subjects else subjects[0], chunk=chunk))


def name_filters(view: View, quality: QualityView, choice: Choice | None) -> tuple[tuple[str, str], ...]:
    """Give what was chosen as names and values, for the report."""
    chosen = [("Version", quality.version.name)]
    if choice:
        chosen += [("Check", choice.check.label), ("Feature", choice.subject)]
        chosen += [(quality.spec.chunk.value.capitalize(), write_chunk(quality.spec, choice.chunk))]
    segment = ": ".join(view.segment) if view.segment[0] else ALL_TRAFFIC
    return (*chosen, ("Segment", segment))
