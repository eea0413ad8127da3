"""A metric over time: live lines, what another version would have done, deployments, and where labels are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Deployment, Metric, ModelSpec, Series, Source, Standard

HEIGHT = 360
MARK_SHARE = 1 / 6
"""The room that the words of a mark need, as a share of the chart's width."""
MARK_HEIGHT = 16
"""Pixels between two rows of marks."""
MOST_MARK_ROWS = 8
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
    draw_marks(figure, timeline, palette, zone)
    first, last = (localise(moment, zone) for moment in (timeline.start, timeline.now))
    figure.update_xaxes(range=[first, last], showgrid=False, hoverformat="%a %d %b %Y")
    figure.update_yaxes(title_text=title_axis(timeline), hoverformat=".3f")
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
    days = [localise(chunk, zone) for chunk in series.chunks]
    name = f"{series.version}, in production" if live else f"{series.version} on the same {timeline.spec.words.rows}"
    if live:
        figure.add_scatter(
            x=days,
            y=series.daily,
            mode="markers",
            marker={"color": colour, "size": 5, "opacity": 0.35},
            name=show_plain(f"{series.version}, day"),
            showlegend=False,
            customdata=series.n_labelled,
            hovertemplate="%{y:.3f} (%{customdata:,} labels)",
        )
    figure.add_scatter(
        x=days,
        y=series.rolling,
        mode="lines",
        line={"color": colour, "width": 2.6 if live else 1.6, "dash": "solid" if live else "dash"},
        name=show_plain(name),
        legendgroup=name,
        showlegend=is_named,
        hovertemplate="%{y:.3f}",
    )


def draw_marks(figure: go.Figure, timeline: Timeline, palette: Palette, zone: ZoneInfo) -> None:
    """Draw the standard, changes of production, and the time whose labels are pending."""
    note = {"font": {"size": 12, "color": palette.muted}, "showarrow": False}
    _shade_pending(figure, timeline, palette, zone, note)
    for limit in (timeline.standard.minimum, timeline.standard.maximum) if timeline.standard else ():
        if limit is not None:
            figure.add_hline(y=limit, line={"color": palette.muted, "width": 1.2, "dash": "longdash"})
            figure.add_annotation(
                x=0,
                xref="paper",
                xanchor="left",
                y=limit,
                yanchor="bottom",
                text=f"standard {limit:g}",
                # Lines run through the words; without a ground of their own nobody could read them.
                bgcolor=palette.background,
                opacity=0.85,
                **note,
            )
    _mark_deployments(figure, timeline, palette, zone)


def _shade_pending(
    figure: go.Figure, timeline: Timeline, palette: Palette, zone: ZoneInfo, note: dict[str, object]
) -> None:
    until, now = timeline.labelled_until, timeline.now
    if until and until < now:
        figure.add_vrect(
            x0=localise(until, zone), x1=localise(now, zone), fillcolor=palette.shade, line_width=0, layer="below"
        )
        figure.add_annotation(
            x=localise(now, zone),
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
    visible = [deployment for deployment in timeline.deployments if deployment.at >= timeline.start]
    room = (timeline.now - timeline.start) * MARK_SHARE
    rows = _stack_marks([deployment.at for deployment in visible], timeline.now, room)
    for deployment, row in zip(visible, rows, strict=True):
        at = localise(deployment.at, zone)
        done = "promoted" if deployment.action.value == "PROMOTE" else "put back"
        is_late = timeline.now - deployment.at < room
        figure.add_vline(x=at, line={"color": palette.text, "width": 1})
        if row is None:
            continue
        figure.add_annotation(
            x=at,
            y=0.98,
            yref="paper",
            yanchor="top",
            yshift=-row * MARK_HEIGHT,
            xanchor="right" if is_late else "left",
            xshift=-6 if is_late else 6,
            text=show_plain(f"{deployment.version} {done}"),
            font={"size": 12, "color": palette.text},
            showarrow=False,
        )


def _stack_marks(moments: Sequence[datetime], now: datetime, room: timedelta) -> list[int | None]:
    """Give each mark, oldest first, the highest row on which its words are free; None when all rows are taken.

    The words stand to the right of their line, or to the left where the chart ends.
    """
    ends: list[datetime] = []
    rows: list[int | None] = []
    for moment in moments:
        first = moment - room if now - moment < room else moment
        row = next((i for i, end in enumerate(ends) if end <= first), len(ends))
        if row < MOST_MARK_ROWS:
            ends[row : row + 1] = [first + room]
        rows.append(row if row < MOST_MARK_ROWS else None)
    return rows


def title_axis(timeline: Timeline) -> str:
    """Name the metric, with the deployed threshold where it depends on that."""
    at_threshold = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY, Metric.POSITIVE_RATE)
    label = timeline.metric.label
    return f"{label} at {timeline.spec.threshold:.2f}" if timeline.metric in at_threshold else label


def localise(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the local time without its zone, which plotly would convert back to UTC."""
    return moment.astimezone(zone).replace(tzinfo=None)
