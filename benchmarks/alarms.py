"""False alarms and power: decides which windows are drawn, and that ours and the peers judge the same ones."""

import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from benchmarks.homes import copy_demo_home
from benchmarks.peers.environment import PeerMissingError, ask_peer, prepare_peer
from benchmarks.rows import Row
from mlops_core.checks.drift import STATUSES, judge_drift
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.entities import Status, Window
from mlops_core.services.drift import read_drift
from mlops_core.services.references import ensure_reference
from mlops_core.shared import open_runtime
from mlops_core.stats.features import FeatureCounts
from mlops_core.stats.grids import NumericGrid, assign_grid_bins, choose_grid
from mlops_core.stats.groups import FeatureGroups, choose_groups, count_groups
from mlops_core.stats.shift import measure_shifts
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import get_model, get_version

TITLE = "False alarms and power, 20 features in windows as large as their reference"
WINDOWS = {200: 100, 1000: 100, 10_000: 50, 100_000: 20, 1_000_000: 3}
"""Rows of a window, and how many windows of that size are drawn."""
PEER_SIZES, PEER_WINDOWS = (1000, 10_000), 20
"""What peers judge, who take seconds for each window."""
PEERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "nannyml_alarms": ("NannyML 0.13.1", ("nannyml==0.13.1", "statsmodels", "pyarrow")),
    "evidently_alarms": ("Evidently 0.7.23", ("evidently==0.7.23", "pandas<3", "pyarrow")),
}
LEVELS, N_NUMBERS, ZIPF, SHIFT = (3, 12, 50, 300), 16, 1.5, 0.5
"""Categories of each text, how many numbers, the exponent of Zipf's law, and the shift in standard deviations."""
HEALTHY = Window(datetime(2013, 7, 8, 4, tzinfo=UTC), datetime(2013, 10, 6, 4, tzinfo=UTC))
"""The demo's months in which nobody should be woken."""
MOST_PERCENT = {Status.ALERT: 1.0, Status.WARNING: 5.0}
"""Percent of quiet windows that may have each status."""

Column = NDArray[np.float64] | NDArray[np.int64]


def measure() -> list[Row]:
    """Draw windows of each size, then read the demo's healthy months."""
    rows = [row for n, windows in WINDOWS.items() for row in _measure_size(n, windows)]
    return [*rows, *_measure_peers(), *_measure_demo()]


def draw_window(rng: np.random.Generator, n: int, *, is_zipf: bool, shift: float = 0.0) -> list[Column]:
    """Draw n rows of every feature: normal numbers, the first of them shifted, and categories by their rank."""
    numbers: list[Column] = [rng.normal(shift if i == 0 else 0.0, 1.0, n) for i in range(N_NUMBERS)]
    shares = [np.arange(1, levels + 1) ** (-ZIPF if is_zipf else 0.0) for levels in LEVELS]
    return [*numbers, *(rng.choice(share.size, n, p=share / share.sum()) for share in shares)]


def _measure_size(n: int, windows: int) -> list[Row]:
    rng = np.random.default_rng(n)
    rows = []
    alarms = {kind: [_judge(rng, n, is_zipf=kind == "Zipf") for _ in range(windows)] for kind in ("uniform", "Zipf")}
    for kind, found in alarms.items():
        for status, most in MOST_PERCENT.items():
            share = 100 * float(np.mean([STATUSES.index(status) <= worst for worst, _ in found]))
            what = f"nothing changed, n = {n:,}, {kind} categories: windows with {status.value}"
            rows.append(Row(what=what, value=share, unit="%", target=most))
        tested = 100 * float(np.mean([p < 0.05 for _, p in found]))
        rows.append(Row(what="the same: windows with a KS or chi-square p < .05", value=tested, unit="%"))
    if n >= 1000:
        moved = [_judge(rng, n, is_zipf=False, shift=SHIFT)[0] for _ in range(windows)]
        missed = 100 * float(np.mean([worst < STATUSES.index(Status.WARNING) for worst in moved]))
        rows.append(
            Row(what=f"one mean moved by {SHIFT} σ, n = {n:,}: windows missed", value=missed, unit="%", target=1)
        )
    return rows


def _judge(rng: np.random.Generator, n: int, *, is_zipf: bool, shift: float = 0.0) -> tuple[int, float]:
    """Draw a reference and a window; give the worst status of ours, and the least p-value of the plain tests."""
    before, after = (draw_window(rng, n, is_zipf=is_zipf, shift=moved) for moved in (0.0, shift))
    compared = [_count_groups(*sides) for sides in zip(before, after, strict=True)]
    shifts = measure_shifts([c[0] for c in compared], [c[1] for c in compared], [c[2] for c in compared])
    judged = judge_drift(
        shifts.effect,
        shifts.p_value,
        [n] * len(compared),
        np.full((len(compared), 1), n),
        [np.nan] * len(compared),
        has_persistence=False,
        pooled_shares=shifts.pooled_share,
    )
    return int(judged.codes.max()), min(_test(*sides) for sides in zip(before, after, strict=True))


