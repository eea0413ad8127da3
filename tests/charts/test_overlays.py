"""Several versions in one chart: each has its own colour, and what is undefined is left out, not drawn at zero."""

import numpy as np
import pytest

from mlops_core.charts.balance import MOST_BARS, describe_balance, draw_balance
from mlops_core.charts.differences import draw_pair_differences, list_pair_rows
from mlops_core.charts.overlays import (
    describe_calibrations,
    describe_curves,
    describe_score_lines,
    draw_calibrations,
    draw_precision_recalls,
    draw_rocs,
    draw_score_lines,
)
from mlops_core.charts.theme import DARK, LIGHT, assign_colours
from mlops_core.entities import Metric
from mlops_core.stats.classification import calibration_curve
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.counts import count_scores, merge_counts
from mlops_core.stats.curves import distribute_scores, sweep_thresholds, trace_precision_recall, trace_roc
from mlops_core.stats.decisions import Confusion
from mlops_core.stats.judgement import Judgement

NAMES = ("v1", "v2")
SILENT = Confusion(true_positive=0, false_positive=0, false_negative=500, true_negative=500)
BUSY = Confusion(true_positive=300, false_positive=100, false_negative=200, true_negative=400)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    scores = rng.random(2000)
    labels = (rng.random(2000) < scores).astype(int)
    zeros = np.zeros(2000, int)
    noise = np.clip(scores + rng.normal(0, 0.3, 2000), 0, 1)
    sides = {"v1": scores, "v2": noise}
    return {name: merge_counts(count_scores(own, labels, zeros, 1, 0.5)) for name, own in sides.items()}


def list_colours(figure):
    return {trace.name: trace.line.color for trace in figure.data if trace.mode != "markers"}


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_versions_have_the_same_colour_in_every_chart(counts, palette):
    colours = assign_colours(NAMES, palette)
    rocs = {name: trace_roc(sweep_thresholds(own)) for name, own in counts.items()}
    recalls = {name: trace_precision_recall(sweep_thresholds(own)) for name, own in counts.items()}
    decisions = dict.fromkeys(NAMES, BUSY)
    assert list_colours(draw_rocs(rocs, decisions, colours, palette)) == colours
    assert list_colours(draw_precision_recalls(recalls, decisions, 0.5, colours, palette)) == colours
    calibrations = {name: calibration_curve(own) for name, own in counts.items()}
    assert list_colours(draw_calibrations(calibrations, colours, palette)) == colours
    scores = {name: distribute_scores(own) for name, own in counts.items()}
    lines = list_colours(draw_score_lines(scores, 0.5, colours, palette))
    assert {name.partition(",")[0]: colour for name, colour in lines.items()} == colours


def test_version_that_flags_nothing_has_no_point_where_precision_is_undefined(counts):
    curves = {name: trace_precision_recall(sweep_thresholds(own)) for name, own in counts.items()}
    colours = assign_colours(NAMES, LIGHT)
    figure = draw_precision_recalls(curves, {"v1": SILENT, "v2": BUSY}, 0.5, colours, LIGHT)
    points = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"}
    assert points == {"v2": (0.6, 0.75)}


def test_score_lines_of_each_label_add_up_to_one(counts):
    figure = draw_score_lines(
        {name: distribute_scores(own) for name, own in counts.items()}, 0.5, assign_colours(NAMES, LIGHT), LIGHT
    )
    assert len(figure.data) == 4
    for trace in figure.data:
        assert sum(trace.y[:-1]) == pytest.approx(1)
        assert len(trace.x) == len(trace.y)


def test_charts_are_told_in_words(counts):
    rocs = {name: trace_roc(sweep_thresholds(own)) for name, own in counts.items()}
    words = describe_curves("ROC curve", rocs, {"v1": "ROC AUC 0.83.", "v2": "ROC AUC 0.75."})
    assert words.startswith("ROC curve of v1: ")
    assert words.endswith("ROC AUC 0.75.")
    assert "v2: Calibration: " in describe_calibrations({name: calibration_curve(own) for name, own in counts.items()})
    assert "v2: Scores of 2,000 rows" in describe_score_lines(
        {name: distribute_scores(own) for name, own in counts.items()}
    )


def make_difference(metric, judgement=Judgement.BETTER):
    return MetricDifference(
        metric=metric, champion=0.5, candidate=0.6, difference=0.1, low=0.05, high=0.15,
        judgement=judgement, reason=None,
    )  # fmt: skip


def test_differences_of_one_metric_stand_below_one_another():
    own = [make_difference(Metric.F1), make_difference(Metric.BRIER)]
    assert [name for name, _ in list_pair_rows({"v2": own})] == ["F1", "Brier (sign turned)"]
    names = ["F1 · v2", "F1 · v3", "Brier (sign turned) · v2", "Brier (sign turned) · v3"]
    assert [name for name, _ in list_pair_rows({"v2": own, "v3": own})] == names
    figure = draw_pair_differences({"v2": own, "v3": own}, LIGHT)
    assert list(figure.layout.yaxis.categoryarray) == names[::-1]


def test_balance_shows_the_largest_effects_and_none_below_zero():
    effects = [(f"f{i}", 1 - i / 10) for i in range(15)]
    figure = draw_balance(effects, (0.1, 0.2), LIGHT)
    assert list(figure.data[0].y) == [name for name, _ in effects[:MOST_BARS]][::-1]
    assert min(figure.data[0].x) >= 0
    assert describe_balance(effects[:2]) == "Effect by feature: f0 1.00; f1 0.90."
    assert describe_balance([]) == "No feature can be compared."
