"""What queries gave lately: decides that a result holds until one of its tables is written, and how much is kept."""

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable
from functools import lru_cache

import pyarrow as pa

MOST_BYTES = 64 * 2**20
"""Of all kept results together."""
MOST_BYTES_EACH = 4 * 2**20
"""Larger results are rows to work on, which nobody asks for twice."""

Query = tuple[str, Hashable]
"""A statement and its parameters."""

_COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n)*")
_WRITE = re.compile(
    r"(?:insert(?: or replace)? into|delete from|update|"
    r"create(?: or replace)?(?: temp)? table(?: if not exists)?) +(?:\"((?:[^\"]|\"\")+)\"|(\w+))",
    re.IGNORECASE,
)
_READ = re.compile(r"(?:select|from|with)\b", re.IGNORECASE)
_WRITING_WORD = re.compile(r"\b(?:insert|update|delete|merge|create|drop|alter|truncate|nextval)\b", re.IGNORECASE)


@lru_cache(maxsize=2048)
def find_written(statement: str) -> frozenset[str] | None:
    """Give the table that a statement writes, as it is spelt there, or none; None when it could be any.

    Examples
    --------
    >>> sorted(find_written("insert into labels select 1")), sorted(find_written("select 1"))
    (['labels'], [])
    >>> find_written("drop table labels")
    """
    text = statement[_COMMENTS.match(statement).end() :].rstrip().removesuffix(";")  # type: ignore[union-attr]
    if ";" in text:
        return None
    written = _WRITE.match(text)
    if written:
        return frozenset({written[1] or written[2]})
    return frozenset() if _READ.match(text) and not _WRITING_WORD.search(text) else None


class ResultCache:
    """Results by query; the process that owns the file sees every commit, so none can be stale.

    A query reads no table whose name is not in its text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Query, pa.Table] = OrderedDict()
        self._bytes = 0
        self._commits = 0

    @property
    def commits(self) -> int:
        """How many commits there were; a result belongs to the number at which its query began."""
        return self._commits

    def find(self, query: Query) -> pa.Table | None:
        """Give what a query gave since its tables were last written; None when it was not asked or not kept."""
        with self._lock:
            found = self._results.get(query)
            if found is not None:
                self._results.move_to_end(query)
            return found

    def keep(self, query: Query, result: pa.Table, commits: int) -> None:
        """Keep a result, unless it is large or a commit came in between; the one asked longest ago makes room."""
        size = result.nbytes
        with self._lock:
            if size > MOST_BYTES_EACH or commits != self._commits or query in self._results:
                return
            self._results[query] = result
            self._bytes += size
            while self._bytes > MOST_BYTES:
                self._bytes -= self._results.popitem(last=False)[1].nbytes

    def forget(self, tables: Collection[str] | None) -> None:
        """Drop what may have changed: some tables were written, or, when None, any."""
        with self._lock:
            self._commits += 1
            stale = [query for query in self._results if tables is None or any(table in query[0] for table in tables)]
            for query in stale:
                self._bytes -= self._results.pop(query).nbytes
