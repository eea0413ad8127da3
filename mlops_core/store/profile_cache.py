"""Profiles that were read lately: decides that a chunk is read again only when it has got rows since."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.features import FeatureCounts, make_empty_counts, merge_chunks, order_entries, stack_features

MOST_BYTES = 128 * 2**20
"""Of all kept profiles together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkCounts:
    """Counts of one feature in k chunks."""

    chunks: NDArray[np.int64]
    """Their starts in microseconds since 1970, ascending, shape (k,)."""
    counts: FeatureCounts
    """One row per chunk, the entries in the order of the chunks."""

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
        first = int(np.searchsorted(self.chunks, chunks[0])) if chunks.size else 0
        if np.array_equal(self.chunks[first : first + chunks.size], chunks):
            return self.slice(first, first + chunks.size)
        position = np.where(np.isin(self.chunks, chunks), np.searchsorted(chunks, self.chunks), -1)
        return ChunkCounts(chunks=chunks, counts=merge_chunks(self.counts, position, chunks.size))

    def slice(self, first: int, last: int) -> "ChunkCounts":
        """Give consecutive chunks by their places; only the places of their entries are written anew."""
        if first == 0 and last == self.chunks.size:
            return self
        begin, end = np.searchsorted(self.counts.chunk, [first, last])
        own = self.counts
        counts = FeatureCounts(
            n=own.n[first:last],
            n_null=own.n_null[first:last],
            chunk=own.chunk[begin:end] - first,
            bins=own.bins[begin:end],
            counts=own.counts[begin:end],
            sums=own.sums[begin:end],
            minimum=own.minimum[first:last],
            maximum=own.maximum[first:last],
        )
        return ChunkCounts(chunks=self.chunks[first:last], counts=counts)


NOTHING = ChunkCounts(
    chunks=np.zeros(0, dtype=np.int64), counts=merge_chunks(make_empty_counts(), np.array([-1], dtype=np.int64), 0)
)


def replace_chunks(known: ChunkCounts, fresh: ChunkCounts) -> ChunkCounts:
    """Give the chunks of both in order, those of `fresh` in the place of the same ones."""
    if fresh.chunks.size == 0:
        return known
    first, last = (int(place) for place in np.searchsorted(known.chunks, fresh.chunks[[0, -1]], side="left"))
    last += int(last < known.chunks.size and known.chunks[last] == fresh.chunks[-1])
    between = known.chunks[first:last]
    middle = fresh if np.isin(between, fresh.chunks).all() else _interleave(known.slice(first, last), fresh)
    parts = [known.slice(0, first), middle, known.slice(last, known.chunks.size)]
    return ChunkCounts(
        chunks=np.concatenate([part.chunks for part in parts]),
        counts=stack_features([part.counts for part in parts]),
    )


def _interleave(known: ChunkCounts, fresh: ChunkCounts) -> ChunkCounts:
    """Give chunks that lie between one another, those of `fresh` in the place of the same ones."""
    chunks = np.union1d(known.chunks, fresh.chunks)
    stays = ~np.isin(known.chunks, fresh.chunks)
    position = np.concatenate(
        [np.where(stays, np.searchsorted(chunks, known.chunks), -1), np.searchsorted(chunks, fresh.chunks)]
    )
    stacked = merge_chunks(stack_features([known.counts, fresh.counts]), position, chunks.size)
    return ChunkCounts(chunks=chunks, counts=order_entries(stacked))


class ProfileCache:
    """The counts of features by whatever tells them apart; those asked for longest ago make room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, ChunkCounts] = OrderedDict()
        self._written: Mapping[Hashable, ChunkCounts] = {}
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

    def note_written(self, written: Mapping[Hashable, ChunkCounts]) -> None:
        """Remember what was written last, in the place of what was written before."""
        with self._lock:
            self._written = written

    def find_written(self, key: Hashable, chunks: NDArray[np.int64], n: NDArray[np.int64]) -> ChunkCounts | None:
        """Give chunks that were all written last, and have the same rows still; else None."""
        with self._lock:
            found = self._written.get(key)
        return None if found is None or found.find_stale(chunks, n).any() else found.select(chunks)
