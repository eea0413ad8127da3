"""A metric by chunk and version: realised solid with its interval as a band, estimated dotted, by replay dashed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, draw_figure
from mlops_core.charts.timeline import Timeline, draw_marks, localise, title_axis
from mlops_core.entities import Estimate, Source

HEIGHT = 380
BAND_OPACITY = 0.16
Part = dict[str, object]
Point = tuple[datetime, Estimate, int, bool]
"""Start of a chunk, its figure, the rows behind it, and whether its interval is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricLine:
    """One metric of one version by chunk."""

    version: str
    source: Source
    is_estimated: bool
    """Estimated from the scores alone, so that `n` counts all rows; else from the labels, and `n` counts these."""
    chunks: tuple[datetime, ...]
    """Starts of consecutive or scattered chunks, ascending."""
    values: tuple[Estimate, ...]
    n: tuple[int, ...]
    has_gap_after: tuple[bool, ...]
    """Whether the next chunk of the line is not the one that follows in time."""
    has_band: tuple[bool, ...]
    """Whether the interval of each chunk is drawn."""


def draw_metric(
    timeline: Timeline, lines: Sequence[MetricLine], colours: Mapping[str, str], palette: Palette
) -> go.Figure:
    """Draw the lines over deployments, standard, and the time whose labels are pending; `timeline` has no series."""
    zone = ZoneInfo(timeline.spec.timezone)
    bands = [_trace_band(line, colours[line.version], zone) for line in lines]
    traces = [_trace_line(line, colours[line.version], zone, timeline.spec.words.rows) for line in lines]
    span = [localise(timeline.start, zone), localise(timeline.now, zone)]
    layout = {
        "xaxis": {"range": span, "showgrid": False, "hoverformat": "%a %d %b %Y"},
        "yaxis": {
            "title": {"text": title_axis(timeline)},
            "hoverformat": ".3f",
            "range": list(_find_range(timeline, lines)),
        },
        "hovermode": "x unified",
        "legend": {"traceorder": "normal"},
    }
    figure = draw_figure(palette, HEIGHT, [*(band for band in bands if band), *traces], layout)
    draw_marks(figure, timeline, palette, zone)
    return figure


def describe_metric(timeline: Timeline, lines: Sequence[MetricLine]) -> str:
    """Say in words what the chart shows, for those who cannot see it."""
    parts = [f"{timeline.metric.label} by {timeline.spec.chunk.value}."]
    for line in lines:
        values = [estimate.value for estimate in line.values if estimate.value is not None]
        if values:
            ends = f"{values[0]:.2f} at first, {values[-1]:.2f} at last, {len(values)} {timeline.spec.chunk.value}s"
            parts.append(f"{name_line(line, timeline.spec.words.rows)}: {ends}.")
    return " ".join(parts)


def name_line(line: MetricLine, rows: str) -> str:
    """Say what a line is, as in the legend."""
    if line.is_estimated:
        return f"{line.version}, estimated"
    return f"{line.version}, realised" if line.source is Source.LIVE else f"{line.version} on the same {rows}"


def _trace_line(line: MetricLine, colour: str, zone: ZoneInfo, rows: str) -> Part:
    dash = "dot" if line.is_estimated else "solid" if line.source is Source.LIVE else "dash"
    points = [point for run in _split(line) for point in (*run, None)]
    unit = "rows" if line.is_estimated else "labels"
    return {
        "type": "scatter",
        "x": [localise(point[0], zone) if point else None for point in points],
        "y": [point[1].value if point else None for point in points],
        # A lone chunk between gaps has no line of its own.
        "mode": "lines+markers",
        "marker": {"size": 3.5, "color": colour},
        "line": {"color": colour, "width": 2.2 if dash == "solid" else 1.8, "dash": dash},
        "name": show_plain(name_line(line, rows)),
        "legendgroup": name_line(line, rows),
        "customdata": [_tell(point, unit) if point else "" for point in points],
        "hovertemplate": "%{y:.3f}%{customdata}",
        "connectgaps": False,
    }


def _trace_band(line: MetricLine, colour: str, zone: ZoneInfo) -> Part | None:
    """Give the intervals of each run as one closed shape, apart where a figure is missing; None without any."""
    x: list[datetime | None] = []
    y: list[float | None] = []
    for run in _split(line):
        bounded = [point for point in run if point[3] and point[1].low is not None and point[1].high is not None]
        if len(bounded) < 2:
            continue
        there = [localise(point[0], zone) for point in bounded]
        x += [*there, *there[::-1], None]
        y += [*(point[1].high for point in bounded), *(point[1].low for point in bounded[::-1]), None]
    if not x:
        return None
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "fill": "toself",
        "fillcolor": _fade(colour),
        "line": {"width": 0},
        "showlegend": False,
        "hoverinfo": "skip",
        "legendgroup": line.version,
    }


def _split(line: MetricLine) -> Iterator[list[Point]]:
    """Give the runs of chunks that follow each other and have a figure."""
    run: list[Point] = []
    fields = (line.chunks, line.values, line.n, line.has_band, line.has_gap_after)
    for chunk, value, n, has_band, is_last in zip(*fields, strict=True):
        if value.value is not None:
            run.append((chunk, value, n, has_band))
        if run and (is_last or value.value is None):
            yield run
            run = []
    if run:
        yield run


def _find_range(timeline: Timeline, lines: Sequence[MetricLine]) -> tuple[float, float]:
    """Give the axis: the values and the standard with some air; intervals may be cut, so that values stay readable."""
    standard = timeline.standard
    limits = [limit for limit in (standard.minimum, standard.maximum) if limit is not None] if standard else []
    values = [estimate.value for line in lines for estimate in line.values if estimate.value is not None] + limits
    banded = [one for line in lines for one, has_band in zip(line.values, line.has_band, strict=True) if has_band]
    ends = [end for one in banded for end in (one.low, one.high) if end is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    air = max(high - low, 0.05)
    bottom = max(min([low, *ends]), low - 0.35 * air)
    top = min(max([high, *ends]), high + 0.35 * air)
    return bottom - 0.04 * air, top + 0.08 * air


def _tell(point: Point, unit: str) -> str:
    value = point[1]
    interval = "" if value.low is None or value.high is None else f" [{value.low:.3f}, {value.high:.3f}]"
    return f"{interval} ({point[2]:,} {unit})"


def _fade(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {BAND_OPACITY})"


def find_gaps(chunks: Sequence[datetime], following: Sequence[datetime]) -> tuple[bool, ...]:
    """Say for each chunk whether the next one of the line is not the one that follows it in time.

    Parameters
    ----------
    following : sequence of datetime
        The chunk after each chunk, in time.
    """
    gaps = [after != expected for (_, after), expected in zip(pairwise(chunks), following, strict=False)]
    return (*gaps, True) if chunks else ()
