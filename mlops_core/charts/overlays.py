"""Curves of several versions in one chart: decides how they are told apart, and what is left out to keep them readable.

Each version has its own colour, the same as on all pages; what else a line says is in its dash.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from plotly.graph_objects import Figure

from mlops_core.charts.curves import (
    HEIGHT,
    STEADY_ROWS,
    Part,
    describe_calibration,
    describe_curve,
    describe_scores,
    frame,
    mark_base_rate,
    rule,
    rule_diagonal,
)
from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, draw_figure
from mlops_core.stats.classification import CalibrationCurve
from mlops_core.stats.curves import Curve, ScoreDistribution
from mlops_core.stats.decisions import Confusion
from mlops_core.stats.ratios import divide_or_nan

Colours = Mapping[str, str]
"""Of each version."""


def draw_rocs(
    curves: Mapping[str, Curve], confusions: Mapping[str, Confusion], colours: Colours, palette: Palette
) -> Figure:
    """Draw the ROC curve of each version, with a point where it decides now."""
    places = {
        name: (
            _share(own.false_positive, own.false_positive + own.true_negative),
            _share(own.true_positive, own.true_positive + own.false_negative),
        )
        for name, own in confusions.items()
    }
    layout = {**frame("Share of negatives flagged", "Share of positives flagged"), "shapes": [rule_diagonal(palette)]}
    return draw_figure(palette, HEIGHT, _trace_curves(curves, places, colours, palette), layout)


def draw_precision_recalls(
    curves: Mapping[str, Curve],
    confusions: Mapping[str, Confusion],
    base_rate: float,
    colours: Colours,
    palette: Palette,
) -> Figure:
    """Draw precision over recall of each version, with a point where it decides now, and the base rate as a line."""
    places = {
        name: (
            _share(own.true_positive, own.true_positive + own.false_negative),
            _share(own.true_positive, own.true_positive + own.false_positive),
        )
        for name, own in confusions.items()
    }
    layout = {
        **frame("Recall", "Precision"),
        "shapes": [rule(palette.muted, "dash", y=base_rate)],
        "annotations": [mark_base_rate(base_rate, palette)],
    }
    return draw_figure(palette, HEIGHT, _trace_curves(curves, places, colours, palette), layout)


def draw_calibrations(curves: Mapping[str, CalibrationCurve], colours: Colours, palette: Palette) -> Figure:
    """Draw the share of positives over the mean score of each version; points of few labels are left out."""
    traces = [_trace_calibration(name, curve, colours[name]) for name, curve in curves.items()]
    layout = {**frame("Mean score", "Share that turned out positive"), "shapes": [rule_diagonal(palette)]}
    return draw_figure(palette, HEIGHT, traces, layout)


def draw_score_lines(
    scores: Mapping[str, ScoreDistribution], threshold: float, colours: Colours, palette: Palette
) -> Figure:
    """Draw how the scores of each version are spread: solid where the label is 1, dotted where it is 0."""
    traces: list[Part] = []
    for name, own in scores.items():
        for label, counts, dash, width in (
            ("label 1", own.positive, "solid", 2.2),
            ("label 0", own.negative, "dot", 1.4),
        ):
            shares = divide_or_nan(counts, np.full(counts.shape, counts.sum()))
            traces.append(
                {
                    "type": "scatter",
                    "x": own.edge.tolist(),
                    "y": [None if np.isnan(value) else value for value in [*shares.tolist(), float(shares[-1])]],
                    "mode": "lines",
                    "line": {"color": colours[name], "width": width, "dash": dash, "shape": "hv"},
                    "name": f"{show_plain(name)}, {label}",
                    "hovertemplate": "%{y:.1%}",
                }
            )
    layout = {
        "shapes": [rule(palette.text, "dash", x=threshold)],
        "annotations": [_note_threshold(threshold, palette)],
        "hovermode": "x unified",
        "showlegend": True,
        "xaxis": {"range": [0, 1], "title": {"text": "Score"}, "showgrid": False, "hoverformat": ".2f"},
        "yaxis": {"title": {"text": "Share of rows with the label"}, "rangemode": "tozero", "tickformat": ".0%"},
    }
    return draw_figure(palette, HEIGHT, traces, layout)


def describe_curves(kind: str, curves: Mapping[str, Curve], figures: Mapping[str, str]) -> str:
    """Say what the curves of each version show, for those who cannot see them."""
    return " ".join(describe_curve(f"{kind} of {name}", curve, figures[name]) for name, curve in curves.items())


def describe_calibrations(curves: Mapping[str, CalibrationCurve]) -> str:
    """Say what the calibration of each version shows, for those who cannot see it."""
    return " ".join(f"{name}: {describe_calibration(curve)}" for name, curve in curves.items())


def describe_score_lines(scores: Mapping[str, ScoreDistribution]) -> str:
    """Say how the scores of each version are spread, for those who cannot see it."""
    return " ".join(f"{name}: {describe_scores(own)}" for name, own in scores.items())


def _trace_curves(
    curves: Mapping[str, Curve],
    places: Mapping[str, tuple[float | None, float | None]],
    colours: Colours,
    palette: Palette,
) -> Sequence[Part]:
    lines: list[Part] = [
        {
            "type": "scatter",
            "x": curve.x.tolist(),
            "y": curve.y.tolist(),
            "mode": "lines",
            "name": show_plain(name),
            "line": {"color": colours[name], "width": 2.2},
            "customdata": [f"{one:.3f}" if one <= 1 else "above 1" for one in curve.threshold.tolist()],
            "hovertemplate": f"{show_plain(name)}: %{{x:.3f}}, %{{y:.3f}} at threshold %{{customdata}}<extra></extra>",
        }
        for name, curve in curves.items()
    ]
    points: list[Part] = [
        {
            "type": "scatter",
            "x": [x],
            "y": [y],
            "mode": "markers",
            "name": show_plain(name),
            "showlegend": False,
            "marker": {"size": 10, "color": colours[name], "line": {"color": palette.background, "width": 2}},
            "hovertemplate": f"{show_plain(name)} as deployed: %{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        }
        for name, (x, y) in places.items()
        if x is not None and y is not None
    ]
    return [*lines, *points]


def _trace_calibration(name: str, curve: CalibrationCurve, colour: str) -> Part:
    steady = curve.n >= STEADY_ROWS
    share, low, high = curve.positive_share[steady], curve.low[steady], curve.high[steady]
    return {
        "type": "scatter",
        "x": curve.mean_score[steady].tolist(),
        "y": share.tolist(),
        "mode": "lines+markers",
        "name": show_plain(name),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 7},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (high - share).tolist(),
            "arrayminus": (share - low).tolist(),
            "color": colour,
            "thickness": 1.2,
            "width": 0,
        },
        "customdata": np.column_stack([curve.n[steady], low, high]).tolist(),
        "hovertemplate": f"{show_plain(name)}, score %{{x:.3f}}: %{{y:.1%}} positive "
        "[%{customdata[1]:.1%}, %{customdata[2]:.1%}], %{customdata[0]:,} labels<extra></extra>",
    }


def _note_threshold(threshold: float, palette: Palette) -> Part:
    is_right = threshold > 0.6
    return {
        "x": threshold,
        "xanchor": "right" if is_right else "left",
        "xshift": -5 if is_right else 5,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "text": f"deployed {threshold:.3g}",
        "font": {"size": 12, "color": palette.text},
        "showarrow": False,
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
