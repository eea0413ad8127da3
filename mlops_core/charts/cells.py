"""Maps of cells, one row a subject and one column a chunk: decides how they look, and how they read in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, draw_figure
from mlops_core.entities import Status

AXIS_HEIGHT = 74
"""Of chunks and legend, in pixels."""
LEGEND_HEIGHT = 34
WIDTH = 880
"""Of the cells together, in pixels, on a wide screen."""
LARGEST_CELL, SMALLEST_CELL = 23, 7
FRAME = 4
"""By how much the frame of the chosen cell is larger, which is the gap between rows too."""
EMPTY_SHARE = 0.4
"""How large a cell without enough data is, of the others."""
TICKS = 8
"""Chunks that are named below a map, about."""
_ORDER = (Status.OK, Status.INSUFFICIENT_DATA, Status.WARNING, Status.ALERT)
_OUTLINED = (Status.ALERT, Status.WARNING, Status.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One cell as it is drawn."""

    status: Status
    near: float = 1.0
    """How strong its colour is within what its status has, 0–1."""
    text: str
    """In the cell, where there is room."""
    words: str
    """What its hover says below subject and chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """One subject over k chunks."""

    name: str
    """By which a cell is chosen."""
    label: str
    tiles: tuple[Tile | None, ...]
    """None where there is nothing to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one kind of map shows its statuses."""

    names: Mapping[Status, str]
    """In the legend."""
    strengths: Mapping[Status, tuple[float, float]]
    """Opacity of the colour, the weakest and the strongest."""
    text_size: int
    least_row_height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a legend, in CSS colours."""

    name: str
    fill: str
    """"transparent" for a square that is drawn hollow, and smaller than the others."""
    outline: str


def measure_cell(n_chunks: int) -> float:
    """Give the side of a cell in pixels."""
    return min(max(WIDTH / max(n_chunks, 1) - 1.5, SMALLEST_CELL), LARGEST_CELL)


def draw_cells(
    chunks: Sequence[datetime],
    names: Sequence[str],
    rows: Sequence[TileRow],
    chosen: tuple[str, datetime] | None,
    look: Look,
    palette: Palette,
) -> go.Figure:
    """Draw squares that can be clicked, oldest chunk at the left, first row at the top, and frame the chosen one.

    Parameters
    ----------
    names : sequence of str
        Of the chunks, as a person reads them.
    chosen : tuple of str and datetime, or None
        Name of the row and start of the chunk; None where nothing can be chosen.
    """
    size = measure_cell(len(chunks))
    stamps = [chunk.isoformat() for chunk in chunks]
    traces = [_trace_status(status, stamps, names, rows, size, look, palette) for status in _ORDER]
    places = [
        (chunks.index(chosen[1]), line)
        for line, row in enumerate(rows)
        if chosen and row.name == chosen[0] and chosen[1] in chunks
    ]
    if places:
        traces.append(_trace_frame(places, size, palette))
    height = AXIS_HEIGHT + round(max(size + FRAME, look.least_row_height) * len(rows))
    return draw_figure(palette, height, traces, _lay_out(names, [row.label for row in rows], palette))


def take_legend(figure: go.Figure) -> list[Key]:
    """Take the legend off a map, for a page that writes it as text: a map that scrolls would hide half of it."""
    keys = []
    for trace in figure.data:
        if trace.showlegend:
            marker, is_hollow = trace.marker, trace.marker.symbol.endswith("-open")
            fill = "transparent" if is_hollow else marker.colorscale[-1][1]
            keys.append(Key(name=trace.name, fill=fill, outline=marker.line.color if marker.line.width else fill))
    figure.update_layout(showlegend=False, height=figure.layout.height - LEGEND_HEIGHT)
    return keys


def describe_cells(
    title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[Status | None]]], look: Mapping[Status, str]
) -> list[str]:
    """Say in words what the cells show, a sentence for the span of chunks, then one for each row with trouble.

    Parameters
    ----------
    rows : sequence of tuple
        Label and statuses of each.
    look : mapping
        What a status is called.
    """
    told = [f"{title}, {names[0]} to {names[-1]}."] if names else []
    for label, statuses in rows:
        counts = {status: statuses.count(status) for status in (Status.ALERT, Status.WARNING)}
        found = [f"{look[status]} in {n}" for status, n in counts.items() if n]
        if found:
            told.append(f"{label}: {', '.join(found)} of {len(statuses)} chunks.")
    return told


