"""Training rows on disk: decides that they are frozen as Parquet, named by the hash of their content."""

import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_core.artifacts import writing_whole
from mlops_core.errors import InputError

HELD_OUT, HELD_OUT_PARTS = "held_out", 5
"""Name of the column that tells which rows a version is not fitted on; one row of so many is held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRows:
    """What a file of training rows holds."""

    id: str
    """SHA-256 of the rows' content."""
    rows: int
    start: datetime
    """Time of the oldest row."""
    end: datetime
    """Time of the newest row."""
    null_fractions: Mapping[str, float]
    """Share of nulls per feature, 0–1."""
    columns: Mapping[str, str]
    """Types of the columns by name."""


def locate_rows(folder: Path, digest: str) -> Path:
    """Give the path of frozen rows, whether or not they are there."""
    return folder / f"{digest}.parquet"


def freeze_rows(folder: Path, rows: pa.Table, features: Sequence[str]) -> FrozenRows:
    """Write training rows, whole or not at all, unless the same ones are there.

    The same rows give the same hash in any order. The file's mode is 600.

    Parameters
    ----------
    rows : pa.Table
        With the columns prediction_id and scored_at, and the features.

    Raises
    ------
    InputError
        When there is no row.
    HomeError
        When the disk is full or read-only.
    """
    if rows.num_rows == 0:
        raise InputError("The training rows are empty; a snapshot needs at least one.")
    others = [name for name in rows.column_names if name != "prediction_id"]
    ordered = rows.sort_by([(name, "ascending") for name in ("prediction_id", *others)]).combine_chunks()
    digest = hash_rows(ordered)
    target = locate_rows(folder, digest)
    if not target.exists():
        with writing_whole(target) as partial:
            pq.write_table(ordered, partial, compression="zstd")
    times = ordered["scored_at"]
    return FrozenRows(
        id=digest,
        rows=ordered.num_rows,
        start=pc.min(times).as_py(),
        end=pc.max(times).as_py(),
        null_fractions={name: measure_nulls(ordered[name]) for name in features},
        columns={field.name: str(field.type) for field in ordered.schema},
    )


def hash_rows(rows: pa.Table) -> str:
    """Give the SHA-256 of a table's schema and values, whatever its chunks.

    Rows that were read back from their file have the hash that they had when they were frozen.
    """
    sink = io.BytesIO()
    # Anything may lie under a null; where rows are taken there is zero.
    plain = rows.replace_schema_metadata(None).combine_chunks().take(pa.array(np.arange(rows.num_rows)))
    with pa.ipc.new_stream(sink, plain.schema) as stream:
        stream.write_table(plain.combine_chunks())
    columns = json.dumps(rows.schema.names)
    return hashlib.sha256(columns.encode() + sink.getvalue()).hexdigest()


def drop_prediction(rows: pa.Table, prediction_id: str) -> pa.Table:
    """Leave the rows of one prediction out; the others keep their order."""
    ids = rows["prediction_id"].cast(pa.string())
    return rows.filter(pc.fill_null(pc.not_equal(ids, prediction_id), True))


@contextmanager
def replacing_rows(target: Path, rows: pa.Table) -> Iterator[None]:
    """Write other rows beside a snapshot's file, and put them in its place, whole, once the caller is done.

    The file's mode is 600. When the caller fails, the file stays as it was.

    Raises
    ------
    HomeError
        When the disk is full or read-only.
    """
    with writing_whole(target) as partial:
        pq.write_table(rows.combine_chunks(), partial, compression="zstd")
        yield


def measure_nulls(column: pa.ChunkedArray) -> float:
    """Give the share of values that are null or NaN, 0–1; at least one row."""
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing += pc.sum(pc.is_nan(column.drop_null())).as_py() or 0
    return float(missing / len(column))


def choose_held_out(ids: Sequence[str]) -> np.ndarray:
    """Choose one row of five by its id alone, so that the same rows are held out whichever others there are.

    They tell later what the score of a version is worth. The result is of bool, shape (n,).
    """
    return np.fromiter((zlib.crc32(one.encode()) % HELD_OUT_PARTS == 0 for one in ids), bool, len(ids))


def mark_held_out(rows: pa.Table) -> pa.Table:
    """Add the column that tells which rows are held out."""
    return rows.append_column(HELD_OUT, pa.array(choose_held_out(rows["prediction_id"].to_pylist())))
