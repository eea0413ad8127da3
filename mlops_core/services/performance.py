"""Performance over time: decides which chunks are labelled and gives series and reports from counts alone."""

import math
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import compress, pairwise

import numpy as np

from mlops_core.checks.performance import (
    LEAST_PAIRED_COVERAGE,
    expect_coverage,
    find_covered,
    judge_estimate,
    judge_standard,
)
from mlops_core.chunking import LONGEST, next_chunk
from mlops_core.entities import (
    ChunkSize,
    Deployment,
    Estimate,
    Metric,
    ModelSpec,
    Series,
    Source,
    Standard,
    Status,
    Window,
)
from mlops_core.services.estimation import Estimates, estimate_counts, find_estimator
from mlops_core.services.runtime import Runtime
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.counts import roll_counts, select_chunks
from mlops_core.stats.intervals import estimate_chunks, estimate_metrics
from mlops_core.store.profiles import ScoreProfile, list_segments, read_coverage, read_score_profiles
from mlops_core.words import write_number

ALL_TIME = Window(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
ROLLING_CHUNKS = 7
WORST_FIRST = (Status.ALERT, Status.WARNING, Status.INSUFFICIENT_DATA, Status.OK)
SERIES_COLUMNS = ("chunk", "version", "source", "value", "rolling", "labels")
NO_STANDARD = (Status.INSUFFICIENT_DATA, "The model file sets no standard.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How far the labels have come."""

    expected_coverage: float
    """Share of rows that get a label in the end, 0–1."""
    covered: frozenset[tuple[str, datetime]]
    """(version, chunk) of the live chunks whose labels have arrived."""
    comparable: frozenset[tuple[str, datetime]]
    """The same for comparisons on the same rows, which need fewer of them."""
    labelled_until: datetime | None
    """End of the newest chunk whose labels have arrived; None when there is none."""


def find_arrival(runtime: Runtime, spec: ModelSpec, now: datetime) -> Arrival:
    """Find the chunks whose labels have arrived."""
    rows = read_coverage(runtime.database, spec.name)
    n, n_labelled = (np.array([getattr(row, key) for row in rows], dtype=np.int64) for key in ("n", "n_labelled"))
    delay = timedelta(days=spec.label_delay_days)
    grown_up = np.array([next_chunk(spec, row.chunk) + delay <= now for row in rows], dtype=bool)
    expected = expect_coverage(n, n_labelled, grown_up)
    keys = [(row.version, row.chunk) for row in rows]
    covered = list(compress(keys, find_covered(n, n_labelled, expected)))
    return Arrival(
        expected_coverage=expected,
        covered=frozenset(covered),
        comparable=frozenset(compress(keys, find_covered(n, n_labelled, expected, LEAST_PAIRED_COVERAGE))),
        labelled_until=next_chunk(spec, covered[-1][1]) if covered else None,
    )


def read_profiles(
    runtime: Runtime, spec: ModelSpec, window: Window, segment: tuple[str, str] = ("", "")
) -> list[ScoreProfile]:
    """Read the score × label counts of a window for each version and source, by version."""
    return read_score_profiles(runtime.database, spec, window, segment)


def select_covered(profile: ScoreProfile, arrival: Arrival, newest: int | None = None) -> ScoreProfile:
    """Keep the chunks of a live profile whose labels have arrived, only the newest few when asked."""
    positions = [i for i, chunk in enumerate(profile.chunks) if (profile.version, chunk) in arrival.covered]
    positions = positions[-newest:] if newest else positions
    return ScoreProfile(
        version=profile.version,
        source=profile.source,
        chunks=tuple(profile.chunks[i] for i in positions),
        counts=select_chunks(profile.counts, np.array(positions, dtype=np.int64)),
    )


def read_series(
    runtime: Runtime,
    spec: ModelSpec,
    metric: Metric,
    window: Window,
    segment: tuple[str, str] = ("", ""),
    replays: Container[str] = (),
) -> list[Series]:
    """Read one metric of each version over time, live and, of the versions in `replays`, replayed."""
    early = Window(window.start - ROLLING_CHUNKS * LONGEST[spec.chunk], window.end)
    return [
        _trim_series(_compute_series(profile, run, metric), window.start)
        for profile in read_score_profiles(runtime.database, spec, early, segment)
        if profile.source is Source.LIVE or profile.version in replays
        for run in _split_runs(spec, profile)
        if profile.chunks[run[-1]] >= window.start
    ]


def list_series_rows(series: Sequence[Series]) -> list[tuple[str, ...]]:
    """Give series as text, in the order of `SERIES_COLUMNS`; a figure that is undefined is empty."""
    return [
        (chunk.isoformat(), one.version, one.source.value, *map(_write_figure, figures), str(n))
        for one in series
        for chunk, *figures, n in zip(one.chunks, one.daily, one.rolling, one.n_labelled, strict=True)
    ]


def _write_figure(value: float) -> str:
    return write_number(None if math.isnan(value) else value)


def describe_lines(spec: ModelSpec) -> str:
    """Say what lines and points of a series stand for: "7-day lines, daily points"."""
    often = "daily" if spec.chunk is ChunkSize.DAY else f"{spec.chunk.value}ly"
    return f"{ROLLING_CHUNKS}-{spec.chunk.value} lines, {often} points"


def find_trend(
    profiles: Sequence[ScoreProfile], spec: ModelSpec, version: str, source: Source, since: datetime
) -> tuple[float, ...]:
    """Give the rolling figures of a version's newest run, when it reaches past an instant; else nothing."""
    profile = find_profile(profiles, version, source)
    runs = _split_runs(spec, profile) if profile else []
    if profile is None or not runs or profile.chunks[runs[-1][-1]] < since:
        return ()
    rolled = roll_counts(select_chunks(profile.counts, runs[-1]), ROLLING_CHUNKS)
    return tuple(compute_metrics(rolled)[spec.primary_metric].tolist())


def _split_runs(spec: ModelSpec, profile: ScoreProfile) -> list[np.ndarray]:
    """Give the positions of the labelled chunks, one array per run of chunks that follow each other."""
    labelled = np.flatnonzero(profile.counts.n_labelled > 0)
    follows = [profile.chunks[b] == next_chunk(spec, profile.chunks[a]) for a, b in pairwise(labelled.tolist())]
    breaks = [i + 1 for i, is_next in enumerate(follows) if not is_next]
    return [run for run in np.split(labelled, breaks) if len(run)]


def _compute_series(profile: ScoreProfile, run: np.ndarray, metric: Metric) -> Series:
    counts = select_chunks(profile.counts, run)
    return Series(
        version=profile.version,
        source=profile.source,
        chunks=tuple(profile.chunks[i] for i in run),
        daily=tuple(compute_metrics(counts)[metric].tolist()),
        rolling=tuple(compute_metrics(roll_counts(counts, ROLLING_CHUNKS))[metric].tolist()),
        n_labelled=tuple(counts.n_labelled.tolist()),
    )


def _trim_series(series: Series, start: datetime) -> Series:
    """Drop the chunks before the start, which were there for the first rolling figures only."""
    kept = slice(sum(chunk < start for chunk in series.chunks), None)
    return replace(
        series,
        chunks=series.chunks[kept],
        daily=series.daily[kept],
        rolling=series.rolling[kept],
        n_labelled=series.n_labelled[kept],
    )


def find_profile(profiles: Sequence[ScoreProfile], version: str, source: Source) -> ScoreProfile | None:
    """Give the profile of one version and source, or None."""
    return next((p for p in profiles if (p.version, p.source) == (version, source)), None)


def estimate_champion(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, arrival: Arrival, newest: int = ROLLING_CHUNKS
) -> tuple[ScoreProfile | None, dict[Metric, Estimate]]:
    """Give the newest labelled chunks since the champion's deployment, and its metrics over them.

    What the version did in an earlier time in production does not count.
    """
    window = Window(champion.at - LONGEST[spec.chunk], ALL_TIME.end)
    profile = find_profile(read_score_profiles(runtime.database, spec, window), champion.version, Source.LIVE)
    chosen = select_covered(profile, arrival, newest) if profile else None
    if chosen is None or not chosen.chunks:
        return None, {}
    return chosen, estimate_metrics(chosen.counts)


def report_performance(
    runtime: Runtime, spec: ModelSpec, version: str, window: Window, now: datetime
) -> dict[str, object]:
    """Give the performance document of the public contract, one entry per chunk of a version's live traffic."""
    arrival = find_arrival(runtime, spec, now)
    profile = find_profile(read_score_profiles(runtime.database, spec, window), version, Source.LIVE)
    chunks = []
    if profile:
        realised = estimate_chunks(profile.counts)
        estimator = find_estimator(runtime, spec, version)
        estimated: Sequence[Estimates] = [{}] * len(realised)
        if estimator:
            estimated = estimate_counts(estimator, profile.counts)
        chunks = [
            _report_chunk(spec, arrival, profile, i, realised[i], estimated[i]) for i in range(len(profile.chunks))
        ]
    return {"model": spec.name, "version": version, "chunks": chunks}


def _report_chunk(
    spec: ModelSpec, arrival: Arrival, profile: ScoreProfile, i: int, realised: Estimates, estimated: Estimates
) -> dict[str, object]:
    chunk = profile.chunks[i]
    n, n_labelled = int(profile.counts.n[i]), int(profile.counts.n_labelled[i])
    covered = (profile.version, chunk) in arrival.covered
    verdicts = [
        _judge_chunk(standard, realised, estimated, n, n_labelled, covered=covered) for standard in spec.standards
    ]
    status, reason = min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict[0]), default=NO_STANDARD)
    return {
        "start": chunk.isoformat(),
        "end": next_chunk(spec, chunk).isoformat(),
        "n": n,
        "n_labelled": n_labelled,
        "coverage": n_labelled / n,
        "metrics": {metric.value: asdict(estimate) for metric, estimate in realised.items()},
        "estimated": {metric.value: asdict(estimate) for metric, estimate in estimated.items()},
        "status": status.value,
        "reason": reason if covered else f"Provisional: {n_labelled / n:.0%} of the labels are here. {reason}",
    }


