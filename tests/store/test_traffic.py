"""Predictions and labels: stored once, never rewritten, and each touches only its own chunks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlops_core.entities import Window
from mlops_core.store.chunks import list_pending
from mlops_core.store.profiles import count_chunks
from mlops_core.store.replays import append_replay, choose_sample, fetch_scored
from mlops_core.store.tables import name_table
from mlops_core.store.traffic import (
    append_labels,
    append_predictions,
    list_batches,
)
from tests.store.conftest import NOW, make_labels, make_traffic

FIRST_DAY = datetime(2013, 11, 1, 4, tzinfo=UTC)
"""Midnight in New York."""
DAY = timedelta(days=1)
WINDOW = Window(FIRST_DAY, FIRST_DAY + 30 * DAY)


def send(database, spec, ids, days, **columns):
    times = [FIRST_DAY + DAY * day + timedelta(hours=12) for day in days]
    return append_predictions(database, spec, make_traffic(spec, ids, times, **columns), NOW)


def label(database, spec, ids, labels, at=NOW):
    return append_labels(database, spec, make_labels(ids, labels, at), NOW)


def count_rows(database, kind, spec):
    return database.table(f"select count(*) as n from {name_table(kind, spec.name)}")["n"][0].as_py()


def test_batch_is_stored_once_when_it_is_delivered_twice(database, spec):
    first = send(database, spec, ["a", "b"], [0, 1])
    second = send(database, spec, ["a", "b"], [0, 1])
    assert (first.received, first.accepted, second.received, second.accepted) == (2, 2, 2, 0)
    assert count_rows(database, "predictions", spec) == 2
    assert [batch.accepted for batch in list_batches(database, spec.name, "predictions")] == [0, 2]


def test_id_is_stored_once_when_its_batch_holds_it_twice(database, spec):
    assert send(database, spec, ["a", "a", "b"], [0, 0, 0]).accepted == 2


def test_ids_are_left_out_when_their_days_hold_them_already(database, spec):
    send(database, spec, ["a", "b"], [0, 1])
    assert send(database, spec, ["b", "c"], [1, 2]).accepted == 1
    assert send(database, spec, ["a", "c", "d"], [0, 2, 3]).accepted == 1


def test_batch_tells_its_span_when_it_is_stored(database, spec):
    batch = send(database, spec, ["a", "b"], [0, 3])
    assert (batch.start, batch.end) == (FIRST_DAY + timedelta(hours=12), FIRST_DAY + 3 * DAY + timedelta(hours=12))
    unmatched = label(database, spec, ["nobody"], [1])
    assert (unmatched.accepted, unmatched.start, unmatched.end) == (1, None, None)


def test_empty_batch_is_recorded_when_it_has_no_rows(database, spec):
    assert send(database, spec, [], []).accepted == 0
    assert list_pending(database, spec.name) == []


def test_batches_of_many_threads_are_stored_once_when_they_hold_the_same_rows(database, spec):
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: send(database, spec, ["a", "b", "c"], [0, 1, 2]), range(8)))
    assert sum(batch.accepted for batch in batches) == 3
    assert sorted(batch.id for batch in batches) == list(range(1, 9))


def test_pending_chunks_are_those_of_the_rows_when_predictions_come(database, spec):
    send(database, spec, ["a", "b", "c"], [0, 2, 2])
    assert list_pending(database, spec.name) == [FIRST_DAY, FIRST_DAY + 2 * DAY]


def test_late_label_touches_only_its_own_chunk_when_others_are_counted(database, spec):
    send(database, spec, ["a", "b", "c"], [0, 1, 2])
    label(database, spec, ["a", "b"], [0, 1])
    count_chunks(database, spec, list_pending(database, spec.name))
    assert list_pending(database, spec.name) == []
    label(database, spec, ["c"], [1])
    assert list_pending(database, spec.name) == [FIRST_DAY + 2 * DAY]


def test_repeated_file_touches_only_the_chunks_of_its_new_labels(database, spec):
    send(database, spec, ["a", "b", "c"], [0, 1, 2])
    label(database, spec, ["a", "b"], [0, 1])
    count_chunks(database, spec, list_pending(database, spec.name))
    batch = label(database, spec, ["a", "b", "c"], [0, 1, 1])
    assert (batch.received, batch.accepted) == (3, 1)
    assert list_pending(database, spec.name) == [FIRST_DAY + 2 * DAY]
    count_chunks(database, spec, list_pending(database, spec.name))
    assert label(database, spec, ["a", "b", "c"], [0, 1, 1]).accepted == 0
    assert list_pending(database, spec.name) == []


@pytest.mark.parametrize(
    ("deliveries", "counted"),
    [
        ([(0, NOW), (1, NOW + DAY)], 1),
        ([(1, NOW + DAY), (0, NOW)], 1),
        ([(0, NOW), (1, NOW)], 1),
        ([(1, NOW), (0, NOW)], 0),
        ([(0, NOW), (1, NOW + DAY), (0, NOW + 2 * DAY)], 0),
    ],
    ids=["corrected later", "older label comes last", "same time, later file", "the other way round", "twice"],
)
def test_newest_label_counts_when_there_are_several(database, spec, deliveries, counted):
    send(database, spec, ["a"], [0])
    for value, at in deliveries:
        label(database, spec, ["a"], [value], at)
    scored = pa.table({"prediction_id": ["a"], "scored_at": [FIRST_DAY + timedelta(hours=12)], "score": [0.4]})
    append_replay(database, spec, "v2", "hash", scored)
    paired = fetch_scored(database, spec, ["v1", "v2"], choose_sample(database, spec, WINDOW, 1000, 0))
    assert paired["label"].to_pylist() == [counted]
    count_chunks(database, spec, [FIRST_DAY])
    stored = database.table(
        "select label from score_profiles where source = 'live' and segment_column = '' and label is not null"
    )
    assert stored["label"].to_pylist() == [counted]


def test_models_keep_apart_when_their_ids_are_the_same(database, spec, add_spec):
    other = add_spec(name="other-loans")
    send(database, spec, ["a"], [0])
    assert send(database, other, ["a"], [0]).accepted == 1
    count_chunks(database, spec, [FIRST_DAY])
    assert list_pending(database, spec.name) == []
    assert list_pending(database, other.name) == [FIRST_DAY]
