"""Training rows on disk: decides which of them count, and what is said when they cannot be read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime


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
    times = rows["scored_at"].cast(pa.timestamp("us", tz="UTC"))
    return rows.set_column(rows.column_names.index("scored_at"), "scored_at", times).filter(pc.is_valid(times))


@contextmanager
def _open_snapshot(runtime: Runtime, snapshot: str) -> Iterator[pq.ParquetFile]:
    path = runtime.home.snapshots / f"{snapshot}.parquet"
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowInvalid) as error:
        raise HomeError(
            f"The training rows {path} cannot be read ({error}). Put the file back from a backup; without it traffic "
            "cannot be compared with training, nor performance be estimated from it."
        ) from error


def list_snapshot_columns(runtime: Runtime, snapshot: str) -> tuple[str, ...]:
    """Name the columns of frozen training rows.

    Raises
    ------
    HomeError
        When the file is gone or damaged.
    """
    with _open_snapshot(runtime, snapshot) as file:
        return tuple(file.schema_arrow.names)
