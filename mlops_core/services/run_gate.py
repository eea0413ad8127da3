"""The gate of a run: decides on which rows a trained version meets the champion, and keeps what was seen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_core.checks.gate import GateEvidence, GateReason, judge_gate, sum_up
from mlops_core.entities import Metric, ModelSpec, Version, Window
from mlops_core.errors import CancelledError, MLOpsError
from mlops_core.services.background import Progress
from mlops_core.services.comparison import RESAMPLING_SEED, VersionComparison, compare_versions, write_comparison
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.readiness import measure_latency
from mlops_core.services.rehearsal import leave_out_learned
from mlops_core.services.replay import replay_version, sample_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.comparison import COMPARABLE_METRICS, MetricDifference, compare_paired
from mlops_core.stats.counts import count_scores
from mlops_core.store.deployments import get_champion
from mlops_core.store.replays import fetch_scored

MOST_SEGMENTS = 50
LEAST_OF_CLASS = 10
"""Rows of each class that a segment must have to be guarded; of fewer nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What the gate says."""

    passed: bool
    words: str
    reasons: tuple[GateReason, ...]
    comparison: VersionComparison | None
    """With the champion on the rows of the gate; None when there is none."""
    window: Window


def hold_gate(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    window: Window,
    suspects: Mapping[str, str],
    progress: Progress,
) -> GateResult:
    """Let a version and the champion score the newest labelled rows as serving saw them, and judge it.

    Parameters
    ----------
    window : Window
        The rows of the gate.
    suspects : mapping
        Features that may be known only after the fact, by name, with the reason.

    Raises
    ------
    CancelledError
        When it was cancelled; nothing is judged then.
    """
    champion = get_champion(runtime.database, spec.name)
    name = champion.version if champion and champion.version != version.name else None
    met = _meet(runtime, spec, version.name, name, window, progress)
    evidence = _gather(spec, version, name, met, suspects)
    evidence = replace(evidence, latency_ms=_measure_latency(runtime, spec, version, window, progress))
    reasons = judge_gate(evidence, spec.gate)
    return GateResult(
        passed=all(reason.passed for reason in reasons),
        words=sum_up(version.name, reasons),
        reasons=tuple(reasons),
        comparison=met.comparison,
        window=window,
    )


def _gather(
    spec: ModelSpec, version: Version, champion: str | None, met: "_Meeting", suspects: Mapping[str, str]
) -> GateEvidence:
    return GateEvidence(
        version=version.name,
        champion=champion,
        primary_metric=spec.primary_metric,
        overall=met.comparison.paired.metrics if met.comparison else {},
        obstacle=met.obstacle,
        segments=_compare_segments(spec, met.rows) if met.comparison and met.rows else {},
        calibration_error=_measure_calibration(spec, met.rows) if met.rows else None,
        latency_ms=None,
        artifact_bytes=version.artifact_bytes,
        suspects={feature: reason for feature, reason in suspects.items() if feature in version.features},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meeting:
    """What came of letting both score the rows of the gate."""

    rows: pa.Table | None
    """Labelled rows that both scored, the version second; None when it could not score them."""
    comparison: VersionComparison | None
    obstacle: str | None


def _meet(
    runtime: Runtime, spec: ModelSpec, version: str, champion: str | None, window: Window, progress: Progress
) -> _Meeting:
    comparison, rows = None, None
    try:
        window, learned = leave_out_learned(runtime, spec, window, (champion,) if champion else ())
        replay_version(runtime, spec, version, window, progress)
        if champion:
            replay_version(runtime, spec, champion, window, progress)
        count_waiting(runtime, spec)
        sample = sample_window(runtime, spec, window)
        rows = fetch_scored(runtime.database, spec, (champion or version, version), sample)
        if champion:
            comparison = replace(compare_versions(runtime, spec, champion, version, window), learned=learned)
    except CancelledError:
        raise
    except MLOpsError as error:
        return _Meeting(rows=rows, comparison=None, obstacle=error.message)
    return _Meeting(rows=rows, comparison=comparison, obstacle=None)


def write_gate(result: GateResult) -> dict[str, Any]:
    """Turn what the gate says into a JSON document."""
    return {
        "passed": result.passed,
        "words": result.words,
        "window": {"start": result.window.start.isoformat(), "end": result.window.end.isoformat()},
        "reasons": [asdict(reason) for reason in result.reasons],
        "comparison": write_comparison(result.comparison) if result.comparison else None,
    }


def _compare_segments(spec: ModelSpec, rows: pa.Table) -> dict[str, Mapping[Metric, MetricDifference]]:
    """Compare both in each value of the guarded column that has enough rows, the largest first."""
    if not spec.columns.segments or not rows.num_rows:
        return {}
    label, before, after = (rows[name].to_numpy() for name in ("label", "score_0", "score_1"))
    strata = np.unique(rows["chunk"].to_numpy(), return_inverse=True)[1]
    values = np.array([value or "(none)" for value in rows[spec.columns.segments[0]].to_pylist()])
    names, counts = np.unique(values, return_counts=True)
    metrics = [
        metric for metric in dict.fromkeys((spec.primary_metric, Metric.ROC_AUC)) if metric in COMPARABLE_METRICS
    ]
    found: dict[str, Mapping[Metric, MetricDifference]] = {}
    for name in names[np.argsort(-counts, kind="stable")][:MOST_SEGMENTS].tolist():
        inside = values == name
        positives = int(label[inside].sum())
        if min(positives, int(inside.sum()) - positives) < LEAST_OF_CLASS:
            continue
        rng = np.random.default_rng(RESAMPLING_SEED)
        pair = (before[inside], after[inside], spec.threshold, spec.threshold)
        found[name] = compare_paired(label[inside], *pair, strata[inside], rng, metrics=metrics).metrics
    return found


def _measure_calibration(spec: ModelSpec, rows: pa.Table) -> float | None:
    """Give the expected calibration error of the version, the second of the pair; None without rows."""
    if not rows.num_rows:
        return None
    counts = count_scores(
        rows["score_1"].to_numpy(), rows["label"].to_numpy(), np.zeros(rows.num_rows, int), 1, spec.threshold
    )
    value = float(compute_metrics(counts)[Metric.CALIBRATION_ERROR][0])
    return None if np.isnan(value) else value


def _measure_latency(
    runtime: Runtime, spec: ModelSpec, version: Version, window: Window, progress: Progress
) -> float | None:
    try:
        latency = measure_latency(runtime, spec, version, window, progress)
    except CancelledError:
        raise
    except MLOpsError:
        return None
    return latency.one_row_ms if latency else None
