"""The profile from rows: decides which rows are made, and that its cost is told in scans of the columns it reads."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa

from benchmarks.measuring import run_in_child, time_cpu_s, time_ms
from benchmarks.rows import Row
from mlops_core.chunking import find_runs
from mlops_core.config import parse_model_text
from mlops_core.entities import ModelSpec
from mlops_core.services.performance import ALL_TIME
from mlops_core.store.chunks import list_pending
from mlops_core.store.connection import MEMORY_LIMIT, Database
from mlops_core.store.migrations import migrate
from mlops_core.store.models import add_model
from mlops_core.store.profile_sql import count_scores_statement
from mlops_core.store.profiles import count_chunks, read_score_profiles
from mlops_core.store.tables import name_table
from mlops_core.store.traffic import append_predictions

TITLE = "The profile of scores and labels, by day and version, from rows"
SIZES = {"1 M": 1_000_000, "10 M": 10_000_000}
COUNTED_MOST = 3_000_000
"""Rows that are counted in total at one size: a small one is counted often, a large one once."""
REFRESHES, READINGS = 3, 30
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, VERSIONS, NEW_ROWS = 90, 4, 1000
SEGMENTS = {"region": 3, "product": 16}
"""Segment columns and how many values each takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one home was measured at."""

    scan_cpu_s: float
    """Adding up the same columns."""
    profile_cpu_s: float
    reading_ms: float
    refresh_cpu_s: float
    """Storing 1,000 new rows of one day and counting what they touched."""


def measure() -> list[Row]:
    """Measure both sizes, with segments and without."""
    rows = []
    for size, n in SIZES.items():
        for segments in (SEGMENTS, {}):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "driftdeck.duckdb"
                run_in_child(_fill, path, n, segments)
                rounds = max(1, COUNTED_MOST // n)
                counted = run_in_child(_measure_profile, path, segments, rounds)
                stored = run_in_child(_measure_stored, path, segments, n)
                costs = Costs(**counted.result, **stored.result)
                kind = f"{size} rows, {'2 segment columns' if segments else 'no segments'}"
                rows += _list_rows(kind, costs, counted.peak_mb)
    return rows


def _list_rows(kind: str, costs: Costs, peak_mb: float) -> list[Row]:
    return [
        Row(what=f"{kind}: scan of the columns it reads", value=costs.scan_cpu_s, unit="CPU s"),
        Row(what=f"{kind}: profile", value=costs.profile_cpu_s, unit="CPU s"),
        Row(what=f"{kind}: profile ÷ scan", value=costs.profile_cpu_s / costs.scan_cpu_s, unit="×", target=10),
        Row(what=f"{kind}: peak memory of the process", value=peak_mb, unit="MB", target=1000),
        Row(what=f"{kind}: reading all days back", value=costs.reading_ms, unit="ms", target=30),
        Row(what=f"{kind}: storing and counting {NEW_ROWS:,} new rows", value=costs.refresh_cpu_s, unit="CPU s"),
    ]


@contextmanager
def _open(path: Path) -> Iterator[tuple[Database, duckdb.DuckDBPyConnection]]:
    """Open the file as the app does, but on one thread."""
    connection = duckdb.connect(str(path), config={"threads": 1, "memory_limit": MEMORY_LIMIT})
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    database = Database(connection, path)
    try:
        yield database, connection
    finally:
        database.close()


def _describe_model(segments: dict[str, int]) -> str:
    """Write a model file: 14 numbers, and the segment columns as categories."""
    numeric = [f"x{i}" for i in range(14)]
    return f"""