_SAME_IN_ALL: Mapping[str, object] = {
    "type": "scatter",
    "mode": "markers+text",
    "hovertemplate": "<b>%{customdata[2]}</b>, %{customdata[3]}<br>%{customdata[4]}<extra></extra>",
    "selected": {"marker": {"opacity": 1}},
}


def _trace_status(
    status: Status,
    stamps: Sequence[str],
    names: Sequence[str],
    rows: Sequence[TileRow],
    size: float,
    look: Look,
    palette: Palette,
) -> Mapping[str, object]:
    """Give the cells of one status, those of all rows together."""
    cells = [
        (column, line, row, tile)
        for line, row in enumerate(rows)
        for column, tile in enumerate(row.tiles)
        if tile is not None and tile.status is status
    ]
    # Plotly checks every element of a list, twice; arrays, numbers on a scale, and one text for all are fast.
    texts = [tile.text for *_, tile in cells]
    told = [
        [row.name, stamps[column], show_plain(row.label), names[column], show_plain(tile.words)]
        for column, _, row, tile in cells
    ]
    return {
        **_SAME_IN_ALL,
        "x": np.array([column for column, _, _, _ in cells], np.int64),
        "y": np.array([line for _, line, _, _ in cells], np.int64),
        "marker": _mark_status(status, [tile.near for *_, tile in cells], size, look, palette),
        "text": texts[0] if len(set(texts)) == 1 else texts,
        "textfont": {
            "size": look.text_size if size > 12 else 7,
            "color": palette.background if status is Status.ALERT else palette.text,
        },
        "customdata": np.array(told, np.object_),
        "name": look.names[status],
        "showlegend": bool(cells),
        "unselected": {"marker": {"opacity": 1}, "textfont": {"color": palette.text}},
    }


def _mark_status(
    status: Status, near: Sequence[float], size: float, look: Look, palette: Palette
) -> Mapping[str, object]:
    """Give the squares of one status: hollow and small where there is not enough data, else shaded."""
    colour, is_empty = palette.status[status], status is Status.INSUFFICIENT_DATA
    return {
        "symbol": "square-open" if is_empty else "square",
        "size": size * (EMPTY_SHARE if is_empty else 1),
        "line": {"width": 1.2 if status in _OUTLINED else 0, "color": colour},
        **({"color": colour} if is_empty else _shade(near, colour, look, status)),
    }


def _shade(near: Sequence[float], colour: str, look: Look, status: Status) -> Mapping[str, object]:
    """Give the colours of cells on the scale of their status."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    weakest, strongest = (f"rgba({red}, {green}, {blue}, {strength})" for strength in look.strengths[status])
    scale = [(0, weakest), (1, strongest)]
    return {
        "color": np.array(near, np.float64),
        "colorscale": scale,
        "cmin": 0,
        "cmax": 1,
        "showscale": False,
    }


def _trace_frame(places: Sequence[tuple[int, int]], size: float, palette: Palette) -> Mapping[str, object]:
    return {
        "type": "scatter",
        "x": [column for column, _ in places],
        "y": [line for _, line in places],
        "mode": "markers",
        "marker": {
            "symbol": "square-open",
            "size": size + FRAME,
            "color": palette.text,
            "line": {"width": 2},
        },
        "hoverinfo": "skip",
        "showlegend": False,
        "unselected": {"marker": {"opacity": 1}},
    }


def _lay_out(chunks: Sequence[str], rows: Sequence[str], palette: Palette) -> Mapping[str, object]:
    """Name chunks and rows of cells that stand at whole numbers."""
    step = max(1, round(len(chunks) / TICKS))
    ticks = list(range(len(chunks) - 1, -1, -step))
    return {
        "xaxis": {
            "tickvals": ticks,
            "ticktext": [chunks[i] for i in ticks],
            "showgrid": False,
            "range": [-0.8, len(chunks) - 0.2],
        },
        # Names stand beside the newest chunk, where the eye is, and where a narrow screen begins to scroll.
        "yaxis": {
            "side": "right",
            "tickvals": list(range(len(rows))),
            "ticktext": [show_plain(row) for row in rows],
            "tickfont": {"color": palette.text},
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
        "dragmode": False,
        "hovermode": "closest",
        "margin": {"b": 34},
        "legend": {"itemclick": False, "x": 1, "xanchor": "right"},
    }
