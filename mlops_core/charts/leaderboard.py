"""Candidates of a run: decides that each has its folds as small marks, and their mean as a large one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.words import write_value

ROW_HEIGHT, FRAME_HEIGHT = 46, 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one candidate did."""

    name: str
    folds: tuple[float, ...]
    """The metric in each fold, oldest first."""
    mean: float


def draw_leaderboard(standings: Sequence[Standing], metric: str, palette: Palette) -> go.Figure:
    """Draw candidates below one another, in the order given."""
    figure = make_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * max(len(standings), 1))
    folds = [(one, i, value) for one in standings for i, value in enumerate(one.folds)]
    figure.add_scatter(
        x=[value for _, _, value in folds],
        y=[show_plain(one.name) for one, _, _ in folds],
        customdata=[i + 1 for _, i, _ in folds],
        mode="markers",
        name="one fold",
        marker={"color": palette.muted, "size": 7, "symbol": "circle-open", "line": {"width": 1.5}},
        hovertemplate="fold %{customdata}: %{x:.3f}<extra>%{y}</extra>",
    )
    figure.add_scatter(
        x=[one.mean for one in standings],
        y=[show_plain(one.name) for one in standings],
        mode="markers",
        name="mean of all folds",
        marker={"color": palette.text, "size": 12, "symbol": "diamond"},
        hovertemplate="mean: %{x:.3f}<extra>%{y}</extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 13, "color": palette.text})
    figure.update_xaxes(title=metric, nticks=6)
    return figure


def describe_leaderboard(standings: Sequence[Standing], metric: str) -> str:
    """Say the same in words."""
    return " ".join(
        f"{one.name}: {metric} {write_value(one.mean)} on average, "
        f"{', '.join(write_value(value) for value in one.folds)} by fold."
        for one in standings
    )


def read_standings(trials: Sequence[Mapping[str, object]], metric: str) -> list[Standing]:
    """Take the candidates that have a figure in every fold from the document of a run."""
    found = []
    for trial in trials:
        values = [fold.get(metric) for fold in trial["folds"]]  # type: ignore[attr-defined]
        if values and None not in values:
            mean = sum(values) / len(values)
            found.append(Standing(name=str(trial["candidate"]), folds=tuple(values), mean=mean))
    return found
