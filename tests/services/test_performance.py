"""Realised performance: arrival of labels, runs of days, and the document of the public contract."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from mlops_core.chunking import next_chunk
from mlops_core.entities import ChunkSize, Metric, Source, Window
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import (
    ALL_TIME,
    ROLLING_CHUNKS,
    describe_lines,
    find_arrival,
    find_trend,
    limit_window,
    list_series_rows,
    read_series,
    report_performance,
)
from mlops_core.services.replay import replay_version
from mlops_core.store.chunks import chunk_expression
from mlops_core.store.profiles import read_score_profiles
from tests.small_home import MODEL, PRESENT, ROWS_PER_DAY, START, draw_loans

DAY = timedelta(days=1)


def send(runtime, spec, start, n, n_labelled):
    loans = draw_loans(n, start, 1, seed=start.toordinal())
    traffic = loans.drop_columns(["label"]).append_column("version", pa.repeat("v2", n))
    ingest_predictions(runtime, spec, traffic.append_column("score", pa.repeat(0.4, n)), now=start + DAY)
    arrived = pa.array([start + DAY] * n_labelled, pa.timestamp("us", tz="UTC"))
    labels = loans.select(["prediction_id", "label"]).slice(0, n_labelled).append_column("label_at", arrived)
    ingest_labels(runtime, spec, labels, now=start + DAY)
    count_waiting(runtime, spec)


def test_arrival_covers_every_day_when_all_labels_are_there(runtime, spec):
    arrival = find_arrival(runtime, spec, PRESENT)
    assert arrival.expected_coverage == 1.0
    assert len(arrival.covered) == 14
    assert arrival.labelled_until == START + 14 * DAY


@pytest.mark.parametrize(
    ("n_labelled", "covered", "comparable"),
    [(360, True, True), (359, False, True), (200, False, True), (199, False, False)],
)
def test_day_is_covered_when_nine_tenths_of_its_labels_are_there(runtime, spec, n_labelled, covered, comparable):
    send(runtime, spec, PRESENT, 400, n_labelled)
    arrival = find_arrival(runtime, spec, PRESENT + DAY)
    assert (("v2", PRESENT) in arrival.covered, ("v2", PRESENT) in arrival.comparable) == (covered, comparable)


def test_trend_is_the_rolling_line_of_the_newest_run(runtime, spec):
    send(runtime, spec, PRESENT, 300, 300)
    newest = [one for one in read_series(runtime, spec, spec.primary_metric, ALL_TIME) if one.version == "v2"][-1]
    profiles = read_score_profiles(runtime.database, spec, ALL_TIME)
    assert newest.chunks == (PRESENT,)
    assert find_trend(profiles, spec, "v2", Source.LIVE, PRESENT) == newest.rolling
    assert find_trend(profiles, spec, "v2", Source.LIVE, PRESENT + DAY) == ()
    assert find_trend(profiles, spec, "v2", Source.REPLAY, START) == ()


def test_series_as_rows_have_a_line_for_each_day_and_leave_empty_what_is_undefined(runtime, spec):
    series = read_series(runtime, spec, Metric.ROC_AUC, ALL_TIME)
    rows = list_series_rows(series)
    assert len(rows) == 14
    assert rows[0] == (
        START.isoformat(),
        "v1",
        "live",
        f"{series[0].daily[0]:.4f}",
        f"{series[0].rolling[0]:.4f}",
        "600",
    )
    undefined = list_series_rows([replace(series[0], daily=(math.nan,) * len(series[0].chunks))])
    assert {row[3] for row in undefined} == {""}


def test_series_holds_the_replays_that_are_asked_for_and_no_others(runtime, spec):
    replay_version(runtime, spec, "v3", Window(START, START + 2 * DAY))
    count_waiting(runtime, spec)
    assert {one.source for one in read_series(runtime, spec, Metric.F1, ALL_TIME)} == {Source.LIVE}
    for replays, sources in ((("v1",), set()), (("v3",), {Source.REPLAY})):
        found = read_series(runtime, spec, Metric.F1, ALL_TIME, replays=replays)
        assert {one.source for one in found if one.version == "v3"} == sources


@pytest.mark.parametrize(
    ("chunk", "points"),
    [
        (ChunkSize.HOUR, "hourly"),
        (ChunkSize.DAY, "daily"),
        (ChunkSize.WEEK, "weekly"),
        (ChunkSize.MONTH, "monthly"),
    ],
)
def test_lines_are_described_in_the_words_of_the_chunks(spec, chunk, points):
    described = describe_lines(replace(spec, chunk=chunk))
    assert described == f"{ROLLING_CHUNKS}-{chunk.value} lines, {points} points"


def test_series_is_split_into_runs_when_days_are_missing(runtime, spec):
    send(runtime, spec, PRESENT, 300, 300)
    send(runtime, spec, PRESENT + DAY, 300, 300)
    runs = [one for one in read_series(runtime, spec, Metric.ROC_AUC, ALL_TIME) if one.source is Source.LIVE]
    assert [(run.version, run.chunks[0], len(run.chunks)) for run in runs] == [
        ("v1", START, 7),
        ("v2", START + 7 * DAY, 7),
        ("v2", PRESENT, 2),
    ]
    assert runs[2].rolling[0] == runs[2].daily[0]
    assert runs[2].n_labelled == (300, 300)


def test_rolling_figures_are_the_same_when_a_window_starts_later(runtime, spec):
    whole = read_series(runtime, spec, Metric.F1, ALL_TIME)[1]
    late = read_series(runtime, spec, Metric.F1, Window(START + 10 * DAY, PRESENT))[0]
    assert late.chunks == whole.chunks[3:]
    assert late.rolling == whole.rolling[3:]
    assert late.daily == whole.daily[3:]


def test_segments_have_series_of_their_own_that_add_up(runtime, spec):
    parts = [
        read_series(runtime, spec, Metric.F1, ALL_TIME, ("region", value))[0].n_labelled for value in ("north", "south")
    ]
    assert [sum(day) for day in zip(*parts, strict=True)] == [ROWS_PER_DAY] * 7


def test_report_has_the_shape_of_the_contract(runtime, spec):
    send(runtime, spec, PRESENT, 400, 100)
    document = report_performance(runtime, spec, "v2", ALL_TIME, PRESENT + DAY)
    assert set(document) == {"model", "version", "chunks"}
    assert (document["model"], document["version"], len(document["chunks"])) == (MODEL, "v2", 8)
    for chunk in document["chunks"]:
        assert set(chunk) == {
            "start", "end", "n", "n_labelled", "coverage", "metrics", "estimated", "status", "reason"
        }  # fmt: skip
        assert set(chunk["metrics"]) == {metric.value for metric in Metric}
        assert all(set(estimate) == {"value", "low", "high"} for estimate in chunk["metrics"].values())
    whole, provisional = document["chunks"][0], document["chunks"][-1]
    assert (whole["start"], whole["end"]) == ("2024-03-08T00:00:00+00:00", "2024-03-09T00:00:00+00:00")
    assert (whole["n"], whole["n_labelled"], whole["coverage"], whole["status"]) == (600, 600, 1.0, "OK")
    # A score that is the same for every row estimates a ROC AUC of one half, below the standard.
    assert provisional["status"] == "WARNING"
    assert provisional["reason"].startswith("Provisional: 25% of the labels are here. ")
    assert "ROC AUC is estimated at 0.500, which breaks the standard (at least 0.6)" in provisional["reason"]
    assert set(provisional["estimated"]) >= {"roc_auc", "f1", "log_loss"}


def test_report_is_empty_when_a_version_served_nothing(runtime, spec):
    assert report_performance(runtime, spec, "v3", ALL_TIME, PRESENT)["chunks"] == []


def test_report_has_no_verdict_when_the_model_has_no_standard(runtime, spec):
    document = report_performance(runtime, replace(spec, standards=()), "v2", ALL_TIME, PRESENT)
    assert {chunk["status"] for chunk in document["chunks"]} == {"INSUFFICIENT_DATA"}


def test_window_is_limited_to_the_traffic_there_is(runtime, spec):
    assert limit_window(runtime, spec, None, PRESENT) == Window(START, PRESENT)
    assert limit_window(runtime, spec, 7, PRESENT) == Window(PRESENT - 7 * DAY, PRESENT)
    assert limit_window(runtime, spec, 365, PRESENT) == Window(START, PRESENT)


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("chunk", list(ChunkSize))
def test_next_chunk_is_the_one_that_duckdb_finds_next_in_every_zone(runtime, spec, timezone, chunk):
    own = replace(spec, timezone=timezone, chunk=chunk)
    starts = runtime.database.table(
        f"select distinct {chunk_expression(own)} as start from (select timestamptz '2011-06-01 00:00:00+00' "
        "+ to_minutes(range * 30) as scored_at from range(48 * 500)) order by start"
    )["start"].to_pylist()
    # The first chunk begins before the first row; the day that Samoa left out is in it, not beside it.
    assert [next_chunk(own, start) for start in starts[1:-1]] == starts[2:]


def test_next_day_is_23_or_25_hours_later_when_clocks_change(spec):
    own = replace(spec, timezone="America/New_York")
    for day, hours in ((date(2013, 3, 10), 23), (date(2013, 11, 3), 25), (date(2013, 7, 1), 24)):
        start = datetime.combine(day, time(), ZoneInfo("America/New_York")).astimezone(UTC)
        assert next_chunk(own, start) - start == timedelta(hours=hours)
