"""The door: decides what a batch of predictions or labels must look like; it is stored whole or not at all."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import Batch, ModelSpec
from mlops_core.errors import InputError, MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.store.refusals import MOST_EXAMPLES, add_refusal
from mlops_core.store.retention import get_rows_from
from mlops_core.store.tables import LABEL_SCHEMA, traffic_schema
from mlops_core.store.traffic import append_labels, append_predictions

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these lies the time of every row; one outside is a mistake of units."""

_log = logging.getLogger(__name__)


class FaultyRowsError(InputError):
    """Some rows of a delivery are at fault."""

    def __init__(self, message: str, rows: pa.Table) -> None:
        super().__init__(message)
        self.rows = rows


def ingest_predictions(runtime: Runtime, spec: ModelSpec, rows: pa.Table, *, now: datetime) -> Batch:
    """Store a batch of predictions.

    Parameters
    ----------
    rows : pa.Table
        The columns of `traffic_schema(spec)`; features that are absent are stored as null.

    Raises
    ------
    InputError
        Names the column, the value, and what is accepted; nothing is stored but that the delivery was refused.
    """
    with _keeping_refusal(runtime, spec, "predictions", rows, now):
        conformed = _accept_predictions(spec, rows)
        _refuse_deleted_span(runtime, spec, conformed)
    return append_predictions(runtime.database, spec, conformed, now)


def ingest_labels(runtime: Runtime, spec: ModelSpec, rows: pa.Table, *, now: datetime) -> Batch:
    """Store a batch of labels (prediction_id, label 0 or 1, label_at); the newest label of an id counts."""
    with _keeping_refusal(runtime, spec, "labels", rows, now):
        conformed = _accept_labels(rows)
    return append_labels(runtime.database, spec, conformed, now)


@contextmanager
def _keeping_refusal(runtime: Runtime, spec: ModelSpec, kind: str, rows: pa.Table, now: datetime) -> Iterator[None]:
    """Keep why a delivery was refused, with rows of it, those at fault where they are known."""
    try:
        yield
    except InputError as error:
        shown = error.rows if isinstance(error, FaultyRowsError) else rows
        examples = shown.slice(0, MOST_EXAMPLES)
        columns = [[_write_value(value) for value in column] for column in examples.columns]
        listed = [dict(zip(examples.column_names, values, strict=True)) for values in zip(*columns, strict=True)]
        try:
            add_refusal(runtime.database, spec.name, kind, error.message, rows.num_rows, listed, now)
        except MLOpsError as failure:
            _log.warning("A refused delivery of %s to %s was not kept: %s", kind, spec.name, failure.message)
        raise


def _write_value(value: pa.Scalar) -> str | None:
    """Write a value as text; a time beyond every calendar as its number."""
    try:
        return str(value) if value.is_valid else None
    except (ValueError, OverflowError):
        return str(value.value)


def _accept_predictions(spec: ModelSpec, rows: pa.Table) -> pa.Table:
    schema = traffic_schema(spec)
    _require(rows, ("prediction_id", "scored_at", "version", "score"))
    _refuse_unknown(rows, schema.names)
    conformed = _conform(rows, schema)
    _refuse_nulls(conformed, ("prediction_id", "scored_at", "version"))
    _check_times(conformed, "scored_at")
    _check_scores(conformed)
    return conformed


def _accept_labels(rows: pa.Table) -> pa.Table:
    _require(rows, LABEL_SCHEMA.names)
    _refuse_unknown(rows, LABEL_SCHEMA.names)
    conformed = _conform(rows, LABEL_SCHEMA)
    _refuse_nulls(conformed, LABEL_SCHEMA.names)
    _check_times(conformed, "label_at")
    odd = conformed.filter(pc.invert(pc.is_in(conformed["label"], value_set=pa.array([0.0, 1.0]))))
    if odd.num_rows:
        message = f"The label {odd['label'][0].as_py()!r} of {odd['prediction_id'][0]} is neither 0 nor 1."
        raise FaultyRowsError(message, odd)
    return conformed


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
    outside = rows.filter(pc.invert(inside))
    if outside.num_rows:
        raise FaultyRowsError(
            f"The time {outside[name].cast(pa.int64())[0]} µs since 1970 in {name!r} is not between "
            f"{EARLIEST.year} and {LATEST.year}; is its unit right?",
            outside.set_column(outside.column_names.index(name), name, outside[name].cast(pa.int64())),
        )


def _refuse_deleted_span(runtime: Runtime, spec: ModelSpec, rows: pa.Table) -> None:
    """Refuse rows of a time whose rows were deleted: their chunk could not be counted anew as a whole."""
    rows_from = get_rows_from(runtime.database, spec.name)
    old = rows.filter(pc.less(rows["scored_at"], rows_from)) if rows_from else rows.slice(0, 0)
    if rows_from and old.num_rows:
        oldest = pc.min(old["scored_at"]).as_py()
        raise FaultyRowsError(
            f"A row was scored at {oldest.isoformat()}. Rows before {rows_from.isoformat()} were deleted, as the "
            "retention asks, and none of that time are accepted any more.",
            old,
        )


def _refuse_nulls(rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if rows[name].null_count:
            message = f"{rows[name].null_count:,} rows have no {name!r}; each row needs one."
            raise FaultyRowsError(message, rows.filter(pc.is_null(rows[name])))


def _check_scores(rows: pa.Table) -> None:
    inside = pc.and_(pc.greater_equal(rows["score"], 0.0), pc.less_equal(rows["score"], 1.0))
    outside = rows.filter(pc.invert(pc.fill_null(inside, True)))
    if outside.num_rows:
        score = outside["score"][0].as_py()
        message = f"The score {score!r} is not a probability; accepted are 0 to 1, or null."
        raise FaultyRowsError(message, outside)
