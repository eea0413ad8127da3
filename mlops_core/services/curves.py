"""How one version separates the classes: decides which rows its curves, its decisions, and their cost stand on."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.chunking import next_chunk
from mlops_core.entities import Estimate, Metric, ModelSpec, Source, Window
from mlops_core.services.performance import read_profiles
from mlops_core.services.runtime import Runtime
from mlops_core.stats.classification import CalibrationCurve, calibration_curve
from mlops_core.stats.costs import Decisions, cost_thresholds, decide_at, find_cheapest
from mlops_core.stats.counts import ScoreLabelCounts, merge_counts, stack_counts, transform_counts
from mlops_core.stats.curves import (
    Curve,
    ScoreDistribution,
    ThresholdSweep,
    distribute_scores,
    sweep_thresholds,
    trace_precision_recall,
    trace_roc,
)
from mlops_core.stats.intervals import MIN_JACKKNIFE_CHUNKS, estimate_metrics
from mlops_core.words import write_estimate, write_number, write_span


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCurves:
    """One version over all that it scored in a window, live and by replay, each row once."""

    version: str
    start: datetime
    """Start of the first chunk that has labels."""
    end: datetime
    """End of the last chunk that has labels."""
    n: int
    n_labelled: int
    n_positive: int
    """Rows with label 1."""
    n_replayed: int
    """Labelled rows that another version answered, and this one scored afterwards."""
    counts: ScoreLabelCounts
    """By chunk; one that was answered in part and replayed in part is one."""
    metrics: dict[Metric, Estimate]
    """Over all labelled rows; the intervals resample chunks when there are at least five."""
    sweep: ThresholdSweep
    roc: Curve
    precision_recall: Curve
    calibration: CalibrationCurve
    scores: ScoreDistribution

    @property
    def is_enough(self) -> bool:
        """Whether there are labels enough to draw conclusions, of both classes."""
        return self.n_labelled >= LEAST_LABELS and 0 < self.n_positive < self.n_labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What every threshold costs per 1,000 labelled rows."""

    false_alarm: float
    miss: float
    curve: np.ndarray
    """By threshold of the sweep, shape (m,)."""
    cheapest: float
    """Threshold of least cost."""
    at_cheapest: float
    at_deployed: float
    at_chosen: float


def list_scored_versions(
    runtime: Runtime, spec: ModelSpec, window: Window, segment: tuple[str, str] = ("", "")
) -> list[str]:
    """Give the versions that scored rows of a window, live or by replay, by name."""
    return sorted({profile.version for profile in read_profiles(runtime, spec, window, segment)})


def read_curves(
    runtime: Runtime, spec: ModelSpec, version: str, window: Window, segment: tuple[str, str] = ("", "")
) -> VersionCurves | None:
    """Read a version's curves from the counts of a window; None when it scored nothing there."""
    own = [one for one in read_profiles(runtime, spec, window, segment) if one.version == version]
    if not own:
        return None
    aligned = _align([profile.counts for profile in own], [profile.chunks for profile in own])
    merged = merge_counts(aligned)
    sweep = sweep_thresholds(merged)
    labelled = [zip(profile.chunks, profile.counts.n_labelled, strict=True) for profile in own]
    chunks = [chunk for part in labelled for chunk, n in part if n] or [own[0].chunks[0]]
    return VersionCurves(
        version=version,
        start=min(chunks),
        end=next_chunk(spec, max(chunks)),
        n=int(merged.n[0]),
        n_labelled=int(merged.n_labelled[0]),
        n_positive=int(merged.n_positive[0]),
        n_replayed=sum(int(one.counts.n_labelled.sum()) for one in own if one.source is Source.REPLAY),
        counts=aligned,
        metrics=estimate_metrics(aligned),
        sweep=sweep,
        roc=trace_roc(sweep),
        precision_recall=trace_precision_recall(sweep),
        calibration=calibration_curve(merged),
        scores=distribute_scores(merged),
    )


def _align(parts: list[ScoreLabelCounts], chunks: list[tuple[datetime, ...]]) -> ScoreLabelCounts:
    """Give one row of counts per chunk; a chunk that was answered in part and replayed in part is one."""
    if len(parts) == 1:
        return parts[0]
    stacked, instants = stack_counts(parts), [chunk for part in chunks for chunk in part]
    place = {chunk: i for i, chunk in enumerate(sorted(set(instants)))}
    position = np.array([place[chunk] for chunk in instants])

    def add(values: np.ndarray) -> np.ndarray:
        total = np.zeros((len(place), *values.shape[1:]), dtype=values.dtype)
        np.add.at(total, position, values)
        return total

    return transform_counts(stacked, add)


def read_decisions(curves: VersionCurves, threshold: float) -> Decisions:
    """Give what a threshold would have decided, at the nearest edge of the score bins."""
    return decide_at(curves.counts, threshold)


def tell_lack(version: str, curves: VersionCurves | None) -> tuple[str, str]:
    """Say why a version has no curves, and what would help."""
    n = curves.n_labelled if curves else 0
    lack = f"{version} has {n:,} labels in this window, too few."
    if n >= LEAST_LABELS:
        lack = f"All {n:,} labels of {version} in this window are of one class."
    needed = f"Decisions, curves, and segments need {LEAST_LABELS} labels, of both classes"
    return lack, f"{needed}: choose a longer window, or wait."


