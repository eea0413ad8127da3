"""How DuckDB is opened and spoken to: one owner process, one short-lived cursor per operation, one writer at a time."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeGuard

import duckdb
import numpy as np
import pyarrow as pa

from mlops_core.errors import HomeError
from mlops_core.store.profile_cache import ProfileCache
from mlops_core.store.queries import get_query
from mlops_core.store.results import Query, ResultCache, find_written

MEMORY_LIMIT = "600MB"
TEMPORARY_FILES_LIMIT = "20GB"

Parameters = Mapping[str, object]
Row = dict[str, Any]
"""A row as DuckDB gives it, by column; the reader of each table turns it into a record."""

ADVICE_ON_READING = "Stop the app, look at the disk, and put a backup in its place."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SIGNS_OF_A_FULL_DISK = ("no space left", "file too large", "quota exceeded")
_SIGNS_OF_DAMAGE = ("could not read", "corrupt", "checksum")
"""What DuckDB says of its file when that is cut off or was changed by somebody else."""
_SIGNS_OF_THE_FILE = (
    *_SIGNS_OF_A_FULL_DISK,
    "could not write",
    "could not read",
    "could not sync",
    "could not truncate",
    "corrupt database file",
    "has been invalidated",
)
"""What DuckDB says when not the statement but the file is at fault; a failed commit is not an IOException."""


class Transaction:
    """The statements of one transaction; made by `Database.transaction` and `Database.reading` only."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.written: set[str] | None = set()
        """Tables that were written; None when they could be any."""

    def run(self, name: str, parameters: Parameters | None = None) -> int:
        """Run a named statement and give the number of rows it changed, or the number that it returns."""
        return self.run_sql(get_query(name), parameters)

    def run_sql(self, statement: str, parameters: Parameters | None = None) -> int:
        """Run a generated statement and give the number of rows it changed."""
        self._note(statement)
        result = self._cursor.execute(statement, parameters).fetchall()
        return int(result[0][0]) if result and isinstance(result[0][0], int) else 0

    def rows(self, name: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a named query and give its rows."""
        return _list_rows(self.table(get_query(name), parameters))

    def first_row(self, name: str, parameters: Parameters | None = None) -> tuple[Any, ...]:
        """Run a named query and give its first row, empty when it has none; not for instants."""
        self._note(get_query(name))
        return _fetch_first(self._cursor, get_query(name), parameters)

    def table(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        """Run a generated query and give its result."""
        self._note(statement)
        return _fetch(self._cursor, statement, parameters)

    def batches(self, statement: str, parameters: Parameters, n_rows: int) -> Iterator[pa.RecordBatch]:
        """Run a generated query and give its result some rows at a time."""
        yield from self._cursor.sql(statement, params=parameters).to_arrow_reader(n_rows)

    def _note(self, statement: str) -> None:
        written = find_written(statement)
        self.written = None if written is None or self.written is None else self.written | written

    @contextmanager
    def attached(self, name: str, table: pa.Table) -> Iterator[None]:
        """Let statements read an Arrow table under a name."""
        self._cursor.register(name, table)
        try:
            yield
        finally:
            self._cursor.unregister(name)


class Database:
    """The one open DuckDB file of this process."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._writer = threading.RLock()
        self._results = ResultCache()
        self.profiles = ProfileCache()
        """Counts of features that were read lately."""
        self.path = path

    @classmethod
    def open(cls, path: Path, running: Path | None = None) -> "Database":
        """Open or create the file, locked down.

        Parameters
        ----------
        path : Path
            The DuckDB file; its folder is made when missing.
        running : Path, optional
            The file in which the app that owns the database left its address.

        Raises
        ------
        HomeError
            When another process has it open, or it is damaged, read-only, or its disk is full.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
        except OSError as error:
            raise HomeError(f"The home {path.parent} cannot be made: {error.strerror}. Choose another home.") from error
        try:
            return cls(_connect(path), path)
        except duckdb.Error as error:
            if is_new:
                path.unlink(missing_ok=True)
            raise HomeError(explain_refusal(error, path, running)) from error

    def close(self) -> None:
        """Close the file; statements that run elsewhere fail."""
        with self._writer:
            self._connection.close()

    def rows(self, name: str, parameters: Parameters | None = None) -> list[Row]:
        """Run a named query on a cursor of its own and give all its rows."""
        return _list_rows(self.table(get_query(name), parameters))

    def first_row(self, name: str, parameters: Parameters | None = None) -> tuple[Any, ...]:
        """Run a named query on a cursor of its own and give its first row; see `Transaction.first_row`."""
        with self._reading() as cursor:
            return _fetch_first(cursor, get_query(name), parameters)

    def table(self, statement: str, parameters: Parameters | None = None) -> pa.Table:
        """Run a generated query on a cursor of its own and give its whole result.

        What it gave since its tables were last written is given again.
        """
        query = (statement, tuple(sorted((parameters or {}).items())))
        if not _is_hashable(query):
            return self._fetch(statement, parameters)
        commits = self._results.commits
        found = self._results.find(query)
        if found is None:
            found = self._fetch(statement, parameters)
            self._results.keep(query, found, commits)
        return found

    def _fetch(self, statement: str, parameters: Parameters | None) -> pa.Table:
        with self._reading() as cursor:
            return _fetch(cursor, statement, parameters)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _explain_failures(self.path, "read", ADVICE_ON_READING):
            cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Run queries that have to see the same rows; nobody waits for them, and what is written meanwhile is not seen.

        What they give is not kept for the next time.
        """
        with self._reading() as cursor:
            cursor.execute("begin transaction read only")
            try:
                yield Transaction(cursor)
            finally:
                with suppress(duckdb.Error):
                    cursor.execute("rollback")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run statements that belong together: all of them are kept, or none.

        Raises
        ------
        HomeError
            When the disk is full or read-only; nothing is kept.
        """
        advice = "Nothing was changed; free some space or mend its permissions."
        with self._writer, _explain_failures(self.path, "written", advice):
            cursor = self._connection.cursor()
            transaction = Transaction(cursor)
            try:
                cursor.execute("begin")
                yield transaction
                cursor.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute("rollback")
                raise
            finally:
                self._results.forget(transaction.written)
                cursor.close()


def list_values(column: pa.ChunkedArray) -> list[Any]:
    """Give a column's values as Python's own, instants as aware UTC.

    Arrow imports pandas to turn instants into Python's own, which takes as long as a whole page.
    """
    if not pa.types.is_timestamp(column.type) or column.type.tz is None:
        values: list[Any] = column.to_pylist()
        return values
    instants = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return [None if instant is None else EPOCH + timedelta(microseconds=instant) for instant in instants]


def to_array(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Give a column of numbers as an array that must not be written to; Arrow's own way imports pandas.

    Raises
    ------
    ValueError
        When it has nulls.
    """
    if column.null_count:
        raise ValueError(f"{column.null_count} of {len(column)} values are null; accepted are none.")
    return np.from_dlpack(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)


def _list_rows(table: pa.Table) -> list[Row]:
    names, columns = table.column_names, [list_values(column) for column in table.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _is_hashable(query: tuple[str, tuple[object, ...]]) -> TypeGuard[Query]:
    """Say whether a query can be looked up; one with a list among its parameters cannot."""
    try:
        hash(query)
    except TypeError:
        return False
    return True


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), config=_settings(path))
    try:
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute("set global lock_configuration = true")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _settings(path: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "enable_external_access": "false",
        "allow_community_extensions": "false",
        "memory_limit": MEMORY_LIMIT,
        # It would read the newest of a few rows in two steps, which takes longer than reading them all.
        "disabled_optimizers": "late_materialization",
        "temp_directory": str(path.parent / "tmp"),
        "max_temp_directory_size": TEMPORARY_FILES_LIMIT,
    }


