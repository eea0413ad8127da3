"""One feature's drift: decides how its two distributions, its series, and its missing values are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from mlops_core.charts.plain import show_plain
from mlops_core.charts.theme import Palette, make_figure
from mlops_core.charts.timeline import localise
from mlops_core.entities import ModelSpec, Status

HEIGHT = 270
LONGEST_LABEL = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One feature in the reference and in one chunk."""

    feature: str
    edges: tuple[float, ...]
    """Of e parts of a number, e + 1; empty when values or categories stand on their own."""
    labels: tuple[str, ...]
    """Of e values or categories; empty for parts of a number."""
    reference: tuple[float, ...]
    """Share per unit of the feature, or share of the rows, shape (e,); empty without rows."""
    current: tuple[float, ...]
    n_reference: int
    n_current: int
    current_name: str
    """Of the chunk: "30 Oct"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSeries:
    """One statistic of one feature over k chunks."""

    label: str
    """Of the statistic."""
    chunks: tuple[datetime, ...]
    values: tuple[float, ...]
    """NaN where undefined."""
    statuses: tuple[Status, ...]
    n: tuple[int, ...]
    limits: tuple[float, ...]
    """From which an alert is possible, in units of the statistic; empty when the verdict rests on another one."""
    band: tuple[float, ...]
    """Below which chance alone keeps 95 % of chunks; empty when not known for the statistic."""
    natural: tuple[float, ...]
    """How far chunks of the reference move by themselves; empty when not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSeries:
    """Nulls and unseen categories of one feature over k chunks."""

    chunks: tuple[datetime, ...]
    nulls: tuple[float, ...]
    """Share of rows, 0 to 1."""
    unseen: tuple[float, ...]
    """Share of rows whose category the reference lacks; empty for a number."""
    reference_nulls: float


def draw_distribution(shown: Distribution, palette: Palette) -> go.Figure:
    """Draw the reference in grey and the chunk over it: steps for a number, bars for values and categories."""
    figure = make_figure(palette, HEIGHT)
    sides = (("reference", shown.reference, palette.muted), (shown.current_name, shown.current, palette.versions[5]))
    for name, values, colour in sides:
        if not values:
            continue
        if shown.edges:
            figure.add_scatter(
                x=list(shown.edges),
                y=[*values, values[-1]],
                mode="lines",
                line={"shape": "hv", "color": colour, "width": 1.8},
                fill="tozeroy",
                fillcolor=_fade(colour, 0.18),
                name=name,
                hovertemplate="from %{x:.4g}: %{y:.3g}",
            )
        else:
            figure.add_bar(
                x=[_shorten(label) for label in shown.labels],
                y=list(values),
                marker={"color": _fade(colour, 0.75), "line": {"color": colour, "width": 1}},
                name=name,
                hovertemplate="%{y:.1%}",
            )
    # Names of categories that look like numbers or dates must stay names, and are no markup.
    figure.update_xaxes(showgrid=False, **({} if shown.edges else {"type": "category"}))
    figure.update_yaxes(rangemode="tozero", title_text="density" if shown.edges else "share of rows")
    if not shown.edges:
        figure.update_yaxes(tickformat=".0%")
    figure.update_layout(hovermode="x unified", barmode="group", bargap=0.25)
    return figure


def describe_distribution(shown: Distribution) -> str:
    """Say in words what the distributions show: where each side has most of its rows."""
    rows = f"{shown.n_reference:,} rows of the reference and {shown.n_current:,} rows of {shown.current_name}"
    told = [f"Distribution of {shown.feature}: {rows}."]
    for name, values in (("The reference", shown.reference), (shown.current_name, shown.current)):
        if values:
            top = max(range(len(values)), key=values.__getitem__)
            where = f"from {shown.edges[top]:.4g}" if shown.edges else f"at {shown.labels[top]}"
            told.append(f"{name} is highest {where}.")
    return " ".join(told)


