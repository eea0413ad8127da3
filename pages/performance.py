"""Performance: how good each version is by its labels, and how good it probably is before they come."""

import streamlit as st

from mlops_core.entities import Metric
from mlops_core.services.curves import list_scored_versions, read_curves, tell_lack
from mlops_core.services.overview import read_refreshed
from mlops_core.services.report import Report, Section
from mlops_core.services.standing import PerformanceStanding, read_standing
from pages.components.downloads import offer_report
from pages.components.filters import ALL_TRAFFIC, View, open_view, show_clock
from pages.components.headline import show_champion, show_headline
from pages.components.performance_curves import show_curves, show_decisions
from pages.components.performance_panels import choose_metric, choose_version, show_segments, show_trend
from pages.components.states import show_note

WHOLE = ("", "")
"""All traffic: one segment alone has no others beside it."""


def show_answer(standing: PerformanceStanding) -> st.delta_generator.DeltaGenerator:
    """Draw the sentence; give the place beside it, where the report is offered once it is known."""
    headline = standing.headline
    with st.container(key=f"banner-{headline.status.value}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        with actions:
            place = st.container()
            show_champion(standing.champion.version if standing.champion else None)
    return place


def show_version(view: View, standing: PerformanceStanding, version: str, metric: Metric) -> list[Section]:
    """Draw what the labels say of one version over the window."""
    curves = read_curves(view.runtime, view.spec, version, view.window, view.segment)
    if curves is None or not curves.is_enough:
        show_note(*tell_lack(version, curves))
        return []
    chosen, decisions = show_decisions(view, curves, standing.versions)
    drawn = show_curves(view, curves, chosen, standing.versions)
    segments = show_segments(view, curves, metric) if view.segment == WHOLE else None
    return [decisions, *drawn, *([segments] if segments else [])]


def offer_page(view: View, standing: PerformanceStanding, chosen: dict[str, str], sections: list[Section]) -> None:
    report = Report(
        page="Performance",
        spec=view.spec,
        window=view.window,
        filters=tuple(chosen.items()),
        headline=standing.headline,
        sections=sections,
        made_at=view.now,
    )
    offer_report(report, "performance-report")


view = open_view(note="Window and segment act on charts and tables; the sentence is about all traffic.")
standing = read_standing(view.runtime, view.spec, view.now)
place = show_answer(standing)
scored = list_scored_versions(view.runtime, view.spec, view.window, view.segment)
with st.container(border=True, key="panel-trend"):
    left, right = st.columns([1, 1])
    with left:
        metric = choose_metric(view)
    with right:
        version = choose_version(standing, scored)
    trend = show_trend(view, standing, version, metric) if version else None
if version is None:
    show_note("No predictions were scored in this window.", "Choose a longer window or another segment.")
else:
    sections = [*([trend] if trend else []), *show_version(view, standing, version, metric)]
    segment = ": ".join(view.segment) if view.segment[0] else ALL_TRAFFIC
    with place:
        offer_page(view, standing, {"Version": version, "Metric": metric.label, "Segment": segment}, sections)
refreshed_at = read_refreshed(view.runtime, view.spec)
show_clock(view.now, refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
