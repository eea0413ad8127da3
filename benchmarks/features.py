"""Feature profiles from rows: decides that their cost is told in scans of the columns that they are counted from."""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.measuring import run_in_child, time_cpu_s
from benchmarks.rows import Row
from benchmarks.traffic import (
    DAYS,
    FIRST_DAY,
    NEW_ROWS,
    SEGMENTS,
    SIZES,
    deliver_new_rows,
    fill_traffic,
    open_runtime,
    read_spec,
    time_scan,
    write_scan,
)
from mlops_core.entities import ModelSpec
from mlops_core.services.binnings import adapt_binning
from mlops_core.services.runtime import Runtime
from mlops_core.store.binnings import get_binning
from mlops_core.store.connection import Database
from mlops_core.store.features import count_new_rows
from mlops_core.store.tables import name_table

TITLE = "The profile of all features, by day and version, from rows"
COUNTED_MOST = 3_000_000
"""Rows that are counted in total at one size: a small one is counted often, a large one once."""
SCANS, REFRESHES, VERSIONS = 3, 5, 4
BINNED_BY = 100_000
"""Rows that the bins are made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What counting was measured at, each the least of some rounds."""

    scan_cpu_s: float
    """Adding up the same columns."""
    profile_cpu_s: float
    refresh_cpu_s: float
    """Counting 1,000 new rows of a day that has been counted."""


def measure() -> list[Row]:
    """Measure both sizes, without segments and with."""
    rows = []
    for size, n in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "driftdeck.duckdb"
            run_in_child(fill_traffic, path, n, VERSIONS)
            run_in_child(_make_bins, path, n)
            for segments in ((), SEGMENTS):
                counted = run_in_child(_measure_profile, path, segments, n)
                rows += _list_rows(size, segments, counted.result, counted.peak_mb)
    return rows


def _list_rows(size: str, segments: tuple[str, ...], costs: Costs, peak_mb: float) -> list[Row]:
    kind = f"{size} rows, {len(segments)} segment columns" if segments else f"{size} rows"
    scans = costs.profile_cpu_s / costs.scan_cpu_s
    new = f"{kind}: counting {NEW_ROWS:,} new rows"
    return [
        Row(what=f"{kind}: scan of the columns it reads", value=costs.scan_cpu_s, unit="CPU s"),
        Row(what=f"{kind}: profile", value=costs.profile_cpu_s, unit="CPU s"),
        Row(what=f"{kind}: profile ÷ scan", value=scans, unit="×", target=None if segments else 10),
        Row(what=f"{kind}: peak memory of the process", value=peak_mb, unit="MB", target=None if segments else 1000),
        Row(what=new, value=costs.refresh_cpu_s, unit="CPU s"),
    ]


def _make_bins(path: Path, n: int) -> None:
    """Make the bins from the first rows, as a reference would."""
    spec = read_spec()
    with open_runtime(path) as runtime:
        rows = runtime.database.table(
            f"select * from {name_table('predictions', spec.name)} where scored_at < $end",
            {"end": FIRST_DAY + timedelta(days=DAYS) * min(BINNED_BY / n, 1)},
        )
        adapt_binning(runtime, spec, rows, spec.columns.features, "the first rows", FIRST_DAY)


def _measure_profile(path: Path, segments: tuple[str, ...], n: int) -> Costs:
    """Take turns with a scan of the same columns; then let new rows come."""
    spec = read_spec(segments)
    scans, profiles = [], []
    with open_runtime(path) as runtime:
        for _ in range(max(1, COUNTED_MOST // n)):
            scans += [time_scan(runtime.database, [write_scan(spec)]) for _ in range(SCANS)]
            _discard_profiles(runtime.database)
            profiles.append(time_cpu_s(lambda: _count(runtime, spec)))
        refreshes = []
        for i in range(REFRESHES):
            deliver_new_rows(runtime.database, spec, n + i * NEW_ROWS)
            refreshes.append(time_cpu_s(lambda: _count(runtime, spec)))
        _discard_deliveries(runtime.database, spec)
    return Costs(scan_cpu_s=min(scans), profile_cpu_s=min(profiles), refresh_cpu_s=min(refreshes))


def _count(runtime: Runtime, spec: ModelSpec) -> None:
    binning = get_binning(runtime.database, spec.name)
    assert binning is not None
    assert count_new_rows(runtime.database, spec, binning) > 0


def _discard_profiles(database: Database) -> None:
    """Make all rows new again."""
    with database.transaction() as transaction:
        for table in ("feature_profiles", "segment_profiles", "counted_batches"):
            transaction.run_sql(f"delete from {table}")


def _discard_deliveries(database: Database, spec: ModelSpec) -> None:
    with database.transaction() as transaction:
        transaction.run_sql(f"delete from {name_table('predictions', spec.name)} where batch > 0")
        transaction.run_sql("delete from batches")
