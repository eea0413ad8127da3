"""Versions side by side: decides what is worked out of two to four versions on the rows that all of them scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.chunking import find_chunk, next_chunk
from mlops_core.entities import Estimate, Metric, ModelSpec, Version, Window
from mlops_core.services.background import Progress
from mlops_core.services.comparison import VersionComparison, judge_rows, list_alternatives
from mlops_core.services.flips import FlippedRow, find_examples
from mlops_core.services.overlap import Overlap, find_overlap
from mlops_core.services.own_traffic import OwnTraffic, read_own_traffic
from mlops_core.services.replay import find_missing, sample_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.classification import CalibrationCurve, calibration_curve
from mlops_core.stats.counts import count_scores, merge_counts
from mlops_core.stats.curves import (
    Curve,
    ScoreDistribution,
    distribute_scores,
    sweep_thresholds,
    trace_precision_recall,
    trace_roc,
)
from mlops_core.stats.decisions import Confusion
from mlops_core.stats.intervals import estimate_metrics
from mlops_core.store.deployments import get_champion
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.replays import fetch_scored

MOST_VERSIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFigures:
    """One version on the rows that all have scored."""

    version: str
    metrics: dict[Metric, Estimate]
    confusion: Confusion
    roc: Curve
    """Empty when the labels are of one class, as is the next one."""
    precision_recall: Curve
    calibration: CalibrationCurve
    scores: ScoreDistribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The version compared with, and one other."""

    comparison: VersionComparison
    examples: tuple[FlippedRow, ...]
    """Rows that the two decide differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRows:
    """Common rows from the time that a version was trained on: it may know their labels."""

    until: datetime
    """Time of its newest training row."""
    n: int
    """Common rows of the chunks from its oldest training row to its newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """What is known of two to four versions over a window."""

    overlap: Overlap
    window: Window
    segment: Segment
    pairs: tuple[Pair, ...]
    """One for each other version that could be compared, in the order chosen; empty when none could."""
    figures: Mapping[str, VersionFigures]
    """By version that could be compared."""
    n: int
    """Labelled rows that all of these scored."""
    n_positive: int
    missing: Mapping[str, tuple[str, ...]]
    """Features that a version was trained with and that none of these rows has, by version."""
    learned: Mapping[str, LearnedRows]
    """Rows that may flatter a version, by version; those that have none are left out."""
    features: tuple[str, ...]
    """Features that any of the versions reads, in the order of the model file."""
    own: OwnTraffic | None
    """What each version answered itself; None where there is a comparison."""

    @property
    def base(self) -> str:
        """The version that the others are compared with."""
        return self.overlap.versions[0]

    @property
    def base_rate(self) -> float:
        """Share of the common rows with label 1; 0 without rows."""
        return self.n_positive / self.n if self.n else 0.0


def propose_versions(runtime: Runtime, spec: ModelSpec) -> list[str]:
    """Give what is compared unless something else is asked for: the version in production, and the best other one.

    That is the candidate of the comparisons that the checks keep, the one that Overview names; else the newest other.
    """
    names = [version.name for version in list_versions(runtime.database, spec.name)]
    base = find_champion(runtime, spec) or (names[-1] if names else None)
    others = [name for name in reversed(names) if name != base]
    kept = list_alternatives(runtime, spec.name, base) if base else []
    differences = {one.candidate: one.paired.get_difference(spec.primary_metric).difference for one in kept}
    known = {name: value for name, value in differences.items() if value is not None and name in others}
    best = max(known, key=lambda name: known[name]) if known else next(iter(others), None)
    return [name for name in (base, best) if name]


def find_champion(runtime: Runtime, spec: ModelSpec) -> str | None:
    """Give the version in production; None when nothing is."""
    champion = get_champion(runtime.database, spec.name)
    return champion.version if champion else None


def list_choices(runtime: Runtime, spec: ModelSpec) -> list[str]:
    """Give the versions that can be compared, in order of registration."""
    return [version.name for version in list_versions(runtime.database, spec.name)]


def compare_side_by_side(
    runtime: Runtime,
    spec: ModelSpec,
    versions: Sequence[str],
    window: Window,
    segment: Segment = ALL_TRAFFIC,
    progress: Progress | None = None,
) -> SideBySide:
    """Compare two to four versions on exactly the labelled rows of a window that all of them scored.

    A version that shares too few rows is left out; where fewer than two remain, what each has answered itself is read.

    Raises
    ------
    NotFoundError
        When a version is unknown.
    CancelledError
        When it was cancelled.
    """
    told = progress or Progress()
    told.report(0.02, "Looking for rows that all have scored")
    known = [get_version(runtime.database, spec.name, name) for name in versions]
    overlap = find_overlap(runtime, spec, versions, window, segment)
    found = _begin(spec, known, overlap, window, segment)
    if len(overlap.compared) < 2:
        told.report(0.5, "Reading what each version answered itself")
        return replace(found, own=read_own_traffic(runtime, spec, versions, window, segment))
    told.report(0.1, f"Reading {overlap.n_common:,} {spec.words.rows}")
    rows = fetch_scored(runtime.database, spec, overlap.compared, overlap.sample, segment)
    return _compare(runtime, spec, found, rows, told)


