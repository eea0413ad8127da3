"""Overview: says whether the model is still good, and what would help."""

import streamlit as st

from mlops_core.charts.theme import assign_colours
from mlops_core.charts.timeline import Timeline, describe_timeline, draw_timeline
from mlops_core.entities import Metric
from mlops_core.services.cards import list_cards
from mlops_core.services.overview import Overview, read_overview
from mlops_core.services.performance import describe_lines, read_series
from mlops_core.words import write_age, write_instant, write_span
from pages.components.change import draw_change_dialog, offer_advice, offer_undo
from pages.components.excerpts import show_drift_excerpt, show_quality_excerpt
from pages.components.filters import View, open_view, show_clock
from pages.components.headline import show_champion, show_headline, write_title
from pages.components.models import show_models
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ROC_AUC, Metric.LOG_LOSS_SKILL, Metric.BRIER)
MOST_HAPPENINGS = 8


def show_answer(view: View, overview: Overview) -> None:
    headline = overview.headline
    with st.container(key=f"banner-{headline.status.value}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        # Both places are always there: what moves on a page would be seen twice while it is drawn anew.
        with actions:
            with st.container():
                if headline.action and headline.target:
                    offer_advice(headline.action, headline.target)
            champion = overview.champion
            age = write_age(view.now - champion.at) if champion else ""
            show_champion(champion.version if champion else None, f"for {age}" if age else "")


def show_cards(overview: Overview) -> None:
    cards = list_cards(overview)
    with st.grid(len(cards), min_column_width=150, gap=14):
        for card in cards:
            st.metric(
                card.title,
                card.value,
                card.note,
                delta_color=card.colour,
                delta_arrow="off",
                border=True,
                help=card.help,
                chart_data=card.chart,
                chart_type=card.chart_type,
                height="stretch",
            )


def show_timeline(view: View, overview: Overview) -> None:
    with st.container(border=True, key="panel-timeline"):
        title, picker = st.columns([1.05, 1.2], vertical_alignment="center")
        metric = picker.segmented_control(
            "Metric",
            METRICS,
            default=view.spec.primary_metric,
            required=True,
            format_func=lambda one: one.label,
            key="metric-select",
            label_visibility="collapsed",
        )
        metric = metric or view.spec.primary_metric
        notes = [describe_lines(view.spec), write_span(view.window.start, view.window.end, view.spec.timezone)]
        notes += [": ".join(view.segment)] if any(view.segment) else []
        title.html(write_title(f"{metric.label} over time", " · ".join(notes)))
        wanted = {comparison.candidate for comparison in overview.alternatives}
        champion = overview.champion
        wanted |= {champion.version, champion.previous or champion.version} if champion else set()
        series = read_series(view.runtime, view.spec, metric, view.window, view.segment, replays=wanted)
        if not series:
            show_note("No labels in this window.", "Choose a longer window, or wait for the next label file.")
            return
        timeline = Timeline(
            spec=view.spec,
            metric=metric,
            series=series,
            deployments=overview.deployments,
            standard=next((one for one in view.spec.standards if one.metric is metric), None),
            start=view.window.start,
            labelled_until=overview.arrival.labelled_until,
            now=view.now,
        )
        palette = get_palette()
        figure = draw_timeline(timeline, assign_colours(overview.versions, palette), palette)
        st.plotly_chart(figure, theme=None, key="timeline", alt=describe_timeline(timeline))


def show_happenings(overview: Overview) -> None:
    with st.container(border=True, key="panel-happenings"):
        st.html(write_title("What happened"))
        rows = [(write_instant(one.at), one.who, one.what) for one in overview.happenings[:MOST_HAPPENINGS]]
        st.html(write_table(("When (UTC)", "Who", "What"), rows, "What happened, newest first"))
        st.page_link("activity.py", label="All activity", icon=":material/arrow_forward:", icon_position="right")


view = open_view(note="Window and segment act on the chart over time; sentence and cards are about all traffic.")
overview = read_overview(view.runtime, view.spec, view.now)
show_models(view)
offer_undo(view, overview)
show_answer(view, overview)
show_cards(overview)
show_timeline(view, overview)
show_drift_excerpt(view)
show_quality_excerpt(view)
show_happenings(overview)
show_clock(view.now, overview.refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
draw_change_dialog(view)
