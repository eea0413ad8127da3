"""The chart of a metric over time: words of its marks that can be read."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.charts.theme import LIGHT
from mlops_core.charts.timeline import MARK_HEIGHT, MOST_MARK_ROWS, Timeline, draw_timeline
from mlops_core.config import parse_model_text
from mlops_core.entities import Action, Actor, Deployment, Metric
from tests.small_home import MODEL_FILE

SPEC = parse_model_text(MODEL_FILE)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def deploy(number: int, days_ago: float) -> Deployment:
    return Deployment(
        id=number,
        model=SPEC.name,
        version=f"v{number}",
        previous=None,
        action=Action.PROMOTE,
        at=NOW - days_ago * DAY,
        actor=Actor("ana", "page"),
        reason="better",
        key=None,
    )


def place_marks(*days_ago: float) -> list[tuple[str, float, str]]:
    """Draw 60 days with a promotion at each of these ages; give text, row, and side of the marks."""
    timeline = Timeline(
        spec=SPEC,
        metric=Metric.F1,
        series=[],
        deployments=[deploy(i + 1, days) for i, days in enumerate(days_ago)],
        standard=None,
        start=NOW - 60 * DAY,
        labelled_until=None,
        now=NOW,
    )
    marks = draw_timeline(timeline, {}, LIGHT).layout.annotations
    return [(mark.text, -mark.yshift / MARK_HEIGHT, mark.xanchor) for mark in marks]


def test_marks_stand_on_one_row_when_they_are_far_apart():
    assert place_marks(55, 35, 15) == [
        ("v1 promoted", 0, "left"),
        ("v2 promoted", 0, "left"),
        ("v3 promoted", 0, "left"),
    ]


def test_marks_are_stacked_when_they_are_close_together():
    assert [row for _, row, _ in place_marks(55, 54.9, 54.8, 30)] == [0, 1, 2, 0]


def test_marks_turn_to_the_left_when_the_chart_ends():
    assert [(row, side) for _, row, side in place_marks(14, 2, 1)] == [(0, "left"), (1, "right"), (2, "right")]


@pytest.mark.parametrize("surplus", [0, 5])
def test_words_are_left_out_when_all_rows_are_taken(surplus: int):
    marks = place_marks(*(30 - i / 100 for i in range(MOST_MARK_ROWS + surplus)))
    assert [row for _, row, _ in marks] == list(range(MOST_MARK_ROWS))


def test_marks_before_the_chart_are_left_out():
    assert place_marks(70) == []
