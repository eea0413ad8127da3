"""Counts as Arrow tables: decides how the lists of a profile become arrays and back, and how equal keys are added."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.stats.features import FeatureCounts, merge_chunks, order_entries
from mlops_core.store.connection import to_array

PROFILE_SCHEMA = pa.schema(
    [
        ("segment_column", pa.string()),
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("version", pa.string()),
        ("chunk", pa.timestamp("us", tz="UTC")),
        ("n", pa.int64()),
        ("n_null", pa.int64()),
        ("bins", pa.list_(pa.int16())),
        ("counts", pa.list_(pa.int64())),
        ("sums", pa.list_(pa.float64())),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
    ]
)
KEYS = tuple(PROFILE_SCHEMA.names[:5])


def assemble_counts(table: pa.Table, spans: Sequence[tuple[int, int]]) -> list[FeatureCounts]:
    """Give the counts of each span of rows; the lists of the whole table become arrays at once."""
    if table.num_rows == 0:
        return []
    arrays = _Arrays(table.combine_chunks())
    return [arrays.slice(first, last) for first, last in spans]


class _Arrays:
    """The columns of a table of profiles as arrays; lists lie flat behind their offsets."""

    def __init__(self, table: pa.Table) -> None:
        bins, counts, sums = (table[name].chunk(0) for name in ("bins", "counts", "sums"))
        self._offsets = bins.offsets.to_numpy().astype(np.int64)
        self._row = np.repeat(np.arange(table.num_rows), np.diff(self._offsets))
        self._flat = {
            "bins": bins.values.to_numpy(zero_copy_only=False).astype(np.int64),
            "counts": counts.values.to_numpy(zero_copy_only=False).astype(np.int64, copy=False),
            "sums": sums.values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False),
        }
        self._wide = {name: table[name].to_numpy() for name in ("n", "n_null")}
        self._wide |= {name: pc.cast(table[name], pa.float64()).to_numpy() for name in ("minimum", "maximum")}

    def slice(self, first: int, last: int) -> FeatureCounts:
        """Give the counts of consecutive rows."""
        begin, end = self._offsets[first], self._offsets[last]
        return FeatureCounts(
            **{name: values[first:last] for name, values in self._wide.items()},
            chunk=self._row[begin - self._offsets[0] : end - self._offsets[0]] - first,
            **{name: values[begin:end] for name, values in self._flat.items()},
        )


def read_micros(column: pa.ChunkedArray) -> np.ndarray:
    """Give instants in microseconds since 1970."""
    return to_array(column.cast(pa.timestamp("us")).cast(pa.int64()))


def write_counts(counts: FeatureCounts) -> dict[str, pa.Array]:
    """Give the columns of a table of profiles, a row for each chunk; the entries are in its order."""
    offsets = pa.array(np.searchsorted(counts.chunk, np.arange(counts.n.size + 1)).astype(np.int32))
    lists = {"bins": pa.array(counts.bins.astype(np.int16)), "counts": pa.array(counts.counts)}
    lists["sums"] = write_numbers(counts.sums)
    return {
        "n": pa.array(counts.n),
        "n_null": pa.array(counts.n_null),
        **{name: pa.ListArray.from_arrays(offsets, values) for name, values in lists.items()},
        "minimum": write_numbers(counts.minimum),
        "maximum": write_numbers(counts.maximum),
    }


def write_numbers(values: np.ndarray) -> pa.Array:
    """Give numbers as a column, NaN as null."""
    is_null = np.isnan(values)
    return pa.array(values, mask=is_null) if is_null.any() else pa.array(values)


def merge_profiles(table: pa.Table) -> pa.Table:
    """Order profiles by their keys, and add those up that have the same."""
    ordered = table.sort_by([(name, "ascending") for name in KEYS]).combine_chunks()
    is_new = np.zeros(ordered.num_rows, dtype=np.bool_)
    is_new[:1] = True
    for name in KEYS:
        column = ordered[name].chunk(0) if ordered.num_rows else ordered[name]
        is_new[1:] |= to_array(pc.cast(pc.not_equal(column[1:], column[:-1]), pa.uint8())).astype(np.bool_)
    if is_new.all():
        return ordered
    counts = assemble_counts(ordered, [(0, ordered.num_rows)])[0]
    merged = order_entries(merge_chunks(counts, np.cumsum(is_new) - 1, int(is_new.sum())))
    keys = ordered.select(list(KEYS)).filter(pa.array(is_new))
    return pa.table({name: keys[name] for name in KEYS} | write_counts(merged)).select(PROFILE_SCHEMA.names)