def draw_shift(series: ShiftSeries, spec: ModelSpec, chosen: datetime, palette: Palette) -> go.Figure:
    """Draw a statistic with what chance and nature give, and its limit; points are coloured by the verdict."""
    figure = make_figure(palette, HEIGHT)
    x = [localise(chunk, ZoneInfo(spec.timezone)) for chunk in series.chunks]
    _add_bounds(figure, series, x, palette)
    figure.add_scatter(
        x=x,
        y=series.values,
        mode="lines+markers",
        line={"width": 1.8, "color": palette.versions[5]},
        marker={
            "size": 7,
            "color": [palette.status[status] for status in series.statuses],
            "symbol": [_SYMBOLS[status] for status in series.statuses],
        },
        name=series.label,
        customdata=[f" ({n:,} rows)" for n in series.n],
        hovertemplate="%{y:.3f}%{customdata}",
        connectgaps=False,
        # The newest point lies on the edge.
        cliponaxis=False,
    )
    if chosen in series.chunks:
        figure.add_vline(x=localise(chosen, ZoneInfo(spec.timezone)), line={"color": palette.text, "width": 1})
    figure.update_xaxes(showgrid=False, hoverformat="%a %d %b %Y", range=[x[0], x[-1]] if len(x) > 1 else None)
    figure.update_yaxes(title_text=series.label, rangemode="tozero")
    figure.update_layout(hovermode="x unified")
    return figure


def _add_bounds(figure: go.Figure, series: ShiftSeries, x: Sequence[datetime], palette: Palette) -> None:
    """Draw what chance and nature give, and the limit, as far as they are known."""
    if series.band:
        figure.add_scatter(
            x=x,
            y=series.band,
            mode="lines",
            line={"width": 0},
            fill="tozeroy",
            fillcolor=palette.shade,
            name="chance alone (95 %)",
            hovertemplate="%{y:.3f}",
        )
    lines = (
        ("limit", series.limits, "dash", palette.status[Status.ALERT]),
        ("natural", series.natural, "dot", palette.muted),
    )
    for name, values, dash, colour in lines:
        if values:
            figure.add_scatter(
                x=x, y=values, mode="lines", line={"dash": dash, "width": 1.5, "color": colour}, name=name,
                hovertemplate="%{y:.3f}",
            )  # fmt: skip


def describe_shift(series: ShiftSeries) -> str:
    """Say in words how the series goes."""
    known = [value for value in series.values if value == value]
    if not known:
        return f"{series.label} is not defined in any chunk."
    told = f"{series.label} by chunk: {known[-1]:.3f} at last, {min(known):.3f} to {max(known):.3f} in all."
    above = series.statuses.count(Status.ALERT)
    return told + (f" {above} chunks are an alert." if above else "")


def draw_missing(series: MissingSeries, spec: ModelSpec, palette: Palette) -> go.Figure:
    """Draw the shares of nulls and unseen categories, with the reference's nulls."""
    figure = make_figure(palette, HEIGHT)
    x = [localise(chunk, ZoneInfo(spec.timezone)) for chunk in series.chunks]
    for name, values, colour, dash in (
        ("null", series.nulls, palette.versions[5], "solid"),
        ("unseen category", series.unseen, palette.versions[1], "dash"),
        ("null in the reference", [series.reference_nulls] * len(x), palette.muted, "dot"),
    ):
        if values:
            figure.add_scatter(
                x=x,
                y=list(values),
                mode="lines",
                line={"color": colour, "width": 1.8, "dash": dash},
                name=name,
                hovertemplate="%{y:.1%}",
            )
    top = max([0.02, series.reference_nulls, *(value for value in (*series.nulls, *series.unseen) if value == value)])
    figure.update_xaxes(showgrid=False, hoverformat="%a %d %b %Y", range=[x[0], x[-1]] if len(x) > 1 else None)
    figure.update_yaxes(
        tickformat=".1%" if top < 0.05 else ".0%", range=[-0.01 * top, top * 1.1], title_text="share of rows"
    )
    figure.update_layout(hovermode="x unified")
    return figure


def describe_missing(series: MissingSeries) -> str:
    """Say in words how many values are missing."""
    told = f"Nulls: {_write_last(series.nulls)} at last, {series.reference_nulls:.1%} in the reference."
    return told + (f" Unseen categories: {_write_last(series.unseen)} at last." if series.unseen else "")


_SYMBOLS = {
    Status.ALERT: "triangle-up",
    Status.WARNING: "triangle-up-open",
    Status.OK: "circle",
    Status.INSUFFICIENT_DATA: "circle-open",
}


def _write_last(values: Sequence[float]) -> str:
    known = [value for value in values if value == value]
    return f"{known[-1]:.1%}" if known else "unknown"


def _shorten(label: str) -> str:
    plain = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
    return show_plain(plain)


def _fade(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
