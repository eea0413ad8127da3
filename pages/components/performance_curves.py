"""One version at a movable threshold: decisions, cost, and the curves, for the page and for its report."""

import html
from functools import partial

import streamlit as st
from plotly.graph_objects import Figure

from mlops_core.charts import curves as charts
from mlops_core.charts.theme import Palette, assign_colours
from mlops_core.entities import Metric, ModelSpec
from mlops_core.services.activity import write_csv
from mlops_core.services.curves import (
    DECISION_COLUMNS,
    EXPORTED_DECISIONS,
    Costs,
    VersionCurves,
    compute_costs,
    export_decisions,
    list_decisions,
    read_decisions,
    tell_costs,
    tell_intervals,
    tell_rows,
)
from mlops_core.services.report import Section, Table
from mlops_core.stats.costs import Decisions
from mlops_core.words import write_estimate
from pages.components.downloads import offer_csv
from pages.components.filters import View, refuse_outside
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.tables import write_table

STEP = 0.001
MOST_COST = 1e9
SNAPPING = "Decisions are counted by score bin: a threshold between two bin edges is read at the nearer one."


def show_decisions(view: View, curves: VersionCurves, versions: tuple[str, ...]) -> tuple[Decisions, Section]:
    """Draw the slider, what it decides, and what that costs; give the decisions and the part of the report."""
    spec = view.spec
    with st.container(border=True, key="panel-threshold"):
        st.html(write_title("Decisions by threshold", tell_rows(spec, curves)))
        inputs, chart = st.columns([1, 1.35], gap="medium")
        with inputs:
            threshold, false_alarm, miss = _choose_threshold(spec)
        chosen, deployed = read_decisions(curves, threshold), read_decisions(curves, spec.threshold)
        costs = compute_costs(spec, curves, threshold, false_alarm=false_alarm, miss=miss)
        rows = list_decisions(spec, chosen, deployed, costs)
        with inputs:
            st.html(write_table(DECISION_COLUMNS, rows, "Decisions at two thresholds"))
        words = tell_costs(spec, curves, chosen, costs)
        note = f"{words} {SNAPPING} {tell_intervals(spec, curves)}"
        with chart:
            draw = partial(_draw_thresholds, curves, chosen, deployed, costs, versions)
            st.plotly_chart(draw(get_palette()), theme=None, key="threshold-chart", alt=words)
            st.html(f'<div class="dd-muted dd-small">{html.escape(note)}</div>')
        exported = write_csv(EXPORTED_DECISIONS, export_decisions(chosen, deployed, costs))
        offer_csv(exported, f"{spec.name}-decisions", key="decisions-csv")
    section = Section(
        title="Decisions by threshold",
        note=f"{tell_rows(spec, curves)}. {note}",
        draw=draw,
        table=Table(columns=DECISION_COLUMNS, rows=rows),
    )
    return chosen, section


def _choose_threshold(spec: ModelSpec) -> tuple[float, float, float]:
    """Draw the inputs; give the threshold and what a false alarm and a miss cost."""
    refuse_outside("threshold", "threshold", 0, 1)
    threshold = st.slider(
        "Threshold", 0.0, 1.0, spec.threshold, STEP, "%.3f", key="threshold", bind="query-params", help=SNAPPING
    )
    refuse_outside("false-alarm-cost", "cost of a false alarm", 0, MOST_COST)
    refuse_outside("miss-cost", "cost of a miss", 0, MOST_COST)
    left, right = st.columns(2)
    false_alarm = left.number_input(
        "Cost of a false alarm", 0.0, MOST_COST, 0.0, key="false-alarm-cost", bind="query-params"
    )
    miss = right.number_input("Cost of a miss", 0.0, MOST_COST, 0.0, key="miss-cost", bind="query-params")
    return threshold, false_alarm, miss


def show_curves(view: View, curves: VersionCurves, chosen: Decisions, versions: tuple[str, ...]) -> list[Section]:
    """Draw the four curves of a version; give them for the report."""
    sections, palette = _list_curves(view, curves, chosen, versions), get_palette()
    with st.grid(2, min_column_width=330, gap=14):
        for key, section in sections.items():
            with st.container(border=True, key=f"panel-{key}"):
                st.html(write_title(section.title, section.note))
                if section.draw:
                    st.plotly_chart(section.draw(palette), theme=None, key=f"curve-{key}", alt=section.words)
    return list(sections.values())


def _list_curves(view: View, curves: VersionCurves, chosen: Decisions, versions: tuple[str, ...]) -> dict[str, Section]:
    sweep, roc, precision_recall = curves.sweep, curves.roc, curves.precision_recall
    deployed = read_decisions(curves, view.spec.threshold)
    marks = {"deployed": deployed} | ({"chosen": chosen} if chosen.threshold != deployed.threshold else {})
    auc, average, error = (
        f"{metric.label} {write_estimate(curves.metrics[metric])}"
        for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.CALIBRATION_ERROR)
    )

    def colour(palette: Palette) -> str:
        return assign_colours(versions, palette)[curves.version]

    return {
        "roc": Section(
            title="ROC",
            note=auc,
            draw=lambda palette: charts.draw_roc(roc, sweep, marks, colour(palette), palette),
            words=charts.describe_curve("ROC curve", roc, auc),
        ),
        "precision-recall": Section(
            title="Precision and recall",
            note=average,
            draw=lambda palette: charts.draw_precision_recall(precision_recall, sweep, marks, colour(palette), palette),
            words=charts.describe_curve("Precision over recall", precision_recall, average),
        ),
        "calibration": Section(
            title="Calibration",
            note=error,
            draw=lambda palette: charts.draw_calibration(curves.calibration, colour(palette), palette),
            words=charts.describe_calibration(curves.calibration),
        ),
        "scores": Section(
            title="Scores",
            note=f"{curves.n:,} {view.spec.words.rows}",
            draw=lambda palette: charts.draw_scores(curves.scores, view.spec.threshold, colour(palette), palette),
            words=charts.describe_scores(curves.scores),
        ),
    }


def _draw_thresholds(
    curves: VersionCurves,
    chosen: Decisions,
    deployed: Decisions,
    costs: Costs | None,
    versions: tuple[str, ...],
    palette: Palette,
) -> Figure:
    marks = {f"deployed {deployed.threshold:.3g}": deployed.threshold}
    if chosen.threshold != deployed.threshold:
        marks[f"chosen {chosen.threshold:.3g}"] = chosen.threshold
    if costs:
        marks[f"least cost {costs.cheapest:.3g}"] = costs.cheapest
    colour = assign_colours(versions, palette)[curves.version]
    return charts.draw_thresholds(curves.sweep, marks, colour, palette, costs.curve if costs else None)
