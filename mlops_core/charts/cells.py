"""Maps of cells, one row a subject and one column a chunk: decides how their axes look."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mlops_core.charts.theme import Palette

TICKS = 8
"""Chunks that are named below a map, about."""


def lay_out_cells(figure: go.Figure, chunks: Sequence[str], rows: Sequence[str], palette: Palette) -> None:
    """Name chunks, oldest at the left, and rows, first at the top, of a map whose cells stand at whole numbers."""
    step = max(1, round(len(chunks) / TICKS))
    ticks = list(range(len(chunks) - 1, -1, -step))
    figure.update_xaxes(
        tickvals=ticks, ticktext=[chunks[i] for i in ticks], showgrid=False, range=[-0.8, len(chunks) - 0.2]
    )
    # Names stand beside the newest chunk, where the eye is, and where a narrow screen begins to scroll.
    figure.update_yaxes(
        side="right",
        tickvals=list(range(len(rows))),
        ticktext=list(rows),
        tickfont={"color": palette.text},
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_layout(
        dragmode=False, hovermode="closest", margin={"b": 34}, legend={"itemclick": False, "x": 1, "xanchor": "right"}
    )
