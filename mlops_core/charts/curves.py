"""Curves of one version: decides how ROC, precision–recall, calibration, scores, and thresholds look."""

from collections.abc import Mapping

import numpy as np
from plotly.graph_objects import Figure

from mlops_core.charts.theme import Palette, draw_figure
from mlops_core.stats.classification import CalibrationCurve
from mlops_core.stats.costs import Decisions
from mlops_core.stats.curves import Curve, ScoreDistribution, ThresholdSweep
from mlops_core.stats.ratios import divide_or_nan

HEIGHT = 300
THRESHOLD_HEIGHT = 380
Part = dict[str, object]
"""A trace, a shape, a note, or a layout as plotly's JSON has it."""
STEADY_ROWS = 30
"""Labels below which a point of the calibration curve is drawn hollow, apart from the line."""


def draw_roc(
    curve: Curve, sweep: ThresholdSweep, marks: Mapping[str, Decisions], colour: str, palette: Palette
) -> Figure:
    """Draw the ROC curve, with a mark for each named threshold."""
    places = {
        name: (found.false_positive / max(sweep.n_negative, 1), found.true_positive / max(sweep.n_positive, 1))
        for name, found in marks.items()
    }
    traces = [_trace_curve(curve, colour), *_trace_marks(places, palette)]
    layout = frame("Share of negatives flagged", "Share of positives flagged")
    return draw_figure(palette, HEIGHT, traces, {**layout, "shapes": [rule_diagonal(palette)]})


def draw_precision_recall(
    curve: Curve, sweep: ThresholdSweep, marks: Mapping[str, Decisions], colour: str, palette: Palette
) -> Figure:
    """Draw precision over recall, with a mark for each named threshold and the base rate as a line."""
    base_rate = sweep.n_positive / max(sweep.n_positive + sweep.n_negative, 1)
    places = {
        name: (found.recall.value, found.precision.value)
        for name, found in marks.items()
        if found.precision.value is not None and found.recall.value is not None
    }
    layout = {
        **frame("Recall", "Precision"),
        "shapes": [rule(palette.muted, "dash", y=base_rate)],
        "annotations": [mark_base_rate(base_rate, palette)],
    }
    return draw_figure(palette, HEIGHT, [_trace_curve(curve, colour), *_trace_marks(places, palette)], layout)


def mark_base_rate(base_rate: float, palette: Palette) -> Part:
    """Give the note that names the line of the base rate."""
    return {
        "x": 1,
        "xanchor": "right",
        "y": base_rate,
        "yanchor": "top",
        "text": "base rate",
        "font": {"size": 12, "color": palette.muted},
        "showarrow": False,
    }


def draw_calibration(curve: CalibrationCurve, colour: str, palette: Palette) -> Figure:
    """Draw the share of positives over the mean score, with 95 % intervals; on the diagonal a score means itself."""
    steady, few = curve.n >= STEADY_ROWS, (curve.n > 0) & (curve.n < STEADY_ROWS)
    traces = [_trace_calibration(curve, kept, colour, is_steady=kept is steady) for kept in (steady, few)]
    layout = frame("Mean score", "Share that turned out positive")
    return draw_figure(palette, HEIGHT, traces, {**layout, "shapes": [rule_diagonal(palette)]})


def draw_scores(scores: ScoreDistribution, threshold: float, colour: str, palette: Palette) -> Figure:
    """Draw how many rows scored how high, by label, with the deployed threshold."""
    middle, width = (scores.edge[:-1] + scores.edge[1:]) / 2, float(scores.edge[1] - scores.edge[0])
    fills = (("label 0", scores.negative, 0.45, ""), ("label 1", scores.positive, 1.0, ""),
             ("no label yet", scores.unlabelled, 0.25, "/"))  # fmt: skip
    traces = [
        {
            "type": "bar",
            "x": middle.tolist(),
            "y": counts.tolist(),
            "width": width,
            "name": name,
            "marker": {"color": colour, "opacity": opacity, "line": {"width": 0}, "pattern": {"shape": shape}},
            "hovertemplate": "score %{x:.2f}: %{y:,}",
        }
        for name, counts, opacity, shape in fills
        if counts.any()
    ]
    layout = {
        **_mark_thresholds({f"deployed {threshold:.3g}": threshold}, palette),
        "barmode": "stack",
        "hovermode": "x unified",
        "bargap": 0,
        "xaxis": {"range": [0, 1], "title": {"text": "Score"}, "showgrid": False},
        "yaxis": {"title": {"text": "Rows"}},
    }
    return draw_figure(palette, HEIGHT, traces, layout)


