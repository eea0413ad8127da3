"""The charts of data quality: what a cell and a mark say without their colour, and in words."""

from datetime import UTC, datetime, timedelta

from mlops_core.charts.quality import (
    SHAPES,
    Cell,
    Matrix,
    MatrixRow,
    Reading,
    describe_history,
    describe_matrix,
    draw_history,
    draw_matrix,
)
from mlops_core.charts.theme import DARK, LIGHT
from mlops_core.entities import Status

START, DAY = datetime(2013, 10, 7, 4, tzinfo=UTC), timedelta(days=1)
ALERT = Cell(status=Status.ALERT, n_found=3, words="Three are empty.")
FINE = Cell(status=Status.OK, n_found=0, words="All fine.")
MATRIX = Matrix(
    chunks=(START, START + DAY),
    names=("7 Oct", "8 Oct"),
    rows=(
        MatrixRow(code="quality.null_fraction", label="Empty values", cells=(FINE, ALERT)),
        MatrixRow(code="quality.freshness", label="Age of the newest row", cells=(None, FINE)),
    ),
)


def read(status, i=0, value=0.4, limit=0.1):
    return Reading(at=START + i * DAY, name=f"{7 + i} Oct", value=value, limit=limit, status=status, reason="Why.")


def test_cell_carries_its_figure_its_words_and_where_a_click_leads():
    figure = draw_matrix(MATRIX, ("quality.null_fraction", START + DAY), LIGHT)
    alert = next(trace for trace in figure.data if trace.name == "alert")
    assert list(alert.text) == ["3"]
    assert list(alert.customdata[0][:2]) == ["quality.null_fraction", (START + DAY).isoformat()]
    assert alert.customdata[0][4] == "Three are empty."
    assert sum(len(trace.x) for trace in figure.data if trace.customdata is not None) == 3


def test_chosen_cell_is_marked_and_only_where_it_is():
    figure = draw_matrix(MATRIX, ("quality.null_fraction", START), DARK)
    chosen = [trace for trace in figure.data if trace.marker.size == 27]
    assert [(list(trace.x), list(trace.y)) for trace in chosen] == [([0], [0])]
    nowhere = draw_matrix(MATRIX, ("quality.range", START), DARK)
    assert all(trace.marker.size != 27 for trace in nowhere.data)


def test_matrix_says_in_words_what_was_found():
    assert describe_matrix(MATRIX) == "Checks by chunk, 7 Oct to 8 Oct. Empty values: alert in 1 of 2 chunks."
    fine = Matrix(chunks=(START,), names=("7 Oct",), rows=(MatrixRow(code="x", label="X", cells=(FINE,)),))
    assert describe_matrix(fine).endswith("No check found anything.")


def test_statuses_have_shapes_of_their_own_in_the_history():
    readings = [read(Status.OK, 0), read(Status.WARNING, 1), read(Status.ALERT, 2)]
    figure = draw_history(readings, percent=True, palette=LIGHT)
    symbols = {trace.name: trace.marker.symbol for trace in figure.data if trace.mode == "markers"}
    assert symbols == {"as agreed": "circle", "warning": "diamond", "alert": "triangle-up"}
    assert len(set(SHAPES.values())) == len(Status)
    limit = next(trace for trace in figure.data if trace.name == "limit")
    assert list(limit.y) == [0.1] * 3


def test_value_that_is_the_only_one_stands_between_days():
    figure = draw_history([read(Status.ALERT)], percent=True, palette=LIGHT)
    assert figure.layout.xaxis.range == (START - 2 * DAY, START + 2 * DAY)


def test_value_that_is_not_known_is_left_out_and_never_zero():
    figure = draw_history([read(Status.INSUFFICIENT_DATA, value=None, limit=None)], percent=True, palette=LIGHT)
    assert all(len(trace.x) == 0 for trace in figure.data)


def test_history_says_in_words_what_it_shows():
    words = describe_history("Range: age", [read(Status.OK), read(Status.ALERT, 1)])
    assert words == "Range: age, 7 Oct to 8 Oct: alert in 1, as agreed in 1 of 2 chunks."
    assert describe_history("Range: age", []) == "Range: age: nothing was checked."
