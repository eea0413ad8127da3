"""A policy over time: what it would have started, rolled back, and held, between labels and changes of production."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Span

HEIGHT = 210
WORDS_WIDTH = 60
"""Characters of a line of what is shown at a mark."""
RUNS, BACK, HELD, LABELS, PRODUCTION = "runs", "rollbacks", "held", "labels", "in production"
ROWS = (PRODUCTION, LABELS, HELD, BACK, RUNS)
"""From the lowest to the highest; rollbacks have a row when there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMark:
    """One decision."""

    at: datetime
    run: int | None
    """The number of the run; None of a hold and of a rollback."""
    words: str
    to: str | None = None
    """The version that production goes back to; None of a run and of a hold."""

    @property
    def row(self) -> str:
        """The row that it stands in."""
        return BACK if self.to is not None else HELD if self.run is None else RUNS

    @property
    def name(self) -> str:
        """What it is in running text."""
        return f"rolled back to {self.to}" if self.to is not None else "held" if self.run is None else f"run {self.run}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChart:
    """What the chart shows."""

    marks: Sequence[PolicyMark]
    deliveries: Sequence[tuple[datetime, int]]
    """When labels came, and how many."""
    spans: Sequence[Span]
    """Times in production, oldest first."""
    start: datetime
    now: datetime


def draw_policy(chart: PolicyChart, colours: Mapping[str, str], palette: Palette) -> go.Figure:
    """Draw a row each of runs, rollbacks, holds, deliveries of labels, and versions in production."""
    figure = make_figure(palette, HEIGHT)
    for span in chart.spans:
        _add_span(figure, span, chart, colours, palette)
    figure.add_scatter(
        x=[at for at, _ in chart.deliveries],
        y=[LABELS] * len(chart.deliveries),
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 10, "color": palette.muted},
        customdata=[n for _, n in chart.deliveries],
        hovertemplate="%{x|%d %b %Y %H:%M} UTC: %{customdata:,} labels<extra></extra>",
    )
    rows = [row for row in ROWS if row != BACK or any(one.row == BACK for one in chart.marks)]
    for row, symbol, colour in (
        (HELD, "square-open", palette.muted),
        (BACK, "triangle-left", palette.text),
        (RUNS, "diamond", palette.text),
    ):
        if row in rows:
            _add_marks(figure, row, [one for one in chart.marks if one.row == row], symbol, colour)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=rows,
        range=[-0.6, len(rows) - 0.4],
        tickfont={"size": 13, "color": palette.text},
        ticklabelstandoff=6,
    )
    figure.update_xaxes(tickformat="%d %b\n%Y", range=[chart.start, chart.now])
    figure.update_layout(showlegend=False)
    return figure


def describe_policy_chart(chart: PolicyChart, sentence: str) -> str:
    """Say in words what the chart shows, for those who cannot see it."""
    told = [f"{mark.at:%d %b %Y}: {mark.name}." for mark in chart.marks]
    return " ".join(["The policy over time.", sentence, *told])


def _add_span(figure: go.Figure, span: Span, chart: PolicyChart, colours: Mapping[str, str], palette: Palette) -> None:
    start, end = max(span.start, chart.start), span.end or chart.now
    figure.add_scatter(
        x=[start, start + (end - start) / 2, end],
        y=[PRODUCTION] * 3,
        mode="lines+text",
        line={"color": colours.get(span.version, palette.muted), "width": 6},
        text=["", show_plain(span.version), ""],
        textposition="bottom center",
        textfont={"size": 12, "color": palette.text},
        hovertemplate=f"{show_plain(span.version)} from {span.start:%d %b %Y}<extra></extra>",
    )


def _add_marks(figure: go.Figure, row: str, marks: Sequence[PolicyMark], symbol: str, colour: str) -> None:
    figure.add_scatter(
        x=[mark.at for mark in marks],
        y=[row] * len(marks),
        mode="markers",
        marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 1.5, "color": colour}},
        customdata=["<br>".join(map(show_plain, wrap(mark.words, WORDS_WIDTH))) for mark in marks],
        hovertemplate="%{x|%d %b %Y %H:%M} UTC<br>%{customdata}<extra></extra>",
    )
