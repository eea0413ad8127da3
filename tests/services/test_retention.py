"""Retention: what is old goes, what was counted stays, and nothing goes uncounted."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.entities import Actor, Metric, Retention, Window
from mlops_core.errors import InputError
from mlops_core.services.drift_report import report_drift
from mlops_core.services.ingestion import ingest_labels
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import ALL_TIME, read_series
from mlops_core.services.retention import apply_retention, plan_retention, set_retention
from mlops_core.services.scheduler import keep_up
from mlops_core.store.audit import list_audit_events
from mlops_core.store.profiles import read_coverage
from mlops_core.store.retention import get_rows_from
from tests.services.test_monitoring import send
from tests.small_home import DAYS, MODEL, ROWS_PER_DAY, START

DAY = timedelta(days=1)
PRESENT = START + DAYS * DAY
"""The end of the traffic."""
ANA = Actor("ana", "page")
KEPT = 5
FIVE_DAYS = Retention(row_days=KEPT)


def set_days(runtime, spec, retention=FIVE_DAYS):
    return set_retention(runtime, spec, retention, actor=ANA, reason="the law", now=PRESENT)


def count(runtime, table):
    return runtime.database.table(f"select count(*) as n from {table}_car_loan")["n"][0].as_py()


def test_everything_is_kept_for_ever_unless_somebody_says_otherwise(runtime, spec):
    plan = apply_retention(runtime, spec, actor=ANA, now=PRESENT + 3650 * DAY)
    assert (plan.rows_from, plan.profiles_from, plan.old.is_nothing) == (None, None, True)
    assert count(runtime, "predictions") == DAYS * ROWS_PER_DAY


def test_whole_days_of_rows_and_labels_go_and_what_was_counted_stays(runtime, spec):
    weeks = Window(START, START + 7 * DAY), Window(START + 7 * DAY, PRESENT)
    coverage, labels = read_coverage(runtime.database, MODEL), count(runtime, "labels")
    series, drift = read_series(runtime, spec, Metric.ROC_AUC, ALL_TIME), report_drift(runtime, spec, *weeks, PRESENT)
    plan = set_days(runtime, spec)
    assert plan.rows_from == PRESENT - KEPT * DAY
    assert plan.old.rows == (DAYS - KEPT) * ROWS_PER_DAY == DAYS * ROWS_PER_DAY - count(runtime, "predictions")
    # Those of the last two days came after; they go in two days.
    assert plan.old.labels == labels - count(runtime, "labels") == (DAYS - KEPT - 2) * ROWS_PER_DAY
    assert read_coverage(runtime.database, MODEL) == coverage
    assert read_series(runtime, spec, Metric.ROC_AUC, ALL_TIME) == series
    assert report_drift(runtime, spec, *weeks, PRESENT) == drift


def test_counts_go_when_they_are_older_than_asked(runtime, spec):
    set_days(runtime, spec, Retention(row_days=KEPT, profile_days=KEPT + 2))
    assert {one.chunk for one in read_coverage(runtime.database, MODEL)} == {
        PRESENT - day * DAY for day in range(1, KEPT + 3)
    }
    for table in ("feature_profiles", "segment_profiles"):
        first = runtime.database.table(f"select min(chunk)::varchar as first from {table}")["first"][0].as_py()
        assert first.startswith(f"{PRESENT - (KEPT + 2) * DAY:%Y-%m-%d}")


def test_late_label_of_a_deleted_row_changes_nothing_that_was_counted(runtime, spec):
    oldest = runtime.database.table("select prediction_id from predictions_car_loan order by scored_at limit 1")
    coverage = read_coverage(runtime.database, MODEL)
    set_days(runtime, spec)
    late = pa.table(
        {
            "prediction_id": oldest["prediction_id"],
            "label": [1.0],
            "label_at": pa.array([PRESENT], pa.timestamp("us", tz="UTC")),
        }
    )
    ingest_labels(runtime, spec, late, now=PRESENT)
    count_waiting(runtime, spec)
    assert read_coverage(runtime.database, MODEL) == coverage


def test_rows_of_a_deleted_time_are_refused_and_later_ones_are_not(runtime, spec):
    set_days(runtime, spec)
    with pytest.raises(InputError, match=r"Rows before 2024-03-10T00:00:00\+00:00 were deleted"):
        send(runtime, spec, "v2", START, 10, seed=99)
    before = count(runtime, "predictions")
    send(runtime, spec, "v2", get_rows_from(runtime.database, MODEL), 10, seed=99)
    assert count(runtime, "predictions") == before + 10


def test_chunk_that_waits_without_its_rows_keeps_its_counts(runtime, spec):
    set_days(runtime, spec)
    coverage = read_coverage(runtime.database, MODEL)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("insert into pending_chunks values ($model, $chunk)", {"model": MODEL, "chunk": START})
    assert count_waiting(runtime, spec) == []
    assert count_waiting(runtime, spec) == []
    assert read_coverage(runtime.database, MODEL) == coverage


def test_rows_that_nobody_has_counted_are_counted_before_they_go(runtime, spec):
    set_days(runtime, spec)
    send(runtime, spec, "v3", PRESENT - KEPT * DAY, 50, seed=99)
    plan = apply_retention(runtime, spec, actor=ANA, now=PRESENT + DAY)
    assert plan.old.rows == ROWS_PER_DAY + 50
    (found,) = (one for one in read_coverage(runtime.database, MODEL) if one.version == "v3")
    assert (found.chunk, found.n) == (PRESENT - KEPT * DAY, 50)


def test_scheduler_applies_what_was_set_and_the_audit_log_says_so(runtime, spec):
    set_days(runtime, spec)
    runtime.clocks[MODEL] = lambda: PRESENT + 2 * DAY
    keep_up(runtime, spec)
    keep_up(runtime, spec)
    assert count(runtime, "predictions") == (KEPT - 2) * ROWS_PER_DAY
    told = [(e.actor.name, e.action, e.reason) for e in list_audit_events(runtime.database, MODEL, 3)]
    assert told == [
        ("scheduler", "delete old data", "rows 5 days, counts for ever"),
        ("ana", "delete old data", "rows 5 days, counts for ever"),
        ("ana", "set retention", "the law"),
    ]
    evidence = list_audit_events(runtime.database, MODEL, 1)[0].evidence
    assert (evidence["rows_from"], evidence["rows"]) == ("2024-03-12T00:00:00+00:00", 2 * ROWS_PER_DAY)


@pytest.mark.parametrize(
    ("retention", "message"),
    [
        (Retention(row_days=0), "row_days is 0; accepted are"),
        (Retention(row_days=1), "row_days is 1; accepted are"),
        (Retention(row_days=36_501), "row_days is 36501; accepted are"),
        (Retention(row_days=9, profile_days=8), "while rows are kept 9 days; counts must be kept at least as long"),
        (Retention(profile_days=8), "while rows are kept for ever"),
        (Retention(), "keeps its data that long already"),
    ],
)
def test_retention_is_refused_when_it_would_lose_what_is_needed(runtime, spec, retention, message):
    spec = replace(spec, label_delay_days=1.5)
    with pytest.raises(InputError, match=message):
        set_retention(runtime, spec, retention, actor=ANA, reason="the law", now=PRESENT)
    assert count(runtime, "predictions") == DAYS * ROWS_PER_DAY


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_retention_needs_a_reason(runtime, spec, reason):
    with pytest.raises(InputError, match="A reason of 1 to 2,000 characters"):
        set_retention(runtime, spec, FIVE_DAYS, actor=ANA, reason=reason, now=PRESENT)


def test_plan_deletes_nothing(runtime, spec):
    plan = plan_retention(runtime, spec, FIVE_DAYS, PRESENT)
    assert plan.old.rows == (DAYS - KEPT) * ROWS_PER_DAY
    assert count(runtime, "predictions") == DAYS * ROWS_PER_DAY
