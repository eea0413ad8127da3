"""Drift by day and of two windows: decides that ours, from rows and from counts, is measured beside what users pick."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from benchmarks.measuring import run_in_child, time_cpu_s, time_ms
from benchmarks.peers.environment import PeerMissingError, ask_peer, prepare_peer
from benchmarks.rows import Row
from benchmarks.traffic import (
    END,
    FIRST_DAY,
    NEW_ROWS,
    SIZES,
    deliver_new_rows,
    describe_version,
    fill_traffic,
    open_runtime,
    read_spec,
    time_scan,
    write_scan,
)
from mlops_core.entities import ModelSpec, Window
from mlops_core.services.drift import read_drift
from mlops_core.services.drift_report import report_drift
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.references import ensure_reference
from mlops_core.services.runtime import Runtime
from mlops_core.store.tables import name_table, quote

TITLE = "The daily drift series of 20 features, with verdicts"
REFERENCE = Window(FIRST_DAY, FIRST_DAY + timedelta(days=30))
CURRENT = Window(REFERENCE.end, END)
STARTS, READINGS, FEW_ROWS = 5, 5, 30_000
PEERED = "1 M"
"""The size at which peers are measured: they hold all rows in memory."""
PEERS: Mapping[str, tuple[str, ...]] = {
    "nannyml_series": ("nannyml==0.13.1", "statsmodels", "pyarrow"),
    "nannyml_defaults": ("nannyml==0.13.1", "statsmodels", "pyarrow"),
    "evidently_windows": ("evidently==0.7.23", "pandas<3", "pyarrow"),
    "scipy_windows": ("scipy", "pandas", "pyarrow"),
}
NANNYML = "NannyML 0.13.1, the same series with a distance and a test a feature"
DEFAULTS = "NannyML by default, the same series with a distance alone"
EVIDENTLY = "Evidently 0.7.23, two windows instead of a series"
SCIPY = "SciPy alone, one Kolmogorov–Smirnov or chi-square test a feature, two windows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one size was measured at."""

    from_rows_cpu_s: float
    """Making bins, counting rows, keeping the reference, and judging the days."""
    first_ms: float
    """Judging the days from counts for the first time after a start."""
    later_ms: float
    """Judging them again after new rows of the last day were counted."""
    exact_cpu_s: float
    """The report on two windows whose rows are read, as `drift --exact` gives it."""


def measure() -> list[Row]:
    """Measure ours at both sizes, and the peers at one."""
    rows: list[Row] = []
    for size, n in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "driftdeck.duckdb"
            run_in_child(fill_traffic, path, n, 1)
            peers = _measure_peers(path, Path(folder)) if size == PEERED else {}
            counted = run_in_child(_measure_series, path, n)
            rows += _list_rows(size, counted.result, counted.peak_mb, peers)
    return rows


def _list_rows(size: str, costs: Costs, peak_mb: float, peers: Mapping[str, float]) -> list[Row]:
    ours = costs.from_rows_cpu_s
    rows = [
        Row(what=f"{size} rows: from rows to verdicts", value=ours, unit="CPU s"),
        Row(what=f"{size} rows: peak memory of the process", value=peak_mb, unit="MB", target=1000),
        Row(
            what=f"{size} rows: from stored counts, {NEW_ROWS:,} new rows later",
            value=costs.later_ms,
            unit="ms",
            target=30,
        ),
        Row(what=f"{size} rows: from stored counts, for the first time after a start", value=costs.first_ms, unit="ms"),
        Row(what=f"{size} rows: `drift --exact`, two windows", value=costs.exact_cpu_s, unit="CPU s"),
    ]
    for name, words, most in (
        ("nannyml_series", NANNYML, 1 / 12),
        ("nannyml_defaults", DEFAULTS, None),
        ("evidently_windows", EVIDENTLY, None),
        ("scipy_windows", SCIPY, 1),
    ):
        if name in peers:
            ratio = f"{size} rows: ours ÷ {words.partition(',')[0]}"
            rows.append(Row(what=f"{size} rows: {words}", value=peers[name], unit="CPU s"))
            rows.append(Row(what=ratio, value=ours / peers[name], unit="×", target=most))
    if "scipy_windows" in peers:
        ratio = costs.exact_cpu_s / peers["scipy_windows"]
        rows.append(Row(what=f"{size} rows: `drift --exact` ÷ SciPy alone, the same windows", value=ratio, unit="×"))
    return rows


def _measure_series(path: Path, n: int) -> Costs:
    spec, version = replace(read_spec(), reference=REFERENCE), describe_version(read_spec())

    def judge(runtime: Runtime) -> None:
        reference = ensure_reference(runtime, spec, version, END)
        assert reference is not None
        table = read_drift(runtime, spec, version, reference, CURRENT)
        assert table is not None
        assert table.judgement.effects.shape == (len(spec.columns.features), (CURRENT.end - CURRENT.start).days + 2)

    def judge_from_rows(runtime: Runtime) -> None:
        count_waiting(runtime, spec)
        judge(runtime)

    def read_exactly(runtime: Runtime) -> None:
        report_drift(runtime, spec, REFERENCE, CURRENT, END, exact=True)

    # What a first use imports is no cost of the rows; peers have imported theirs before they begin as well.
    few = path.with_name("few.duckdb")
    fill_traffic(few, FEW_ROWS, 1)
    with open_runtime(few) as runtime:
        runtime.clocks[spec.name] = lambda: END
        judge_from_rows(runtime)
        read_exactly(runtime)
    with open_runtime(path) as runtime:
        runtime.clocks[spec.name] = lambda: END
        # The rows lie in memory already, as they do for peers.
        time_scan(runtime.database, [write_scan(spec)])
        from_rows = time_cpu_s(lambda: judge_from_rows(runtime))
        exact = time_cpu_s(lambda: read_exactly(runtime))
    first, later = [], []
    for i in range(STARTS):
        with open_runtime(path) as runtime:
            runtime.clocks[spec.name] = lambda: END
            first.append(time_ms(lambda: judge(runtime)))
            for j in range(READINGS):
                deliver_new_rows(runtime.database, spec, n + (i * READINGS + j) * NEW_ROWS)
                count_waiting(runtime, spec)
                later.append(time_ms(lambda: judge(runtime)))
    return Costs(from_rows_cpu_s=from_rows, first_ms=median(first), later_ms=median(later), exact_cpu_s=exact)


def _measure_peers(path: Path, folder: Path) -> dict[str, float]:
    """Give the CPU seconds of each peer that installs; the rows lie in its memory before it begins."""
    run_in_child(_write_rows, path, folder / "rows.parquet")
    found = {}
    for name, requirements in PEERS.items():
        try:
            with ask_peer(prepare_peer(name.partition("_")[0], *requirements), f"{name}.py", folder) as ask:
                found[name] = ask()
        except (PeerMissingError, ValueError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def _write_rows(path: Path, target: Path) -> None:
    spec: ModelSpec = read_spec()
    names = ", ".join(["scored_at", *(quote(name) for name in spec.columns.features)])
    with open_runtime(path) as runtime:
        query = f"select {names} from {name_table('predictions', spec.name)} order by scored_at"
        pq.write_table(runtime.database.table(query), target)