def _count_groups(before: Column, after: Column) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Count both sides in the groups of the first, as a reference and a chunk are."""
    grid = choose_grid(before) if before.dtype == np.float64 else None
    reference, current = (_count(side, grid) for side in (before, after))
    groups: FeatureGroups = choose_groups(reference, is_categorical=grid is None)
    return count_groups(reference, groups)[0], count_groups(current, groups), groups.always_pooled


def _count(values: Column, grid: NumericGrid | None) -> FeatureCounts:
    bins, counts = np.unique(assign_grid_bins(values, grid) if grid else values, return_counts=True)
    n, nothing = np.array([values.size]), np.full(1, np.nan)
    return FeatureCounts(
        n=n,
        n_null=n * 0,
        chunk=np.zeros(bins.size, dtype=np.int64),
        bins=bins.astype(np.int64),
        counts=counts.astype(np.int64),
        sums=np.zeros(bins.size),
        minimum=nothing,
        maximum=nothing,
    )


def _test(before: Column, after: Column) -> float:
    """Give the p-value that a user would take without any of this."""
    if before.dtype == np.float64:
        return float(ks_2samp(before, after).pvalue)
    size = int(max(before.max(), after.max())) + 1
    table = np.stack([np.bincount(side, minlength=size) for side in (before, after)])
    return float(chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)


def _measure_peers() -> list[Row]:
    """Let each peer that installs judge windows in which nothing changed, with its defaults."""
    rows = []
    for name, (words, requirements) in PEERS.items():
        for n in PEER_SIZES:
            with tempfile.TemporaryDirectory() as folder:
                _write_windows(Path(folder), n)
                try:
                    with ask_peer(
                        prepare_peer(name.partition("_")[0], *requirements), f"{name}.py", Path(folder)
                    ) as ask:
                        share = 100 * ask()
                except (PeerMissingError, ValueError) as error:
                    print(f"{words} is left out: {error}", file=sys.stderr)
                    break
            rows.append(Row(what=f"nothing changed, n = {n:,}: windows that {words} flags", value=share, unit="%"))
    return rows


def _write_windows(folder: Path, n: int) -> None:
    """Write a reference and the windows after it, one file each, half of them with Zipf's law."""
    rng = np.random.default_rng(n)
    for i in range(PEER_WINDOWS):
        for side in ("reference", "current"):
            columns = draw_window(rng, n, is_zipf=i % 2 == 1)
            named = {f"number_{j}": column for j, column in enumerate(columns[:N_NUMBERS])}
            named |= {f"text_{j}": _write_texts(column) for j, column in enumerate(columns[N_NUMBERS:])}
            pq.write_table(pa.table(named), folder / f"{side}-{i:03d}.parquet")


def _write_texts(ranks: Column) -> list[str]:
    return [f"level {rank}" for rank in ranks.tolist()]


def _measure_demo() -> list[Row]:
    """Give the share of the demo's healthy days with an alert, and what is said of the emptied column."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(copy_demo_home(Path(folder) / "home"))
        try:
            spec = get_model(runtime.database, DEMO_MODEL)
            served = list_deployments(runtime.database, spec.name)
            now = runtime.now(spec.name)
            days: dict[datetime, bool] = {}
            emptied = False
            for deployment, end in zip(served, [*(later.at for later in served[1:]), now], strict=True):
                version = get_version(runtime.database, spec.name, deployment.version)
                reference = ensure_reference(runtime, spec, version, now)
                table = read_drift(runtime, spec, version, reference, Window(deployment.at, end)) if reference else None
                if table is None:
                    continue
                is_alert = table.judgement.codes == STATUSES.index(Status.ALERT)
                days |= {day: bool(found) for day, found in zip(table.chunks, is_alert.any(axis=0), strict=True)}
                if "dep_delay" in table.features:
                    emptied = emptied or bool(is_alert[table.features.index("dep_delay")].any())
        finally:
            runtime.close()
    healthy = [found for day, found in days.items() if HEALTHY.start <= day < HEALTHY.end]
    return [
        Row(
            what=f"the demo, {len(healthy)} healthy days: with an ALERT",
            value=100 * float(np.mean(healthy)),
            unit="%",
            target=10,
        ),
        Row(what="the demo: dep_delay's emptiness missed", value=0.0 if emptied else 100.0, unit="%", target=0),
    ]
