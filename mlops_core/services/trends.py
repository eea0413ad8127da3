"""A metric by chunk and version: decides which lines a chart of performance has."""

from dataclasses import dataclass

import numpy as np

from mlops_core.charts.bands import MetricLine, find_gaps
from mlops_core.chunking import next_chunk
from mlops_core.entities import Estimate, Metric, ModelSpec, Source, Window
from mlops_core.services.estimation import Estimator, estimate_counts, find_estimator
from mlops_core.services.performance import read_profiles
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import select_chunks
from mlops_core.stats.intervals import estimate_chunks
from mlops_core.store.profiles import ScoreProfile
from mlops_core.words import write_number

COLUMNS = ("chunk", "version", "figure", "value", "low", "high", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One metric over a window."""

    metric: Metric
    lines: tuple[MetricLine, ...]
    estimator: Estimator | None
    """Of the chosen version; None while nothing tells what its score is worth."""


def read_trend(
    runtime: Runtime,
    spec: ModelSpec,
    version: str,
    metric: Metric,
    window: Window,
    segment: tuple[str, str],
) -> Trend:
    """Read realised and estimated figures of every version that answered, and of one by replay.

    The chosen version is the last to be drawn. Chunks whose labels are partly here show what is here.
    """
    profiles = read_profiles(runtime, spec, window, segment)
    live = [profile for profile in profiles if profile.source is Source.LIVE]
    replayed = [one for one in profiles if one.source is Source.REPLAY and one.version == version]
    live.sort(key=lambda profile: profile.version == version)
    lines: list[MetricLine] = []
    chosen: Estimator | None = None
    for profile in live:
        estimator = find_estimator(runtime, spec, profile.version)
        chosen = estimator if profile.version == version else chosen
        if estimator and metric is not Metric.CALIBRATION_ERROR:
            lines.append(_estimate_line(spec, profile, estimator, metric, is_chosen=profile.version == version))
    lines += [_realise_line(spec, profile, metric) for profile in [*replayed, *live]]
    shown = tuple(line for line in lines if any(one.value is not None for one in line.values))
    return Trend(metric=metric, lines=shown, estimator=chosen or find_estimator(runtime, spec, version))


def list_rows(trend: Trend) -> list[tuple[str, ...]]:
    """Give the figures as text, in the order of `COLUMNS`."""
    return [
        (
            chunk.isoformat(),
            line.version,
            "estimated" if line.is_estimated else "realised" if line.source is Source.LIVE else "realised by replay",
            write_number(value.value),
            write_number(value.low),
            write_number(value.high),
            str(n),
        )
        for line in trend.lines
        for chunk, value, n in zip(line.chunks, line.values, line.n, strict=True)
    ]


def _realise_line(spec: ModelSpec, profile: ScoreProfile, metric: Metric) -> MetricLine:
    labelled = np.flatnonzero(profile.counts.n_labelled > 0)
    counts = select_chunks(profile.counts, labelled)
    values = [figures[metric] for figures in estimate_chunks(counts)]
    has_band = np.full(len(labelled), profile.source is Source.LIVE)
    return _make_line(spec, profile, labelled, values, counts.n_labelled, has_band, is_estimated=False)


def _estimate_line(
    spec: ModelSpec, profile: ScoreProfile, estimator: Estimator, metric: Metric, *, is_chosen: bool
) -> MetricLine:
    """Give the estimates; their intervals are drawn where nothing is realised, and of the chosen version only."""
    values = [figures[metric] for figures in estimate_counts(estimator, profile.counts)]
    has_band = (profile.counts.n_labelled == 0) & is_chosen
    positions = np.arange(len(values))
    return _make_line(spec, profile, positions, values, profile.counts.n, has_band, is_estimated=True)


def _make_line(
    spec: ModelSpec,
    profile: ScoreProfile,
    positions: np.ndarray,
    values: list[Estimate],
    n: np.ndarray,
    has_band: np.ndarray,
    *,
    is_estimated: bool,
) -> MetricLine:
    chunks = tuple(profile.chunks[i] for i in positions)
    return MetricLine(
        version=profile.version,
        source=profile.source,
        is_estimated=is_estimated,
        chunks=chunks,
        values=tuple(values),
        n=tuple(n.tolist()),
        has_gap_after=find_gaps(chunks, [next_chunk(spec, chunk) for chunk in chunks]),
        has_band=tuple(has_band.tolist()),
    )
