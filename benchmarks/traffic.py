"""The traffic that is measured: decides its columns, how their values are drawn, and that one thread works on it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.measuring import time_cpu_s
from mlops_core.config import Home, parse_model_text
from mlops_core.entities import ModelSpec, Snapshot, Version, Window
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.runtime import Runtime
from mlops_core.store.connection import MEMORY_LIMIT, Database
from mlops_core.store.migrations import migrate
from mlops_core.store.models import add_model
from mlops_core.store.tables import name_table, quote, traffic_schema
from mlops_core.store.traffic import append_predictions

SIZES = {"1 M": 1_000_000, "10 M": 10_000_000}
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, NEW_ROWS = 90, 1000
END = FIRST_DAY + timedelta(days=DAYS)
ALL_DAYS = Window(FIRST_DAY, END)

_NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
_DRAWS = {
    "normal": (6, f"100 + 15 * {_NORMAL}"),
    "lognormal": (3, f"exp({_NORMAL})"),
    "exponential": (2, "-30 * ln(1 - random())"),
    "uniform": (1, "random()"),
    "gappy": (2, f"case when random() >= 0.02 then {_NORMAL} end"),
    "hour": (1, "floor(24 * random())"),
    "count": (1, "floor(-200 * ln(1 - random()))"),
}
"""How many numbers there are of each kind, and the SQL that draws one; the last two kinds are whole numbers."""
_NUMBERS = {f"{kind}_{i}": draw for kind, (many, draw) in _DRAWS.items() for i in range(many)}
_LEVELS = {"plan": 3, "region": 12, "product": 50, "shop": 300}
"""How many values each category takes."""
SEGMENTS = ("plan", "region")
"""Segment columns, where segments are measured."""


def describe_model(segments: Sequence[str] = ()) -> str:
    """Write a model file: 14 real numbers, 2 whole ones, and 4 categories, some of which are segments."""
    return f"""
name = "measured"
task = "binary"
[columns]
prediction_id = "id"
timestamp = "time"
version = "version"
score = "score"
label = "label"
numeric = {list(_NUMBERS)}
categorical = {list(_LEVELS)}
segments = {list(segments)}
[monitoring]
chunk = "day"
timezone = "UTC"
primary_metric = "roc_auc"
threshold = 0.5
label_delay_days = 2
"""


def read_spec(segments: Sequence[str] = ()) -> ModelSpec:
    """Give the model as its file describes it."""
    return parse_model_text(describe_model(segments))


def describe_version(spec: ModelSpec) -> Version:
    """Give the version that answered when there is one alone; it reads every feature."""
    snapshot = Snapshot(
        id="none", model=spec.name, rows=0, start=FIRST_DAY, end=FIRST_DAY, null_fractions={}, created_at=FIRST_DAY
    )
    return Version(
        model=spec.name,
        name="v1",
        features=spec.columns.features,
        parameters={},
        offline_metrics={},
        snapshot=snapshot,
        code_id="none",
        artifact_hash="none",
        artifact_bytes=0,
        libraries={},
        created_at=FIRST_DAY,
        created_by="benchmark",
    )


def write_draw(n: int, first: int, last: int, n_versions: int) -> str:
    """Write the query that draws rows `first` to `last` of n, in the order of time, as `traffic_schema` has them.

    The days have equally many rows, and so have the versions, one after the other.
    """
    step_us = DAYS * 86_400_000_000 // n
    numbers = "".join(f", {draw} as {name}" for name, draw in _NUMBERS.items())
    levels = "".join(f", '{name} ' || (hash(i, '{name}') % {many}) as {name}" for name, many in _LEVELS.items())
    return (
        f"select 'order-' || lpad(i::varchar, 14, '0') as prediction_id, "
        f"timestamptz '{FIRST_DAY.isoformat()}' + to_microseconds(i * {step_us}) as scored_at, "
        f"'v' || (1 + i * {n_versions} // {n}) as version, random() * random() as score{numbers}{levels} "
        f"from range({first}, {last}) as rows(i)"
    )


def fill_traffic(path: Path, n: int, n_versions: int, first: int = 0) -> None:
    """Make a database whose model has rows `first` to n, in one batch from before the first that is delivered."""
    spec = read_spec()
    names = ", ".join(traffic_schema(spec).names)
    with open_runtime(path) as runtime:
        migrate(runtime.database)
        with runtime.database.transaction() as transaction:
            add_model(transaction, describe_model(), FIRST_DAY)
            transaction.table("select setseed(0.5)")
            transaction.run_sql(
                f"insert into {name_table('predictions', spec.name)} ({names}, batch) "
                f"select {names}, 0 from ({write_draw(n, first, n, n_versions)})"
            )


@contextmanager
def open_runtime(path: Path) -> Iterator[Runtime]:
    """Open a database as the app does, but on one thread; the home is its folder."""
    connection = duckdb.connect(str(path), config={"threads": 1, "memory_limit": MEMORY_LIMIT})
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    home = Home(path.parent)
    runtime = Runtime(
        home=home,
        database=Database(connection, path),
        artifacts=ArtifactHost(home.artifacts),
        replays=ArtifactHost(home.artifacts),
    )
    try:
        yield runtime
    finally:
        runtime.close()


def forget_results(database: Database) -> None:
    """Commit what may have written anything, so that the next query is run and not answered from last time."""
    with database.transaction() as transaction:
        transaction.table("pragma version")


def write_scan(spec: ModelSpec) -> str:
    """Write the query that adds up what is read: numbers, times, and the lengths of texts."""
    numbers = "".join(f", sum({quote(name)})" for name in spec.columns.numeric)
    texts = "".join(f", sum(strlen({quote(name)}))" for name in spec.columns.categorical)
    return (
        f"select sum(epoch_us(scored_at)), sum(strlen(version)), sum(batch), sum(score){numbers}{texts} "
        f"from {name_table('predictions', spec.name)}"
    )


def time_scan(database: Database, statements: Sequence[str]) -> float:
    """Give the CPU seconds of queries that only add columns up, the floor of whatever reads these columns."""
    forget_results(database)
    return time_cpu_s(lambda: [database.table(statement) for statement in statements])


def deliver_new_rows(database: Database, spec: ModelSpec, first: int) -> None:
    """Deliver new rows of the last day: rows of it under new names, numbered from `first` on."""
    names = ", ".join(["scored_at", "version", "score", *spec.columns.features])
    rows: pa.Table = database.table(
        f"select 'order-' || lpad(({first} + row_number() over ())::varchar, 14, '0') as prediction_id, {names} "
        f"from {name_table('predictions', spec.name)} where scored_at >= $start limit {NEW_ROWS}",
        {"start": END - timedelta(days=1)},
    )
    append_predictions(database, spec, rows, END)
