"""When each version was in production, as bars over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Span

ROW_HEIGHT = 30
FRAME_HEIGHT = 56


def draw_spans(
    versions: Sequence[str], spans: Sequence[Span], now: datetime, colours: Mapping[str, str], palette: Palette
) -> go.Figure:
    """Draw one row per version, the newest at the top, with a bar for each time it was in production."""
    figure = make_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * len(versions))
    for span in spans:
        end = span.end or now
        figure.add_scatter(
            x=[span.start, end],
            y=[show_plain(span.version)] * 2,
            mode="lines",
            line={"color": colours[span.version], "width": 14},
            name=show_plain(span.version),
            showlegend=False,
            hovertemplate=f"%{{y}}: {span.start:%d %b %Y %H:%M} – "
            + (f"{span.end:%d %b %Y %H:%M}" if span.end else "now")
            + " UTC<extra></extra>",
        )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[show_plain(version) for version in versions],
        range=[-0.6, len(versions) - 0.4],
        tickfont={"size": 13, "color": palette.text},
        ticklabelstandoff=6,
    )
    figure.update_xaxes(tickformat="%d %b\n%Y")
    return figure
