"""Chunks in SQL: decides which chunk a row falls in and which chunks wait to be counted again."""

from collections.abc import Sequence
from datetime import datetime

from mlops_core.entities import ChunkSize, ModelSpec
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.tables import name_table, quote_text


def chunk_expression(spec: ModelSpec, column: str = "scored_at") -> str:
    """Give the SQL of a row's chunk: its start, as an instant, at the model's own midnights."""
    zone = quote_text(spec.timezone)
    local = f"{column} at time zone {zone}"
    if spec.chunk is ChunkSize.HOUR:
        # The hour that a clock shows twice is two chunks, which the way back from the clock could not tell apart.
        return f"({column} - (({local}) - date_trunc('hour', {local})))"
    return f"(date_trunc('{spec.chunk.value}', {local}) at time zone {zone})"


def mark_traffic(transaction: Transaction, spec: ModelSpec, batch: str) -> None:
    """Mark the chunks of an attached batch of predictions as waiting."""
    transaction.run_sql(
        f"insert into pending_chunks select distinct $model, {chunk_expression(spec)} from {batch}",
        {"model": spec.name},
    )


def mark_labelled(transaction: Transaction, spec: ModelSpec, batch: int) -> None:
    """Mark the chunks whose predictions the stored labels of a batch speak of as waiting."""
    transaction.run_sql(
        f"insert into pending_chunks select distinct $model, {chunk_expression(spec, 'p.scored_at')} "
        f"from {name_table('predictions', spec.name)} as p "
        f"semi join (select prediction_id from {name_table('labels', spec.name)} where batch = $batch) "
        "using (prediction_id)",
        {"model": spec.name, "batch": batch},
    )


def list_pending(database: Database, model: str) -> list[datetime]:
    """Give the chunks that wait to be counted again, oldest first."""
    return [row["chunk"] for row in database.rows("list_pending_chunks", {"model": model})]


def clear_pending(transaction: Transaction, model: str, chunks: Sequence[datetime]) -> None:
    """Take chunks off the waiting list; part of the transaction that counts them."""
    transaction.run("clear_pending_chunks", {"model": model, "chunks": list(chunks)})
