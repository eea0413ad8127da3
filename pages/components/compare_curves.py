"""The curves of several versions on the same rows, for the page and for its report."""

from collections.abc import Sequence

from plotly.graph_objects import Figure

from mlops_core.charts import overlays as charts
from mlops_core.charts.theme import Palette, assign_colours
from mlops_core.entities import Metric, ModelSpec
from mlops_core.services.report import Section
from mlops_core.services.side_by_side import SideBySide
from mlops_core.words import write_estimate


def list_curves(spec: ModelSpec, found: SideBySide, every: Sequence[str]) -> dict[str, Section]:
    """Give ROC, precision and recall, calibration, and scores; the first two need labels of both classes.

    Parameters
    ----------
    every : sequence of str
        All versions of the model in order of registration, by which they have their colours.
    """
    drawn: dict[str, Section] = {}
    if 0 < found.n_positive < found.n:
        drawn |= _list_rankings(found, every)
    own = found.figures
    calibrations = {name: one.calibration for name, one in own.items()}
    scores = {name: one.scores for name, one in own.items()}
    return drawn | {
        "calibration": Section(
            title="Calibration",
            note=_write_figures(found, Metric.CALIBRATION_ERROR),
            draw=lambda palette: charts.draw_calibrations(calibrations, assign_colours(every, palette), palette),
            words=charts.describe_calibrations(calibrations),
        ),
        "scores": Section(
            title="Scores",
            note=f"solid label 1, dotted label 0 · {found.n:,} {spec.words.rows}",
            draw=lambda palette: charts.draw_score_lines(
                scores, spec.threshold, assign_colours(every, palette), palette
            ),
            words=charts.describe_score_lines(scores),
        ),
    }


def _list_rankings(found: SideBySide, every: Sequence[str]) -> dict[str, Section]:
    rocs = {name: one.roc for name, one in found.figures.items()}
    recalls = {name: one.precision_recall for name, one in found.figures.items()}
    decisions = {name: one.confusion for name, one in found.figures.items()}

    def draw_recalls(palette: Palette) -> Figure:
        colours = assign_colours(every, palette)
        return charts.draw_precision_recalls(recalls, decisions, found.base_rate, colours, palette)

    return {
        "roc": Section(
            title="ROC",
            note=_write_figures(found, Metric.ROC_AUC),
            draw=lambda palette: charts.draw_rocs(rocs, decisions, assign_colours(every, palette), palette),
            words=charts.describe_curves("ROC curve", rocs, _list_words(found, Metric.ROC_AUC)),
        ),
        "precision-recall": Section(
            title="Precision and recall",
            note=_write_figures(found, Metric.AVERAGE_PRECISION),
            draw=draw_recalls,
            words=charts.describe_curves(
                "Precision over recall", recalls, _list_words(found, Metric.AVERAGE_PRECISION)
            ),
        ),
    }


def _write_figures(found: SideBySide, metric: Metric) -> str:
    """Write a metric of each version: "ROC AUC v4 0.65, v3 0.72"."""
    values = ", ".join(f"{name} {_write_value(one.metrics[metric].value)}" for name, one in found.figures.items())
    return f"{metric.label} {values}"


def _write_value(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _list_words(found: SideBySide, metric: Metric) -> dict[str, str]:
    return {name: f"{metric.label} {write_estimate(one.metrics[metric])}." for name, one in found.figures.items()}
