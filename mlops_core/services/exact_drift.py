"""Drift from rows: decides which rows stand for each side, and that they make the groups in which they are compared."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.chunking import MICROSECOND, find_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import ConflictError
from mlops_core.services.binnings import bin_texts
from mlops_core.services.drift import DriftTable, judge_counts
from mlops_core.services.references import sum_up_reference
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import read_snapshot
from mlops_core.stats.features import FeatureCounts, make_empty_counts, sum_up
from mlops_core.stats.tally import BinnedRows, bin_categories, bin_values, count_cells
from mlops_core.stats.values import ValueDistances, choose_starts, measure_values
from mlops_core.store.connection import Transaction
from mlops_core.store.counting import find_codes
from mlops_core.store.feature_rows import find_traffic, read_column
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.references import Reference, ReferenceProfile
from mlops_core.store.retention import get_rows_from

ORIGIN = "exact, made from the rows of the reference"
"""What the groups are, as the document says it."""

Reader = Callable[[str], pa.Table]
"""Gives the rows of a feature as `feature_rows.read_column` does."""


def compare_rows(
    runtime: Runtime, spec: ModelSpec, counted: DriftTable, current: Window, segment: Segment
) -> tuple[DriftTable, dict[str, ValueDistances]]:
    """Compare the rows behind a table that was made from counts: one feature after the other, all of its rows at once.

    A reference that is kept keeps its natural variation; that of another window comes from its own chunks.

    Returns
    -------
    table : DriftTable
        The features of the other one, in groups made from the rows of the reference.
    distances : dict of str to ValueDistances
        Of each number.

    Raises
    ------
    ConflictError
        When rows of a side were deleted.
    HomeError
        When the training rows cannot be read.
    """
    before: dict[str, ReferenceProfile] = {}
    after: dict[str, FeatureCounts] = {}
    distances: dict[str, ValueDistances] = {}
    reads = {version.name: version.features for version in list_versions(runtime.database, spec.name)}
    with runtime.database.reading() as transaction:
        known = _open_reference(runtime, transaction, spec, counted.reference, segment, reads)
        found = _open_traffic(transaction, spec, current, segment, reads, "the window to look at")
        for name in counted.features:
            sides = known(name), found(name)
            if name in spec.columns.categorical:
                own, after[name] = _count_texts(name, *sides)
            else:
                own, after[name], distances[name] = _count_numbers(*sides)
            before[name] = sum_up_reference(own, is_categorical=name in spec.columns.categorical)
            if counted.reference.id is not None:
                natural = counted.known[name].natural_variations
                before[name] = replace(before[name], natural_variations=natural)
    return _judge(counted, before, after, segment), distances


def _judge(
    counted: DriftTable, before: Mapping[str, ReferenceProfile], after: Mapping[str, FeatureCounts], segment: Segment
) -> DriftTable:
    n_chunks = max(counts.n.size for counts in after.values())
    summed = {name: sum_up(counts) for name, counts in after.items()}
    reference = _describe(counted.reference, before, segment)
    table = judge_counts(reference, counted.chunks, summed, before, n_chunks=n_chunks)
    assert table is not None
    return table


def _describe(reference: Reference, known: Mapping[str, ReferenceProfile], segment: Segment) -> Reference:
    """Give the reference with the rows that were read; one that is kept is told whole, whatever the segment."""
    if reference.id is not None and segment != ALL_TRAFFIC:
        return reference
    return replace(reference, n=max(int(profile.counts.n[0]) for profile in known.values()))


def _open_reference(
    runtime: Runtime,
    transaction: Transaction,
    spec: ModelSpec,
    reference: Reference,
    segment: Segment,
    reads: Mapping[str, tuple[str, ...]],
) -> Reader:
    if reference.version is None:
        window = Window(reference.start, reference.end)
        return _open_traffic(transaction, spec, window, segment, reads, "the reference")
    version = get_version(runtime.database, spec.name, reference.version)

    def read(name: str) -> pa.Table:
        rows = read_snapshot(runtime, version.snapshot.id, (name, *(segment[:1] if segment != ALL_TRAFFIC else ())))
        if segment != ALL_TRAFFIC:
            has_column = segment[0] in rows.column_names
            own = rows[segment[0]].cast(pa.string()) if has_column else pa.nulls(rows.num_rows, pa.string())
            rows = rows.filter(pc.equal(pc.fill_null(own, ""), segment[1]))
        is_absent = name not in rows.column_names
        values = pa.chunked_array([pa.nulls(rows.num_rows)]) if is_absent else rows[name]
        # As in what is kept: what the version does not read, and what is empty in all rows, is not there.
        if name not in version.features and pc.all(pc.is_null(values, nan_is_null=True)).as_py():
            return _read_nothing(name)
        return pa.table({"chunk": np.zeros(rows.num_rows, dtype=np.int64), "value": values})

    return read


def _open_traffic(
    transaction: Transaction,
    spec: ModelSpec,
    window: Window,
    segment: Segment,
    reads: Mapping[str, tuple[str, ...]],
    side: str,
) -> Reader:
    _refuse_deleted(transaction, spec, window, side)
    rows = find_traffic(transaction, spec, window, segment, reads)
    return partial(read_column, transaction, rows) if rows else _read_nothing


def _refuse_deleted(transaction: Transaction, spec: ModelSpec, window: Window, side: str) -> None:
    """Refuse a window in which a chunk begins whose rows were deleted."""
    rows_from = get_rows_from(transaction, spec.name)
    if rows_from is None or find_chunk(spec, min(rows_from, window.end) - MICROSECOND) < window.start:
        return
    deleted = Window(window.start, min(rows_from, window.end))
    raise ConflictError(
        f"Rows of {spec.name} from {deleted.start.isoformat()} to {deleted.end.isoformat()}, in {side}, were deleted, "
        f"as its retention says; rows are there from {rows_from.isoformat()} on. Name a window from then on, or leave "
        "out exact: that answer comes from counts."
    )


def _read_nothing(_: str) -> pa.Table:
    return pa.table({"chunk": np.zeros(0, dtype=np.int64), "value": pa.nulls(0)})


def _take_numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Give numbers as an array, null as NaN."""
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _count_numbers(before: pa.Table, after: pa.Table) -> tuple[FeatureCounts, FeatureCounts, ValueDistances]:
    """Count two sides of a number in the groups of the first, by chunk, and measure how far apart their values lie."""
    sides = [_take_numbers(rows["value"]) for rows in (before, after)]
    known, found = (values[~np.isnan(values)] for values in sides)
    starts = choose_starts(known)
    counts = [_count(rows, bin_values(values, starts)) for rows, values in zip((before, after), sides, strict=True)]
    return counts[0], counts[1], measure_values(known, found)


def _count_texts(name: str, before: pa.Table, after: pa.Table) -> tuple[FeatureCounts, FeatureCounts]:
    """Count two sides of a category by the categories of the first, by chunk."""
    sides = [rows["value"].cast(pa.string()) for rows in (before, after)]
    binning = bin_texts(name, sides[0])
    labels = binning.categories or ()
    counts = [
        _count(rows, bin_categories(find_codes(values, (*labels, None)), len(labels), is_full=binning.is_full))
        for rows, values in zip((before, after), sides, strict=True)
    ]
    return counts[0], counts[1]


def _count(rows: pa.Table, binned: BinnedRows) -> FeatureCounts:
    if rows.num_rows == 0:
        return make_empty_counts()
    chunk = np.asarray(rows["chunk"].to_numpy(), dtype=np.int64)
    return count_cells(chunk, int(chunk.max()) + 1, {"": binned}).features[""]
