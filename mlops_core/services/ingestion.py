"""The door: decides what a batch of predictions or labels must look like; it is stored whole or not at all."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import Batch, ModelSpec
from mlops_core.errors import InputError
from mlops_core.services.runtime import Runtime
from mlops_core.store.tables import LABEL_SCHEMA, traffic_schema
from mlops_core.store.traffic import append_labels, append_predictions


def ingest_predictions(runtime: Runtime, spec: ModelSpec, rows: pa.Table, *, now: datetime) -> Batch:
    """Store a batch of predictions.

    Parameters
    ----------
    rows : pa.Table
        The columns of `traffic_schema(spec)`; features that are absent are stored as null.

    Raises
    ------
    InputError
        Names the column, the value, and what is accepted; nothing is stored.
    """
    schema = traffic_schema(spec)
    _require(rows, ("prediction_id", "scored_at", "version", "score"))
    _refuse_unknown(rows, schema.names)
    conformed = _conform(rows, schema)
    _refuse_nulls(conformed, ("prediction_id", "scored_at", "version"))
    _check_scores(conformed["score"])
    return append_predictions(runtime.database, spec, conformed, now)


def ingest_labels(runtime: Runtime, spec: ModelSpec, rows: pa.Table, *, now: datetime) -> Batch:
    """Store a batch of labels (prediction_id, label 0 or 1, label_at); the newest label of an id counts."""
    _require(rows, LABEL_SCHEMA.names)
    _refuse_unknown(rows, LABEL_SCHEMA.names)
    conformed = _conform(rows, LABEL_SCHEMA)
    _refuse_nulls(conformed, LABEL_SCHEMA.names)
    odd = conformed.filter(pc.invert(pc.is_in(conformed["label"], value_set=pa.array([0.0, 1.0]))))
    if odd.num_rows:
        raise InputError(f"The label {odd['label'][0].as_py()!r} of {odd['prediction_id'][0]} is neither 0 nor 1.")
    return append_labels(runtime.database, spec, conformed, now)


def _require(rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in rows.column_names:
            raise InputError(f"The batch lacks the column {name!r}; needed are {', '.join(names)}.")


def _refuse_unknown(rows: pa.Table, names: Sequence[str]) -> None:
    unknown = [name for name in rows.column_names if name not in names]
    if unknown:
        raise InputError(f"The batch has the unknown column {unknown[0]!r}; accepted are {', '.join(names)}.")


def _conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast each column to its type; a column that is absent becomes null."""
    columns = []
    for field in schema:
        if field.name not in rows.column_names:
            columns.append(pa.nulls(rows.num_rows, field.type))
            continue
        column = rows[field.name]
        if pa.types.is_timestamp(field.type) and pa.types.is_timestamp(column.type) and column.type.tz is None:
            raise InputError(f"The times in {field.name!r} have no zone; accepted are times with one, such as UTC.")
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"The column {field.name!r} is {column.type}, which cannot be read as {field.type}: {error}."
            ) from error
    return pa.table(columns, schema=schema)


def _refuse_nulls(rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if rows[name].null_count:
            raise InputError(f"{rows[name].null_count:,} rows have no {name!r}; each row needs one.")


def _check_scores(scores: pa.ChunkedArray) -> None:
    inside = pc.and_(pc.greater_equal(scores, 0.0), pc.less_equal(scores, 1.0))
    outside = scores.filter(pc.invert(pc.fill_null(inside, True)))
    if len(outside):
        raise InputError(f"The score {outside[0].as_py()!r} is not a probability; accepted are 0 to 1, or null.")
