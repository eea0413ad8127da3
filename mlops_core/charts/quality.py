"""Data quality over time: decides how a cell shows its status by colour and figure, and how one check is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go

from mlops_core.charts.cells import Look, Tile, TileRow, describe_cells, draw_cells, measure_cell
from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Status

HISTORY_HEIGHT = 250
ALONE = timedelta(days=2)
"""Drawn to each side of a value that is the only one."""
LEAST_SIZE = 12
"""Of a cell in pixels that has room for its figure."""
NAMES = {
    Status.ALERT: "alert",
    Status.WARNING: "warning",
    Status.OK: "as agreed",
    Status.INSUFFICIENT_DATA: "not enough data",
}
SHAPES = {
    Status.ALERT: "triangle-up",
    Status.WARNING: "diamond",
    Status.OK: "circle",
    Status.INSUFFICIENT_DATA: "square-open",
}
LOOK = Look(
    names=NAMES,
    strengths={Status.ALERT: (1.0, 1.0), Status.WARNING: (0.45, 0.45), Status.OK: (0.22, 0.22)},
    text_size=11,
    least_row_height=27,
)
_ORDER = (Status.OK, Status.INSUFFICIENT_DATA, Status.WARNING, Status.ALERT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one check says in one chunk, of all features together."""

    status: Status
    n_found: int
    """Features, or for a check of all rows the check itself, with a warning or an alert."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One check over k chunks."""

    code: str
    label: str
    cells: tuple[Cell | None, ...]
    """None where the check does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Checks by chunk, the first row on top."""

    chunks: tuple[datetime, ...]
    names: tuple[str, ...]
    """Of the chunks, as a person reads them."""
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one check said of one feature in one chunk."""

    at: datetime
    name: str
    """Of the chunk."""
    value: float | None
    limit: float | None
    status: Status
    reason: str


def draw_matrix(matrix: Matrix, chosen: tuple[str, datetime] | None, palette: Palette) -> go.Figure:
    """Draw squares that can be clicked; a figure in them says how many features are concerned."""
    has_room = measure_cell(len(matrix.chunks)) > LEAST_SIZE
    rows = [
        TileRow(name=row.code, label=row.label, tiles=tuple(_lay_tile(cell, has_room=has_room) for cell in row.cells))
        for row in matrix.rows
    ]
    return draw_cells(matrix.chunks, matrix.names, rows, chosen, LOOK, palette)


def describe_matrix(matrix: Matrix) -> str:
    """Say in words what the cells show, for those who cannot see them."""
    rows = [(row.label, [cell.status if cell else None for cell in row.cells]) for row in matrix.rows]
    told = describe_cells("Checks by chunk", matrix.names, rows, NAMES)
    return " ".join(told if len(told) > 1 else [*told, "No check found anything."])


def _lay_tile(cell: Cell | None, *, has_room: bool) -> Tile | None:
    if cell is None:
        return None
    return Tile(status=cell.status, text=str(cell.n_found) if cell.n_found and has_room else "", words=cell.words)


def draw_history(readings: Sequence[Reading], *, percent: bool, palette: Palette) -> go.Figure:
    """Draw the value of one check over time, a mark of its own for each status, and its limit as a dashed line."""
    figure = make_figure(palette, HISTORY_HEIGHT)
    known = [one for one in readings if one.value is not None]
    figure.add_scatter(
        x=[one.at for one in known],
        y=[one.value for one in known],
        mode="lines",
        line={"color": palette.muted, "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=[one.at for one in known],
        y=[one.limit for one in known],
        mode="lines",
        line={"color": palette.text, "width": 1.3, "dash": "dash", "shape": "hv"},
        name="limit",
        hoverinfo="skip",
        showlegend=any(one.limit is not None for one in known),
    )
    for status in _ORDER:
        own = [one for one in known if one.status is status]
        if own:
            figure.add_scatter(
                x=[one.at for one in own],
                y=[one.value for one in own],
                mode="markers",
                marker={"symbol": SHAPES[status], "size": 9, "color": palette.status[status]},
                customdata=[[one.name, show_plain(one.reason)] for one in own],
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
                name=NAMES[status],
            )
    if len(known) == 1:
        # Alone, it would be drawn on a scale of milliseconds.
        figure.update_xaxes(range=[known[0].at - ALONE, known[0].at + ALONE])
    figure.update_yaxes(tickformat=".0%" if percent else None, rangemode="tozero" if percent else "normal")
    if not any(value for one in known for value in (one.value, one.limit)):
        figure.update_yaxes(range=[-0.05, 1])
    return figure


def describe_history(label: str, readings: Sequence[Reading]) -> str:
    """Say in words what the history shows."""
    if not readings:
        return f"{label}: nothing was checked."
    counts = {status: sum(one.status is status for one in readings) for status in reversed(_ORDER)}
    found = ", ".join(f"{NAMES[status]} in {n}" for status, n in counts.items() if n)
    return f"{label}, {readings[0].name} to {readings[-1].name}: {found} of {len(readings)} chunks."
