"""The door: a batch that is not of the accepted form is refused by column and value, and nothing is stored."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlops_core.entities import Window
from mlops_core.errors import InputError
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.store import refusals
from mlops_core.store.refusals import list_refusals
from tests.services.conftest import read_tables
from tests.small_home import MODEL, PRESENT

TIME = datetime(2024, 3, 18, 12, tzinfo=UTC)
GOOD = {
    "prediction_id": ["n1", "n2"],
    "scored_at": [TIME, TIME],
    "version": ["v2", "v2"],
    "score": [0.1, None],
    "income": [1, None],
    "region": ["north", None],
}
LABELS = {"prediction_id": ["n1"], "label": [1], "label_at": [TIME]}


def without(name):
    return {key: values for key, values in GOOD.items() if key != name}


def test_batch_is_accepted_when_features_are_absent_and_types_can_be_read(runtime, spec):
    rows = pa.table(
        GOOD | {"scored_at": ["2024-03-18T12:00:00Z"] * 2, "region": pa.array(["a", "b"]).dictionary_encode()}
    )
    assert ingest_predictions(runtime, spec, rows, now=PRESENT).accepted == 2
    stored = runtime.database.table("select * from predictions_car_loan where prediction_id in ('n1', 'n2') order by 1")
    assert stored["scored_at"].to_pylist() == [TIME, TIME]
    assert stored["income"].to_pylist() == [1.0, None]
    assert stored["debt"].to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (without("score"), "lacks the column 'score'"),
        (without("prediction_id"), "lacks the column 'prediction_id'"),
        (GOOD | {"colour": ["red", "blue"]}, "unknown column 'colour'; accepted are prediction_id"),
        (GOOD | {"prediction_id": ["n1", None]}, "1 rows have no 'prediction_id'"),
        (GOOD | {"version": [None, None]}, "2 rows have no 'version'"),
        (GOOD | {"score": [0.1, 1.1]}, "The score 1.1 is not a probability"),
        (GOOD | {"score": [-0.1, 0.5]}, "The score -0.1 is not a probability"),
        (GOOD | {"score": [float("nan"), 0.5]}, "The score nan is not a probability"),
        (GOOD | {"score": ["high", "low"]}, "The column 'score' is string, which cannot be read as double"),
        (GOOD | {"income": [["list"], None]}, "The column 'income' is list"),
        (GOOD | {"scored_at": [datetime(2024, 3, 18), None]}, "The times in 'scored_at' have no zone"),  # noqa: DTZ001
        (GOOD | {"scored_at": ["2024-03-18 12:00", None]}, "The column 'scored_at' is string"),
        (GOOD | {"scored_at": [1_710_763_200, 1_710_763_200]}, "The times in 'scored_at' are int64 without a unit"),
        (GOOD | {"scored_at": [TIME, None]}, "1 rows have no 'scored_at'"),
        (
            GOOD | {"scored_at": pa.array([2**60, 2**60], pa.timestamp("us", tz="UTC"))},
            "in 'scored_at' is not between 1900 and 2200; is its unit right",
        ),
    ],
)
def test_predictions_are_refused_and_nothing_is_stored_when_a_column_is_wrong(runtime, spec, columns, message):
    before = read_tables(runtime.database), runtime.database.table("select count(*) from predictions_car_loan")
    with pytest.raises(InputError, match=message):
        ingest_predictions(runtime, spec, pa.table(columns), now=PRESENT)
    assert (
        read_tables(runtime.database),
        runtime.database.table("select count(*) from predictions_car_loan"),
    ) == before


def test_predictions_are_refused_when_a_column_is_there_twice(runtime, spec):
    rows = pa.table(GOOD)
    with pytest.raises(InputError, match="has the column 'score' twice"):
        ingest_predictions(runtime, spec, rows.append_column("score", rows["score"]), now=PRESENT)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (LABELS | {"label": [2]}, "The label 2.0 of n1 is neither 0 nor 1"),
        (LABELS | {"label": [0.5]}, "The label 0.5 of n1"),
        (LABELS | {"label": [float("nan")]}, "The label nan of n1"),
        (LABELS | {"label": [None]}, "1 rows have no 'label'"),
        (LABELS | {"label_at": [None]}, "1 rows have no 'label_at'"),
        (LABELS | {"score": [0.5]}, "unknown column 'score'"),
        ({"prediction_id": ["n1"], "label": [1]}, "lacks the column 'label_at'"),
    ],
)
def test_labels_are_refused_and_nothing_is_stored_when_a_column_is_wrong(runtime, spec, columns, message):
    before = read_tables(runtime.database)
    with pytest.raises(InputError, match=message):
        ingest_labels(runtime, spec, pa.table(columns), now=PRESENT)
    assert read_tables(runtime.database) == before


def list_kept(runtime):
    window = Window(PRESENT, PRESENT + timedelta(seconds=1))
    return list_refusals(runtime.database, MODEL, window)


def test_refused_delivery_is_kept_with_its_reason_and_the_rows_at_fault(runtime, spec):
    rows = GOOD | {"prediction_id": ["n1", "n2"], "score": [0.1, 7.5]}
    with pytest.raises(InputError):
        ingest_predictions(runtime, spec, pa.table(rows), now=PRESENT)
    (kept,) = list_kept(runtime)
    assert (kept.kind, kept.n, kept.at) == ("predictions", 2, PRESENT)
    assert kept.reason == "The score 7.5 is not a probability; accepted are 0 to 1, or null."
    assert [(one["prediction_id"], one["score"], one["region"]) for one in kept.examples] == [("n2", "7.5", None)]


def test_refused_labels_are_kept_with_the_row_at_fault(runtime, spec):
    with pytest.raises(InputError):
        ingest_labels(runtime, spec, pa.table(LABELS | {"label": [2]}), now=PRESENT)
    (kept,) = list_kept(runtime)
    assert (kept.kind, kept.examples[0]["label"]) == ("labels", "2.0")


def test_refused_delivery_is_kept_when_its_values_cannot_be_written(runtime, spec):
    far = pa.array([2**60], pa.timestamp("us", tz="UTC"))
    odd = {"prediction_id": ["a\0b"], "scored_at": far, "version": [None], "score": ["x" * 5000]}
    with pytest.raises(InputError):
        ingest_predictions(runtime, spec, pa.table(odd), now=PRESENT)
    (kept,) = list_kept(runtime)
    assert len(kept.examples[0]["score"]) == 200
    assert kept.examples[0]["scored_at"] == str(2**60)


def test_oldest_refusals_are_forgotten_when_a_sender_keeps_failing(runtime, spec, monkeypatch):
    monkeypatch.setattr(refusals, "MOST_REFUSALS", 3)
    for i in range(5):
        refusals.add_refusal(runtime.database, MODEL, "predictions", f"Reason {i}.", 1, [], PRESENT)
    assert [one.reason for one in list_kept(runtime)] == ["Reason 4.", "Reason 3.", "Reason 2."]
