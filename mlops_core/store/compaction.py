"""Compaction: decides when a database is written anew, and that the old file stays until the new one is whole."""

import os
import shutil
from pathlib import Path

import duckdb

from mlops_core.errors import HomeError
from mlops_core.store.connection import MEMORY_LIMIT, Database, explain_refusal
from mlops_core.store.migrations import refuse_newer
from mlops_core.store.queries import get_query
from mlops_core.store.tables import quote, quote_text

LEAST_WASTE_BYTES, LEAST_WASTE_SHARE = 64 * 2**20, 0.3
"""Room without data from which a start compacts: both must be reached."""
COUNT_TABLES = (
    "select schema_name, table_name from duckdb_tables() where database_name = ? and not temporary order by all"
)


def is_wasteful(database: Database) -> bool:
    """Say whether so much of a file holds nothing that it is worth writing anew."""
    size = database.rows("get_file_room")[0]
    free, total = size["free"], size["total"]
    return bool(free >= LEAST_WASTE_BYTES and free >= LEAST_WASTE_SHARE * total)


def compact(path: Path, running: Path | None = None) -> tuple[int, int]:
    """Copy a database that nobody has open into a new file, and put that in its place when it is whole.

    Parameters
    ----------
    running : Path, optional
        The file in which the app that owns the database left its address.

    Returns
    -------
    before, after : int
        Size of the file in bytes.

    Raises
    ------
    HomeError
        When it is open elsewhere, damaged, or newer, or the disk has no room for a second copy; it stays as it was.
    """
    partial = path.with_name(f"{path.name}.compacting")
    refuse_newer(path, _list_migrations(path, running))
    _remove(partial)
    _write_log_into(path, running)
    before, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < before:
        raise HomeError(
            f"Compacting {path} needs up to {before / 1e9:.2f} GB beside it, {free / 1e9:.2f} GB are free. "
            "Free some space; nothing was changed."
        )
    try:
        _copy(path, partial)
        shutil.copymode(path, partial)
        _keep_on_disk(partial)
        partial.replace(path)
        _keep_on_disk(path.parent)
    except (duckdb.Error, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise HomeError(f"{path} could not be compacted and stays as it was: {first_line}") from error
    finally:
        _remove(partial)
    return before, path.stat().st_size


def _list_migrations(path: Path, running: Path | None) -> list[int]:
    """Give the numbers of the migrations that were applied, without a change to the file or its log."""
    try:
        with duckdb.connect(str(path), read_only=True, config={"memory_limit": MEMORY_LIMIT}) as connection:
            if connection.execute("from duckdb_tables() where table_name = 'migrations'").fetchall():
                return [int(row[0]) for row in connection.execute(get_query("list_migrations")).fetchall()]
    except duckdb.Error as error:
        raise HomeError(explain_refusal(error, path, running)) from error
    return []


def _write_log_into(path: Path, running: Path | None) -> None:
    """Write the log of the last changes into the file, so that no log is left that belongs to the old file."""
    try:
        with duckdb.connect(str(path), config={"memory_limit": MEMORY_LIMIT}) as connection:
            connection.execute("force checkpoint")
    except duckdb.Error as error:
        raise HomeError(explain_refusal(error, path, running)) from error
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        raise HomeError(f"{log} is still there; nothing was changed. Start the app once, stop it, and try again.")


def _copy(path: Path, partial: Path) -> None:
    with duckdb.connect(
        config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(path.parent / "tmp")}
    ) as connection:
        connection.execute(f"attach {quote_text(str(path))} as old (read_only)")
        connection.execute(f"attach {quote_text(str(partial))} as new")
        connection.execute("copy from database old to new")
        counts = [_count_rows(connection, name) for name in ("old", "new")]
        if counts[0] != counts[1]:
            raise duckdb.Error(f"the copy has {counts[1]} rows by table, the original {counts[0]}")
        connection.execute("checkpoint new")
        connection.execute("detach new")


def _count_rows(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    tables = connection.execute(COUNT_TABLES, [database]).fetchall()
    counted = {}
    for schema, table in tables:
        found = connection.execute(f"select count(*) from {quote(database)}.{quote(schema)}.{quote(table)}").fetchone()
        counted[f"{schema}.{table}"] = int(found[0]) if found else 0
    return counted


def _keep_on_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(partial: Path) -> None:
    for name in (partial.name, f"{partial.name}.wal"):
        partial.with_name(name).unlink(missing_ok=True)