def draw_thresholds(
    sweep: ThresholdSweep, marks: Mapping[str, float], colour: str, palette: Palette, costs: np.ndarray | None = None
) -> Figure:
    """Draw precision, recall, and F1 over the threshold, or the cost when there is one, with named thresholds."""
    # Every edge is exact, but a screen has no room for two thousand of them.
    shown = np.unique(np.append(np.arange(0, sweep.threshold.size, 4), sweep.threshold.size - 1))
    hits, alarms = sweep.true_positive[shown], sweep.false_positive[shown]
    lines = {
        "F1": (divide_or_nan(2 * hits, hits + alarms + sweep.n_positive), "solid", 2.4),
        "Precision": (divide_or_nan(hits, hits + alarms), "dash", 1.6),
        "Recall": (divide_or_nan(hits, sweep.n_positive), "dot", 1.8),
    }
    if costs is not None:
        lines = {"Cost per 1,000": (costs[shown], "solid", 2.4)}
    traces = [
        {
            "type": "scatter",
            "x": sweep.threshold[shown].tolist(),
            "y": [None if np.isnan(value) else value for value in values.tolist()],
            "mode": "lines",
            "name": name,
            "line": {"color": colour, "dash": dash, "width": width},
            "hovertemplate": "%{y:,.1f}" if costs is not None else "%{y:.3f}",
        }
        for name, (values, dash, width) in lines.items()
    ]
    title = {} if costs is None else {"title": {"text": "Cost per 1,000 labelled rows"}}
    layout = {
        **_mark_thresholds(marks, palette),
        "hovermode": "x unified",
        "showlegend": True,
        "xaxis": {"range": [0, 1], "title": {"text": "Threshold"}, "showgrid": False, "hoverformat": ".4f"},
        "yaxis": {"rangemode": "tozero", **title},
    }
    return draw_figure(palette, THRESHOLD_HEIGHT, traces, layout)


def describe_curve(name: str, curve: Curve, figure: str) -> str:
    """Say what a curve shows, for those who cannot see it."""
    if not curve.x.size:
        return f"{name}: there are no labels of both classes."
    at = [int(np.abs(curve.x - x).argmin()) for x in (0.1, 0.5, 0.9)]
    points = ", ".join(f"{curve.y[i]:.2f} at {curve.x[i]:.2f}" for i in at)
    return f"{name}: {points}. {figure}"


def describe_calibration(curve: CalibrationCurve) -> str:
    """Say what the calibration curve shows, for those who cannot see it."""
    filled = np.flatnonzero(curve.n)
    points = [f"score {curve.mean_score[i]:.2f}, {curve.positive_share[i]:.0%} positive" for i in filled]
    return f"Calibration: {'; '.join(points)}." if points else "Calibration: there are no labels."


def describe_scores(scores: ScoreDistribution) -> str:
    """Say how the scores are spread, for those who cannot see it."""
    total = scores.negative + scores.positive + scores.unlabelled
    n = int(total.sum())
    if n == 0:
        return "Scores: there are no rows."
    middle = int(np.searchsorted(np.cumsum(total), n / 2))
    return f"Scores of {n:,} rows: half of them lie below {scores.edge[middle + 1]:.2f}."


