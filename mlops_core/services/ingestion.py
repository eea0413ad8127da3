"""The door: decides what a batch of predictions or labels must look like; it is stored whole or not at all."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import Batch, ModelSpec
from mlops_core.errors import InputError
from mlops_core.services.runtime import Runtime
from mlops_core.store.retention import get_rows_from
from mlops_core.store.tables import LABEL_SCHEMA, traffic_schema
from mlops_core.store.traffic import append_labels, append_predictions

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these lies the time of every row; one outside is a mistake of units."""


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
    _check_times(conformed, "scored_at")
    _check_scores(conformed["score"])
    _refuse_deleted_span(runtime, spec, conformed["scored_at"])
    return append_predictions(runtime.database, spec, conformed, now)


def ingest_labels(runtime: Runtime, spec: ModelSpec, rows: pa.Table, *, now: datetime) -> Batch:
    """Store a batch of labels (prediction_id, label 0 or 1, label_at); the newest label of an id counts."""
    _require(rows, LABEL_SCHEMA.names)
    _refuse_unknown(rows, LABEL_SCHEMA.names)
    conformed = _conform(rows, LABEL_SCHEMA)
    _refuse_nulls(conformed, LABEL_SCHEMA.names)
    _check_times(conformed, "label_at")
    odd = conformed.filter(pc.invert(pc.is_in(conformed["label"], value_set=pa.array([0.0, 1.0]))))
    if odd.num_rows:
        raise InputError(f"The label {odd['label'][0].as_py()!r} of {odd['prediction_id'][0]} is neither 0 nor 1.")
    return append_labels(runtime.database, spec, conformed, now)


def _require(rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in rows.column_names:
            raise InputError(f"The batch lacks the column {name!r}; needed are {', '.join(names)}.")


def _refuse_unknown(rows: pa.Table, names: Sequence[str]) -> None:
    twice = [name for name in set(rows.column_names) if rows.column_names.count(name) > 1]
    if twice:
        raise InputError(f"The batch has the column {min(twice)!r} twice; each is needed once.")
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
        if pa.types.is_timestamp(field.type):
            _check_zone(field.name, column.type)
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise InputError(
                f"The column {field.name!r} is {column.type}, which cannot be read as {field.type}: {error}."
            ) from error
    return pa.table(columns, schema=schema)


def _check_zone(name: str, given: pa.DataType) -> None:
    if pa.types.is_integer(given):
        raise InputError(f"The times in {name!r} are {given} without a unit; accepted are times with a zone.")
    if pa.types.is_timestamp(given) and given.tz is None:
        raise InputError(f"The times in {name!r} have no zone; accepted are times with one, such as UTC.")


def _check_times(rows: pa.Table, name: str) -> None:
    inside = pc.and_(pc.greater_equal(rows[name], EARLIEST), pc.less(rows[name], LATEST))
    outside = rows[name].filter(pc.invert(inside))
    if len(outside):
        raise InputError(
            f"The time {outside.cast(pa.int64())[0]} µs since 1970 in {name!r} is not between "
            f"{EARLIEST.year} and {LATEST.year}; is its unit right?"
        )


def _refuse_deleted_span(runtime: Runtime, spec: ModelSpec, times: pa.ChunkedArray) -> None:
    """Refuse rows of a time whose rows were deleted: their chunk could not be counted anew as a whole."""
    rows_from = get_rows_from(runtime.database, spec.name)
    if rows_from and len(times) and (oldest := pc.min(times).as_py()) < rows_from:
        raise InputError(
            f"A row was scored at {oldest.isoformat()}. Rows before {rows_from.isoformat()} were deleted, as the "
            "retention asks, and none of that time are accepted any more."
        )


def _refuse_nulls(rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if rows[name].null_count:
            raise InputError(f"{rows[name].null_count:,} rows have no {name!r}; each row needs one.")


def _check_scores(scores: pa.ChunkedArray) -> None:
    inside = pc.and_(pc.greater_equal(scores, 0.0), pc.less_equal(scores, 1.0))
    outside = scores.filter(pc.invert(pc.fill_null(inside, True)))
    if len(outside):
        raise InputError(f"The score {outside[0].as_py()!r} is not a probability; accepted are 0 to 1, or null.")
