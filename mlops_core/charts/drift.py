"""Drift by feature and chunk: decides how a cell shows its status, by colour and by a sign, and which is chosen."""

from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from mlops_core.charts.cells import Look, Tile, TileRow, describe_cells, draw_cells, measure_cell
from mlops_core.charts.theme import Palette
from mlops_core.entities import Status

MOST_FIGURES = 24
"""Chunks up to which a cell has room for its figure."""
SIGNS = {Status.ALERT: "▲", Status.WARNING: "△", Status.OK: "", Status.INSUFFICIENT_DATA: "·"}
NAMES = {
    Status.ALERT: "drifted",
    Status.WARNING: "may have drifted",
    Status.OK: "no drift",
    Status.INSUFFICIENT_DATA: "not enough data",
}
LOOK = Look(
    names={status: f"{SIGNS[status]} {name}".strip() for status, name in NAMES.items()},
    strengths={Status.ALERT: (0.9, 1.0), Status.WARNING: (0.3, 0.45), Status.OK: (0.1, 0.5)},
    text_size=9,
    least_row_height=18,
)


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


def draw_heat_map(heat: HeatMap, chosen: tuple[str, datetime] | None, palette: Palette) -> go.Figure:
    """Draw squares that can be clicked, coloured by status and darker the nearer to the limit, with a sign above it."""
    has_room = len(heat.chunks) <= MOST_FIGURES and measure_cell(len(heat.chunks)) > 20
    rows = [TileRow(name=row.name, label=row.label, tiles=_lay_tiles(row, has_room=has_room)) for row in heat.rows]
    return draw_cells(heat.chunks, heat.names, rows, chosen, LOOK, palette)


def describe_heat_map(heat: HeatMap) -> str:
    """Say in words what the cells show, for those who cannot see them."""
    told = describe_cells("Drift by feature", heat.names, [(row.label, row.statuses) for row in heat.rows], NAMES)
    return " ".join(told if len(told) > 1 else [*told, "Nothing drifted."])


def _lay_tiles(row: HeatRow, *, has_room: bool) -> tuple[Tile, ...]:
    return tuple(
        Tile(
            status=status,
            near=_near(effect, row.limit),
            text=_write_cell(effect, status, has_room=has_room),
            words=reason,
        )
        for status, effect, reason in zip(row.statuses, row.effects, row.reasons, strict=True)
    )


def _write_cell(effect: float, status: Status, *, has_room: bool) -> str:
    """Write the figure where there is room, else the sign of the status."""
    if status is Status.INSUFFICIENT_DATA:
        return ""
    if has_room and effect >= 0.095:
        return f"{effect:.1f}" if effect < 9.95 else "10+"
    return SIGNS[status]


def _near(effect: float, limit: float) -> float:
    """Give how near a cell is to its limit, from 0 to 1 at the limit or beyond it."""
    return min(max(effect / limit, 0.0), 1.0) if limit > 0 and effect == effect else 0.0
