"""Drift: which inputs moved, since when, and whether that is more than chance and nature do."""

import html

import streamlit as st

from mlops_core.checks.headline import Headline
from mlops_core.entities import Window
from mlops_core.errors import MLOpsError
from mlops_core.services.drift_view import DriftView, read_drift_view
from mlops_core.services.drift_words import list_notices, tell_drift, tell_nothing
from mlops_core.services.overview import read_refreshed
from mlops_core.services.report import Report, Section
from pages.components.downloads import offer_report
from pages.components.drift_choice import Choice, choose_cell, choose_reference, name_filters
from pages.components.drift_feature import show_feature, show_outcome
from pages.components.drift_map import show_map, show_table
from pages.components.drift_multivariate import show_multivariate
from pages.components.filters import View, open_view, show_clock
from pages.components.headline import show_headline


def read(view: View, reference: Window | None) -> DriftView | str:
    """Give the figures, or why there are none."""
    try:
        return read_drift_view(view.runtime, view.spec, view.window, view.now, view.segment, reference)
    except MLOpsError as error:
        return error.message


def show_answer(headline: Headline) -> st.delta_generator.DeltaGenerator:
    """Draw the sentence; give the place beside it, where the report is offered once it is known."""
    with st.container(key=f"banner-{headline.status.value}"):
        words, place = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
    return place


def show_notices(drift: DriftView) -> None:
    """Say what limits the answer."""
    lines = "".join(
        f'<li><span class="dd-mark note">!</span><span class="dd-muted dd-small">{html.escape(notice)}</span></li>'
        for notice in list_notices(drift)
    )
    if lines:
        st.html(f'<ul class="dd-list">{lines}</ul>')


def show_details(view: View, drift: DriftView, choice: Choice) -> list[Section]:
    """Draw the chosen feature, or the scores or labels."""
    outcome = next((one for one in drift.outcomes if one.name == choice.feature), None)
    if outcome is not None:
        return show_outcome(drift, outcome, choice.position)
    return show_feature(drift, choice)


def offer_page(view: View, drift: DriftView, choice: Choice, headline: Headline, sections: list[Section]) -> None:
    report = Report(
        page="Drift",
        spec=view.spec,
        window=view.window,
        filters=name_filters(view, drift, choice),
        headline=headline,
        sections=sections,
        made_at=view.now,
    )
    offer_report(report, "drift-report")


view = open_view()
answer, pickers = st.container(), st.container(key="drift-pickers")
with pickers:
    reference = choose_reference(view)
drift = read(view, reference)
if isinstance(drift, str):
    with answer:
        show_answer(tell_nothing(drift))
else:
    with pickers:
        choice = choose_cell(drift)
    headline = tell_drift(drift, choice.position)
    with answer:
        place = show_answer(headline)
        show_notices(drift)
    sections = [show_map(drift, choice), show_table(drift, choice), *show_details(view, drift, choice)]
    show_multivariate(view, drift, choice)
    with place:
        offer_page(view, drift, choice, headline, sections)
refreshed_at = read_refreshed(view.runtime, view.spec)
show_clock(view.now, refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
