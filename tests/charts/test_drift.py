"""The charts of the Drift page: what a cell shows, and how the charts read in words."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.charts.cells import LEGEND_HEIGHT, take_legend
from mlops_core.charts.drift import HeatMap, HeatRow, describe_heat_map, draw_heat_map
from mlops_core.charts.drift_detail import (
    Distribution,
    MissingSeries,
    ShiftSeries,
    describe_distribution,
    describe_missing,
    describe_shift,
    draw_distribution,
)
from mlops_core.charts.theme import DARK, LIGHT, Palette
from mlops_core.entities import Status

CHUNKS = tuple(datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=i) for i in range(3))
ROW = HeatRow(
    name="debt",
    label="debt",
    statuses=(Status.OK, Status.ALERT, Status.INSUFFICIENT_DATA),
    effects=(0.01, 0.5, math.nan),
    limit=0.2,
    reasons=("fine", "moved", "no rows"),
)
HEAT = HeatMap(chunks=CHUNKS, names=("1 Mar", "2 Mar", "3 Mar"), rows=(ROW,))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_cell_carries_what_a_click_selects(palette: Palette):
    figure = draw_heat_map(HEAT, ("debt", CHUNKS[1]), palette)
    cells = [tuple(data[:2]) for trace in figure.data if trace.customdata is not None for data in trace.customdata]
    assert sorted(cells) == [("debt", chunk.isoformat()) for chunk in CHUNKS]


def test_cell_shows_its_status_by_more_than_colour():
    traces = {trace.name: trace for trace in draw_heat_map(HEAT, ("debt", CHUNKS[0]), LIGHT).data if trace.name}
    assert traces["▲ drifted"].text == "0.5"
    assert traces["· not enough data"].marker.symbol == "square-open"


def test_cell_shows_a_sign_when_there_is_no_room_for_a_figure():
    chunks = tuple(CHUNKS[0] + timedelta(days=i) for i in range(60))
    row = HeatRow(
        name="a", label="a", statuses=(Status.ALERT,) * 60, effects=(0.5,) * 60, limit=0.2, reasons=("moved",) * 60
    )
    figure = draw_heat_map(HeatMap(chunks=chunks, names=("day",) * 60, rows=(row,)), ("a", chunks[0]), LIGHT)
    assert {text for trace in figure.data if trace.name == "▲ drifted" for text in trace.text} == {"▲"}


def test_chosen_cell_is_framed():
    frame = draw_heat_map(HEAT, ("debt", CHUNKS[2]), LIGHT).data[-1]
    assert (list(frame.x), list(frame.y)) == ([2], [0])


def test_legend_is_taken_off_with_the_colours_of_the_cells():
    figure = draw_heat_map(HEAT, None, LIGHT)
    height, drift = figure.layout.height, LIGHT.status[Status.ALERT]
    keys = take_legend(figure)
    assert [key.name for key in keys] == ["no drift", "· not enough data", "▲ drifted"]
    assert [key.fill == "transparent" for key in keys] == [False, True, False]
    assert keys[-1].outline == drift
    assert not figure.layout.showlegend
    assert figure.layout.height == height - LEGEND_HEIGHT


def test_heat_map_says_in_words_what_drifted():
    assert describe_heat_map(HEAT) == "Drift by feature, 1 Mar to 3 Mar. debt: drifted in 1 of 3 chunks."


def test_heat_map_says_that_nothing_drifted():
    calm = HeatRow(name="a", label="a", statuses=(Status.OK,), effects=(0.0,), limit=0.2, reasons=("fine",))
    words = describe_heat_map(HeatMap(chunks=CHUNKS[:1], names=("1 Mar",), rows=(calm,)))
    assert words == "Drift by feature, 1 Mar to 1 Mar. Nothing drifted."


def _distribution(**changes: object) -> Distribution:
    fields: dict[str, object] = {
        "feature": "region",
        "edges": (),
        "labels": ("north", "<b>x</b>"),
        "reference": (0.75, 0.25),
        "current": (0.25, 0.75),
        "n_reference": 500,
        "n_current": 600,
        "current_name": "14 Mar",
    }
    return Distribution(**(fields | changes))  # type: ignore[arg-type]


def test_distribution_says_where_each_side_is_highest():
    words = describe_distribution(_distribution())
    assert "500 rows of the reference and 600 rows of 14 Mar" in words
    assert "The reference is highest at north. 14 Mar is highest at <b>x</b>." in words


def test_distribution_shows_a_category_as_text_when_it_looks_like_markup():
    assert list(draw_distribution(_distribution(), LIGHT).data[0].x) == ["north", "&lt;b>x&lt;/b>"]


def test_distribution_leaves_out_a_side_without_rows():
    figure = draw_distribution(_distribution(current=(), edges=(0.0, 1.0, 2.0), labels=()), LIGHT)
    assert [trace.name for trace in figure.data] == ["reference"]


def test_series_and_missing_values_read_as_figures():
    series = ShiftSeries(
        label="PSI", chunks=CHUNKS, values=(0.1, 0.4, math.nan), statuses=ROW.statuses, n=(1, 1, 0),
        limits=(), band=(), natural=(),
    )  # fmt: skip
    assert describe_shift(series) == "PSI by chunk: 0.400 at last, 0.100 to 0.400 in all. 1 chunks are an alert."
    missing = MissingSeries(chunks=CHUNKS, nulls=(0.0, 0.1, 0.2), unseen=(0.0, 0.0, 0.5), reference_nulls=0.01)
    assert describe_missing(missing) == "Nulls: 20.0% at last, 1.0% in the reference. Unseen categories: 50.0% at last."
