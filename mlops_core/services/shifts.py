"""Shifts that were measured: decides that a chunk is measured again only when it has got rows since."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # A start opens this before it needs SciPy.
    from mlops_core.stats.shift import Shifts

MOST_SERIES = 64
"""Series that are kept; those asked for longest ago make room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """What is known of f features in k chunks."""

    chunks: NDArray[np.int64]
    n: NDArray[np.int64]
    values: NDArray[np.float64]
    """The parts of `Shifts`, shape (4, f, k)."""
    kind: "type[Shifts]"


class ShiftCache:
    """Measured series by what tells them apart: the reference, the features, and whose rows they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Measured] = OrderedDict()

    def measure(
        self,
        key: Hashable,
        chunks: NDArray[np.int64],
        n: NDArray[np.int64],
        measure: "Callable[[int, int], Shifts]",
    ) -> "Shifts":
        """Give the shifts of all chunks; the span of those that are new, or have other rows by now, is measured.

        Parameters
        ----------
        chunks : ndarray of shape (k,)
            Starts in microseconds since 1970, ascending.
        n : ndarray of shape (f, k)
            Rows of each feature and chunk.
        measure : callable
            Gives the shifts of the chunks from one place up to another.
        """
        with self._lock:
            known = self._known.get(key)
            if known:
                self._known.move_to_end(key)
        place, is_known = np.zeros(chunks.size, dtype=np.int64), np.zeros(chunks.size, dtype=np.bool_)
        if known:
            place = np.minimum(np.searchsorted(known.chunks, chunks), known.chunks.size - 1)
            is_known = (known.chunks[place] == chunks) & (known.n[:, place] == n).all(axis=0)
        stale = np.flatnonzero(~is_known)
        first, last = (int(stale[0]), int(stale[-1]) + 1) if stale.size or known is None else (0, 0)
        fresh = measure(first, last) if last else None
        kind = type(fresh) if fresh else known.kind if known else None
        assert kind is not None
        names = [field.name for field in fields(kind)]
        values = np.full((len(names), *n.shape), np.nan)
        if known:
            values[:, :, is_known] = known.values[:, :, place[is_known]]
        if fresh:
            values[:, :, first:last] = np.stack([getattr(fresh, name) for name in names])
            self._keep(key, _join(known, _Measured(chunks=chunks, n=n, values=values, kind=kind)))
        return kind(**dict(zip(names, values, strict=True)))

    def _keep(self, key: Hashable, measured: _Measured) -> None:
        with self._lock:
            self._known[key] = measured
            self._known.move_to_end(key)
            while len(self._known) > MOST_SERIES:
                self._known.popitem(last=False)


def _join(known: _Measured | None, fresh: _Measured) -> _Measured:
    """Give the chunks of both in order; a window that is looked at does not displace another one."""
    if known is None:
        return fresh
    stays = ~np.isin(known.chunks, fresh.chunks)
    chunks = np.concatenate([known.chunks[stays], fresh.chunks])
    order = np.argsort(chunks)
    return _Measured(
        chunks=chunks[order],
        n=np.concatenate([known.n[:, stays], fresh.n], axis=1)[:, order],
        values=np.concatenate([known.values[:, :, stays], fresh.values], axis=2)[:, :, order],
        kind=fresh.kind,
    )
