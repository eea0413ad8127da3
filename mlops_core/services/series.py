"""Counts over time: decides which chunks a series has, and that counts are read when somebody looks at them."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlops_core.chunking import EPOCH, MICROSECOND, next_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import FeatureCounts, make_empty_counts, merge_chunks, stack_features
from mlops_core.store.features import (
    ALL_TRAFFIC,
    FeatureProfile,
    FeatureSizes,
    Segment,
    fetch_feature_profiles,
    load_feature_profiles,
    read_feature_sizes,
)
from mlops_core.store.models import list_versions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountSeries:
    """The counts of f features in k chunks that follow one another."""

    features: tuple[str, ...]
    chunks: tuple[datetime, ...]
    """Start of each chunk, those without rows included."""
    starts: NDArray[np.int64]
    """The same in microseconds since 1970."""
    n: NDArray[np.int64]
    """Rows of each, shape (f, k)."""
    key: tuple[Hashable, ...]
    """What tells the rows apart from those of other series."""
    read: Callable[[Sequence[str], int, int], dict[str, FeatureCounts]]
    """Reads the counts of some features from one chunk up to another, by their places."""


class ReadCounts(Mapping[str, FeatureCounts]):
    """The counts of a series by feature; they are read, all together, when the first one is asked for."""

    def __init__(self, series: CountSeries, features: Sequence[str]) -> None:
        self._series = series
        self._features = tuple(features)
        self._known: dict[str, FeatureCounts] = {}

    def __getitem__(self, feature: str) -> FeatureCounts:
        """Give the counts over all chunks."""
        if not self._known:
            self._known = self._series.read(self._features, 0, len(self._series.chunks))
        return self._known[feature]

    def __iter__(self) -> Iterator[str]:
        """Go through the features."""
        return iter(self._features)

    def __len__(self) -> int:
        """Give the number of features."""
        return len(self._features)


def read_series(
    runtime: Runtime,
    spec: ModelSpec,
    binning: int,
    window: Window,
    features: Sequence[str],
    segment: Segment = ALL_TRAFFIC,
    version: str | None = None,
) -> CountSeries | None:
    """Give the series of a window, from the first chunk with rows to the last one that is over; None without any.

    Parameters
    ----------
    version : str, optional
        Only what this version answered; else all of them are added up, each for the features that it reads: nobody
        had to log others then.
    """
    sizes = read_feature_sizes(runtime.database, spec.name, binning, window, segment, features, version)
    if version is None:
        sizes = _keep_read(runtime, spec, sizes)
    if not sizes:
        return None
    bounds = [min(one.chunks[0] for one in sizes), max(one.chunks[-1] for one in sizes)]
    chunks = list_chunks(spec, [EPOCH + int(micros) * MICROSECOND for micros in bounds], window.end)
    if not chunks:
        return None
    starts = _count_micros(chunks)
    named = {one.feature for one in sizes}
    present = tuple(name for name in features if name in named)
    return CountSeries(
        features=present,
        chunks=tuple(chunks),
        starts=starts,
        n=_add_sizes(sizes, present, starts),
        key=(spec.name, binning, segment, version),
        read=partial(_read_counts, runtime, (spec.name, binning, segment), sizes, starts),
    )


def _read_counts(
    runtime: Runtime,
    traffic: tuple[str, int, Segment],
    sizes: Sequence[FeatureSizes],
    starts: NDArray[np.int64],
    names: Sequence[str],
    first: int,
    last: int,
) -> dict[str, FeatureCounts]:
    """Read the counts of some features of a model, by its bins and in its segment, from one chunk up to another."""
    own = [_cut(one, starts[first], starts[last - 1]) for one in sizes if one.feature in names]
    own = [one for one in own if one.chunks.size]
    # The newest chunks alone are asked for once, to be measured; all of them again and again.
    fetch = load_feature_profiles if last - first == starts.size else fetch_feature_profiles
    return _add_versions(fetch(runtime.database, *traffic, own), names, starts[first:last])


def _add_sizes(sizes: Sequence[FeatureSizes], features: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the rows of all versions up by feature and chunk, shape (f, k); chunks beyond the last are left out."""
    n = np.zeros((len(features), starts.size), np.int64)
    for one in sizes:
        place = np.searchsorted(starts, one.chunks)
        is_shown = place < starts.size
        np.add.at(n[features.index(one.feature)], place[is_shown], one.n[is_shown])
    return n


def list_chunks(spec: ModelSpec, seen: Sequence[datetime], end: datetime) -> list[datetime]:
    """Give every chunk from the first one seen to the last one that is over by an instant."""
    chunks = []
    chunk, last = (min(seen), max(seen)) if seen else (end, end)
    while chunk <= last and next_chunk(spec, chunk) <= end:
        chunks.append(chunk)
        chunk = next_chunk(spec, chunk)
    return chunks


def _cut(sizes: FeatureSizes, first: np.int64, last: np.int64) -> FeatureSizes:
    """Give the chunks from one start to another, both included."""
    begin, end = np.searchsorted(sizes.chunks, [first, last + 1])
    return replace(sizes, chunks=sizes.chunks[begin:end], n=sizes.n[begin:end])


def _count_micros(chunks: Sequence[datetime]) -> NDArray[np.int64]:
    return np.array([(chunk - EPOCH) // MICROSECOND for chunk in chunks], dtype=np.int64)


def _keep_read(runtime: Runtime, spec: ModelSpec, sizes: Sequence[FeatureSizes]) -> list[FeatureSizes]:
    """Leave out features of versions that do not read them."""
    read = {version.name: set(version.features) for version in list_versions(runtime.database, spec.name)}
    return [one for one in sizes if one.version not in read or one.feature in read[one.version]]


def _add_versions(
    profiles: Sequence[FeatureProfile], features: Sequence[str], starts: NDArray[np.int64]
) -> dict[str, FeatureCounts]:
    """Add the counts of all versions up by feature and chunk; a feature without any has no rows."""
    counts = {}
    for name in features:
        parts = [one for one in profiles if one.feature == name]
        position = np.concatenate(
            [np.zeros(0, np.int64), *(np.searchsorted(starts, _count_micros(one.chunks)) for one in parts)]
        )
        if len(parts) == 1 and np.array_equal(position, np.arange(starts.size)):
            counts[name] = parts[0].counts
            continue
        stacked = stack_features([make_empty_counts(), *(one.counts for one in parts)])
        counts[name] = merge_chunks(stacked, np.concatenate([[-1], position]), starts.size)
    return counts
