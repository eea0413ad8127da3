"""What the Performance page shows of one version: lines by chunk, curves, decisions, costs, and segments."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mlops_core.charts.bands import describe_metric, draw_metric, find_gaps
from mlops_core.charts.curves import (
    describe_calibration,
    describe_curve,
    describe_scores,
    draw_calibration,
    draw_precision_recall,
    draw_roc,
    draw_scores,
    draw_thresholds,
)
from mlops_core.charts.theme import DARK, LIGHT, assign_colours
from mlops_core.charts.timeline import Timeline
from mlops_core.entities import Estimate, Metric, Source, Window
from mlops_core.services.curves import (
    DECISION_COLUMNS,
    EXPORTED_DECISIONS,
    compute_costs,
    export_decisions,
    list_decisions,
    list_scored_versions,
    read_curves,
    read_decisions,
    tell_costs,
    tell_intervals,
    tell_rows,
)
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import ALL_TIME, read_profiles
from mlops_core.services.replay import replay_version
from mlops_core.services.segments import COLUMNS as SEGMENT_COLUMNS
from mlops_core.services.segments import (
    EXPORTED,
    export_segments,
    list_segment_rows,
    name_order,
    rank_segments,
    tell_segments,
)
from mlops_core.services.standing import read_standing
from mlops_core.services.trends import COLUMNS, list_rows, read_trend
from mlops_core.stats.classification import compute_metrics
from tests.small_home import PRESENT, START

DAY = timedelta(days=1)
WINDOW = Window(START, PRESENT)
WHOLE = ("", "")


def test_trend_has_a_line_of_labels_and_one_of_estimates_for_each_version_that_answered(runtime, spec):
    trend = read_trend(runtime, spec, "v2", Metric.ROC_AUC, WINDOW, WHOLE)
    assert [(line.version, line.is_estimated, len(line.chunks)) for line in trend.lines] == [
        ("v1", True, 7),
        ("v2", True, 7),
        ("v1", False, 7),
        ("v2", False, 7),
    ]
    profile = read_profiles(runtime, spec, WINDOW)[1]
    expected = compute_metrics(profile.counts)[Metric.ROC_AUC]
    assert [one.value for one in trend.lines[-1].values] == pytest.approx(expected.tolist())
    rows = list_rows(trend)
    assert (len(rows), len(rows[0])) == (28, len(COLUMNS))


def test_trend_has_no_estimate_of_what_cannot_be_estimated(runtime, spec):
    trend = read_trend(runtime, spec, "v2", Metric.CALIBRATION_ERROR, WINDOW, WHOLE)
    assert {line.is_estimated for line in trend.lines} == {False}


def test_chart_says_in_words_what_it_shows(runtime, spec):
    trend = read_trend(runtime, spec, "v2", Metric.ROC_AUC, WINDOW, WHOLE)
    timeline = Timeline(
        spec=spec,
        metric=Metric.ROC_AUC,
        series=(),
        deployments=(),
        standard=spec.standards[0],
        start=START,
        labelled_until=PRESENT - 2 * DAY,
        now=PRESENT,
    )
    words = describe_metric(timeline, trend.lines)
    assert words.startswith("ROC AUC by day. v1, estimated: ")
    assert "v2, realised: 0." in words
    figure = draw_metric(timeline, trend.lines, assign_colours(["v1", "v2"], LIGHT), LIGHT)
    dashes = {trace.name: trace.line.dash for trace in figure.data if trace.name}
    assert dashes == {"v1, estimated": "dot", "v2, estimated": "dot", "v1, realised": "solid", "v2, realised": "solid"}
    assert [trace.fill for trace in figure.data].count("toself") == 2
    assert {shape.line.dash for shape in figure.layout.shapes} == {"longdash", None}


def test_line_is_broken_where_chunks_do_not_follow_each_other():
    chunks = [START, START + DAY, START + 3 * DAY]
    assert find_gaps(chunks, [chunk + DAY for chunk in chunks]) == (False, True, True)
    assert find_gaps([], []) == ()


def test_curves_stand_on_answered_and_replayed_rows_each_once(runtime, spec):
    assert list_scored_versions(runtime, spec, WINDOW) == ["v1", "v2"]
    assert read_curves(runtime, spec, "v3", WINDOW) is None
    alone = read_curves(runtime, spec, "v2", WINDOW)
    assert (alone.n, alone.n_replayed, alone.start) == (7 * 600, 0, START + 7 * DAY)
    replay_version(runtime, spec, "v2", Window(START, START + 2 * DAY))
    count_waiting(runtime, spec)
    both = read_curves(runtime, spec, "v2", WINDOW)
    assert (both.n, both.n_replayed, both.start) == (9 * 600, 2 * 600, START)
    assert "1,200 of them by replay" in tell_rows(spec, both)
    assert both.metrics[Metric.ROC_AUC].low < both.metrics[Metric.ROC_AUC].value
    lines = read_trend(runtime, spec, "v2", Metric.F1, WINDOW, WHOLE).lines
    assert [line.source for line in lines].count(Source.REPLAY) == 1


def test_decisions_at_the_deployed_threshold_are_those_of_the_metrics(runtime, spec):
    curves = read_curves(runtime, spec, "v2", WINDOW)
    deployed = read_decisions(curves, spec.threshold)
    for metric in (Metric.F1, Metric.PRECISION, Metric.RECALL, Metric.ACCURACY):
        found, expected = getattr(deployed, metric.value), curves.metrics[metric]
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    rows = list_decisions(spec, read_decisions(curves, 0.3), deployed, None)
    assert {len(row) for row in rows} == {len(DECISION_COLUMNS)}
    assert rows[0] == ("Read at", "0.2998", "0.5000")
    assert tell_intervals(spec, curves) == "95 % intervals resample 7 days."
    few = read_curves(runtime, spec, "v2", Window(PRESENT - 8 * DAY, PRESENT))
    assert tell_intervals(spec, few).startswith("95 % intervals treat rows as independent; from 5 labelled days on")


def test_decisions_leave_as_numbers(runtime, spec):
    curves = read_curves(runtime, spec, "v2", WINDOW)
    chosen, deployed = read_decisions(curves, 0.3), read_decisions(curves, spec.threshold)
    costs = compute_costs(spec, curves, 0.3, false_alarm=1, miss=5)
    for cost in (None, costs):
        rows = [dict(zip(EXPORTED_DECISIONS, row, strict=True)) for row in export_decisions(chosen, deployed, cost)]
        assert [row["threshold"] for row in rows] == ["chosen", "deployed"]
        assert float(rows[0]["f1_low"]) <= float(rows[0]["f1"]) <= float(rows[0]["f1_high"])
        assert sum(int(rows[1][key]) for key in ("true_positive", "false_negative")) == curves.n_positive
        assert rows[1]["cost_per_1000"] == (f"{costs.at_deployed:.4f}" if cost else "")


def test_costs_are_told_with_the_cheapest_threshold_when_they_are_set(runtime, spec):
    curves = read_curves(runtime, spec, "v2", WINDOW)
    chosen = read_decisions(curves, 0.3)
    assert compute_costs(spec, curves, 0.3, false_alarm=0, miss=0) is None
    assert "Set what a false alarm and a miss cost" in tell_costs(spec, curves, chosen, None)
    costs = compute_costs(spec, curves, 0.3, false_alarm=1, miss=5)
    expected = 1000 * (chosen.false_positive + 5 * chosen.false_negative) / curves.n_labelled
    assert costs.at_chosen == pytest.approx(expected)
    assert costs.at_cheapest == np.nanmin(costs.curve) <= min(costs.at_chosen, costs.at_deployed)
    assert costs.cheapest < spec.threshold
    assert "Least cost" in tell_costs(spec, curves, chosen, costs)
    assert list_decisions(spec, chosen, chosen, costs)[-1][0] == "Cost per 1,000"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_curves_are_drawn_and_told(runtime, spec, palette):
    curves = read_curves(runtime, spec, "v2", WINDOW)
    marks = {"deployed": read_decisions(curves, 0.5), "chosen": read_decisions(curves, 0.3)}
    colour = palette.versions[0]
    roc = draw_roc(curves.roc, curves.sweep, marks, colour, palette)
    assert [trace.name for trace in roc.data if trace.mode == "markers"] == ["deployed", "chosen"]
    precision = draw_precision_recall(curves.precision_recall, curves.sweep, marks, colour, palette)
    assert len(precision.data) == 3
    assert "at 0.5" in describe_curve("ROC", curves.roc, "ROC AUC 0.8")
    assert draw_calibration(curves.calibration, colour, palette).data
    assert describe_calibration(curves.calibration).startswith("Calibration: score 0.")
    assert sum(sum(trace.y) for trace in draw_scores(curves.scores, 0.5, colour, palette).data) == curves.n
    assert describe_scores(curves.scores).startswith("Scores of 4,200 rows: half of them lie below 0.")
    quality = draw_thresholds(curves.sweep, {"deployed 0.5": 0.5}, colour, palette)
    assert [trace.name for trace in quality.data] == ["F1", "Precision", "Recall"]
    costs = compute_costs(spec, curves, 0.3, false_alarm=1, miss=5)
    assert len(draw_thresholds(curves.sweep, {"deployed 0.5": 0.5}, colour, palette, costs.curve).data) == 1


def test_segments_are_worst_first_with_intervals_that_hold_together(runtime, spec):
    overall = read_curves(runtime, spec, "v2", WINDOW).metrics[Metric.ROC_AUC]
    table = rank_segments(runtime, spec, "v2", Metric.ROC_AUC, WINDOW, overall)
    values = [row.estimate.value for row in table.rows]
    assert values == sorted(values)
    assert {row.value for row in table.rows} == {"north", "south"}
    assert sum(row.n_labelled for row in table.rows) == 7 * 600
    # Regions are drawn by lot: neither is better.
    assert {row.verdict for row in table.rows} == {"undecided"}
    rows = list_segment_rows(table.rows)
    assert {len(row) for row in rows} == {len(SEGMENT_COLUMNS)}
    assert "all 2 hold at once with 95 %" in tell_segments(table, "v2")
    exported = [dict(zip(EXPORTED, row, strict=True)) for row in export_segments(table.rows)]
    assert float(exported[0]["low"]) < float(exported[0]["figure"]) < float(exported[0]["high"])
    assert [exported[0][key] for key in ("segment_column", "against_all")] == ["region", "undecided"]


def test_segments_are_lowest_first_when_nothing_is_better(runtime, spec):
    table = rank_segments(runtime, spec, "v2", Metric.POSITIVE_RATE, WINDOW, Estimate(0.0))
    values = [row.estimate.value for row in table.rows]
    assert values == sorted(values)
    assert {row.verdict for row in table.rows} == {"higher"}
    assert (name_order(Metric.POSITIVE_RATE), name_order(Metric.F1)) == (
        "Segments, lowest first",
        "Worst segments first",
    )


def test_segments_are_worst_first_when_less_is_better(runtime, spec):
    table = rank_segments(runtime, spec, "v2", Metric.LOG_LOSS, WINDOW, Estimate(0.0))
    values = [row.estimate.value for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert {row.verdict for row in table.rows} == {"worse"}


def test_segments_say_nothing_when_labels_are_few(runtime, spec):
    day = Window(START, START + DAY)
    table = rank_segments(runtime, spec, "v1", Metric.F1, day, Estimate(0.5))
    assert [row.n_labelled >= 200 for row in table.rows] == [True, True]
    assert rank_segments(runtime, spec, "v3", Metric.F1, day, Estimate(0.5)).rows == ()


def test_standing_is_the_verdict_on_the_primary_metric(runtime, spec):
    standing = read_standing(runtime, spec, PRESENT)
    assert standing.headline.sentence.startswith("v2 keeps its standard: ROC AUC was 0.")
    assert "nothing has to be estimated" in standing.headline.detail
    assert (standing.champion.version, standing.versions) == ("v2", ("v1", "v2", "v3"))
    strict = replace(spec, standards=(replace(spec.standards[0], minimum=0.99),))
    assert read_standing(runtime, strict, PRESENT).headline.sentence.startswith("v2 breaks its standard")
    assert list_scored_versions(runtime, spec, ALL_TIME) == ["v1", "v2"]
