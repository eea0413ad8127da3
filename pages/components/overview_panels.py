"""The panels of the Overview page, each of which also gives its part of the report."""

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.theme import Palette, assign_colours
from mlops_core.charts.timeline import Timeline, describe_timeline, draw_timeline
from mlops_core.entities import Metric, ModelSpec
from mlops_core.services.activity import write_csv
from mlops_core.services.cards import COLUMNS as CARD_COLUMNS
from mlops_core.services.cards import list_cards, list_rows
from mlops_core.services.overview import HAPPENING_COLUMNS, Overview, list_happening_rows
from mlops_core.services.performance import SERIES_COLUMNS, describe_lines, list_series_rows, read_series
from mlops_core.services.report import Section, Table
from mlops_core.words import write_instant, write_span
from pages.components.address import start_choice, write_query
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

METRICS = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ROC_AUC, Metric.LOG_LOSS_SKILL, Metric.BRIER)
MOST_HAPPENINGS = 8


def show_cards(overview: Overview) -> Section:
    """Draw the figures at the top."""
    cards = list_cards(overview)
    with st.container(key="cards"), st.grid(len(cards), min_column_width=130, gap=14):
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
    return Section(title="In figures", table=Table(columns=CARD_COLUMNS, rows=list_rows(cards)))


def choose_metric(spec: ModelSpec) -> Metric:
    """Let the metric be chosen, the primary one at first; the URL names it as the model file does, or by its label."""
    primary = spec.primary_metric
    metrics = list(dict.fromkeys((*METRICS, primary)))
    known = {one.value: one for one in metrics} | {one.label: one for one in metrics}
    start_choice("metric-select", "metric", known, primary)
    chosen = st.segmented_control(
        "Metric",
        metrics,
        required=True,
        format_func=lambda one: one.label,
        key="metric-select",
        label_visibility="collapsed",
    )
    chosen = chosen or primary
    write_query("metric", None if chosen == primary else chosen.value)
    return chosen


def show_timeline(view: View, overview: Overview) -> tuple[Metric, list[Section]]:
    """Draw a metric over time; give which one was chosen, and the part of the report where there is something."""
    with st.container(border=True, key="panel-timeline"):
        title, picker = st.columns([1.05, 1.2], vertical_alignment="center")
        with picker:
            metric = choose_metric(view.spec)
        name = f"{metric.label} over time"
        notes = [describe_lines(view.spec), write_span(view.window.start, view.window.end, view.spec.timezone)]
        notes += [": ".join(view.segment)] if any(view.segment) else []
        title.html(write_title(name, " · ".join(notes)))
        timeline = _read_timeline(view, overview, metric)
        if not timeline.series:
            show_note("No labels in this window.", "Choose a longer window, or wait for the next label file.")
            return metric, []

        def draw(palette: Palette) -> Figure:
            return draw_timeline(timeline, assign_colours(overview.versions, palette), palette)

        words, rows = describe_timeline(timeline), list_series_rows(timeline.series)
        st.plotly_chart(draw(get_palette()), theme=None, key="timeline", alt=words)
        offer_csv(write_csv(SERIES_COLUMNS, rows), f"{view.spec.name}-{metric.value}-over-time", key="timeline-csv")
    table = Table(columns=SERIES_COLUMNS, rows=rows)
    return metric, [Section(title=name, note=" · ".join(notes), draw=draw, words=words, table=table)]


def _read_timeline(view: View, overview: Overview, metric: Metric) -> Timeline:
    """Read a metric of the versions in production and, on the same rows, of those that it is worth comparing with."""
    champion = overview.champion
    wanted = {comparison.candidate for comparison in overview.alternatives}
    wanted |= {champion.version, champion.previous or champion.version} if champion else set()
    wanted |= {overview.shadow.challenge.version} if overview.shadow else set()
    return Timeline(
        spec=view.spec,
        metric=metric,
        series=read_series(view.runtime, view.spec, metric, view.window, view.segment, replays=wanted),
        deployments=overview.deployments,
        standard=next((one for one in view.spec.standards if one.metric is metric), None),
        start=view.window.start,
        labelled_until=overview.arrival.labelled_until,
        now=view.now,
    )


def show_happenings(overview: Overview) -> Section:
    """Draw what happened last; the file and the report have all of it."""
    title, shown = "What happened", overview.happenings[:MOST_HAPPENINGS]
    rows = list_happening_rows(overview.happenings)
    with st.container(border=True, key="panel-happenings"):
        st.html(write_title(title))
        lines = [(write_instant(one.at), one.who, one.what) for one in shown]
        st.html(write_table(HAPPENING_COLUMNS, lines, "What happened, newest first"))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("activity.py", label="All activity", icon=":material/arrow_forward:", icon_position="right")
            offer_csv(
                write_csv(HAPPENING_COLUMNS, rows),
                f"{overview.spec.name}-happened",
                key="happenings-csv",
                label=f"Download all {len(rows):,} lines as CSV",
            )
    return Section(title=title, note="newest first", table=Table(columns=HAPPENING_COLUMNS, rows=rows))
