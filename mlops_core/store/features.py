"""Feature profiles: decides that rows are counted once, batch by batch, and how their counts are read as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.chunking import EPOCH, MICROSECOND, find_runs
from mlops_core.entities import ModelSpec, Window
from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN, FeatureBinning, FeatureCounts
from mlops_core.store.binnings import Binning
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.feature_sql import group_statement, run_expression
from mlops_core.store.queries import get_query
from mlops_core.store.tables import name_table, quote

Segment = tuple[str, str]
ALL_TRAFFIC: Segment = ("", "")
STATEMENTS_AT_ONCE = 12
"""Features that one statement groups: few enough to plan fast, many enough to be few."""


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
        group_rows(transaction, spec, binning, table, new["first"], new["last"], f"batch > {since}")
        _keep_profiles(transaction, spec, binning)
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
    return database.table(f"select {columns} from {table} where batch > $since{sampled} order by rowid", since)


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


def group_rows(
    transaction: Transaction,
    spec: ModelSpec,
    binning: Binning,
    table: str,
    first: datetime,
    last: datetime,
    condition: str,
) -> None:
    """Group the rows of a table by version, chunk, segment, and bin of every feature, in the transaction's own table.

    Parameters
    ----------
    first, last : datetime
        Times of the oldest and the newest row.
    """
    chunk = run_expression(find_runs(spec, first, last))
    features = [complete_binning(spec, binning, name) for name in spec.columns.features]
    statements = [
        group_statement(table, feature, chunk, condition, segment)
        for feature in features
        for segment in spec.columns.segments or ("",)
    ]
    transaction.run("create_row_groups")
    for i in range(0, len(statements), STATEMENTS_AT_ONCE):
        part = " union all ".join(statements[i : i + STATEMENTS_AT_ONCE])
        transaction.run_sql(f"insert into row_groups by name {part}")
    transaction.run(
        "find_category_bins",
        {
            "binning": binning.id,
            "categorical": list(spec.columns.categorical),
            "full": [feature.feature for feature in features if feature.is_full],
            "other": OTHER_BIN,
            "unseen": UNSEEN_BIN,
        },
    )


def complete_binning(spec: ModelSpec, binning: Binning, feature: str) -> FeatureBinning:
    """Give how a feature is binned; one that no reference had yet has no bins but those of its kind."""
    is_categorical = feature in spec.columns.categorical
    return binning.features.get(feature) or FeatureBinning(feature=feature, categories=() if is_categorical else None)


def name_first_segment(spec: ModelSpec) -> str:
    """Give the segment column whose counts add up to all traffic; empty when the model has none."""
    return spec.columns.segments[0] if spec.columns.segments else ""


def _keep_profiles(transaction: Transaction, spec: ModelSpec, binning: Binning) -> None:
    """Add what is known of the touched chunks to what is new, and keep the sum in its place."""
    key = {"model": spec.name, "binning": binning.id}
    first = {"first_segment": name_first_segment(spec)}
    if transaction.rows("count_known_profiles", key)[0]["n"]:
        transaction.run("take_known_profiles", key | first)
        transaction.run("drop_known_profiles", key)
        transaction.run("drop_known_segment_profiles", key)
    transaction.run("make_fresh_profiles", first)
    transaction.run("keep_fresh_profiles", key)
    transaction.run("keep_fresh_segment_profiles", key)


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


def assemble_counts(table: pa.Table, spans: Sequence[tuple[int, int]]) -> list[FeatureCounts]:
    """Give the counts of each span of rows; the lists of the whole table become arrays at once."""
    if table.num_rows == 0:
        return []
    arrays = _Arrays(table.combine_chunks())
    return [arrays.slice(first, last) for first, last in spans]


class _Arrays:
    """The columns of a table of profiles as arrays; lists lie flat behind their offsets."""

    def __init__(self, table: pa.Table) -> None:
        bins = table["bins"].chunk(0)
        self._offsets = bins.offsets.to_numpy().astype(np.int64)
        self._flat = {
            name: table[name].chunk(0).values.to_numpy(zero_copy_only=False) for name in ("bins", "counts", "sums")
        }
        self._wide = {name: table[name].to_numpy() for name in ("n", "n_null")}
        self._wide |= {name: pc.cast(table[name], pa.float64()).to_numpy() for name in ("minimum", "maximum")}

    def slice(self, first: int, last: int) -> FeatureCounts:
        """Give the counts of consecutive rows."""
        begin, end = self._offsets[first], self._offsets[last]
        lengths = np.diff(self._offsets[first : last + 1])
        return FeatureCounts(
            **{name: values[first:last] for name, values in self._wide.items()},
            chunk=np.repeat(np.arange(last - first), lengths),
            bins=self._flat["bins"][begin:end].astype(np.int64),
            counts=self._flat["counts"][begin:end].astype(np.int64),
            sums=self._flat["sums"][begin:end].astype(np.float64),
        )


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
