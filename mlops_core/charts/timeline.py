"""A metric over time: live lines, what another version would have done, deployments, and where labels are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Deployment, Metric, ModelSpec, Series, Source, Standard

HEIGHT = 360
UNBOUNDED = (Metric.LOG_LOSS, Metric.LOG_LOSS_SKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What the chart shows."""

    spec: ModelSpec
    metric: Metric
    series: Sequence[Series]
    deployments: Sequence[Deployment]
    standard: Standard | None
    start: datetime
    labelled_until: datetime | None
    """From here to `now` labels are pending."""
    now: datetime


def draw_timeline(timeline: Timeline, colours: Mapping[str, str], palette: Palette) -> go.Figure:
    """Draw daily points under a 7-chunk line for each version; replayed versions are thin and dashed."""
    figure = make_figure(palette, HEIGHT)
    zone = ZoneInfo(timeline.spec.timezone)
    named: set[tuple[str, Source]] = set()
    for series in timeline.series:
        key = (series.version, series.source)
        _add_series(figure, series, timeline, colours[series.version], zone, is_named=key not in named)
        named.add(key)
    _add_marks(figure, timeline, palette, zone)
    first, last = (_localise(moment, zone) for moment in (timeline.start, timeline.now))
    figure.update_xaxes(range=[first, last], showgrid=False, hoverformat="%a %d %b %Y")
    figure.update_yaxes(title_text=_title_axis(timeline), hoverformat=".3f")
    if timeline.metric not in UNBOUNDED:
        figure.update_yaxes(rangemode="tozero")
    figure.update_layout(hovermode="x unified", legend={"traceorder": "normal"})
    return figure


def describe_timeline(timeline: Timeline) -> str:
    """Say in words what the chart shows, for those who cannot see it."""
    parts = [f"{timeline.metric.label} over time."]
    for series in timeline.series:
        values = [value for value in series.rolling if value == value]
        if values:
            how = "in production" if series.source is Source.LIVE else "on the same traffic by replay"
            parts.append(f"{series.version} {how}: {values[0]:.2f} at first, {values[-1]:.2f} at last.")
    return " ".join(parts)


def _add_series(
    figure: go.Figure, series: Series, timeline: Timeline, colour: str, zone: ZoneInfo, *, is_named: bool
) -> None:
    live = series.source is Source.LIVE
    days = [_localise(chunk, zone) for chunk in series.chunks]
    name = f"{series.version}, in production" if live else f"{series.version} on the same {timeline.spec.words.rows}"
    if live:
        figure.add_scatter(
            x=days,
            y=series.daily,
            mode="markers",
            marker={"color": colour, "size": 5, "opacity": 0.35},
            name=f"{series.version}, day",
            showlegend=False,
            customdata=series.n_labelled,
            hovertemplate="%{y:.3f} (%{customdata:,} labels)",
        )
    figure.add_scatter(
        x=days,
        y=series.rolling,
        mode="lines",
        line={"color": colour, "width": 2.6 if live else 1.6, "dash": "solid" if live else "dash"},
        name=name,
        legendgroup=name,
        showlegend=is_named,
        hovertemplate="%{y:.3f}",
    )


def _add_marks(figure: go.Figure, timeline: Timeline, palette: Palette, zone: ZoneInfo) -> None:
    note = {"font": {"size": 12, "color": palette.muted}, "showarrow": False}
    _shade_pending(figure, timeline, palette, zone, note)
    for limit in (timeline.standard.minimum, timeline.standard.maximum) if timeline.standard else ():
        if limit is not None:
            figure.add_hline(y=limit, line={"color": palette.muted, "width": 1.2, "dash": "longdash"})
            figure.add_annotation(
                x=0, xref="paper", xanchor="left", y=limit, yanchor="bottom", text=f"standard {limit:g}", **note
            )
    _mark_deployments(figure, timeline, palette, zone)


def _shade_pending(
    figure: go.Figure, timeline: Timeline, palette: Palette, zone: ZoneInfo, note: dict[str, object]
) -> None:
    until, now = timeline.labelled_until, timeline.now
    if until and until < now:
        figure.add_vrect(
            x0=_localise(until, zone), x1=_localise(now, zone), fillcolor=palette.shade, line_width=0, layer="below"
        )
        figure.add_annotation(
            x=_localise(now, zone),
            xanchor="right",
            xshift=-3,
            y=0.02,
            yref="paper",
            yanchor="bottom",
            text="labels pending",
            textangle=-90,
            **note,
        )


def _mark_deployments(figure: go.Figure, timeline: Timeline, palette: Palette, zone: ZoneInfo) -> None:
    now = timeline.now
    visible = [deployment for deployment in timeline.deployments if deployment.at >= timeline.start]
    for i, deployment in enumerate(visible):
        at = _localise(deployment.at, zone)
        done = "promoted" if deployment.action.value == "PROMOTE" else "put back"
        is_last = i == len(visible) - 1 and (now - deployment.at) < (now - timeline.start) / 6
        figure.add_vline(x=at, line={"color": palette.text, "width": 1})
        figure.add_annotation(
            x=at,
            y=0.98,
            yref="paper",
            yanchor="top",
            xanchor="right" if is_last else "left",
            xshift=-6 if is_last else 6,
            text=f"{deployment.version} {done}",
            font={"size": 12, "color": palette.text},
            showarrow=False,
        )


def _title_axis(timeline: Timeline) -> str:
    at_threshold = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY, Metric.POSITIVE_RATE)
    label = timeline.metric.label
    return f"{label} at {timeline.spec.threshold:.2f}" if timeline.metric in at_threshold else label


def _localise(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the local time without its zone, which plotly would convert back to UTC."""
    return moment.astimezone(zone).replace(tzinfo=None)
