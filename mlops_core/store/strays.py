"""Who answered, row by row: decides how rows out of turn are counted, and that they are kept by chunk."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from mlops_core.chunking import find_runs
from mlops_core.entities import ModelSpec, Window
from mlops_core.production import AnswerSpan, Stray
from mlops_core.store.connection import Database, Row, Transaction, list_values
from mlops_core.store.feature_sql import run_expression
from mlops_core.store.tables import name_table, newest_labels_cte

MOST_SAME_IDS = 5
"""Predictions of one id that are given; an id is stored once within days, not for ever."""


def measure_answers(database: Database, spec: ModelSpec, chunks: Sequence[datetime]) -> list[AnswerSpan]:
    """Give when the rows of each version in some chunks were scored, by chunk and version; live traffic alone."""
    if not chunks:
        return []
    runs = find_runs(spec, min(chunks), max(chunks))
    table = database.table(
        f"with span as (select version, scored_at, {run_expression(runs)} as chunk "
        f"from {name_table('predictions', spec.name)} where scored_at >= $start and scored_at < $end) "
        "select version, make_timestamptz(chunk::bigint) as chunk, count(*) as n, "
        "min(scored_at) as first, max(scored_at) as last "
        "from span semi join (select epoch_us(unnest($chunks::timestamptz[]))::double as chunk) using (chunk) "
        "group by version, chunk order by chunk, version",
        {"start": runs[0].start, "end": runs[-1].end, "chunks": list(chunks)},
    )
    columns = {name: list_values(table[name]) for name in table.column_names}
    return [AnswerSpan(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def count_outside(database: Database, spec: ModelSpec, span: AnswerSpan, windows: Sequence[Window]) -> Stray | None:
    """Count the rows of a version in a chunk that were scored in none of some windows; None when there are none."""
    inside = " or ".join(f"(scored_at >= $start_{i} and scored_at < $end_{i})" for i in range(len(windows)))
    bounds = {f"start_{i}": window.start for i, window in enumerate(windows)}
    bounds |= {f"end_{i}": window.end for i, window in enumerate(windows)}
    table = database.table(
        f"select count(*) as n, min(scored_at) as first, max(scored_at) as last "
        f"from {name_table('predictions', spec.name)} "
        "where version = $version and scored_at >= $first and scored_at <= $last "
        + (f"and not ({inside})" if inside else ""),
        {"version": span.version, "first": span.first, "last": span.last, **bounds},
    )
    n, first, last = (list_values(table[name])[0] for name in ("n", "first", "last"))
    return Stray(version=span.version, chunk=span.chunk, n=n, first=first, last=last) if n else None


def list_strays(source: Database | Transaction, model: str) -> list[Stray]:
    """Give the chunks in which versions answered out of turn, oldest first."""
    return [Stray(**row) for row in source.rows("list_strays", {"model": model})]


def replace_strays(transaction: Transaction, model: str, chunks: Sequence[datetime], strays: Sequence[Stray]) -> None:
    """Store what is known of some chunks by now."""
    transaction.run("delete_strays", {"model": model, "chunks": list(chunks)})
    for stray in strays:
        transaction.run("insert_stray", asdict(stray) | {"model": model})


def note_strays(transaction: Transaction, model: str, at: datetime) -> None:
    """Record that a check has seen all strays that there are."""
    transaction.run("note_strays", {"model": model, "at": at})


def fetch_predictions(database: Database, spec: ModelSpec, prediction_id: str) -> list[Row]:
    """Give the predictions of an id, newest first: version, at, score, and label, null where there is none."""
    table = database.table(
        "with found as (select prediction_id, version, scored_at, score "
        f"from {name_table('predictions', spec.name)} where prediction_id = $id), {newest_labels_cte(spec, 'found')} "
        "select version, scored_at as at, score, label from found left join newest_labels using (prediction_id) "
        "order by scored_at desc limit $most",
        {"id": prediction_id, "most": MOST_SAME_IDS},
    )
    columns = {name: list_values(table[name]) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