name = "measured"
task = "binary"
[columns]
prediction_id = "id"
timestamp = "time"
version = "version"
score = "score"
label = "label"
numeric = {numeric}
categorical = {list(segments)}
segments = {list(segments)}
[monitoring]
chunk = "day"
timezone = "UTC"
primary_metric = "roc_auc"
threshold = 0.5
label_delay_days = 2
"""


def _fill(path: Path, n: int, segments: dict[str, int]) -> None:
    """Make n rows over the days, in the order of time, four fifths of them labelled."""
    text = _describe_model(segments)
    spec = parse_model_text(text)
    numbers = ", ".join("random()" for _ in spec.columns.numeric)
    step_us = DAYS * 86_400_000_000 // n
    values = "".join(f", '{name} ' || (hash(i, '{name}') % {count})" for name, count in segments.items())
    with _open(path) as (database, connection):
        migrate(database)
        with database.transaction() as transaction:
            add_model(transaction, text, FIRST_DAY)
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"insert into {name_table('predictions', spec.name)} "
            f"select 'order-' || lpad(i::varchar, 14, '0'), $start + to_microseconds(i * {step_us}), "
            f"'v' || (1 + i * {VERSIONS} // {n}), random() * random(), 1, {numbers}{values} from range({n}) as rows(i)",
            {"start": FIRST_DAY},
        )
        connection.execute(
            f"insert into {name_table('labels', spec.name)} "
            "select prediction_id, (random() < score)::double, scored_at + interval 2 days, 1 "
            f"from {name_table('predictions', spec.name)} where hash(prediction_id) % 5 > 0"
        )


def _list_days() -> list[datetime]:
    return [FIRST_DAY + timedelta(days=day) for day in range(DAYS)]


def _measure_profile(path: Path, segments: dict[str, int], rounds: int) -> dict[str, float]:
    """Take turns with a scan of the same columns; the median of each."""
    spec = parse_model_text(_describe_model(segments))
    days = _list_days()
    parameters = {
        "model": spec.name,
        "chunks": days,
        "start": days[0],
        "end": days[-1] + timedelta(days=1),
        "threshold": spec.threshold,
    }
    statement, scans = count_scores_statement(spec, find_runs(spec, days[0], days[-1])), _write_scans(spec)
    scanning, counting = [], []
    with _open(path) as (database, _):
        for _ in range(rounds):
            # In a transaction, whose results are not kept for the next time.
            with database.transaction() as transaction:
                scanning.append(sum(time_cpu_s(lambda scan=scan: transaction.table(scan)) for scan in scans))
                counting.append(time_cpu_s(lambda: transaction.table(statement, parameters)))
    return {"scan_cpu_s": median(scanning), "profile_cpu_s": median(counting)}


def _write_scans(spec: ModelSpec) -> list[str]:
    """Write queries that add up each column that the profile reads: numbers, times, and lengths of texts."""
    texts = "".join(f", sum(strlen({name}))" for name in spec.columns.segments)
    traffic = (
        "select sum(strlen(prediction_id)), sum(epoch_us(scored_at)), sum(strlen(version)), sum(score)"
        f"{texts} from {name_table('predictions', spec.name)}"
    )
    labels = (
        "select sum(strlen(prediction_id)), sum(label), sum(epoch_us(label_at)), sum(batch) "
        f"from {name_table('labels', spec.name)}"
    )
    return [traffic, labels]


def _measure_stored(path: Path, segments: dict[str, int], n: int) -> dict[str, float]:
    """Store the profiles, read them back, and let new rows come to the last day."""
    spec = parse_model_text(_describe_model(segments))
    with _open(path) as (database, _):
        count_chunks(database, spec, _list_days())
        reading = [time_ms(lambda: read_score_profiles(database, spec, ALL_TIME)) for _ in range(READINGS)]
        refreshing = []
        for i in range(REFRESHES):
            new = _draw_rows(database, spec, n + i * NEW_ROWS)
            refreshing.append(time_cpu_s(lambda new=new: _refresh(database, spec, new)))
    return {"reading_ms": median(reading), "refresh_cpu_s": median(refreshing)}


def _draw_rows(database: Database, spec: ModelSpec, first: int) -> pa.Table:
    """Draw new rows of the last day by giving rows of it new names."""
    names = ", ".join(["scored_at", "version", "score", *spec.columns.features])
    return database.table(
        f"select 'order-' || lpad(({first} + row_number() over ())::varchar, 14, '0') as prediction_id, {names} "
        f"from {name_table('predictions', spec.name)} where scored_at >= $start limit {NEW_ROWS}",
        {"start": _list_days()[-1]},
    )


def _refresh(database: Database, spec: ModelSpec, new: pa.Table) -> None:
    append_predictions(database, spec, new, FIRST_DAY + timedelta(days=DAYS))
    count_chunks(database, spec, list_pending(database, spec.name))
