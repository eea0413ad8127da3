"""The panels of the Performance page, each of which also gives its part of the report."""

import html
from collections.abc import Sequence

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts.bands import describe_metric, draw_metric
from mlops_core.charts.theme import Palette, assign_colours
from mlops_core.charts.timeline import Timeline
from mlops_core.checks.performance_answer import BLIND_SPOT, tell_error
from mlops_core.entities import Metric
from mlops_core.services.activity import write_csv
from mlops_core.services.curves import VersionCurves
from mlops_core.services.report import Section, Table
from mlops_core.services.segments import COLUMNS as SEGMENT_COLUMNS
from mlops_core.services.segments import (
    EXPORTED,
    export_segments,
    list_segment_rows,
    name_order,
    rank_segments,
    tell_segments,
)
from mlops_core.services.standing import PerformanceStanding, measure_errors
from mlops_core.services.trends import COLUMNS as TREND_COLUMNS
from mlops_core.services.trends import Trend, list_rows, read_trend
from mlops_core.words import write_span
from pages.components.downloads import offer_csv
from pages.components.filters import View, refuse_unknown
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table


def choose_metric(view: View) -> Metric:
    """Let the metric be chosen; the URL names it as the model file does, or by its label."""
    labels = {metric.label: metric for metric in Metric}
    refuse_unknown("metric", labels, "metric", synonyms=set(Metric))
    asked = st.query_params.get("metric")
    if asked in set(Metric) and "metric" not in st.session_state:
        st.session_state["metric"] = Metric(asked).label
    default = list(labels).index(view.spec.primary_metric.label)
    chosen = st.selectbox("Metric", list(labels), index=default, key="metric", bind="query-params")
    return labels[chosen or view.spec.primary_metric.label]


def choose_version(standing: PerformanceStanding, scored: Sequence[str]) -> str | None:
    """Let one of the versions that scored traffic be chosen, the champion at first."""
    champion = standing.champion.version if standing.champion else None
    options = [name for name in standing.versions if name in scored] or list(scored)
    if not options:
        return None
    refuse_unknown("version", options, "version")
    default = options.index(champion) if champion in options else len(options) - 1
    return st.selectbox("Version", options, index=default, key="version", bind="query-params")


def show_trend(view: View, standing: PerformanceStanding, version: str, metric: Metric) -> Section | None:
    """Draw the metric by chunk; say how far off the estimates have been."""
    trend = read_trend(view.runtime, view.spec, version, metric, view.window, view.segment)
    span = write_span(view.window.start, view.window.end, view.spec.timezone)
    title, note = f"{metric.label} by {view.spec.chunk.value}", f"95 % intervals as bands · {span}"
    st.html(write_title(title, note))
    if not trend.lines:
        show_note(f"There is no {metric.label} in this window.", "Choose a longer window, or wait for labels.")
        return None
    timeline = Timeline(
        spec=view.spec,
        metric=metric,
        series=(),
        deployments=standing.deployments,
        standard=next((one for one in view.spec.standards if one.metric is metric), None),
        start=view.window.start,
        labelled_until=standing.arrival.labelled_until,
        now=view.now,
    )

    def draw(palette: Palette) -> Figure:
        return draw_metric(timeline, trend.lines, assign_colours(standing.versions, palette), palette)

    words = describe_metric(timeline, trend.lines)
    st.plotly_chart(draw(get_palette()), theme=None, key="performance-trend", alt=words)
    told = _tell_estimator(view, standing, version, trend)
    st.html(f'<div class="dd-muted dd-small">{html.escape(told)}</div>')
    rows = list_rows(trend)
    offer_csv(write_csv(TREND_COLUMNS, rows), f"{view.spec.name}-{metric.value}", key="trend-csv")
    table = Table(columns=TREND_COLUMNS, rows=rows)
    return Section(title=title, note=f"{note}. {told}", draw=draw, words=words, table=table)


def _tell_estimator(view: View, standing: PerformanceStanding, version: str, trend: Trend) -> str:
    """Say what the estimate of a version rests on and how far off it has been."""
    estimator = trend.estimator
    if estimator is None:
        return f"Nothing is estimated for {version}: no labelled reference rows tell what its score is worth."
    champion, errors = standing.champion, standing.errors
    if champion is None or champion.version != version:
        errors = measure_errors(view.runtime, view.spec, estimator, standing.arrival)
    error = errors.get(trend.metric)
    sentences = [
        f"{version} is estimated from its scores and {estimator.calibration.n:,} {estimator.origin.value}.",
        tell_error(error, trend.metric, view.spec.chunk) if error else "",
        estimator.origin.caution,
        BLIND_SPOT,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def show_segments(view: View, curves: VersionCurves, metric: Metric) -> Section | None:
    """Draw the segments of a version, worst first."""
    overall = curves.metrics[metric]
    table = rank_segments(view.runtime, view.spec, curves.version, metric, view.window, overall)
    with st.container(border=True, key="panel-segments"):
        title = name_order(metric)
        st.html(write_title(title, f"{metric.label} of {curves.version}"))
        if not table.rows:
            columns = ", ".join(view.spec.columns.segments)
            why = f"No labels by {columns} yet." if columns else "The model file names no segment columns."
            show_note("There are no segments to compare.", why)
            return None
        rows, told = list_segment_rows(table.rows), tell_segments(table, curves.version)
        st.html(write_table(SEGMENT_COLUMNS, rows, title))
        st.html(f'<div class="dd-muted dd-small">{html.escape(told)}</div>')
        exported = write_csv(EXPORTED, export_segments(table.rows))
        offer_csv(exported, f"{view.spec.name}-segments-{metric.value}", key="segments-csv")
    return Section(title=title, note=told, table=Table(columns=SEGMENT_COLUMNS, rows=rows))
