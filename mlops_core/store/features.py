"""Feature profiles: decides that rows are counted once, batch by batch, and how their counts are read as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from mlops_core.chunking import EPOCH, MICROSECOND
from mlops_core.entities import ModelSpec, Window
from mlops_core.stats.features import FeatureCounts
from mlops_core.store.binnings import Binning
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.count_tables import PROFILE_SCHEMA, assemble_counts, merge_profiles
from mlops_core.store.counting import count_table
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
    key: dict[str, object] = {"model": model, "binning": binning, "start": window.start, "end": window.end}
    key |= {"features": None if features is None else list(features), "version": version}
    if segment == ALL_TRAFFIC:
        table = database.table(get_query("read_feature_profiles"), key)
    else:
        own = {"segment_column": segment[0], "segment": segment[1]}
        table = database.table(get_query("read_segment_profiles"), key | own)
    return assemble_profiles(table)


def assemble_profiles(table: pa.Table) -> list[FeatureProfile]:
    """Turn rows ordered by version, feature, and chunk into profiles; lists become arrays without a copy per row."""
    if table.num_rows == 0:
        return []
    names = [table[name].to_pylist() for name in ("version", "feature")]
    keys = list(zip(*names, strict=True))
    boundaries = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]] + [len(keys)]
    instants = _read_instants(table["chunk"])
    spans = list(pairwise(boundaries))
    return [
        FeatureProfile(
            version=keys[first][0], feature=keys[first][1], chunks=tuple(instants[first:last]), counts=counts
        )
        for (first, last), counts in zip(spans, assemble_counts(table, spans), strict=True)
    ]


def _read_instants(column: pa.ChunkedArray) -> list[datetime]:
    """Give aware times; each is made once, however many rows have it."""
    distinct, place = np.unique(column.cast(pa.timestamp("us")).to_numpy().astype(np.int64), return_inverse=True)
    moments = [EPOCH + int(micros) * MICROSECOND for micros in distinct]
    return [moments[i] for i in place.tolist()]


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
