"""Predictions and labels: decides that they are only appended to, and that an id is stored once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from mlops_core.entities import Batch, ModelSpec, Version, Window
from mlops_core.store.chunks import mark_labelled, mark_traffic
from mlops_core.store.connection import Database, Row, Transaction
from mlops_core.store.tables import LABEL_SCHEMA, name_table, newest_labels_cte, quote, traffic_schema


def append_predictions(database: Database, spec: ModelSpec, rows: pa.Table, at: datetime) -> Batch:
    """Store a batch in one transaction; ids that its days already hold are left out.

    Parameters
    ----------
    rows : pa.Table
        Of the schema `traffic_schema(spec)`.
    at : datetime
        When the batch was received.
    """
    table = name_table("predictions", spec.name)
    names = ", ".join(quote(name) for name in traffic_schema(spec).names)
    with database.transaction() as transaction, transaction.attached("batch", rows):
        number = transaction.rows("next_batch")[0]["id"]
        accepted = transaction.run_sql(
            f"insert into {table} ({names}, batch) select {names}, $number::bigint "
            "from (select * from batch qualify row_number() over (partition by prediction_id) = 1) "
            f"anti join (select prediction_id from {table} where scored_at >= "
            "(select min(scored_at) from batch) - interval 1 day and scored_at <= "
            "(select max(scored_at) from batch) + interval 1 day) using (prediction_id)",
            {"number": number},
        )
        if accepted:
            mark_traffic(transaction, spec, "batch")
        span = transaction.table("select min(scored_at) as start, max(scored_at) as end from batch").to_pylist()[0]
        return _record_batch(transaction, spec, "predictions", number, rows.num_rows, accepted, at, span)


def append_labels(database: Database, spec: ModelSpec, rows: pa.Table, at: datetime) -> Batch:
    """Store a batch of labels in one transaction; those that are stored already, word for word, are left out."""
    assert rows.schema.equals(LABEL_SCHEMA)
    table = name_table("labels", spec.name)
    predictions = name_table("predictions", spec.name)
    with database.transaction() as transaction, transaction.attached("batch", rows):
        number = transaction.rows("next_batch")[0]["id"]
        accepted = transaction.run_sql(
            f"insert into {table} (prediction_id, label, label_at, batch) "
            "select distinct prediction_id, label, label_at, $number from batch "
            f"anti join {table} as known using (prediction_id, label, label_at)",
            {"number": number},
        )
        if accepted:
            mark_labelled(transaction, spec, number)
        span = transaction.table(
            f"select min(scored_at) as start, max(scored_at) as end from {predictions} "
            "semi join batch using (prediction_id)"
        ).to_pylist()[0]
        return _record_batch(transaction, spec, "labels", number, rows.num_rows, accepted, at, span)


def fetch_labelled(database: Database, spec: ModelSpec, version: Version, window: Window, most_rows: int) -> pa.Table:
    """Give the labelled rows of a window that a version scored, live or by replay; a fixed sample when there are more.

    The columns are the features that the version reads, score, and label (0 or 1).
    """
    features = "".join(f"p.{quote(name)}, " for name in version.features)
    return database.table(
        f"with {_rows_of_window(spec)}, {_scores_of_window(spec)} "
        f"select {features}s.score, l.label "
        "from rows_of_window as p join newest_labels as l using (prediction_id) "
        "join scores as s on s.prediction_id = p.prediction_id and s.version = $version "
        "where s.score is not null order by hash(p.prediction_id), p.prediction_id limit $most_rows",
        {"start": window.start, "end": window.end, "version": version.name, "most_rows": most_rows},
    )


def _rows_of_window(spec: ModelSpec) -> str:
    return (
        f"rows_of_window as (from {name_table('predictions', spec.name)} "
        f"where scored_at >= $start and scored_at < $end), {newest_labels_cte(spec, 'rows_of_window')}"
    )


def _scores_of_window(spec: ModelSpec) -> str:
    return (
        "scores as (select prediction_id, version, score from rows_of_window union all "
        f"select prediction_id, version, score from {name_table('replays', spec.name)} "
        "where scored_at >= $start and scored_at < $end)"
    )


def _record_batch(
    transaction: Transaction,
    spec: ModelSpec,
    kind: str,
    number: int,
    received: int,
    accepted: int,
    at: datetime,
    span: Row,
) -> Batch:
    record = span | {
        "id": number,
        "model": spec.name,
        "kind": kind,
        "received": received,
        "accepted": accepted,
        "at": at,
    }
    transaction.run("insert_batch", record)
    return Batch(**record)


def list_batches(database: Database, model: str, kind: str, limit: int = 100) -> list[Batch]:
    """Give the newest deliveries of a kind, newest first."""
    return [Batch(**row) for row in database.rows("list_batches", {"model": model, "kind": kind, "limit": limit})]


def count_labels(
    database: Database, model: str, first: datetime | None, second: datetime | None
) -> tuple[int, int, int]:
    """Count the labels that were stored at all, then those stored since each of two instants; since ever when None."""
    row = database.rows("count_labels", {"model": model, "first": first, "second": second})[0]
    return row["n"], row["since_first"], row["since_second"]


def list_label_deliveries(database: Database, model: str) -> list[tuple[datetime, int]]:
    """Give when labels were stored, and how many, oldest first."""
    return [(row["at"], row["n"]) for row in database.rows("list_label_deliveries", {"model": model})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of one delivery of predictions."""

    at: datetime
    newest: datetime | None
    """Time of its newest row; None when it was refused."""
    received: int
    """Rows of a delivery that was not refused."""
    accepted: int
    """Rows of these that were stored."""
    refused: int
    """Rows of a delivery that was refused whole."""


def list_deliveries(database: Database, model: str, since: datetime) -> list[Delivery]:
    """Give the deliveries of predictions that came since an instant, oldest first."""
    return [Delivery(**row) for row in database.rows("list_deliveries", {"model": model, "since": since})]


def get_newest_row(database: Database, model: str) -> datetime | None:
    """Give the time of the newest prediction that was ever delivered; None before the first."""
    newest: datetime | None = database.rows("get_newest_row", {"model": model})[0]["newest"]
    return newest


def list_longest_waits(
    database: Database, model: str, watched: timedelta, limit: int = 2
) -> tuple[list[timedelta], int]:
    """Give how old the newest row was when the next delivery came, up to the newest delivery.

    Returns
    -------
    longest : list of timedelta
        The longest waits, longest first, at most `limit`.
    n : int
        How many waits there were.
    """
    rows = database.rows("list_longest_waits", {"model": model, "watched_s": watched.total_seconds(), "limit": limit})
    return [timedelta(microseconds=row["wait_us"]) for row in rows], int(rows[0]["n"]) if rows else 0