def _trace_calibration(curve: CalibrationCurve, kept: np.ndarray, colour: str, *, is_steady: bool) -> Part:
    share, low, high = curve.positive_share[kept], curve.low[kept], curve.high[kept]
    return {
        "type": "scatter",
        "x": curve.mean_score[kept].tolist(),
        "y": share.tolist(),
        "mode": "lines+markers" if is_steady else "markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 7, "symbol": "circle" if is_steady else "circle-open"},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (high - share).tolist(),
            "arrayminus": (share - low).tolist(),
            "color": colour,
            "thickness": 1.5 if is_steady else 0.8,
            "width": 0,
        },
        "customdata": np.column_stack([curve.n[kept], low, high]).tolist(),
        "hovertemplate": "score %{x:.3f}: %{y:.1%} positive [%{customdata[1]:.1%}, %{customdata[2]:.1%}], "
        "%{customdata[0]:,} labels<extra></extra>",
        "showlegend": not is_steady and bool(kept.any()),
        "name": f"under {STEADY_ROWS} labels",
    }


def _mark_thresholds(marks: Mapping[str, float], palette: Palette) -> Part:
    """Mark named thresholds; names on different heights, so that near ones do not cover each other."""
    shapes, notes = [], []
    for i, (name, at) in enumerate(marks.items()):
        shapes.append(rule(palette.text, "solid" if i == 0 else "dash" if i == 1 else "dot", x=at))
        is_right = at > 0.6
        notes.append(
            {
                "x": at,
                "xanchor": "right" if is_right else "left",
                "xshift": -5 if is_right else 5,
                "y": 1 - 0.1 * i,
                "yref": "paper",
                "yanchor": "top",
                "text": name,
                "font": {"size": 12, "color": palette.text},
                "bgcolor": palette.background,
                "showarrow": False,
            }
        )
    return {"shapes": shapes, "annotations": notes}


def _trace_curve(curve: Curve, colour: str) -> Part:
    return {
        "type": "scatter",
        "x": curve.x.tolist(),
        "y": curve.y.tolist(),
        "mode": "lines",
        "line": {"color": colour, "width": 2.2},
        "customdata": [f"{one:.3f}" if one <= 1 else "above 1" for one in curve.threshold.tolist()],
        "hovertemplate": "%{x:.3f}, %{y:.3f} at threshold %{customdata}<extra></extra>",
        "showlegend": False,
    }


def _trace_marks(places: Mapping[str, tuple[float, float]], palette: Palette) -> list[Part]:
    """Mark named places, the first one filled."""
    return [
        {
            "type": "scatter",
            "x": [x],
            "y": [y],
            "mode": "markers",
            "name": name,
            "marker": {
                "size": 11,
                "color": palette.background if i else palette.text,
                "symbol": "diamond" if i else "circle",
                "line": {"color": palette.text, "width": 2},
            },
            "hovertemplate": f"{name}: %{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        }
        for i, (name, (x, y)) in enumerate(places.items())
    ]


def rule(colour: str, dash: str, *, x: float | None = None, y: float | None = None) -> Part:
    """Give a line across the whole chart, at an x or at a y."""
    return {
        "type": "line",
        "x0": 0 if x is None else x,
        "x1": 1 if x is None else x,
        "y0": 0 if y is None else y,
        "y1": 1 if y is None else y,
        "xref": "paper" if x is None else "x",
        "yref": "paper" if y is None else "y",
        "line": {"color": colour, "width": 1.2, "dash": dash},
    }


def rule_diagonal(palette: Palette) -> Part:
    """Give the diagonal of a square chart, under everything else."""
    line = {"color": palette.muted, "width": 1, "dash": "dash"}
    return {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "line": line, "layer": "below"}


def frame(x: str, y: str) -> Part:
    """Give the axes of a chart on which both go from 0 to 1."""
    return {
        "xaxis": {"range": [-0.01, 1.01], "title": {"text": x}},
        "yaxis": {"range": [-0.02, 1.03], "title": {"text": y}},
        "showlegend": True,
    }
