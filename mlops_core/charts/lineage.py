"""Where versions come from and go: decides that each has a row, and that the path of the chosen one stands out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plotly.graph_objects import Figure

from mlops_core.charts.curves import Part
from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, draw_figure

HEADS = ("Snapshot", "Run", "Version", "In production")
SNAPSHOT, RUN, VERSION, PRODUCTION = range(4)
ROW_HEIGHT, FRAME_HEIGHT = 58, 44
HALF_WIDTH, HALF_HEIGHT = 0.38, 0.37
"""Of a box, in columns and rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One version's way from its training rows into production, in words."""

    version: str
    standing: str
    """As "champion"; empty when there is nothing to say."""
    snapshot: str
    """The id of its training rows."""
    snapshot_note: str
    """How many rows, and what became of them."""
    run: int | None
    """The run that trained it; None when it was trained elsewhere."""
    run_note: str
    """Who asked for it, or that there was none."""
    spans: tuple[str, ...]
    """Its times in production, oldest first."""


def draw_lineage(trails: Sequence[Trail], chosen: str, colours: Mapping[str, str], palette: Palette) -> Figure:
    """Draw snapshot, run, version, and times in production of each version, the first at the top.

    A snapshot that several share is drawn once, beside the first of them.
    """
    rows: dict[str, int] = {}
    for i, trail in enumerate(trails):
        rows.setdefault(trail.snapshot, i)
    # What is chosen comes last, on top of the others.
    order = sorted(range(len(trails)), key=lambda i: trails[i].version == chosen)
    of_chosen = next((trail.snapshot for trail in trails if trail.version == chosen), None)
    shapes: list[Part] = []
    texts: list[Part] = []
    for i in order:
        trail, is_chosen = trails[i], trails[i].version == chosen
        colour = colours[trail.version] if is_chosen else None
        shapes += _link_row(trail, i, rows[trail.snapshot], colour, palette)
        shapes += [_box(column, i, colour, palette) for column in _list_boxes(trail)]
        texts += _label_row(trail, i, colours[trail.version], palette)
    for snapshot, i in rows.items():
        owner = next(trail for trail in trails if trail.snapshot == snapshot)
        shapes.append(_box(SNAPSHOT, i, colours[chosen] if snapshot == of_chosen else None, palette))
        texts.append(_write(SNAPSHOT, i, f"{snapshot[:10]}…", owner.snapshot_note, palette))
    layout = {
        "shapes": shapes,
        "annotations": [*texts, *(_head(column, name, palette) for column, name in enumerate(HEADS))],
        "margin": {"l": 2, "r": 2, "t": 2, "b": 2},
        "xaxis": {"range": [-0.42, 3.42], "visible": False, "fixedrange": True},
        "yaxis": {"range": [0.55 - len(trails), 1.0], "visible": False, "fixedrange": True},
        "dragmode": False,
        "hovermode": False,
    }
    # Shapes alone do not make axes.
    ground: Part = {"type": "scatter", "x": [0, 3], "y": [0, 0], "mode": "markers", "opacity": 0, "showlegend": False}
    return draw_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * max(len(trails), 1), [ground], layout)


def describe_lineage(trails: Sequence[Trail]) -> str:
    """Say what the drawing shows, for those who cannot see it."""
    return "Where versions come from. " + " ".join(tell_trail(trail) for trail in trails)


def tell_trail(trail: Trail) -> str:
    """Say one version's way in a sentence."""
    origin = "trained elsewhere" if trail.run is None else f"trained by run {trail.run}"
    served = f"in production {', '.join(trail.spans)}" if trail.spans else "never in production"
    return f"{trail.version}: {origin} on the snapshot {trail.snapshot[:10]}… ({trail.snapshot_note}), {served}."


def _list_boxes(trail: Trail) -> list[int]:
    """Give the columns in which a version has a box of its own."""
    return [*([RUN] if trail.run is not None else []), VERSION, *([PRODUCTION] if trail.spans else [])]


def _link_row(trail: Trail, row: int, snapshot_row: int, colour: str | None, palette: Palette) -> list[Part]:
    stops = [SNAPSHOT, *_list_boxes(trail)]
    starts = [snapshot_row, *[row] * len(stops)]
    return [
        _link((left, starts[i]), (right, row), colour, palette, is_dashed=trail.run is None and i == 0)
        for i, (left, right) in enumerate(pairwise(stops))
    ]


def _link(
    start: tuple[int, int], end: tuple[int, int], colour: str | None, palette: Palette, *, is_dashed: bool
) -> Part:
    left, right = start[0] + HALF_WIDTH, end[0] - HALF_WIDTH
    # It bends just behind its start, so that it passes between the boxes of other rows.
    bend = left + 2 * (1 - 2 * HALF_WIDTH) / 3
    path = f"M {left} {-start[1]} C {bend} {-start[1]} {left} {-end[1]} {left + 1 - 2 * HALF_WIDTH} {-end[1]}"
    return {
        "type": "path",
        "path": f"{path} L {right} {-end[1]}",
        "layer": "below",
        "line": {
            "color": colour or palette.muted,
            "width": 2.5 if colour else 1,
            "dash": "dot" if is_dashed else "solid",
        },
        "opacity": 1 if colour else 0.6,
    }


def _box(column: int, row: int, colour: str | None, palette: Palette) -> Part:
    return {
        "type": "rect",
        "x0": column - HALF_WIDTH,
        "x1": column + HALF_WIDTH,
        "y0": -row - HALF_HEIGHT,
        "y1": -row + HALF_HEIGHT,
        "layer": "below",
        "fillcolor": palette.background,
        "line": {"color": colour or palette.rule, "width": 2 if colour else 1},
    }


def _label_row(trail: Trail, row: int, colour: str, palette: Palette) -> list[Part]:
    dot = f'<span style="color:{colour}">●</span> '
    name = f"run {trail.run}" if trail.run is not None else ""
    served = trail.spans[-1] if trail.spans else ""
    earlier = f"and {len(trail.spans) - 1} before" if len(trail.spans) > 1 else ""
    return [
        _write(RUN, row, name, trail.run_note, palette),
        _write(VERSION, row, trail.version, trail.standing, palette, mark=dot),
        _write(PRODUCTION, row, served, earlier or ("" if served else "never in production"), palette),
    ]


def _write(column: int, row: int, text: str, note: str, palette: Palette, mark: str = "") -> Part:
    small = f'<span style="font-size:11px;color:{palette.muted}">{show_plain(_cut(note))}</span>'
    lines = [f"{mark}{show_plain(_cut(text))}"] if text else []
    return {
        "x": column,
        "y": -row,
        "text": "<br>".join([*lines, *([small] if note else [])]),
        "font": {"size": 13, "color": palette.text},
        # Where there is no box, the line behind it is covered.
        "bgcolor": palette.background if column == RUN and not text else "rgba(0,0,0,0)",
        "showarrow": False,
    }


def _cut(text: str, longest: int = 28) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _head(column: int, name: str, palette: Palette) -> Part:
    return {"x": column, "y": 0.72, "text": name, "font": {"size": 12, "color": palette.muted}, "showarrow": False}