def _judge_chunk(
    standard: Standard, realised: Estimates, estimated: Estimates, n: int, n_labelled: int, *, covered: bool
) -> tuple[Status, str]:
    """Judge a chunk by its labels, and by the estimate while these say nothing worse and are not all here."""
    by_labels = judge_standard(standard, realised[standard.metric], n_labelled, covered)
    by_estimate = judge_estimate(standard, estimated.get(standard.metric), n, are_labels_here=covered)
    if by_estimate[0] is Status.WARNING and by_labels[0] in (Status.OK, Status.INSUFFICIENT_DATA):
        return Status.WARNING, f"{by_labels[1]} {by_estimate[1]}"
    return by_labels


def list_segment_choices(runtime: Runtime, spec: ModelSpec) -> list[tuple[str, str]]:
    """Give the segments seen in live traffic as (column, value), by column, the largest first."""
    return list_segments(runtime.database, spec.name)


def limit_window(runtime: Runtime, spec: ModelSpec, days: int | None, now: datetime) -> Window:
    """Give the last days of live traffic, or all of it when `days` is None."""
    coverage = read_coverage(runtime.database, spec.name)
    first = coverage[0].chunk if coverage else now - timedelta(days=1)
    return Window(first if days is None else max(first, now - timedelta(days=days)), now)
