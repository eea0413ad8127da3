"""Standing references: decides that what traffic is compared with is counted once and kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from mlops_core.entities import ModelSpec
from mlops_core.stats.features import FeatureCounts
from mlops_core.stats.groups import FeatureGroups, choose_groups
from mlops_core.store.binnings import Binning
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.count_tables import PROFILE_SCHEMA, assemble_counts
from mlops_core.store.counting import count_table
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.queries import get_query

SNAPSHOT, WINDOW = "snapshot", "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What traffic is compared with."""

    id: int | None
    """None for one that was counted for the occasion and is not kept."""
    model: str
    kind: str
    """"snapshot" or "window"."""
    version: str | None
    """The version whose training rows it is; None for a window."""
    snapshot_id: str | None
    binning: int
    start: datetime
    end: datetime
    """End of the window, or the newest row of the snapshot."""
    n: int
    n_chunks: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceProfile:
    """One feature of a reference, all its chunks together."""

    counts: FeatureCounts
    """Of one chunk."""
    groups: FeatureGroups
    """In which the feature is compared with it."""
    natural_variations: tuple[float | None, ...]
    """Largest effect of a window of 1, 2, … chunks of the reference against the rest, as far as there are enough."""

    def get_natural_variation(self, n_chunks: int = 1) -> float:
        """Give the natural variation of windows of a length; NaN when the reference is too short to know it."""
        known = self.natural_variations[n_chunks - 1] if 0 < n_chunks <= len(self.natural_variations) else None
        return float("nan") if known is None else known


def find_reference(
    database: Database,
    model: str,
    binning: int,
    *,
    snapshot_id: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Reference | None:
    """Give the kept reference made of a snapshot, or of a window, under a binning."""
    kind = SNAPSHOT if snapshot_id else WINDOW
    key = {"model": model, "kind": kind, "binning": binning, "snapshot_id": snapshot_id, "start": start, "end": end}
    found = database.rows("find_reference", key)
    return Reference(**found[0]) if found else None


def add_reference(
    transaction: Transaction, reference: Reference, profiles: Mapping[tuple[Segment, str], ReferenceProfile]
) -> Reference:
    """Keep a reference with its counts by segment and feature."""
    fields = asdict(reference)
    number = transaction.run("insert_reference", {name: value for name, value in fields.items() if name != "id"})
    rows = [_write_profile(segment, feature, profile) for (segment, feature), profile in profiles.items()]
    with transaction.attached("reference_rows", pa.Table.from_pylist(rows, schema=REFERENCE_SCHEMA)):
        transaction.run("insert_reference_profiles", {"reference": number})
    return Reference(**(fields | {"id": number}))


def read_reference_profiles(
    database: Database, reference: int, segment: Segment = ALL_TRAFFIC
) -> dict[str, ReferenceProfile]:
    """Read the counts of a reference by feature; empty for a segment that it does not have."""
    key = {"reference": reference, "segment_column": segment[0], "segment": segment[1]}
    table = database.table(get_query("read_reference_profiles"), key)
    names, starts, natural = (table[name].to_pylist() for name in ("feature", "group_starts", "natural_variations"))
    counts = assemble_counts(table, [(i, i + 1) for i in range(table.num_rows)])
    return {
        name: ReferenceProfile(counts=own, groups=_read_groups(own, firsts), natural_variations=tuple(variation))
        for name, own, firsts, variation in zip(names, counts, starts, natural, strict=True)
    }


def _read_groups(counts: FeatureCounts, starts: list[int] | None) -> FeatureGroups:
    if starts is None:
        return choose_groups(counts, is_categorical=True)
    return FeatureGroups(starts=np.array(starts, dtype=np.int64), categories=None)


def count_rows(
    database: Database, spec: ModelSpec, binning: Binning, rows: pa.Table, start: datetime, end: datetime
) -> pa.Table:
    """Count rows that are not traffic; they have scored_at and features. Nothing is stored.

    Returns
    -------
    pa.Table
        As `count_tables.PROFILE_SCHEMA` says; the chunks of each segment and feature lie together, in order.
    """
    absent = [name for name in spec.columns.features if name not in rows.column_names]
    complete = rows.append_column("version", pa.repeat("", rows.num_rows))
    for name in absent:
        kind = pa.string() if name in spec.columns.categorical else pa.float64()
        complete = complete.append_column(name, pa.nulls(rows.num_rows, kind))
    with database.transaction() as transaction, transaction.attached("rows_to_count", complete):
        tables = list(count_table(transaction, spec, binning, "rows_to_count", start, end))
    return pa.concat_tables(tables) if tables else PROFILE_SCHEMA.empty_table()


REFERENCE_SCHEMA = pa.schema(
    [
        ("segment_column", pa.string()),
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("n", pa.int64()),
        ("n_null", pa.int64()),
        ("bins", pa.list_(pa.int16())),
        ("counts", pa.list_(pa.int64())),
        ("sums", pa.list_(pa.float64())),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("group_starts", pa.list_(pa.int16())),
        ("natural_variations", pa.list_(pa.float64())),
    ]
)


def _write_profile(segment: Segment, feature: str, profile: ReferenceProfile) -> dict[str, object]:
    counts = profile.counts
    return {
        "segment_column": segment[0],
        "segment": segment[1],
        "feature": feature,
        "n": int(counts.n[0]),
        "n_null": int(counts.n_null[0]),
        "bins": counts.bins.astype(np.int16),
        "counts": counts.counts,
        "sums": counts.sums,
        "minimum": _none_if_nan(counts.minimum[0]),
        "maximum": _none_if_nan(counts.maximum[0]),
        "group_starts": None if profile.groups.starts is None else profile.groups.starts.astype(np.int16),
        "natural_variations": list(profile.natural_variations),
    }


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
