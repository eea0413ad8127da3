"""The difference of two snapshots: decides what of it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mlops_core.entities import ModelSpec
from mlops_core.frozen_rows import HELD_OUT
from mlops_core.services.background import Progress
from mlops_core.services.balance import FeatureBalance, measure_balance, tell_balance
from mlops_core.services.references import count_frozen_rows
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshot_records import find_snapshot
from mlops_core.services.snapshots import keep_timed, read_whole
from mlops_core.store.snapshot_rows import RowDifference, compare_rows
from mlops_core.store.snapshots import SnapshotState
from mlops_core.words import join_names


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDifference:
    """How the second of two snapshots differs from the first."""

    first: SnapshotState
    second: SnapshotState
    rows: RowDifference
    only_first: tuple[str, ...]
    """Columns that the second lacks."""
    only_second: tuple[str, ...]
    types: Mapping[str, tuple[str, str]]
    """Types of the columns that have another one in the second."""
    shifts: tuple[FeatureBalance, ...] | None
    """What moved most first; None while the model has no bins to count in."""


def compare_snapshots(
    runtime: Runtime, spec: ModelSpec, first: str, second: str, progress: Progress | None = None
) -> SnapshotDifference:
    """Compare two snapshots, each named by its id, the beginning of it, or a version.

    Raises
    ------
    NotFoundError, InputError
        When there is no such snapshot, or there are several.
    HomeError
        When the rows of one are gone or damaged.
    CancelledError
        When it was cancelled.
    """
    told, names = progress or Progress(), (first, second)
    states = [find_snapshot(runtime, spec, name) for name in names]
    tables = []
    for i, state in enumerate(states):
        told.report(0.2 * i, f"Reading {names[i]}")
        tables.append(read_whole(runtime, state))
    told.report(0.4, "Comparing row by row")
    schemas = [{field.name: str(field.type) for field in table.schema} for table in tables]
    # Which rows are held out is chosen by Driftdeck, and is nothing that a source has told.
    shared = [name for name in schemas[0] if name in schemas[1] and name not in ("prediction_id", HELD_OUT)]
    rows = compare_rows(runtime.database, tables[0], tables[1], shared)
    told.report(0.7, "Counting features")
    return SnapshotDifference(
        first=states[0],
        second=states[1],
        rows=rows,
        only_first=tuple(name for name in schemas[0] if name not in schemas[1]),
        only_second=tuple(name for name in schemas[1] if name not in schemas[0]),
        types={name: (schemas[0][name], schemas[1][name]) for name in shared if schemas[0][name] != schemas[1][name]},
        shifts=_measure_shifts(runtime, spec, tables, shared),
    )


def _measure_shifts(
    runtime: Runtime, spec: ModelSpec, tables: Sequence[pa.Table], shared: Sequence[str]
) -> tuple[FeatureBalance, ...] | None:
    counted = [count_frozen_rows(runtime, spec, keep_timed(table)) for table in tables]
    before, after = counted
    if before is None or after is None:
        return None
    # Where a column is not there, nothing has moved.
    return tuple(measure_balance(spec, {name: one for name, one in before.items() if name in shared}, after))


def tell_difference(found: SnapshotDifference, first: str, second: str) -> str:
    """Say in words how the second snapshot differs from the first."""
    rows = found.rows
    parts = [f"{first} and {second} share {rows.both:,} rows."]
    parts += [f"{rows.only_first:,} are only in {first}, {rows.only_second:,} only in {second}."]
    if rows.both:
        most = join_names([f"{name} in {n:,}" for name, n in list(rows.by_column.items())[:3]])
        parts.append(
            f"Of the shared rows {rows.changed:,} have another label or value: most of all {most}."
            if rows.changed
            else "The shared rows are alike in all columns that both have."
        )
    if found.shifts:
        parts.append(tell_balance(found.shifts, f"{first} and {second}"))
    return " ".join(parts)


def report_difference(
    runtime: Runtime, spec: ModelSpec, first: str, second: str, progress: Progress | None = None
) -> dict[str, object]:
    """Give the document of the difference of two snapshots; see `compare_snapshots`."""
    found = compare_snapshots(runtime, spec, first, second, progress)
    return {
        "model": spec.name,
        "sentence": tell_difference(found, first, second),
        "first": _describe_side(found.first),
        "second": _describe_side(found.second),
        "rows": {
            "only_first": found.rows.only_first,
            "only_second": found.rows.only_second,
            "both": found.rows.both,
            "changed": found.rows.changed,
            "changed_by_column": [{"column": name, "n": n} for name, n in found.rows.by_column.items()],
        },
        "columns": {
            "only_first": found.only_first,
            "only_second": found.only_second,
            "types": [{"column": name, "first": a, "second": b} for name, (a, b) in found.types.items()],
        },
        "shifts": None
        if found.shifts is None
        else [
            {
                "feature": one.feature,
                "psi": one.psi,
                "effect": one.effect,
                "standardised_difference": one.standardised,
                "null_fractions": one.null_fractions,
            }
            for one in found.shifts
        ],
    }


def _describe_side(state: SnapshotState) -> dict[str, object]:
    snapshot = state.snapshot
    return {
        "id": snapshot.id,
        "rows": state.rows,
        "start": snapshot.start,
        "end": snapshot.end,
        "label_coverage": snapshot.label_coverage,
    }
