"""Profiles that were read lately: decides that a chunk is read again only when it has got rows since."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.features import FeatureCounts, make_empty_counts, merge_chunks, stack_features

MOST_BYTES = 128 * 2**20
"""Of all kept profiles together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkCounts:
    """Counts of one feature in k chunks."""

    chunks: NDArray[np.int64]
    """Their starts in microseconds since 1970, ascending, shape (k,)."""
    counts: FeatureCounts
    """One row per chunk."""

    @property
    def nbytes(self) -> int:
        """Give the room that the entries take."""
        entries = (self.counts.chunk, self.counts.bins, self.counts.counts, self.counts.sums)
        return sum(part.nbytes for part in entries)

    def find_stale(self, chunks: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of each chunk whether it is not here, or with another number of rows."""
        place = np.minimum(np.searchsorted(self.chunks, chunks), max(self.chunks.size - 1, 0))
        if self.chunks.size == 0:
            return np.ones(chunks.size, dtype=np.bool_)
        return np.asarray((self.chunks[place] != chunks) | (self.counts.n[place] != n))

    def select(self, chunks: NDArray[np.int64]) -> "ChunkCounts":
        """Give some of the chunks; one that is not here, since it was just dropped, has no rows."""
        if np.array_equal(chunks, self.chunks):
            return self
        place = np.searchsorted(chunks, self.chunks)
        is_wanted = np.isin(self.chunks, chunks)
        position = np.where(is_wanted, place, -1)
        return ChunkCounts(chunks=chunks, counts=merge_chunks(self.counts, position, chunks.size))


NOTHING = ChunkCounts(
    chunks=np.zeros(0, dtype=np.int64), counts=merge_chunks(make_empty_counts(), np.array([-1], dtype=np.int64), 0)
)


def replace_chunks(known: ChunkCounts, fresh: ChunkCounts) -> ChunkCounts:
    """Give the chunks of both, those of `fresh` in the place of the same ones."""
    stays = ~np.isin(known.chunks, fresh.chunks)
    chunks = np.union1d(known.chunks, fresh.chunks)
    position = np.concatenate(
        [np.where(stays, np.searchsorted(chunks, known.chunks), -1), np.searchsorted(chunks, fresh.chunks)]
    )
    stacked = stack_features([known.counts, fresh.counts])
    return ChunkCounts(chunks=chunks, counts=merge_chunks(stacked, position, chunks.size))


class ProfileCache:
    """The counts of features by whatever tells them apart; those asked for longest ago make room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, ChunkCounts] = OrderedDict()
        self._bytes = 0

    def find(self, key: Hashable) -> ChunkCounts:
        """Give what is known; nothing when nobody asked."""
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found or NOTHING

    def keep(self, key: Hashable, counts: ChunkCounts) -> None:
        """Keep counts in the place of what was known."""
        with self._lock:
            before = self._known.pop(key, NOTHING)
            self._known[key] = counts
            self._bytes += counts.nbytes - before.nbytes
            while self._bytes > MOST_BYTES and len(self._known) > 1:
                self._bytes -= self._known.popitem(last=False)[1].nbytes
