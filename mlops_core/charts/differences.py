"""Differences with intervals: decides that right is better, and that each judgement has a shape of its own."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import SYMBOLS, Palette, make_figure
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement
from mlops_core.stats.segment_comparison import SegmentDifference
from mlops_core.words import write_difference, write_further_labels

ROW_HEIGHT = 40
FRAME_HEIGHT = 92


def draw_metric_differences(
    differences: Sequence[MetricDifference], palette: Palette, margin: float | None = None
) -> go.Figure:
    """Draw candidate − champion for each metric, losses with their sign turned, and the loss that is accepted."""
    rows = [(name_metric(found), found) for found in differences if found.difference is not None]
    return _draw_rows(rows, palette, margin)


def draw_pair_differences(
    pairs: Mapping[str, Sequence[MetricDifference]], palette: Palette, margin: float | None = None
) -> go.Figure:
    """Draw candidate − champion for each metric and candidate, those of one metric below one another."""
    return _draw_rows([row for row in list_pair_rows(pairs) if row[1].difference is not None], palette, margin)


def list_pair_rows(pairs: Mapping[str, Sequence[MetricDifference]]) -> list[tuple[str, MetricDifference]]:
    """Give the differences of several candidates by metric, with the candidate's name where there are several."""
    return [
        (f"{name_metric(found)} · {name}" if len(pairs) > 1 else name_metric(found), found)
        for of_metric in zip(*pairs.values(), strict=True)
        for name, found in zip(pairs, of_metric, strict=True)
    ]


def name_metric(found: MetricDifference) -> str:
    """Name a metric, and say where the sign of its difference is turned."""
    return found.metric.label + ("" if found.metric.higher_is_better else " (sign turned)")


def draw_segment_differences(
    segments: Sequence[SegmentDifference], palette: Palette, margin: float | None = None
) -> go.Figure:
    """Draw the F1 of candidate − champion for each segment, and the loss that is accepted."""
    rows = [(found.segment, found.difference) for found in segments if found.difference.low is not None]
    return _draw_rows(rows, palette, margin)


def describe_differences(rows: Sequence[tuple[str, MetricDifference]]) -> str:
    """Say the differences in words, for those who cannot see the chart."""
    return " ".join(
        f"{name}: {write_difference(found.difference)}, {_judge(found)}."
        for name, found in rows
        if found.difference is not None
    )


def _draw_rows(rows: Sequence[tuple[str, MetricDifference]], palette: Palette, margin: float | None) -> go.Figure:
    figure = make_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * max(len(rows), 1))
    for judgement in Judgement:
        chosen = [(name, found) for name, found in rows if found.judgement is judgement]
        if not chosen:
            continue
        colour = palette.judgement[judgement]
        values = [found.difference for _, found in chosen]
        figure.add_scatter(
            x=values,
            y=[show_plain(name) for name, _ in chosen],
            mode="markers",
            name=judgement.label,
            marker={"color": colour, "size": 11, "symbol": SYMBOLS[judgement], "line": {"color": colour, "width": 2}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_reach(found.high, found.difference) for _, found in chosen],
                "arrayminus": [_reach(found.difference, found.low) for _, found in chosen],
                "color": colour,
                "thickness": 2,
                "width": 0,
            },
            customdata=[_tell(found) for _, found in chosen],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": palette.text, "width": 1})
    if margin:
        figure.add_vline(x=-margin, line={"color": palette.muted, "width": 1, "dash": "dot"})
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[show_plain(name) for name, _ in rows][::-1],
        tickfont={"size": 13, "color": palette.text},
        ticklabelstandoff=6,
    )
    figure.update_xaxes(showgrid=False, tickformat="+.2~f")
    # As far below the axis in a tall chart as in a low one.
    below = -0.16 * min(1.0, 5 / max(len(rows), 1))
    figure.update_layout(showlegend=True, legend={"y": below, "yanchor": "top"}, margin={"t": 4, "b": 8})
    return figure


def _reach(far: float | None, near: float | None) -> float:
    return 0.0 if far is None or near is None else far - near


def _tell(found: MetricDifference) -> str:
    if found.difference is None:
        return "undefined"
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" [{write_difference(found.low)}, {write_difference(found.high)}]"
    figures = f"{found.champion:.3f} → {found.candidate:.3f}, {write_difference(found.difference, 3)}{interval}"
    return f"{figures}, {_judge(found)}"


def _judge(found: MetricDifference) -> str:
    """Say what the interval says, and how many labels would say more."""
    needed = found.further_labels
    return found.judgement.label + (f" ({write_further_labels(needed, MOST_FURTHER_LABELS)})" if needed else "")
