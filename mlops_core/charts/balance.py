"""How different two sets of rows are, feature by feature: decides how much of it is shown, and that no verdict is."""

from collections.abc import Sequence

from plotly.graph_objects import Figure

from mlops_core.charts.curves import Part
from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, draw_figure

MOST_BARS = 10
ROW_HEIGHT, FRAME_HEIGHT = 27, 62


def draw_balance(effects: Sequence[tuple[str, float]], limits: Sequence[float], palette: Palette) -> Figure:
    """Draw the effect of each feature as a bar, the largest at the top, at most ten; with lines at named effects.

    Parameters
    ----------
    effects : sequence of (feature, effect)
        The largest first.
    """
    # Below 0 is what chance gives where nothing differs.
    shown = [(name, max(effect, 0.0)) for name, effect in effects[:MOST_BARS]][::-1]
    bars: Part = {
        "type": "bar",
        "orientation": "h",
        "x": [effect for _, effect in shown],
        "y": [show_plain(name) for name, _ in shown],
        "text": [f"{effect:.2f}" for _, effect in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"size": 12, "color": palette.text},
        "marker": {"color": palette.muted, "line": {"width": 0}},
        "width": 0.6,
        "hovertemplate": "%{y}: effect %{x:.3f}<extra></extra>",
        "showlegend": False,
    }
    largest = max([*(effect for _, effect in shown), *limits])
    layout = {
        "shapes": [_rule(limit, palette) for limit in limits],
        "annotations": [_note(limit, palette) for limit in limits],
        "margin": {"t": 22},
        "xaxis": {"range": [0, 1.15 * largest], "showgrid": False, "title": {"text": "Effect"}},
        "yaxis": {"type": "category", "tickfont": {"size": 13, "color": palette.text}, "ticklabelstandoff": 6},
    }
    return draw_figure(palette, FRAME_HEIGHT + ROW_HEIGHT * max(len(shown), 1), [bars], layout)


def describe_balance(effects: Sequence[tuple[str, float]]) -> str:
    """Say which features differ most, for those who cannot see the chart."""
    told = "; ".join(f"{name} {effect:.2f}" for name, effect in effects[:MOST_BARS])
    return f"Effect by feature: {told}." if told else "No feature can be compared."


def _rule(at: float, palette: Palette) -> Part:
    line = {"color": palette.text, "width": 1, "dash": "dash"}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _note(at: float, palette: Palette) -> Part:
    return {
        "x": at,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": f"{at:g}",
        "font": {"size": 12, "color": palette.muted},
        "showarrow": False,
    }
