"""Counting rows: decides that each row is read once, and what of it is counted for all traffic and for each segment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.chunking import EPOCH, MICROSECOND, Run, find_runs
from mlops_core.entities import ModelSpec
from mlops_core.stats.features import FeatureBinning, stack_features
from mlops_core.stats.tally import (
    BinnedRows,
    CellCounts,
    Tally,
    bin_categories,
    bin_numbers,
    count_cells,
    drop_last_key,
)
from mlops_core.store.binnings import Binning
from mlops_core.store.connection import Transaction, to_array
from mlops_core.store.count_tables import PROFILE_SCHEMA, merge_profiles, write_counts
from mlops_core.store.feature_sql import LONGEST_LIST, Labels, code_statement, labels_statement

ROWS_AT_ONCE = 61_440
"""Rows that are counted together: their columns fit the processor's cache one by one."""
PROFILES_AT_ONCE = 20_000
"""Profiles from which a table of them is handed out before the next segment column is looked at."""


def count_table(
    transaction: Transaction,
    spec: ModelSpec,
    binning: Binning,
    table: str,
    first: datetime,
    last: datetime,
    condition: str = "true",
) -> Iterator[pa.Table]:
    """Count the rows of a table by version, chunk, segment, and bin of every feature; nothing is stored.

    Parameters
    ----------
    table : str
        Quoted; it has the columns scored_at and version, and those of the model.
    first, last : datetime
        Times of the oldest and the newest row.

    Yields
    ------
    pa.Table
        As `PROFILE_SCHEMA` says, several if they are long; each segment column is in one of them, ordered by the
        first five columns. All traffic, whose segment is two empty texts, is part of the first.
    """
    keyed = ["version", *spec.columns.segments]
    found = transaction.table(labels_statement(table, keyed, condition))
    labels = {name: tuple(found[i][0].as_py() or ()) for i, name in enumerate(keyed)}
    features = [complete_binning(spec, binning, name) for name in spec.columns.features]
    runs = find_runs(spec, first, last)
    rows = _Rows(spec=spec, features=features, runs=runs, chunks=_list_chunks(runs), labels=labels)
    tallies = _tally(transaction, rows, table, condition)
    written: list[pa.Table] = []
    for i, name in enumerate(rows.segment_columns):
        # One after the other, so that what was written is not kept.
        joined = tallies.pop(name).join()
        written += rows.write_tables(name, joined, is_first=i == 0) if joined else []
        if written and (not tallies or sum(part.num_rows for part in written) > PROFILES_AT_ONCE):
            yield merge_profiles(pa.concat_tables(written))
            written = []


def _tally(transaction: Transaction, rows: "_Rows", table: str, condition: str) -> dict[str, Tally]:
    """Count the rows by segment column, a batch of them at a time."""
    tallies = {name: Tally() for name in rows.segment_columns}
    statement, parameters = rows.write_statement(table, condition)
    for batch in transaction.batches(statement, parameters, ROWS_AT_ONCE):
        for name, counted in rows.count(batch):
            tallies[name].add(counted)
    return tallies