def _fetch(cursor: duckdb.DuckDBPyConnection, statement: str, parameters: Parameters | None) -> pa.Table:
    relation = cursor.sql(statement, params=parameters)
    return relation.to_arrow_table()


def _fetch_first(cursor: duckdb.DuckDBPyConnection, statement: str, parameters: Parameters | None) -> tuple[Any, ...]:
    # For one row of plain values this takes two thirds of the time of a table.
    found = cursor.execute(statement, parameters).fetchall()
    return found[0] if found else ()


@contextmanager
def _explain_failures(path: Path, deed: str, advice: str) -> Iterator[None]:
    """Turn what the file or its disk refused into a HomeError; other errors of DuckDB pass."""
    try:
        yield
    except duckdb.Error as error:
        text = _first_line(error)
        if not isinstance(error, duckdb.IOException) and not any(sign in text.lower() for sign in _SIGNS_OF_THE_FILE):
            raise
        if any(sign in text.lower() for sign in _SIGNS_OF_DAMAGE):  # Also while writing, which reads what is there.
            deed, advice = "read", ADVICE_ON_READING
        raise HomeError(f"{path} cannot be {deed}: {text}. {advice}") from error


def explain_refusal(error: duckdb.Error, path: Path, running: Path | None) -> str:
    """Say in a sentence why a file cannot be opened, and what to do about it."""
    text = _first_line(error)
    lower = text.lower()
    if "could not set lock" in lower:
        return f"The home {path.parent} is open in another process{_describe_owner(running)}. Use that one, or stop it."
    if "configuration has been locked" in lower:
        return f"The home {path.parent} is open in this process already. Close it first."
    if any(sign in lower for sign in _SIGNS_OF_A_FULL_DISK):
        return f"The home {path.parent} cannot be written ({text}). Free some space, or choose another home."
    if "permission" in lower or "read-only" in lower:
        return f"The home {path.parent} cannot be written ({text}). Change its permissions, or choose another home."
    if "newer version" in lower or "storage version" in lower:
        return f"{path} was written by a newer DuckDB ({text}). Update Driftdeck; nothing was changed."
    return (
        f"{path} cannot be opened as a database ({text}). It may be damaged: "
        "put a backup in its place or move it away; nothing was changed."
    )


def _describe_owner(running: Path | None) -> str:
    try:
        owner = json.loads(running.read_text()) if running else {}
    except (OSError, ValueError):
        return ""
    return f": the app at {owner['url']} (process {owner['pid']})" if {"url", "pid"} <= owner.keys() else ""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
