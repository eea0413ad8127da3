"""The chart of a policy: a row each of runs, holds, labels, and production, and all of it in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mlops_core.charts.policy import (
    BACK,
    HELD,
    LABELS,
    PRODUCTION,
    RUNS,
    PolicyChart,
    PolicyMark,
    describe_policy_chart,
    draw_policy,
)
from mlops_core.charts.theme import LIGHT, assign_colours
from mlops_core.entities import Span

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CHART = PolicyChart(
    marks=[
        PolicyMark(at=START + DAY, run=3, words="<b>debt</b> has drifted"),
        PolicyMark(at=START + 2 * DAY, run=None, words="cooldown"),
    ],
    deliveries=[(START + DAY, 600)],
    spans=[Span(version="v1", start=START - DAY, end=None, deployment=1)],
    start=START,
    now=START + 5 * DAY,
)


def test_runs_holds_labels_and_production_have_a_row_each():
    rows = {trace.y[0]: trace for trace in draw_policy(CHART, assign_colours(["v1"], LIGHT), LIGHT).data}
    assert set(rows) == {RUNS, HELD, LABELS, PRODUCTION}
    assert (rows[RUNS].x[0], rows[HELD].x[0]) == (START + DAY, START + 2 * DAY)
    assert rows[RUNS].customdata[0] == "&lt;b>debt&lt;/b> has drifted"
    assert rows[PRODUCTION].x[0] == START


def test_rollbacks_have_a_row_when_there_are_any():
    back = PolicyMark(at=START + 3 * DAY, run=None, words="v1 is better", to="v1")
    chart = replace(CHART, marks=[*CHART.marks, back])
    figure = draw_policy(chart, assign_colours(["v1"], LIGHT), LIGHT)
    rows = {trace.y[0]: trace for trace in figure.data}
    assert list(rows[BACK].x) == [back.at]
    assert figure.layout.yaxis.categoryarray == (PRODUCTION, LABELS, HELD, BACK, RUNS)
    assert describe_policy_chart(chart, "").endswith(" 04 Mar 2024: rolled back to v1.")


def test_chart_is_told_in_words():
    assert describe_policy_chart(CHART, "One run.") == (
        "The policy over time. One run. 02 Mar 2024: run 3. 03 Mar 2024: held."
    )
