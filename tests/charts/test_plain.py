"""Texts from data are drawn letter by letter: no figure holds markup that came with a category or a version."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from plotly.graph_objects import Figure

from mlops_core.charts.balance import draw_balance
from mlops_core.charts.bands import MetricLine, draw_metric
from mlops_core.charts.differences import draw_metric_differences, draw_pair_differences, draw_segment_differences
from mlops_core.charts.drift import HeatMap, HeatRow, draw_heat_map
from mlops_core.charts.drift_detail import Distribution, draw_distribution
from mlops_core.charts.overlays import draw_score_lines
from mlops_core.charts.plain import show_plain
from mlops_core.charts.quality import Cell, Matrix, MatrixRow, Reading, draw_history, draw_matrix
from mlops_core.charts.spans import draw_spans
from mlops_core.charts.theme import LIGHT
from mlops_core.charts.timeline import Timeline, draw_timeline
from mlops_core.config import parse_model_text
from mlops_core.entities import Action, Actor, Deployment, Estimate, Metric, Series, Source, Span, Status
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.counts import count_scores, merge_counts
from mlops_core.stats.curves import distribute_scores
from mlops_core.stats.judgement import Judgement
from mlops_core.stats.segment_comparison import SegmentDifference
from tests.small_home import MODEL_FILE

TEXT, PLAIN = "<u>north</u> & co", "&lt;u>north&lt;/u> &amp; co"
NOT_DRAWN = ("legendgroup", "template")
NOW, DAY = datetime(2024, 3, 1, tzinfo=UTC), timedelta(days=1)
STEPS = (NOW - 2 * DAY, NOW - DAY)
SPEC = parse_model_text(MODEL_FILE)
COLOURS = {TEXT: "#5a67a8"}
DIFFERENCE = MetricDifference(
    metric=Metric.F1, champion=0.5, candidate=0.6, difference=0.1, low=0.05, high=0.15,
    judgement=Judgement.BETTER, reason=None,
)  # fmt: skip


def show_timeline(*series: Series) -> Timeline:
    deployment = Deployment(
        id=1, model=SPEC.name, version=TEXT, previous=None, action=Action.PROMOTE, at=NOW - DAY,
        actor=Actor("ana", "page"), reason="better", key=None,
    )  # fmt: skip
    return Timeline(
        spec=SPEC, metric=Metric.F1, series=series, deployments=[deployment], standard=None, start=NOW - 9 * DAY,
        labelled_until=None, now=NOW,
    )  # fmt: skip


def draw_lines() -> Figure:
    line = MetricLine(
        version=TEXT, source=Source.LIVE, is_estimated=False, chunks=STEPS, values=(Estimate(0.5, 0.4, 0.6),) * 2,
        n=(300, 300), has_gap_after=(False, True), has_band=(True, True),
    )  # fmt: skip
    return draw_metric(show_timeline(), [line], COLOURS, LIGHT)


def draw_series() -> Figure:
    fields = {"version": TEXT, "chunks": STEPS, "daily": (0.5, 0.6), "rolling": (0.5, 0.6), "n_labelled": (300, 300)}
    series = [Series(source=source, **fields) for source in (Source.LIVE, Source.REPLAY)]
    return draw_timeline(show_timeline(*series), COLOURS, LIGHT)


def draw_drift() -> Figure:
    row = HeatRow(
        name="id", label=TEXT, statuses=(Status.ALERT, Status.OK), effects=(0.5, 0.0), limit=0.2, reasons=(TEXT, TEXT)
    )
    return draw_heat_map(HeatMap(chunks=STEPS, names=("28 Feb", "29 Feb"), rows=(row,)), ("id", STEPS[0]), LIGHT)


def draw_categories() -> Figure:
    shown = Distribution(
        feature=TEXT, edges=(), labels=(TEXT, "south"), reference=(0.7, 0.3), current=(0.3, 0.7), n_reference=500,
        n_current=500, current_name="1 Mar",
    )  # fmt: skip
    return draw_distribution(shown, LIGHT)


def draw_checks() -> Figure:
    cell = Cell(status=Status.ALERT, n_found=1, words=TEXT)
    rows = (MatrixRow(code="id", label=TEXT, cells=(cell, None)),)
    return draw_matrix(Matrix(chunks=STEPS, names=("28 Feb", "29 Feb"), rows=rows), ("id", STEPS[0]), LIGHT)


def draw_readings() -> Figure:
    reading = Reading(at=NOW, name="1 Mar", value=0.4, limit=0.1, status=Status.ALERT, reason=TEXT)
    return draw_history([reading], percent=True, palette=LIGHT)


def draw_segments() -> Figure:
    return draw_segment_differences(
        [SegmentDifference(segment=TEXT, n=500, n_positive=50, difference=DIFFERENCE)], LIGHT
    )


def draw_pairs() -> Figure:
    return draw_pair_differences({TEXT: [DIFFERENCE], "v3": [DIFFERENCE]}, LIGHT)


def draw_effects() -> Figure:
    return draw_balance([(TEXT, 0.3)], (0.1, 0.2), LIGHT)


def draw_scores() -> Figure:
    merged = merge_counts(count_scores([0.2, 0.8], [0, 1], [0, 0], n_chunks=1, threshold=0.5))
    return draw_score_lines({TEXT: distribute_scores(merged)}, 0.5, COLOURS, LIGHT)


def draw_times() -> Figure:
    return draw_spans([TEXT], [Span(version=TEXT, start=STEPS[0], end=None, deployment=1)], NOW, COLOURS, LIGHT)


def list_texts(part: object) -> Iterator[str]:
    """Give every text of a figure that may be drawn."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key not in NOT_DRAWN:
                yield from list_texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from list_texts(value)
    elif isinstance(part, str):
        yield part


@pytest.mark.parametrize(
    "draw",
    [
        draw_lines,
        draw_series,
        draw_drift,
        draw_categories,
        draw_checks,
        draw_readings,
        draw_segments,
        draw_pairs,
        draw_effects,
        draw_scores,
        draw_times,
    ],
)
def test_figure_shows_a_text_letter_by_letter_when_it_looks_like_markup(draw: Callable[[], Figure]):
    texts = list(list_texts(json.loads(draw().to_json())))
    assert [text for text in texts if TEXT in text] == []
    assert [text for text in texts if PLAIN in text]


def test_categories_of_an_axis_are_those_of_its_points():
    for figure in (draw_segments(), draw_times()):
        assert set(figure.data[0].y) == set(figure.layout.yaxis.categoryarray) == {PLAIN}


def test_plain_text_stays_as_it_is():
    assert show_plain("origin: JFK > 3") == "origin: JFK > 3"
    assert list(draw_metric_differences([DIFFERENCE], LIGHT).data[0].y) == ["F1"]
