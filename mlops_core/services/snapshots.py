"""Training rows on disk: decides which of them count, and what is said when they cannot be read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_core.errors import HomeError
from mlops_core.frozen_rows import hash_rows, locate_rows
from mlops_core.services.runtime import Runtime
from mlops_core.store.snapshots import SnapshotState, find_gone


def read_snapshot(runtime: Runtime, snapshot: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Give the frozen training rows with this id, those without a time left out.

    Parameters
    ----------
    columns : sequence of str, optional
        Only these, as far as the rows have them, beside scored_at; all of them when None.

    Raises
    ------
    HomeError
        When the file is gone or damaged.
    """
    with _open_snapshot(runtime, snapshot) as file:
        names = [name for name in file.schema_arrow.names if columns is None or name in {*columns, "scored_at"}]
        rows: pa.Table = file.read(names)
    return keep_timed(rows)


def keep_timed(rows: pa.Table) -> pa.Table:
    """Leave rows without a time out, and give the times in UTC."""
    times = rows["scored_at"].cast(pa.timestamp("us", tz="UTC"))
    return rows.set_column(rows.column_names.index("scored_at"), "scored_at", times).filter(pc.is_valid(times))


@contextmanager
def _open_snapshot(runtime: Runtime, snapshot: str) -> Iterator[pq.ParquetFile]:
    path = locate_rows(runtime.home.snapshots, snapshot)
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError as error:
        gone = find_gone(runtime.database, snapshot)
        if gone is None:
            raise _explain(path, error) from error
        raise HomeError(
            f"The training rows {snapshot[:12]}… were deleted on {gone:%d %b %Y}, as the retention says. Compare "
            "traffic with days of traffic instead."
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: Exception) -> HomeError:
    return HomeError(
        f"The training rows {path} cannot be read ({error}). Put the file back from a backup; without it traffic "
        "cannot be compared with training, nor performance be estimated from it."
    )


def read_whole(runtime: Runtime, state: SnapshotState) -> pa.Table:
    """Give all rows of a snapshot as its file holds them, after they were checked against what is on record.

    Raises
    ------
    HomeError
        When the file is gone, or holds other rows.
    """
    with _open_snapshot(runtime, state.snapshot.id) as file:
        rows: pa.Table = file.read()
    found = hash_rows(rows)
    # Rows from before an erasure, of one that was cut off or of a backup, are known, and can be erased from again.
    if found not in state.known:
        problem = explain_content(state.snapshot.id, state.content, found)
        raise HomeError(f"The snapshot {problem}. Put its file back from a backup, or remove it.")
    return rows


def explain_content(snapshot: str, content: str | None, found: str) -> str | None:
    """Say what is wrong with the rows that a snapshot's file holds; None when nothing is.

    Parameters
    ----------
    content : str, optional
        SHA-256 of the rows that should be there; None when there should be none.
    found : str
        SHA-256 of those that are there.
    """
    if found == content:
        return None
    if content is None:
        return f"{snapshot[:12]}… holds rows that were deleted"
    if found == snapshot:
        return f"{snapshot[:12]}… holds rows that were erased"
    return f"{snapshot[:12]}… is damaged: it holds {found[:12]}…, on record is {content[:12]}…"


def list_snapshot_columns(runtime: Runtime, snapshot: str) -> tuple[str, ...]:
    """Name the columns of frozen training rows.

    Raises
    ------
    HomeError
        When the file is gone or damaged.
    """
    with _open_snapshot(runtime, snapshot) as file:
        return tuple(file.schema_arrow.names)
