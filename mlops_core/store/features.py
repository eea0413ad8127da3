"""Feature profiles: decides that rows are counted once, batch by batch, and how their counts are read as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProfile:
    """Counts of one feature in the traffic of one version, over consecutive chunks."""

    version: str
    feature: str
    chunks: tuple[datetime, ...]
    """Start of each chunk, ascending; chunks without rows are absent."""
    counts: FeatureCounts
    """One row per chunk, in the same order."""


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
        for counted in count_table(transaction, spec, binning, table, new["first"], new["last"], f"batch > {since}"):
            _keep_profiles(transaction, spec, binning, counted)
        transaction.run("set_counted_batch", {"model": spec.name, "batch": new["batch"]})
    return int(new["n"])


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


def _keep_profiles(transaction: Transaction, spec: ModelSpec, binning: Binning, counted: pa.Table) -> None:
    """Add what is known of the touched chunks to what is new, and keep the sum in its place."""
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
    scope: dict[str, object] = {"model": model, "binning": binning, "start": window.start, "end": window.end}
    scope |= {"version": version}
    of_sizes, of_counts = "list_feature_sizes", "read_feature_profiles"
    if segment != ALL_TRAFFIC:
        scope |= {"segment_column": segment[0], "segment": segment[1]}
        of_sizes, of_counts = "list_segment_sizes", "read_segment_profiles"
    sizes = _list_sizes(database.table(get_query(of_sizes), scope), features)
    known = _read_stale(database, of_counts, scope, sizes)
    moments = {micros: EPOCH + micros * MICROSECOND for _, _, chunks, _ in sizes for micros in chunks.tolist()}
    return [
        FeatureProfile(
            version=own,
            feature=name,
            chunks=tuple(moments[micros] for micros in chunks.tolist()),
            counts=known[own, name].select(chunks).counts,
        )
        for own, name, chunks, _ in sizes
    ]


_Sizes = list[tuple[str, str, NDArray[np.int64], NDArray[np.int64]]]
"""Version, feature, chunks in microseconds since 1970, and the rows of each."""


def _list_sizes(table: pa.Table, features: Sequence[str] | None) -> _Sizes:
    chunks, n = read_micros(table["chunk"]), to_array(table["n"])
    return [
        (version, feature, chunks[first:last], n[first:last])
        for (version, feature), first, last in _find_spans(table)
        if features is None or feature in features
    ]


def _find_spans(table: pa.Table) -> list[tuple[tuple[str, str], int, int]]:
    """Give the rows of each version and feature of a table that is ordered by them."""
    keys = list(zip(table["version"].to_pylist(), table["feature"].to_pylist(), strict=True))
    firsts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    return [(keys[first], first, last) for first, last in pairwise([*firsts, len(keys)])]


def _read_stale(
    database: Database, query: str, scope: Mapping[str, object], sizes: _Sizes
) -> dict[tuple[str, str], ChunkCounts]:
    """Give what is known by version and feature, after the span of chunks that have other sizes by now was read."""
    segment = tuple(scope.get(name) for name in ("model", "binning", "segment_column", "segment"))
    known = {
        (version, feature): database.profiles.find((*segment, version, feature)) for version, feature, _, _ in sizes
    }
    missing = {
        (version, feature): chunks[known[version, feature].find_stale(chunks, n)]
        for version, feature, chunks, n in sizes
    }
    stale = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *missing.values()]))
    if stale.size == 0:
        return known
    features = sorted({feature for (_, feature), chunks in missing.items() if chunks.size})
    span = {"start": EPOCH + int(stale[0]) * MICROSECOND, "end": EPOCH + (int(stale[-1]) + 1) * MICROSECOND}
    table = database.table(get_query(query), {**scope, **span, "features": features})
    spans = _find_spans(table)
    chunks, parts = read_micros(table["chunk"]), assemble_counts(table, [(first, last) for _, first, last in spans])
    for (key, first, last), counts in zip(spans, parts, strict=True):
        fresh = ChunkCounts(chunks=chunks[first:last], counts=counts)
        known[key] = replace_chunks(known.get(key, NOTHING), fresh)
        database.profiles.keep((*segment, *key), known[key])
    return known


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
