"""Data quality over time: decides how a cell shows its status by colour and figure, and how one check is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from mlops_core.charts.cells import lay_out_cells
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.entities import Status

AXIS_HEIGHT, ROW_HEIGHT, HISTORY_HEIGHT = 74, 27, 250
WIDTH = 880
"""Of the cells together, in pixels, on a wide screen."""
LARGEST_CELL, SMALLEST_CELL = 23, 7
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


def draw_matrix(matrix: Matrix, chosen: tuple[str, datetime], palette: Palette) -> go.Figure:
    """Draw squares that can be clicked; a figure in them says how many features are concerned."""
    size = min(max(WIDTH / max(len(matrix.chunks), 1) - 1.5, SMALLEST_CELL), LARGEST_CELL)
    figure = make_figure(palette, AXIS_HEIGHT + ROW_HEIGHT * len(matrix.rows))
    for status in _ORDER:
        _add_cells(figure, matrix, status, size, palette)
    _mark_chosen(figure, matrix, chosen, size, palette)
    lay_out_cells(figure, matrix.names, [row.label for row in matrix.rows], palette)
    return figure


def describe_matrix(matrix: Matrix) -> str:
    """Say in words what the cells show, for those who cannot see them."""
    told = [f"Checks by chunk, {matrix.names[0]} to {matrix.names[-1]}."] if matrix.names else []
    for row in matrix.rows:
        counts = {status: sum(one is not None and one.status is status for one in row.cells) for status in _ORDER}
        found = [f"{NAMES[one]} in {counts[one]}" for one in (Status.ALERT, Status.WARNING) if counts[one]]
        if found:
            told.append(f"{row.label}: {', '.join(found)} of {len(row.cells)} chunks.")
    return " ".join(told if len(told) > 1 else [*told, "No check found anything."])


def _add_cells(figure: go.Figure, matrix: Matrix, status: Status, size: float, palette: Palette) -> None:
    cells = [
        (column, line, row, cell)
        for line, row in enumerate(matrix.rows)
        for column, cell in enumerate(row.cells)
        if cell is not None and cell.status is status
    ]
    is_empty = status is Status.INSUFFICIENT_DATA
    colour = palette.status[status]
    strength = {Status.ALERT: 1.0, Status.WARNING: 0.45, Status.OK: 0.22}.get(status, 1.0)
    figure.add_scatter(
        x=[column for column, _, _, _ in cells],
        y=[line for _, line, _, _ in cells],
        mode="markers+text",
        marker={
            "symbol": "square-open" if is_empty else "square",
            "size": size * (0.35 if is_empty else 1),
            "color": _fade(colour, strength),
            "line": {"width": 1.4 if status in (Status.ALERT, Status.WARNING) or is_empty else 0, "color": colour},
        },
        text=[str(cell.n_found) if cell.n_found and size > 12 else "" for _, _, _, cell in cells],
        textfont={"size": 11, "color": palette.background if status is Status.ALERT else palette.text},
        customdata=[
            [row.code, matrix.chunks[column].isoformat(), row.label, matrix.names[column], cell.words]
            for column, _, row, cell in cells
        ],
        hovertemplate="<b>%{customdata[2]}</b>, %{customdata[3]}<br>%{customdata[4]}<extra></extra>",
        name=NAMES[status],
        showlegend=bool(cells),
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _mark_chosen(
    figure: go.Figure, matrix: Matrix, chosen: tuple[str, datetime], size: float, palette: Palette
) -> None:
    places = [line for line, row in enumerate(matrix.rows) if row.code == chosen[0]]
    if places and chosen[1] in matrix.chunks:
        figure.add_scatter(
            x=[matrix.chunks.index(chosen[1])],
            y=places,
            mode="markers",
            marker={"symbol": "square-open", "size": size + 6, "color": palette.text, "line": {"width": 2}},
            hoverinfo="skip",
            showlegend=False,
        )


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
                customdata=[[one.name, one.reason] for one in own],
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
                name=NAMES[status],
            )
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


def _fade(colour: str, strength: float) -> str:
    """Give a colour of the form #rrggbb that lets the background through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {strength})"