def _begin(
    spec: ModelSpec, versions: Sequence[Version], overlap: Overlap, window: Window, segment: Segment
) -> SideBySide:
    """Give what is known before any row was read."""
    read = {name for version in versions for name in version.features}
    return SideBySide(
        overlap=overlap,
        window=window,
        segment=segment,
        pairs=(),
        figures={},
        n=0,
        n_positive=0,
        missing={},
        learned={},
        features=tuple(name for name in spec.columns.features if name in read),
        own=None,
    )


def _compare(runtime: Runtime, spec: ModelSpec, found: SideBySide, rows: pa.Table, told: Progress) -> SideBySide:
    base, others = found.overlap.compared[0], found.overlap.compared[1:]
    span = _find_span(spec, rows)
    missing = _find_missing(runtime, spec, found.overlap, span)
    pairs = []
    for i, name in enumerate(others):
        told.report(
            0.15 + 0.7 * i / len(others), f"Comparing {name} with {base} on {rows.num_rows:,} {spec.words.rows}"
        )
        comparison = judge_rows(
            spec,
            rows,
            (base, name),
            span,
            places=(0, i + 1),
            missing=missing[name],
            n_logged=_find_logged(found),
            n_candidates=len(others),
        )
        examples = find_examples(runtime, spec, rows, (0, i + 1), found.features, span)
        pairs.append(Pair(comparison=comparison, examples=tuple(examples)))
    told.report(0.9, "Drawing curves")
    paired = pairs[0].comparison.paired
    confusions = [paired.champion_confusion, *(pair.comparison.paired.candidate_confusion for pair in pairs)]
    return replace(
        found,
        pairs=tuple(pairs),
        figures={
            name: _trace(spec, name, rows, place, confusion)
            for place, (name, confusion) in enumerate(zip(found.overlap.compared, confusions, strict=True))
        },
        n=paired.n,
        n_positive=paired.n_positive,
        missing={name: absent for name, absent in missing.items() if absent},
        learned=_find_learned(runtime, spec, found.overlap.compared, rows),
    )


def _find_logged(found: SideBySide) -> int | None:
    sample = found.overlap.sample
    return None if sample.is_whole else sample.n_available


def _find_span(spec: ModelSpec, rows: pa.Table) -> Window:
    """Give the whole chunks that the rows lie in; they are ordered by time."""
    return Window(rows["chunk"][0].as_py(), next_chunk(spec, rows["chunk"][-1].as_py()))


def _find_missing(runtime: Runtime, spec: ModelSpec, overlap: Overlap, span: Window) -> dict[str, tuple[str, ...]]:
    """Name what each version was trained with and no row of the span has."""
    rows = sample_window(runtime, spec, span)
    known = [get_version(runtime.database, spec.name, name) for name in overlap.compared]
    return {version.name: tuple(find_missing(runtime, spec, version, rows)) for version in known}


def _find_learned(runtime: Runtime, spec: ModelSpec, versions: Sequence[str], rows: pa.Table) -> dict[str, LearnedRows]:
    """Count the rows from the time that each version was trained on."""
    learned = {}
    for name in versions:
        snapshot = get_version(runtime.database, spec.name, name).snapshot
        is_after = pc.greater_equal(rows["chunk"], pa.scalar(find_chunk(spec, snapshot.start), rows["chunk"].type))
        is_before = pc.less_equal(rows["chunk"], pa.scalar(find_chunk(spec, snapshot.end), rows["chunk"].type))
        n = pc.sum(pc.and_(is_after, is_before)).as_py()
        if n:
            learned[name] = LearnedRows(until=snapshot.end, n=n)
    return learned


def _trace(spec: ModelSpec, version: str, rows: pa.Table, place: int, confusion: Confusion) -> VersionFigures:
    chunks, index = np.unique(rows["chunk"].to_numpy(), return_inverse=True)
    scores, labels = rows[f"score_{place}"].to_numpy(), rows["label"].to_numpy()
    counts = count_scores(scores, labels, index, chunks.size, spec.threshold)
    merged = merge_counts(counts)
    sweep = sweep_thresholds(merged)
    return VersionFigures(
        version=version,
        metrics=estimate_metrics(counts),
        confusion=confusion,
        roc=trace_roc(sweep),
        precision_recall=trace_precision_recall(sweep),
        calibration=calibration_curve(merged),
        scores=distribute_scores(merged),
    )