def complete_binning(spec: ModelSpec, binning: Binning, feature: str) -> FeatureBinning:
    """Give how a feature is binned; one that no reference had yet has no bins but those of its kind."""
    is_categorical = feature in spec.columns.categorical
    return binning.features.get(feature) or FeatureBinning(feature=feature, categories=() if is_categorical else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """How rows are read: a cell is a version, a chunk, and a segment."""

    spec: ModelSpec
    features: Sequence[FeatureBinning]
    runs: Sequence[Run]
    chunks: np.ndarray
    """Their starts, in microseconds since 1970."""
    labels: Mapping[str, Labels]
    """What the version and each segment column hold."""

    @property
    def segment_columns(self) -> tuple[str, ...]:
        """Give the columns that rows are counted by; an empty text when there are none."""
        return self.spec.columns.segments or ("",)

    def _list_texts(self) -> list[tuple[str, Labels]]:
        categories = [(one.feature, (*one.categories, None)) for one in self.features if one.categories is not None]
        return [*self.labels.items(), *categories]

    def _list_numbers(self) -> list[FeatureBinning]:
        return [one for one in self.features if one.categories is None]

    def write_statement(self, table: str, condition: str) -> tuple[str, dict[str, object]]:
        numbers = [one.feature for one in self._list_numbers()]
        return code_statement(table, self.runs, self._list_texts(), numbers, condition)

    def count(self, batch: pa.RecordBatch) -> Iterator[tuple[str, CellCounts]]:
        """Count some rows by each segment column."""
        texts = self._list_texts()
        codes = [read_codes(batch.column(i + 1), labels) for i, (_, labels) in enumerate(texts)]
        binned = self._bin(batch, codes)
        chunk, version = to_array(batch.column(0)), codes[0] - 1
        place, size = version * self.chunks.size + chunk, len(self.labels["version"]) * self.chunks.size
        if not self.spec.columns.segments:
            yield "", count_cells(place, size, binned)
        for i, name in enumerate(self.spec.columns.segments):
            own = len(self.labels[name])
            yield name, count_cells(place * own + codes[i + 1] - 1, size * own, binned)

    def _bin(self, batch: pa.RecordBatch, codes: Sequence[np.ndarray]) -> dict[str, BinnedRows]:
        binned, numbers = {}, self._list_numbers()
        categories = [one for one in self.features if one.categories is not None]
        for one, own in zip(categories, codes[len(self.labels) :], strict=True):
            binned[one.feature] = bin_categories(own, len(one.categories or ()), is_full=one.is_full)
        for i, one in enumerate(numbers, start=1 + len(codes)):
            binned[one.feature] = bin_numbers(to_array(batch.column(i)), one.grid)
        return binned

    def write_tables(self, name: str, counted: CellCounts, *, is_first: bool) -> list[pa.Table]:
        """Write what was counted by a segment column; with the first one all traffic, which is the sum over it."""
        size = len(self.labels[name]) if name else 1
        own = self._write_table(name, counted, size)
        return [self._write_table("", drop_last_key(counted, size), 1), own] if name and is_first else [own]

    def _write_table(self, name: str, counted: CellCounts, size: int) -> pa.Table:
        k, f = counted.cells.size, len(counted.features)
        version, chunk = np.divmod(counted.cells // size, self.chunks.size)
        segments = pa.array(self.labels[name] if name else ("",), pa.string())
        columns = {
            "segment_column": pa.repeat(name, k * f),
            "segment": pc.fill_null(segments.take(pa.array(np.tile(counted.cells % size, f))), ""),
            "feature": pa.array(list(counted.features)).take(pa.array(np.repeat(np.arange(f), k))),
            "version": pa.array(self.labels["version"], pa.string()).take(pa.array(np.tile(version, f))),
            "chunk": pa.array(np.tile(self.chunks[chunk], f)).cast(pa.timestamp("us", tz="UTC")),
        }
        counts = write_counts(stack_features(list(counted.features.values())))
        return pa.table(columns | counts).select(PROFILE_SCHEMA.names)


def read_codes(column: pa.Array, labels: Labels) -> np.ndarray:
    """Give the places of texts in a list, from 1 on, and 0 for those not in it; they may have been looked up before."""
    return to_array(column) if len(labels) <= LONGEST_LIST else find_codes(column, labels)


def find_codes(column: pa.Array | pa.ChunkedArray, labels: Labels) -> np.ndarray:
    """Give the places of texts in a list, from 1 on, and 0 for those not in it; null is, when the list has None."""
    found = pc.index_in(column, value_set=pa.array(labels, pa.string()))
    return to_array(pc.fill_null(found, -1)).astype(np.int64) + 1


def _list_chunks(runs: Sequence[Run]) -> np.ndarray:
    """Give the starts of the chunks of runs in microseconds since 1970."""
    bounds = [((run.start - EPOCH) // MICROSECOND, (run.end - EPOCH) // MICROSECOND) for run in runs]
    return np.concatenate(
        [np.arange(*bound, run.length // MICROSECOND) for bound, run in zip(bounds, runs, strict=True)]
    )
