"""Who was to answer and who did, as bars over time: the ledger behind the log, and what does not agree in red."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Span, Status
from mlops_core.production import Answered, Stray

ROW_HEIGHT = 34
FRAME_HEIGHT = 62
LEDGER_OPACITY = 0.28
LATE_SHARE = 0.2
"""Of the chart, from its end, where words stand to the left of their mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedChart:
    """What the chart shows."""

    versions: Sequence[str]
    """Every version, oldest first; those that nobody has registered last."""
    spans: Sequence[Span]
    answered: Sequence[Answered]
    strays: Sequence[Stray]
    rows: str
    """What rows are called."""
    now: datetime


def draw_served(chart: ServedChart, colours: Mapping[str, str], palette: Palette) -> go.Figure:
    """Draw one row per version: a wide bar for the ledger, a narrow one for the log, a triangle for an incident."""
    figure = make_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * len(chart.versions))
    for span in chart.spans:
        words = f"in production {_write(span.start)} – {_write(span.end) if span.end else 'now'} UTC"
        _add_bar(figure, span.version, span.start, span.end or chart.now, colours, palette, 18, LEDGER_OPACITY, words)
    for run in chart.answered:
        words = f"answered {run.n:,} {chart.rows}, {_write(run.start)} – {_write(run.end)} UTC"
        _add_bar(figure, run.version, run.start, run.end, colours, palette, 6, 1.0, words)
    _mark_strays(figure, chart, palette)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[show_plain(version) for version in chart.versions],
        range=[-0.6, len(chart.versions) - 0.4],
        tickfont={"size": 13, "color": palette.text},
        ticklabelstandoff=6,
    )
    figure.update_xaxes(tickformat="%d %b\n%Y", range=[_find_start(chart), chart.now])
    figure.update_layout(showlegend=False)
    return figure


def describe_served(chart: ServedChart, sentence: str) -> str:
    """Say in words what the chart shows, for those who cannot see it."""
    told = [f"{run.version} answered {run.n:,} from {run.start:%d %b %Y}." for run in chart.answered]
    return " ".join(["Who answered.", sentence, *told])


def _add_bar(
    figure: go.Figure,
    version: str,
    start: datetime,
    end: datetime,
    colours: Mapping[str, str],
    palette: Palette,
    width: int,
    opacity: float,
    words: str,
) -> None:
    figure.add_scatter(
        x=[start, end],
        y=[show_plain(version)] * 2,
        mode="lines",
        line={"color": colours.get(version, palette.muted), "width": width},
        opacity=opacity,
        hovertemplate=f"%{{y}} {words}<extra></extra>",
    )


def _mark_strays(figure: go.Figure, chart: ServedChart, palette: Palette) -> None:
    """Mark each chunk with rows out of turn; the newest of each version says so in a word."""
    newest = {stray.version: stray for stray in chart.strays}
    red, late = palette.status[Status.ALERT], (chart.now - _find_start(chart)) * LATE_SHARE
    figure.add_scatter(
        x=[stray.first + (stray.last - stray.first) / 2 for stray in chart.strays],
        y=[show_plain(stray.version) for stray in chart.strays],
        mode="markers+text",
        marker={"symbol": "triangle-up", "size": 14, "color": red, "line": {"color": palette.background, "width": 1.5}},
        text=["incident" if newest[stray.version] is stray else "" for stray in chart.strays],
        # At the end of the chart a word in the middle would be cut off.
        textposition=["top left" if chart.now - stray.last < late else "top center" for stray in chart.strays],
        textfont={"color": red, "size": 12},
        cliponaxis=False,
        customdata=[
            f"{stray.n:,} {chart.rows}, {_write(stray.first)} – {_write(stray.last)}" for stray in chart.strays
        ],
        hovertemplate="%{y} answered out of turn: %{customdata} UTC<extra></extra>",
    )


def _find_start(chart: ServedChart) -> datetime:
    starts = [*(span.start for span in chart.spans), *(run.start for run in chart.answered)]
    return min(starts, default=chart.now)


def _write(moment: datetime) -> str:
    return f"{moment:%d %b %Y %H:%M}"
