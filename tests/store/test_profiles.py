"""Profiles: what is stored equals what NumPy and scikit-learn count on the rows."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as reference

from mlops_core.entities import Metric, Source, Window
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.counts import count_scores, merge_counts
from mlops_core.store.chunks import chunk_expression, list_pending
from mlops_core.store.models import add_model
from mlops_core.store.profiles import (
    count_chunks,
    list_segments,
    read_coverage,
    read_score_profiles,
)
from mlops_core.store.replays import append_replay
from mlops_core.store.traffic import append_labels, append_predictions
from tests.store.conftest import NOW, make_labels, make_traffic

NEW_YORK = ZoneInfo("America/New_York")
N_ROWS, N_DAYS = 4000, 9
START = datetime(2013, 10, 30, tzinfo=NEW_YORK).astimezone(UTC)
"""The clocks of New York go back on 3 November."""
ALL_TIME = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ODD = 'it\'s "odd"'
CATEGORIES = ["plain", "it's", 'a "quote"', "😀", "'); drop table models; --", "", None]
ADDITIVE = {
    Metric.F1: reference.f1_score,
    Metric.RECALL: reference.recall_score,
    Metric.PRECISION: reference.precision_score,
    Metric.ACCURACY: reference.accuracy_score,
}


class Rows:
    """Traffic of two versions over nine days, with what was drawn for it."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.ids = [f"id-{i}" for i in range(N_ROWS)]
        self.times = [START + timedelta(days=N_DAYS) * i / N_ROWS for i in range(N_ROWS)]
        self.days = np.array([moment.astimezone(NEW_YORK).toordinal() for moment in self.times])
        self.version = rng.choice(["v1", "v2"], N_ROWS)
        self.score = rng.beta(0.5, 2, N_ROWS)
        self.replayed = rng.beta(0.5, 2, N_ROWS)
        self.has_score = rng.random(N_ROWS) > 0.02
        self.label = np.where(rng.random(N_ROWS) < 0.9, rng.random(N_ROWS) < self.score, np.nan)
        self.region = rng.choice(["north", "south"], N_ROWS)
        self.odd = rng.choice(np.array(CATEGORIES, dtype=object), N_ROWS)
        self.amount = np.where(rng.random(N_ROWS) < 0.3, np.nan, rng.random(N_ROWS))

    def store(self, database, spec):
        traffic = make_traffic(
            spec,
            self.ids,
            self.times,
            version=self.version,
            score=[s if has else None for s, has in zip(self.score, self.has_score, strict=True)],
            region=self.region,
            odd=self.odd.tolist(),
            amount=self.amount,
        )
        append_predictions(database, spec, traffic, NOW)
        known = np.flatnonzero(~np.isnan(self.label))
        append_labels(database, spec, make_labels([self.ids[i] for i in known], self.label[known]), NOW)
        for version in ("v1", "v2"):
            other = np.flatnonzero(self.version != version)
            rows = {"prediction_id": self.ids, "scored_at": self.times, "score": self.replayed}
            append_replay(database, spec, version, "hash", pa.table(rows).take(other))
        count_chunks(database, spec, list_pending(database, spec.name))

    def count(self, version, source, chosen=slice(None)):
        """Count the rows of one profile with NumPy."""
        if source is Source.LIVE:
            mask, scores = (self.version == version) & self.has_score, self.score
        else:
            mask, scores = self.version != version, self.replayed
        keep = np.zeros(N_ROWS, dtype=bool)
        keep[chosen] = True
        mask &= keep
        index = np.unique(self.days[mask], return_inverse=True)[1]
        return count_scores(scores[mask], self.label[mask], index, index.max() + 1, 0.3), mask, scores


@pytest.fixture
def rows(database, spec):
    drawn = Rows()
    drawn.store(database, spec)
    return drawn


