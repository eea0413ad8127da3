"""Drift by feature and chunk: decides how a cell shows its status, by colour and by a sign, and which is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import plotly.graph_objects as go

from mlops_core.charts.cells import lay_out_cells
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Status

LEAST_ROW_HEIGHT, AXIS_HEIGHT = 18, 74
MOST_FIGURES = 24
"""Chunks up to which a cell has room for its figure."""
WIDTH = 880
"""Of the cells together, in pixels, on a wide screen."""
LARGEST_CELL, SMALLEST_CELL = 23, 7
SIGNS = {Status.ALERT: "▲", Status.WARNING: "△", Status.OK: "", Status.INSUFFICIENT_DATA: "·"}
NAMES = {
    Status.ALERT: "drifted",
    Status.WARNING: "may have drifted",
    Status.OK: "no drift",
    Status.INSUFFICIENT_DATA: "not enough data",
}
_STRENGTHS = {Status.ALERT: (0.9, 1.0), Status.WARNING: (0.55, 0.75), Status.OK: (0.1, 0.5)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """What one feature, the score, or the labels did in k chunks."""

    name: str
    """By which a cell is chosen."""
    label: str
    statuses: tuple[Status, ...]
    effects: tuple[float, ...]
    """Units of the population stability index, what chance gives taken off; NaN where undefined."""
    limit: float
    """Effect from which an alert is possible; NaN when unknown."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Rows of cells, the first one on top."""

    chunks: tuple[datetime, ...]
    names: tuple[str, ...]
    """Of the chunks, as a person reads them."""
    rows: tuple[HeatRow, ...]


def draw_heat_map(heat: HeatMap, chosen: tuple[str, datetime], palette: Palette) -> go.Figure:
    """Draw squares that can be clicked, coloured by status and darker the nearer to the limit, with a sign above it."""
    size = min(max(WIDTH / max(len(heat.chunks), 1) - 1.5, SMALLEST_CELL), LARGEST_CELL)
    figure = make_figure(palette, AXIS_HEIGHT + round(max(size + 4, LEAST_ROW_HEIGHT) * len(heat.rows)))
    for status in (Status.OK, Status.INSUFFICIENT_DATA, Status.WARNING, Status.ALERT):
        _add_cells(figure, heat, status, size, palette)
    _mark_chosen(figure, heat, chosen, size, palette)
    lay_out_cells(figure, heat.names, [row.label for row in heat.rows], palette)
    return figure


def describe_heat_map(heat: HeatMap) -> str:
    """Say in words what the cells show, for those who cannot see them."""
    told = [f"Drift by feature, {heat.names[0]} to {heat.names[-1]}."] if heat.names else []
    for row in heat.rows:
        counts = {status: row.statuses.count(status) for status in (Status.ALERT, Status.WARNING)}
        found = [f"{NAMES[status]} in {n} of {len(row.statuses)} chunks" for status, n in counts.items() if n]
        if found:
            told.append(f"{row.label} {', '.join(found)}.")
    return " ".join(told if len(told) > 1 else [*told, "Nothing drifted."])


def _add_cells(figure: go.Figure, heat: HeatMap, status: Status, size: float, palette: Palette) -> None:
    cells = [
        (column, line, row)
        for line, row in enumerate(heat.rows)
        for column, own in enumerate(row.statuses)
        if own is status
    ]
    colour = palette.status[status]
    is_empty = status is Status.INSUFFICIENT_DATA
    # Plotly checks every element of a list, twice; arrays, numbers on a scale, and one text for all are fast.
    shades = {} if is_empty else {"colorscale": _scale(colour, status), "cmin": 0, "cmax": 1, "showscale": False}
    texts = [_write_cell(row.effects[column], status, len(heat.chunks), size) for column, _, row in cells]
    figure.add_scatter(
        x=[column for column, _, _ in cells],
        y=[line for _, line, _ in cells],
        mode="markers+text",
        marker={
            "symbol": "square-open" if is_empty else "square",
            "size": size * (0.45 if is_empty else 1),
            "color": colour if is_empty else np.array([_near(row, column) for column, _, row in cells], np.float64),
            **shades,
            "line": {"width": 1.2 if status is Status.ALERT or is_empty else 0, "color": colour},
        },
        text=texts[0] if len(set(texts)) == 1 else texts,
        textfont={
            "size": 9 if size > 12 else 7,
            "color": palette.background if status is Status.ALERT else palette.text,
        },
        customdata=np.array([_identify(heat, row, column) for column, _, row in cells], np.object_),
        hovertemplate="<b>%{customdata[2]}</b>, %{customdata[3]}<br>%{customdata[4]}<extra></extra>",
        name=f"{SIGNS[status]} {NAMES[status]}".strip(),
        showlegend=bool(cells),
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": palette.text}},
    )


def _write_cell(effect: float, status: Status, n_chunks: int, size: float) -> str:
    """Write the figure where there is room, else the sign of the status."""
    if status is Status.INSUFFICIENT_DATA:
        return ""
    has_room = n_chunks <= MOST_FIGURES and size > 20
    if has_room and effect >= 0.095:
        return f"{effect:.1f}" if effect < 9.95 else "10+"
    return SIGNS[status]


def _identify(heat: HeatMap, row: HeatRow, column: int) -> list[str]:
    """Give what a click on a cell selects, then what its hover says."""
    return [row.name, heat.chunks[column].isoformat(), row.label, heat.names[column], row.reasons[column]]


def _near(row: HeatRow, column: int) -> float:
    """Give how near a cell is to its limit, from 0 to 1 at the limit or beyond it."""
    effect = row.effects[column]
    return min(max(effect / row.limit, 0.0), 1.0) if row.limit > 0 and effect == effect else 0.0


def _scale(colour: str, status: Status) -> list[tuple[float, str]]:
    """Give the colours of a status, from far below the limit to beyond it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return [(place, f"rgba({red}, {green}, {blue}, {strength})") for place, strength in enumerate(_STRENGTHS[status])]


def _mark_chosen(figure: go.Figure, heat: HeatMap, chosen: tuple[str, datetime], size: float, palette: Palette) -> None:
    places: Sequence[tuple[int, int]] = [
        (heat.chunks.index(chosen[1]), line)
        for line, row in enumerate(heat.rows)
        if row.name == chosen[0] and chosen[1] in heat.chunks
    ]
    figure.add_scatter(
        x=[column for column, _ in places],
        y=[line for _, line in places],
        mode="markers",
        marker={"symbol": "square-open", "size": size + 4, "color": palette.text, "line": {"width": 2}},
        hoverinfo="skip",
        showlegend=False,
        unselected={"marker": {"opacity": 1}},
    )
