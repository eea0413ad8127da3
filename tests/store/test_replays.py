"""Rows to replay: each is taken once, a sample is the same every time, and its chunks keep their shares."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from mlops_core.entities import Window
from mlops_core.store.replays import (
    append_replay,
    choose_sample,
    count_replays,
    count_scored,
    fetch_scored,
    fetch_unreplayed,
    find_empty_features,
)
from mlops_core.store.traffic import append_labels, append_predictions
from tests.store.conftest import NOW, make_labels, make_traffic

FIRST_DAY = datetime(2013, 11, 1, 4, tzinfo=UTC)
"""Midnight in New York."""
DAY = timedelta(days=1)
WINDOW = Window(FIRST_DAY, FIRST_DAY + 30 * DAY)
MANY = 10_000


def send(database, spec, ids, days, **columns):
    times = [FIRST_DAY + DAY * day + timedelta(hours=12) for day in days]
    return append_predictions(database, spec, make_traffic(spec, ids, times, **columns), NOW)


def take(database, spec, most_rows=MANY, seed=0, window=WINDOW):
    return choose_sample(database, spec, window, most_rows, seed)


def score_rows(ids, days, scores):
    times = [FIRST_DAY + DAY * day + timedelta(hours=12) for day in days]
    return pa.table({"prediction_id": ids, "scored_at": times, "score": scores})


def test_replay_is_stored_once_when_two_replay_the_same_rows_at_the_same_time(database, spec):
    send(database, spec, ["a", "b"], [0, 1])
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda _: append_replay(database, spec, "v2", "hash", score_rows(["a", "b"], [0, 1], [0.1, 0.9])),
                range(4),
            )
        )
    assert count_replays(database, spec) == 2
    append_replay(database, spec, "v3", "hash", score_rows(["a"], [0], [0.2]))
    assert count_replays(database, spec) == 3


def test_rows_to_replay_are_those_that_a_version_has_not_seen(database, spec):
    send(database, spec, ["a", "b", "c"], [0, 1, 2], version=["v1", "v2", "v1"], amount=[1, 2, None])
    append_replay(database, spec, "v2", "hash", score_rows(["a"], [0], [0.1]))
    rows = fetch_unreplayed(database, spec, "v2", ["amount", "region", "new"], take(database, spec))
    assert rows["prediction_id"].to_pylist() == ["c"]
    assert rows.column_names == ["prediction_id", "scored_at", "amount", "region", "new"]
    first = take(database, spec, window=Window(FIRST_DAY, FIRST_DAY + DAY))
    assert fetch_unreplayed(database, spec, "v2", ["amount"], first).num_rows == 0


def send_days(database, spec, sizes):
    """Send a day of each size; give how many rows a list of ids has of each day."""
    ids = [f"{day}-{i}" for day, n in enumerate(sizes) for i in range(n)]
    send(database, spec, ids, [day for day, n in enumerate(sizes) for _ in range(n)])
    return lambda found: [Counter(one.split("-")[0] for one in found)[str(day)] for day in range(len(sizes))]


def list_sample(database, spec, most_rows, seed=0):
    rows = fetch_unreplayed(database, spec, "v9", ["amount"], take(database, spec, most_rows, seed))
    return rows["prediction_id"].to_pylist()


def test_sample_keeps_the_share_of_each_day_and_one_row_of_the_smallest(database, spec):
    count_days = send_days(database, spec, [600, 300, 2, 98])
    assert count_days(list_sample(database, spec, 1000)) == [600, 300, 2, 98]
    assert count_days(list_sample(database, spec, 100)) == [60, 30, 1, 10]


def test_sample_is_the_same_for_a_seed_and_lies_within_a_larger_one(database, spec):
    send_days(database, spec, [600, 300])
    small, large, other = (list_sample(database, spec, n, seed) for n, seed in ((100, 0), (300, 0), (100, 1)))
    assert small == list_sample(database, spec, 100)
    assert set(small) < set(large)
    assert set(small) != set(other)


def test_rows_are_compared_when_all_versions_scored_them_and_they_have_a_label(database, spec):
    send(database, spec, ["a", "b", "c", "d"], [0, 0, 1, 1], score=[0.1, 0.2, 0.3, None])
    append_replay(database, spec, "v2", "hash", score_rows(["a", "c", "d"], [0, 1, 1], [0.5, 0.6, 0.7]))
    append_replay(database, spec, "v3", "hash", score_rows(["a", "b", "c"], [0, 0, 1], [0.8, 0.8, 0.9]))
    append_labels(database, spec, make_labels(["a", "b", "c", "d"], [1, 0, 0, 1]), NOW)
    rows = fetch_scored(database, spec, ["v3", "v1", "v2"], take(database, spec))
    assert rows.column_names[:6] == ["prediction_id", "chunk", "label", "score_0", "score_1", "score_2"]
    assert [row[:6] for row in zip(*rows.to_pydict().values(), strict=True)] == [
        ("a", FIRST_DAY, 1.0, 0.8, 0.1, 0.5),
        ("c", FIRST_DAY + DAY, 0.0, 0.9, 0.3, 0.6),
    ]


def test_compared_rows_are_those_of_the_sample(database, spec):
    count_days = send_days(database, spec, [200, 100])
    ids, days = [f"{d}-{i}" for d in (0, 1) for i in range(200 - 100 * d)], [0] * 200 + [1] * 100
    append_replay(database, spec, "v2", "hash", score_rows(ids, days, [0.4] * 300))
    append_labels(database, spec, make_labels(ids, [1] * 300), NOW)
    found = fetch_scored(database, spec, ["v1", "v2"], take(database, spec, 30))["prediction_id"].to_pylist()
    assert count_days(found) == [20, 10]
    assert set(found) == set(list_sample(database, spec, 30))


def test_features_without_any_value_are_named(database, spec):
    odd = 'it\'s "odd"'
    assert find_empty_features(database, spec, ["amount", odd], take(database, spec)) == []
    send(database, spec, ["a", "b"], [0, 1], amount=[None, 1], source=[None, float("nan")])
    found = find_empty_features(database, spec, ["amount", "source", odd, "never logged"], take(database, spec))
    assert found == ["source", odd, "never logged"]


def test_rows_count_once_by_which_versions_scored_them(database, spec):
    send(database, spec, ["a", "b", "c"], [0, 1, 2], version=["v1"] * 3)
    append_labels(database, spec, make_labels(["a", "b"], [1.0, 0.0]), NOW)
    append_replay(database, spec, "v2", "hash", score_rows(["a"], [0], [0.1]))
    counted = count_scored(database, spec, ("v1", "v2"), take(database, spec))
    assert [(one.by, one.n, one.n_labelled) for one in counted] == [((True, False), 2, 1), ((True, True), 1, 1)]
    assert count_replays(database, spec) == 1
    column = spec.columns.segments[0]
    nobody = count_scored(database, spec, ("v1", "v2"), take(database, spec), (column, "nowhere"))
    assert nobody == []
    assert fetch_scored(database, spec, ("v1",), take(database, spec), (column, "nowhere")).num_rows == 0


def test_id_that_came_again_counts_as_a_row_of_its_own(database, spec):
    send(database, spec, ["a", "b"], [0, 0])
    send(database, spec, ["a"], [9])
    append_replay(database, spec, "v2", "hash", score_rows(["a", "b", "a"], [0, 0, 9], [0.5, 0.6, 0.7]))
    append_labels(database, spec, make_labels(["a", "b"], [1, 0]), NOW)
    rows = fetch_scored(database, spec, ["v1", "v2"], take(database, spec))
    assert sorted(zip(rows["prediction_id"].to_pylist(), rows["score_1"].to_pylist(), strict=True)) == [
        ("a", 0.5),
        ("a", 0.7),
        ("b", 0.6),
    ]


def test_id_that_came_again_does_not_make_a_sample_larger(database, spec):
    send(database, spec, [f"{i}" for i in range(300)], [0] * 300)
    drawn = list_sample(database, spec, 90)
    send(database, spec, drawn[:2], [9, 9])
    # Two rows of 302 have one place; that their ids were drawn on another day gives them none.
    assert len(list_sample(database, spec, 90)) == 89 + 1