def assert_equal_counts(found, expected):
    for name in ("unlabelled", "negative", "positive"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("squared_error", "squared_error_squares", "log_loss", "log_loss_squares"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)


def test_counts_equal_numpys_when_traffic_is_live_and_replayed(database, spec, rows):
    profiles = read_score_profiles(database, spec, ALL_TIME)
    assert {(p.version, p.source) for p in profiles} == {(v, s) for v in ("v1", "v2") for s in Source}
    for profile in profiles:
        assert len(profile.chunks) == N_DAYS
        assert_equal_counts(profile.counts, rows.count(profile.version, profile.source)[0])


@pytest.mark.parametrize("value", CATEGORIES[:-1])
def test_counts_of_a_segment_equal_numpys_when_its_name_and_values_are_odd(database, spec, rows, value):
    # A null and an empty text are the same segment, the one without a value.
    chosen = np.array([(category or "") == value for category in rows.odd])
    for profile in read_score_profiles(database, spec, ALL_TIME, (ODD, value)):
        assert_equal_counts(profile.counts, rows.count(profile.version, profile.source, chosen)[0])


def test_segments_add_up_to_all_traffic_when_some_rows_have_no_value(database, spec, rows):
    segments = list_segments(database, spec.name)
    assert {value for column, value in segments if column == ODD} == {category or "" for category in CATEGORIES}
    for column in spec.columns.segments:
        parts = [
            profile
            for segment in segments
            if segment[0] == column
            for profile in read_score_profiles(database, spec, ALL_TIME, segment)
            if profile.source is Source.LIVE
        ]
        assert sum(int(part.counts.n.sum()) for part in parts) == int(rows.has_score.sum())


def test_metrics_from_stored_counts_equal_scikit_learns_on_the_rows(database, spec, rows):
    for profile in read_score_profiles(database, spec, ALL_TIME):
        found = compute_metrics(merge_counts(profile.counts))
        _, mask, scores = rows.count(profile.version, profile.source)
        labelled = mask & ~np.isnan(rows.label)
        truth, given = rows.label[labelled], scores[labelled]
        for metric, function in ADDITIVE.items():
            assert found[metric][0] == pytest.approx(function(truth, given >= 0.3), abs=1e-12)
        assert found[Metric.BRIER][0] == pytest.approx(reference.brier_score_loss(truth, given), abs=1e-12)
        assert found[Metric.LOG_LOSS][0] == pytest.approx(
            reference.log_loss(truth, np.clip(given, 1e-15, 1 - 1e-15)), rel=1e-9
        )
        assert found[Metric.POSITIVE_RATE][0] == pytest.approx((scores[mask] >= 0.3).mean(), abs=1e-12)
        assert found[Metric.ROC_AUC][0] == pytest.approx(reference.roc_auc_score(truth, given), abs=0.001)


def test_coverage_counts_rows_and_labels_when_some_rows_have_no_score(database, spec, rows):
    found = [row for row in read_coverage(database, spec.name) if row.version == "v2"]
    counts = rows.count("v2", Source.LIVE)[0]
    assert [row.n for row in found] == counts.n.tolist()
    assert [row.n_labelled for row in found] == counts.n_labelled.tolist()


def test_counting_again_changes_nothing_when_nothing_has_come(database, spec, rows):
    # The bins of a profile have no order, and sums of floats depend on theirs in the last place.
    table = (
        "select * exclude (bins, counts, squared_error, squared_error_squares, log_loss, log_loss_squares), "
        "list_sort(list_zip(bins, counts)) as filled from score_profiles order by all"
    )
    before = database.table(table)
    chunks = read_score_profiles(database, spec, ALL_TIME)[0].chunks
    count_chunks(database, spec, chunks[2:4])
    assert database.table(table).equals(before)


def test_profiles_are_empty_when_a_window_or_segment_has_no_rows(database, spec, rows):
    assert read_score_profiles(database, spec, Window(NOW, NOW + timedelta(days=1))) == []
    assert read_score_profiles(database, spec, ALL_TIME, ("region", "west")) == []


@pytest.mark.parametrize(("day", "hours"), [(date(2013, 11, 3), 25), (date(2013, 3, 10), 23), (date(2013, 7, 1), 24)])
def test_day_has_the_hours_that_the_clock_gave_it_when_clocks_change(database, spec, day, hours):
    start = datetime.combine(day, time(), NEW_YORK).astimezone(UTC)
    times = [start + timedelta(minutes=30 * i) for i in range(-4, 60)]
    append_predictions(database, spec, make_traffic(spec, [str(i) for i in range(64)], times), NOW)
    pending = list_pending(database, spec.name)
    count_chunks(database, spec, pending)
    assert pending == [start - timedelta(hours=24), start, start + timedelta(hours=hours)]
    assert next(row.n for row in read_coverage(database, spec.name) if row.chunk == start) == 2 * hours


def test_hour_that_the_clock_shows_twice_is_two_chunks(database, add_spec):
    spec = add_spec(name="hourly", chunk="hour")
    start = datetime(2013, 11, 3, 4, tzinfo=UTC)
    times = [start + timedelta(minutes=15 * i) for i in range(16)]
    append_predictions(database, spec, make_traffic(spec, [str(i) for i in range(16)], times), NOW)
    assert list_pending(database, spec.name) == [start + timedelta(hours=i) for i in range(4)]
    count_chunks(database, spec, list_pending(database, spec.name)[1:])
    assert [row.n for row in read_coverage(database, spec.name)] == [4, 4, 4]


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("chunk", ["hour", "day", "week", "month"])
def test_chunks_hold_their_rows_in_every_zone(database, add_spec, timezone, chunk):
    spec = add_spec(name="zoned", chunk=chunk, timezone=timezone)
    found = database.table(
        f"select scored_at, {chunk_expression(spec)} as chunk from (select timestamptz '2011-06-01 00:00:00+00' "
        "+ to_minutes(range * 30) as scored_at from range(48 * 400)) order by scored_at"
    ).to_pydict()
    assert found["chunk"] == sorted(found["chunk"])
    assert all(start <= moment for moment, start in zip(found["scored_at"], found["chunk"], strict=True))


def test_model_is_counted_when_it_has_neither_features_nor_segments(database):
    text = """
name = "bare"
task = "binary"
columns = { prediction_id = "i", timestamp = "t", version = "v", score = "s", label = "l" }
"""
    with database.transaction() as transaction:
        spec = add_model(transaction, text, NOW)
    append_predictions(database, spec, make_traffic(spec, ["a"], [NOW]), NOW)
    count_chunks(database, spec, list_pending(database, spec.name))
    assert [row.n for row in read_coverage(database, "bare")] == [1]
    assert list_segments(database, "bare") == []
