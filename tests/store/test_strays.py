"""Rows are held against the ledger one by one, and only what is out of turn is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.entities import Window
from mlops_core.production import AnswerSpan, Stray
from mlops_core.store.replays import append_replay
from mlops_core.store.strays import (
    MOST_SAME_IDS,
    count_outside,
    fetch_predictions,
    list_strays,
    measure_answers,
    note_strays,
    replace_strays,
)
from mlops_core.store.traffic import append_labels, append_predictions
from tests.store.conftest import NOW, make_labels, make_traffic
from tests.store.test_replays import score_rows

FIRST_DAY = datetime(2013, 11, 1, 4, tzinfo=UTC)
"""Midnight in New York."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def send(database, spec, rows):
    """Send rows given as (id, hours since the first day, version)."""
    ids, hours, versions = zip(*rows, strict=True)
    times = [FIRST_DAY + hour * HOUR for hour in hours]
    append_predictions(database, spec, make_traffic(spec, ids, times, version=versions), NOW)


@pytest.fixture
def traffic(database, spec):
    send(database, spec, [("a", 1, "v1"), ("b", 5, "v1"), ("c", 5, "v2"), ("d", 23, "v1"), ("e", 24, "v2")])


def test_answers_are_measured_by_chunk_and_version(database, spec, traffic):
    # A replay is no live traffic.
    append_replay(database, spec, "v3", "hash", score_rows(["a"], [0], [0.2]))
    assert measure_answers(database, spec, [FIRST_DAY, FIRST_DAY + DAY]) == [
        AnswerSpan(version="v1", chunk=FIRST_DAY, n=3, first=FIRST_DAY + HOUR, last=FIRST_DAY + 23 * HOUR),
        AnswerSpan(version="v2", chunk=FIRST_DAY, n=1, first=FIRST_DAY + 5 * HOUR, last=FIRST_DAY + 5 * HOUR),
        AnswerSpan(version="v2", chunk=FIRST_DAY + DAY, n=1, first=FIRST_DAY + DAY, last=FIRST_DAY + DAY),
    ]
    # Only the chunks that were asked for, though others lie between them.
    send(database, spec, [("f", 50, "v1")])
    asked = [FIRST_DAY, FIRST_DAY + 2 * DAY]
    assert {span.chunk for span in measure_answers(database, spec, asked)} == set(asked)
    assert measure_answers(database, spec, []) == []


@pytest.mark.parametrize(
    ("windows", "n"),
    [
        ([], 3),
        ([(0, 24)], 0),
        ([(0, 5)], 2),
        ([(0, 5), (6, 24)], 1),
        ([(1, 23)], 1),
        ([(30, 40)], 3),
    ],
)
def test_rows_outside_of_some_windows_are_counted_exactly(database, spec, traffic, windows, n):
    span = measure_answers(database, spec, [FIRST_DAY])[0]
    turns = [Window(FIRST_DAY + start * HOUR, FIRST_DAY + end * HOUR) for start, end in windows]
    found = count_outside(database, spec, span, turns)
    assert (found.n if found else 0) == n
    assert found is None or (found.version, found.chunk, found.found_at) == ("v1", FIRST_DAY, None)


def test_strays_of_chunks_are_replaced_and_noted_once(database, spec):
    own = [Stray(version="v2", chunk=FIRST_DAY + i * DAY, n=i + 1, first=NOW, last=NOW) for i in range(2)]
    with database.transaction() as transaction:
        replace_strays(transaction, spec.name, [one.chunk for one in own], own)
        replace_strays(transaction, spec.name, [own[0].chunk], [])
        replace_strays(transaction, "other", [own[0].chunk], [own[0]])
        note_strays(transaction, spec.name, NOW)
        note_strays(transaction, spec.name, NOW + DAY)
    (kept,) = list_strays(database, spec.name)
    assert (kept.chunk, kept.n, kept.found_at) == (FIRST_DAY + DAY, 2, NOW)


def test_prediction_is_found_by_its_id_with_its_newest_label(database, spec, traffic):
    append_labels(database, spec, make_labels(["a"], [0.0], NOW), NOW)
    append_labels(database, spec, make_labels(["a"], [1.0], NOW + DAY), NOW)
    assert fetch_predictions(database, spec, "a") == [
        {"version": "v1", "at": FIRST_DAY + HOUR, "score": 0.5, "label": 1.0}
    ]
    assert fetch_predictions(database, spec, "b")[0]["label"] is None
    for unknown in ("z", "", "A", "a'; drop table models"):
        assert fetch_predictions(database, spec, unknown) == []


def test_predictions_of_one_id_are_bounded_and_newest_first(database, spec):
    for i in range(MOST_SAME_IDS + 2):
        send(database, spec, [("same", 72 * i, f"v{i}")])
    found = fetch_predictions(database, spec, "same")
    assert [row["version"] for row in found] == ["v6", "v5", "v4", "v3", "v2"]