def tell_intervals(spec: ModelSpec, curves: VersionCurves) -> str:
    """Say what the intervals of figures over all rows stand on."""
    n = int((curves.counts.n_labelled > 0).sum())
    if n >= MIN_JACKKNIFE_CHUNKS:
        return f"95 % intervals resample {n} {spec.chunk.value}s."
    least = f"{MIN_JACKKNIFE_CHUNKS} labelled {spec.chunk.value}s"
    return f"95 % intervals treat rows as independent; from {least} on they resample {spec.chunk.value}s."


def compute_costs(
    spec: ModelSpec, curves: VersionCurves, chosen: float, *, false_alarm: float, miss: float
) -> Costs | None:
    """Give what every threshold would have cost; None when no cost is set or there are no labels."""
    if false_alarm <= 0 and miss <= 0:
        return None
    curve = cost_thresholds(curves.sweep, false_alarm=false_alarm, miss=miss)
    cheapest = find_cheapest(curves.sweep, curve, spec.threshold)
    if cheapest is None:
        return None
    at = {name: int(np.abs(curves.sweep.threshold - value).argmin()) for name, value in
          (("cheapest", cheapest), ("deployed", spec.threshold), ("chosen", chosen))}  # fmt: skip
    return Costs(
        false_alarm=false_alarm,
        miss=miss,
        curve=curve,
        cheapest=cheapest,
        at_cheapest=float(curve[at["cheapest"]]),
        at_deployed=float(curve[at["deployed"]]),
        at_chosen=float(curve[at["chosen"]]),
    )


DECISION_METRICS = (Metric.PRECISION, Metric.RECALL, Metric.F1, Metric.ACCURACY)
DECISION_COLUMNS = ("Threshold", "Chosen", "Deployed")
DECISION_COUNTS = {
    "Found": "true_positive",
    "False alarms": "false_positive",
    "Missed": "false_negative",
    "Left alone": "true_negative",
}
EXPORTED_DECISIONS = (
    "threshold",
    "value",
    *DECISION_COUNTS.values(),
    *(f"{metric.value}{end}" for metric in DECISION_METRICS for end in ("", "_low", "_high")),
    "cost_per_1000",
)
"""Columns of the decisions as CSV."""


def list_decisions(
    spec: ModelSpec, chosen: Decisions, deployed: Decisions, costs: Costs | None
) -> list[tuple[str, ...]]:
    """Give two thresholds side by side as text, in the order of `DECISION_COLUMNS`."""
    both = (chosen, deployed)
    rows: list[tuple[str, ...]] = [("Read at", *(f"{one.threshold:.4f}" for one in both))]
    for name, key in DECISION_COUNTS.items():
        rows.append((name, *(f"{getattr(one, key):,}" for one in both)))
    rows.extend(
        (metric.label, *(write_estimate(getattr(one, metric.value)) for one in both)) for metric in DECISION_METRICS
    )
    if costs:
        rows.append(("Cost per 1,000", f"{costs.at_chosen:,.1f}", f"{costs.at_deployed:,.1f}"))
    return rows


def export_decisions(chosen: Decisions, deployed: Decisions, costs: Costs | None) -> list[tuple[str, ...]]:
    """Give two thresholds as numbers, in the order of `EXPORTED_DECISIONS`; empty where there is none."""
    both = (
        ("chosen", chosen, costs.at_chosen if costs else None),
        ("deployed", deployed, costs.at_deployed if costs else None),
    )
    rows = []
    for name, found, cost in both:
        metrics = [getattr(found, metric.value) for metric in DECISION_METRICS]
        ends = [end for metric in metrics for end in (metric.value, metric.low, metric.high)]
        counts = [str(getattr(found, key)) for key in DECISION_COUNTS.values()]
        rows.append((name, f"{found.threshold:.6g}", *counts, *(write_number(one) for one in (*ends, cost))))
    return rows


def tell_rows(spec: ModelSpec, curves: VersionCurves) -> str:
    """Say on which rows the curves stand."""
    span = write_span(curves.start, curves.end, spec.timezone)
    told = f"{curves.version} on {curves.n_labelled:,} labelled {spec.words.rows} of {span}"
    return told + (f", {curves.n_replayed:,} of them by replay" if curves.n_replayed else "")


def tell_costs(spec: ModelSpec, curves: VersionCurves, chosen: Decisions, costs: Costs | None) -> str:
    """Say in words what the chosen threshold does, and which would have cost least."""
    flagged = chosen.true_positive + chosen.false_positive
    told = (
        f"At {chosen.threshold:.4f}, {curves.version} flags {flagged:,} of {curves.n_labelled:,} {spec.words.rows} "
        f"and finds {chosen.true_positive:,} of {curves.n_positive:,} {spec.words.positives}."
    )
    if costs is None:
        return f"{told} Set what a false alarm and a miss cost to see the cheapest threshold."
    return (
        f"{told} Least cost: {costs.at_cheapest:,.1f} per 1,000 {spec.words.rows} at {costs.cheapest:.4f}; "
        f"{costs.at_deployed:,.1f} at the deployed threshold. It was found on these very rows, so expect a bit more."
    )
