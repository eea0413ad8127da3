"""Training rows on disk: decides what is said when they cannot be read."""

import pyarrow as pa
import pyarrow.parquet as pq

from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime


def read_snapshot(runtime: Runtime, snapshot: str) -> pa.Table:
    """Give the frozen training rows with this id.

    Raises
    ------
    HomeError
        When the file is gone or damaged.
    """
    path = runtime.home.snapshots / f"{snapshot}.parquet"
    try:
        rows: pa.Table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise HomeError(
            f"The training rows {path} cannot be read ({error}). Put the file back from a backup; without it traffic "
            "cannot be compared with training, nor performance be estimated from it."
        ) from error
    return rows
