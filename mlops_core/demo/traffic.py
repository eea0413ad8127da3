"""The demo's traffic: decides what is delivered up to a moment, through the door that all traffic takes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_core.artifacts import writing_whole
from mlops_core.config import Home
from mlops_core.demo.files import locate_traffic
from mlops_core.entities import ModelSpec, Verdict
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import get_champion, list_deployments
from mlops_core.store.models import get_version
from mlops_core.store.tables import LABEL_SCHEMA

if TYPE_CHECKING:
    import pandas as pd

LABEL_WEEKDAY, LABEL_HOUR = 0, 6
LONGEST_WAIT = timedelta(days=10)
"""No label comes later than this after its flight was scored: a week to the next file, and the longest flight."""
ROWS_PER_GROUP = 10_000
"""About eleven days of flights: what a step of the replay reads."""


def write_traffic(home: Home, flights: "pd.DataFrame") -> None:
    """Keep the flights of the year in the order in which they are scored; see `writing_whole` for the errors."""
    table = pa.Table.from_pandas(flights.sort_values("scored_at"), preserve_index=False)
    with writing_whole(locate_traffic(home)) as partial:
        pq.write_table(table, partial, compression="zstd", row_group_size=ROWS_PER_GROUP)


def deliver(
    runtime: Runtime, spec: ModelSpec, start: datetime, end: datetime, scored: pa.Table | None = None
) -> list[Verdict]:
    """Deliver the flights due in [start, end) and the labels due in (start, end], and refresh; give new verdicts.

    Delivering a span twice stores nothing twice.

    Parameters
    ----------
    scored : pa.Table, optional
        What `score_flights` gave for the span, when that was done ahead.
    """
    flights = score_flights(runtime, spec, start, end) if scored is None else scored
    if flights.num_rows:
        ingest_predictions(runtime, spec, flights, now=end)
    if find_next_label_file(start) <= end:
        due = (pc.field("label_at") > start) & (pc.field("label_at") <= end)
        since = max(_first_scored(runtime, spec, end), start - LONGEST_WAIT)
        labels = _read_flights(runtime.home, LABEL_SCHEMA.names, since, end, due)
        ingest_labels(runtime, spec, labels, now=end)
    return refresh(runtime, spec, end)


def score_flights(runtime: Runtime, spec: ModelSpec, start: datetime, end: datetime) -> pa.Table:
    """Let the version in production score the flights due in [start, end); no rows while there is none."""
    champion = get_champion(runtime.database, spec.name)
    names = ["prediction_id", "scored_at", *spec.columns.features]
    flights = _read_flights(runtime.home, names, start, end if champion else start, pc.scalar(value=True))
    if champion is None or not flights.num_rows:
        return flights.slice(0, 0)
    version = get_version(runtime.database, spec.name, champion.version)
    scores = runtime.artifacts.score(version.artifact_hash, flights.select(list(version.features)))
    rows = flights.append_column("version", pa.repeat(version.name, flights.num_rows))
    return rows.append_column("score", pa.array(scores))


def list_stops(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Give the moments to stop at after start: every step, every label file, and the end."""
    moment = start
    while moment < end:
        moment = min(moment + step, find_next_label_file(moment), end)
        yield moment


def find_next_label_file(after: datetime) -> datetime:
    """Give the first Monday 06:00 UTC later than a moment."""
    day = datetime(after.year, after.month, after.day, LABEL_HOUR, tzinfo=UTC)
    monday = day + timedelta(days=(LABEL_WEEKDAY - day.weekday()) % 7)
    return monday if monday > after else monday + timedelta(days=7)


def _read_flights(
    home: Home, columns: Sequence[str], start: datetime, end: datetime, condition: pc.Expression
) -> pa.Table:
    """Read the flights scored in [start, end) that meet a condition; the span alone decides what is read from disk."""
    in_span = (pc.field("scored_at") >= start) & (pc.field("scored_at") < end)
    return pq.read_table(locate_traffic(home), columns=list(columns), filters=in_span & condition)


def _first_scored(runtime: Runtime, spec: ModelSpec, default: datetime) -> datetime:
    """Give when the first version went into production; earlier flights were never scored."""
    deployments = list_deployments(runtime.database, spec.name)
    return deployments[0].at if deployments else default
