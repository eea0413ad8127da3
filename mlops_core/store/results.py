"""What queries gave lately: decides that a result holds until the next commit, and how much of it is kept."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

import pyarrow as pa

MOST_BYTES = 64 * 2**20
"""Of all kept results together."""
MOST_BYTES_EACH = 4 * 2**20
"""Larger results are rows to work on, which nobody asks for twice."""


class ResultCache:
    """Results by query; the process that owns the file sees every commit, so none can be stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, pa.Table] = OrderedDict()
        self._bytes = 0
        self._commits = 0

    @property
    def commits(self) -> int:
        """How many commits there were; a result belongs to the number at which its query began."""
        return self._commits

    def find(self, query: Hashable) -> pa.Table | None:
        """Give what a query gave since the last commit; None when it was not asked or not kept."""
        with self._lock:
            found = self._results.get(query)
            if found is not None:
                self._results.move_to_end(query)
            return found

    def keep(self, query: Hashable, result: pa.Table, commits: int) -> None:
        """Keep a result, unless it is large or a commit came in between; the one asked longest ago makes room."""
        size = result.nbytes
        with self._lock:
            if size > MOST_BYTES_EACH or commits != self._commits or query in self._results:
                return
            self._results[query] = result
            self._bytes += size
            while self._bytes > MOST_BYTES:
                self._bytes -= self._results.popitem(last=False)[1].nbytes

    def forget(self) -> None:
        """Drop everything: something was committed."""
        with self._lock:
            self._commits += 1
            self._results.clear()
            self._bytes = 0
