"""Rows that a drill-down reads: decides which ones of a window are drawn, the same for the same seed, or named."""

from collections.abc import Sequence

import pyarrow as pa

from mlops_core.entities import ModelSpec, Window
from mlops_core.store.connection import Database
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.tables import name_table, quote


def sample_rows(
    database: Database,
    spec: ModelSpec,
    window: Window,
    features: Sequence[str],
    most_rows: int,
    seed: int,
    segment: Segment = ALL_TRAFFIC,
) -> pa.Table:
    """Give some features of the rows of a window, all of them or as many as wanted, drawn by a hash of their ids.

    Returns
    -------
    pa.Table
        scored_at and the features, in the order of the draw.
    """
    columns = ", ".join(quote(name) for name in ("scored_at", *features))
    condition = "" if segment == ALL_TRAFFIC else f" and {quote(segment[0])} = $segment"
    parameters: dict[str, object] = {
        "start": window.start,
        "end": window.end,
        "seed": str(seed),
        "most_rows": most_rows,
    }
    return database.table(
        f"select {columns} from {name_table('predictions', spec.name)} "
        f"where scored_at >= $start and scored_at < $end{condition} "
        "order by hash(prediction_id || $seed), prediction_id limit $most_rows",
        parameters | ({} if segment == ALL_TRAFFIC else {"segment": segment[1]}),
    )


def fetch_named_rows(
    database: Database, spec: ModelSpec, window: Window, ids: Sequence[str], features: Sequence[str]
) -> pa.Table:
    """Give prediction_id, scored_at, and some features of the rows of a window with these ids, by id."""
    columns = ", ".join(quote(name) for name in ("prediction_id", "scored_at", *features))
    return database.table(
        f"select {columns} from {name_table('predictions', spec.name)} "
        "where scored_at >= $start and scored_at < $end and list_contains($ids, prediction_id) order by prediction_id",
        {"start": window.start, "end": window.end, "ids": list(ids)},
    )
