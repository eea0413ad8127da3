"""Feature profiles: decides that rows are counted once, batch by batch, and how their counts are read as arrays."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlops_core.chunking import EPOCH, MICROSECOND
from mlops_core.entities import ModelSpec, Window
from mlops_core.stats.features import FeatureCounts
from mlops_core.store.binnings import Binning
from mlops_core.store.connection import Database, Transaction, to_array
from mlops_core.store.count_tables import PROFILE_SCHEMA, assemble_counts, merge_profiles, read_micros
from mlops_core.store.counting import count_table
from mlops_core.store.profile_cache import NOTHING, ChunkCounts, replace_chunks
from mlops_core.store.queries import get_query
from mlops_core.store.tables import name_table, quote

Segment = tuple[str, str]
ALL_TRAFFIC: Segment = ("", "")
MOST_NOTED = 5_000
"""Profiles up to which what was counted is remembered; that of a day is, that of a year need not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProfile:
    """Counts of one feature in the traffic of one version, over consecutive chunks."""

    version: str
    feature: str
    chunks: tuple[datetime, ...]
    """Start of each chunk, ascending; chunks without rows are absent."""
    counts: FeatureCounts
    """One row per chunk, in the same order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSizes:
    """How many rows the chunks of one feature have in the traffic of one version."""

    version: str
    feature: str
    chunks: NDArray[np.int64]
    """Their starts in microseconds since 1970, ascending, shape (k,)."""
    n: NDArray[np.int64]
    """Shape (k,)."""


def count_new_rows(database: Database, spec: ModelSpec, binning: Binning) -> int:
    """Count the features of the batches that came since the last time and add them to what is known.

    Returns
    -------
    int
        Rows counted. Counts and the note of what was counted are one transaction.
    """
    table = name_table("predictions", spec.name)
    with database.transaction() as transaction:
        found = transaction.rows("get_counted_batch", {"model": spec.name})
        since = int(found[0]["batch"]) if found else -1
        new = transaction.table(
            "select count(*) as n, min(scored_at) as first, max(scored_at) as last, max(batch) as batch "
            f"from {table} where batch > $since",
            {"since": since},
        ).to_pylist()[0]
        if not new["n"]:
            return 0
        kept = [
            _keep_profiles(transaction, spec, binning, counted)
            for counted in count_table(transaction, spec, binning, table, new["first"], new["last"], f"batch > {since}")
        ]
        transaction.run("set_counted_batch", {"model": spec.name, "batch": new["batch"]})
    # All traffic is part of the first.
    for first in kept[:1]:
        database.profiles.note_written(_split_written((spec.name, binning.id, None, None), first))
    return int(new["n"])


def _split_written(segment: tuple[Hashable, ...], kept: pa.Table) -> dict[Hashable, ChunkCounts]:
    """Give what was kept of all traffic as the counts of each version and feature; nothing when it is much."""
    own = kept.filter(pc.equal(kept["segment_column"], "")) if kept.num_rows <= MOST_NOTED else kept.slice(0, 0)
    return {(*segment, *key): counts for key, counts in _split_counts(own)}


def fetch_uncounted(database: Database, spec: ModelSpec, features: Sequence[str], most: int) -> pa.Table:
    """Give some features of the rows that came since the last count; of more than `most` rows a sample of about it."""
    since = {"since": _find_counted(database, spec)}
    table, columns = name_table("predictions", spec.name), ", ".join(quote(name) for name in features)
    n = database.table(f"select count(*) as n from {table} where batch > $since", since)["n"][0].as_py()
    # By a hash, since rows that come in turns would give a sample of one turn.
    one_in = max(1, round(n / most))
    sampled = f" and hash(rowid) % {one_in} = 0" if one_in > 1 else ""
    return database.table(f"select {columns} from {table} where batch > $since{sampled}", since)


def count_uncounted_values(database: Database, spec: ModelSpec, feature: str) -> dict[str, int]:
    """Give how often each category of a feature is among the rows that came since the last count; nulls left out."""
    counted = database.table(
        f"select {quote(feature)} as value, count(*) as n from {name_table('predictions', spec.name)} "
        f"where batch > $since and {quote(feature)} is not null group by all",
        {"since": _find_counted(database, spec)},
    )
    return dict(zip(counted["value"].to_pylist(), counted["n"].to_pylist(), strict=True))


def _find_counted(database: Database, spec: ModelSpec) -> int:
    """Give the newest batch whose features were counted; −1 for none."""
    found = database.rows("get_counted_batch", {"model": spec.name})
    return int(found[0]["batch"]) if found else -1


def _keep_profiles(transaction: Transaction, spec: ModelSpec, binning: Binning, counted: pa.Table) -> pa.Table:
    """Add what is known of the touched chunks to what is new, keep the sum in its place, and give it."""
    columns = counted["segment_column"].unique().to_pylist()
    named = {"model": spec.name, "binning": binning.id}
    key = named | {"segment_columns": columns}
    touched = counted.select(["version", "chunk"]).group_by(["version", "chunk"]).aggregate([])
    with transaction.attached("touched_chunks", touched):
        known = transaction.table(get_query("take_known_profiles"), key)
        if known.num_rows:
            transaction.run("drop_known_profiles", key)
            transaction.run("drop_known_segment_profiles", key)
            counted = merge_profiles(pa.concat_tables([counted, known.cast(PROFILE_SCHEMA)]))
    with transaction.attached("counted_profiles", counted):
        transaction.run("keep_counted_profiles", named)
        transaction.run("keep_counted_segment_profiles", named)
    return counted


def read_feature_sizes(
    database: Database,
    model: str,
    binning: int,
    window: Window,
    segment: Segment = ALL_TRAFFIC,
    features: Sequence[str] | None = None,
    version: str | None = None,
) -> list[FeatureSizes]:
    """Read how many rows there are of each version and feature in a window; as for `read_feature_profiles`."""
    scope = _write_scope(model, binning, segment, version) | {"start": window.start, "end": window.end}
    table = database.table(get_query("list_feature_sizes" if segment == ALL_TRAFFIC else "list_segment_sizes"), scope)
    chunks, n = read_micros(table["chunk"]), to_array(table["n"])
    return [
        FeatureSizes(version=own, feature=name, chunks=chunks[first:last], n=n[first:last])
        for (own, name), first, last in _find_spans(table)
        if features is None or name in features
    ]


def read_feature_profiles(
    database: Database,
    model: str,
    binning: int,
    window: Window,
    segment: Segment = ALL_TRAFFIC,
    features: Sequence[str] | None = None,
    version: str | None = None,
) -> list[FeatureProfile]:
    """Read the counts of a window for each version and feature.

    Parameters
    ----------
    segment : (column, value)
        Empty texts for all traffic.
    features : sequence of str, optional
        Only these; every feature when None.
    version : str, optional
        Only what this version answered; every version when None.
    """
    sizes = read_feature_sizes(database, model, binning, window, segment, features, version)
    return load_feature_profiles(database, model, binning, segment, sizes)


def load_feature_profiles(
    database: Database, model: str, binning: int, segment: Segment, sizes: Sequence[FeatureSizes]
) -> list[FeatureProfile]:
    """Give the counts of chunks whose sizes are known, and keep what had to be read for the next time."""
    versions = {one.version for one in sizes}
    version = next(iter(versions)) if len(versions) == 1 else None
    known = _read_stale(database, _write_scope(model, binning, segment, version), sizes)
    keys = ((one.version, one.feature) for one in sizes)
    return [_make_profile(key, known[key].select(one.chunks)) for key, one in zip(keys, sizes, strict=True)]


def fetch_feature_profiles(
    database: Database, model: str, binning: int, segment: Segment, sizes: Sequence[FeatureSizes]
) -> list[FeatureProfile]:
    """Give the counts of some chunks, such as were counted last, without keeping them."""
    if not sizes:
        return []
    key = (model, binning, *(segment if segment != ALL_TRAFFIC else (None, None)))
    written = [database.profiles.find_written((*key, one.version, one.feature), one.chunks, one.n) for one in sizes]
    if all(written):
        return [
            _make_profile((one.version, one.feature), counts)
            for one, counts in zip(sizes, written, strict=True)
            if counts
        ]
    span = _write_span(np.concatenate([one.chunks for one in sizes]))
    scope = _write_scope(model, binning, segment, None) | span
    wanted = {(one.version, one.feature) for one in sizes}
    found = _read_counts(database, scope, sorted({one.feature for one in sizes}))
    return [_make_profile(key, counts) for key, counts in found if key in wanted]


def _make_profile(key: tuple[str, str], known: ChunkCounts) -> FeatureProfile:
    chunks = tuple(EPOCH + micros * MICROSECOND for micros in known.chunks.tolist())
    return FeatureProfile(version=key[0], feature=key[1], chunks=chunks, counts=known.counts)


def _write_scope(model: str, binning: int, segment: Segment, version: str | None) -> dict[str, object]:
    own = {} if segment == ALL_TRAFFIC else {"segment_column": segment[0], "segment": segment[1]}
    return {"model": model, "binning": binning, "version": version} | own


def _write_span(chunks: NDArray[np.int64]) -> dict[str, object]:
    """Give the span from the first to the last of some chunks, by their starts in microseconds since 1970."""
    first, last = int(chunks.min()), int(chunks.max())
    return {"start": EPOCH + first * MICROSECOND, "end": EPOCH + (last + 1) * MICROSECOND}


def _find_spans(table: pa.Table) -> list[tuple[tuple[str, str], int, int]]:
    """Give the rows of each version and feature of a table that is ordered by them."""
    keys = list(zip(table["version"].to_pylist(), table["feature"].to_pylist(), strict=True))
    firsts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    return [(keys[first], first, last) for first, last in pairwise([*firsts, len(keys)])]


def _read_stale(
    database: Database, scope: Mapping[str, object], sizes: Sequence[FeatureSizes]
) -> dict[tuple[str, str], ChunkCounts]:
    """Give what is known by version and feature, after the span of chunks that have other sizes by now was read."""
    segment = tuple(scope.get(name) for name in ("model", "binning", "segment_column", "segment"))
    keys = [(one.version, one.feature) for one in sizes]
    known = {key: database.profiles.find((*segment, *key)) for key in keys}
    missing = [one.chunks[known[key].find_stale(one.chunks, one.n)] for key, one in zip(keys, sizes, strict=True)]
    stale = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *missing]))
    if stale.size == 0:
        return known
    features = sorted({feature for (_, feature), chunks in zip(keys, missing, strict=True) if chunks.size})
    for key, fresh in _read_counts(database, {**scope, **_write_span(stale)}, features):
        known[key] = replace_chunks(known.get(key, NOTHING), fresh)
        database.profiles.keep((*segment, *key), known[key])
    return known


def _read_counts(
    database: Database, scope: Mapping[str, object], features: Sequence[str]
) -> Iterator[tuple[tuple[str, str], ChunkCounts]]:
    """Give the counts of some features as they are stored, by version and feature."""
    query = get_query("read_segment_profiles" if "segment" in scope else "read_feature_profiles")
    return _split_counts(database.table(query, {**scope, "features": list(features)}))


def _split_counts(table: pa.Table) -> Iterator[tuple[tuple[str, str], ChunkCounts]]:
    """Give the counts of a table in which the chunks of each version and feature lie together."""
    spans = _find_spans(table)
    chunks, parts = read_micros(table["chunk"]), assemble_counts(table, [(first, last) for _, first, last in spans])
    for (key, first, last), counts in zip(spans, parts, strict=True):
        yield key, ChunkCounts(chunks=chunks[first:last], counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCounts:
    """Nulls of one feature in the traffic of one version."""

    version: str
    chunk: datetime
    feature: str
    n: int
    n_null: int


def read_null_counts(database: Database, model: str, version: str, window: Window) -> list[NullCounts]:
    """Read the null counts of a version's features, by chunk and feature."""
    parameters = {"model": model, "version": version, "start": window.start, "end": window.end}
    return [NullCounts(**row) for row in database.rows("read_null_counts", parameters)]
