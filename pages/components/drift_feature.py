"""One feature in detail: its distribution, its series against chance and nature, and its missing values."""

from collections.abc import Callable

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.drift_detail import (
    Distribution,
    describe_distribution,
    describe_missing,
    describe_shift,
    draw_distribution,
    draw_missing,
    draw_shift,
)
from mlops_core.charts.theme import Palette
from mlops_core.services.drift_detail import (
    Statistic,
    read_distribution,
    read_missing,
    read_outcome_distribution,
    read_outcome_shift,
    read_shift,
)
from mlops_core.services.drift_outcomes import Outcome
from mlops_core.services.drift_view import DriftView
from mlops_core.services.drift_words import tell_feature, tell_outcome
from mlops_core.services.report import Section
from mlops_core.words import write_chunk
from pages.components.drift_choice import Choice
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note

LEGEND = (
    "The grey area is what chance alone gives (95 % of chunks), the dotted line how far chunks of the reference move "
    "by themselves, the dashed line the limit. ▲ is an alert, △ a warning, ○ not enough data."
)


def show_feature(drift: DriftView, choice: Choice) -> list[Section]:
    """Draw the chosen feature."""
    feature = choice.feature
    distribution = read_distribution(drift, feature, choice.position)
    shift, missing = read_shift(drift, feature, choice.statistic), read_missing(drift, feature)
    with st.container(border=True, key="panel-drift-feature"):
        st.html(write_title(feature, write_chunk(drift.spec, choice.chunk)))
        show_note("", tell_feature(drift, feature, choice.position))
        left, right = st.columns(2, gap="medium")
        with left:
            sections = [_show_distribution(distribution)]
        with right:
            sections.append(
                _show(
                    f"{shift.label} of {feature}",
                    LEGEND
                    if choice.statistic is Statistic.PSI
                    else "The limit and the bands are those of the PSI, on which the verdict rests.",
                    lambda palette: draw_shift(shift, drift.spec, choice.chunk, palette),
                    describe_shift(shift),
                    key="drift-series",
                )
            )
        what = "Nulls and unseen categories" if missing.unseen else "Nulls"
        sections.append(
            _show(
                f"{what} of {feature}",
                "Share of all rows; the dotted line is the reference.",
                lambda palette: draw_missing(missing, drift.spec, palette),
                describe_missing(missing),
                key="drift-missing",
            )
        )
    return sections


def show_outcome(drift: DriftView, outcome: Outcome, position: int) -> list[Section]:
    """Draw the scores of the version in production, or the labels."""
    distribution, shift = read_outcome_distribution(drift, outcome, position), read_outcome_shift(drift, outcome)
    chunk = drift.table.chunks[position]
    with st.container(border=True, key="panel-drift-feature"):
        st.html(write_title(outcome.label, write_chunk(drift.spec, chunk)))
        show_note("", tell_outcome(outcome, position))
        left, right = st.columns(2, gap="medium")
        with left:
            sections = [_show_distribution(distribution)]
        with right:
            sections.append(
                _show(
                    f"Drift of the {outcome.label}",
                    f"Against the first 14 {drift.spec.chunk.value}s in production; the dashed line is the limit.",
                    lambda palette: draw_shift(shift, drift.spec, chunk, palette),
                    describe_shift(shift),
                    key="drift-series",
                )
            )
    return sections


def _show_distribution(distribution: Distribution) -> Section:
    note = (
        f"{distribution.n_reference:,} rows of the reference, {distribution.n_current:,} of {distribution.current_name}"
    )
    if not distribution.current:
        note += f"; {distribution.current_name} has no value that could be drawn"
    if not (distribution.reference or distribution.current):
        st.html(write_title("Distribution", note))
        show_note("Neither side has a value that could be drawn.", "Every one is null, infinite, or missing.")
        return Section(title=f"Distribution of {distribution.feature}", note=note)
    return _show(
        "Distribution",
        note,
        lambda palette: draw_distribution(distribution, palette),
        describe_distribution(distribution),
        key="drift-distribution",
    )


def _show(title: str, note: str, draw: Callable[[Palette], Figure], words: str, key: str) -> Section:
    """Draw a chart under its title; give it as a part of the report."""
    st.html(write_title(title))
    st.plotly_chart(draw(get_palette()), theme=None, key=key, config={"displayModeBar": False}, alt=words)
    st.caption(note)
    return Section(title=title, note=note, draw=draw, words=words)
