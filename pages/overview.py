"""Overview: says whether the model is still good, and what would help."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.entities import Metric
from mlops_core.services.overview import Overview, read_overview
from mlops_core.services.report import Report, Section
from mlops_core.words import write_age
from pages.components.baking import show_bake
from pages.components.change import draw_change_dialog, offer_advice, offer_undo
from pages.components.downloads import offer_report, reserve_report
from pages.components.excerpts import show_drift_excerpt, show_quality_excerpt
from pages.components.filters import ALL_TRAFFIC, View, open_view, show_clock
from pages.components.headline import show_champion, show_headline
from pages.components.jobs import show_failed_run
from pages.components.models import show_models
from pages.components.overview_panels import show_cards, show_happenings, show_timeline


def show_answer(view: View, overview: Overview) -> DeltaGenerator | None:
    """Draw the sentence; give the place beside it, where the report is offered once the page is read.

    A model without a version has nothing to report.
    """
    headline = overview.headline
    with st.container(key=f"banner-{headline.status.value}"):
        # From the top, so that the sentence stands where the first words stood, however high the places beside it are.
        words, actions = st.columns([3.2, 1], gap="medium")
        with words, st.container(key="headline"):
            show_headline(headline)
        # Every place is always there: what moves on a page would be seen twice while it is drawn anew.
        with actions:
            with st.container():
                if headline.action and headline.target:
                    offer_advice(headline.action, headline.target)
            place = reserve_report() if overview.versions else None
            champion = overview.champion
            age = write_age(view.now - champion.at) if champion else ""
            with st.container(gap="xxsmall"):
                show_champion(champion.version if champion else None, f"for {age}" if age else "")
                show_bake(view, champion)
    return place


def offer_page(view: View, overview: Overview, metric: Metric, sections: list[Section]) -> None:
    segment = ": ".join(view.segment) if view.segment[0] else ALL_TRAFFIC
    report = Report(
        page="Overview",
        spec=view.spec,
        window=view.window,
        filters=(("Metric", metric.label), ("Segment", segment)),
        headline=overview.headline,
        sections=sections,
        made_at=view.now,
    )
    offer_report(report, "overview-report")


view = open_view(note="Window and segment act on the chart over time; sentence and cards are about all traffic.")
overview = read_overview(view.runtime, view.spec, view.now)
show_models(view)
show_failed_run(overview.run)
offer_undo(view, overview)
place = show_answer(view, overview)
cards = show_cards(overview)
metric, timeline = show_timeline(view, overview)
excerpts = [show_drift_excerpt(view), show_quality_excerpt(view)]
happenings = show_happenings(overview)
if place:
    with place:
        offer_page(view, overview, metric, [cards, *timeline, *excerpts, happenings])
show_clock(view.now, overview.refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
draw_change_dialog(view)
