"""Drift of features by chunk: decides which counts are compared with which reference, and what the verdicts are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mlops_core.checks.drift import DriftJudgement, judge_drift
from mlops_core.chunking import next_chunk
from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.services.references import read_reference
from mlops_core.services.runtime import Runtime
from mlops_core.services.series import CountSeries, ReadCounts, read_series
from mlops_core.stats.features import FeatureCounts, merge_chunks
from mlops_core.stats.groups import count_groups
from mlops_core.stats.shift import Shifts, measure_shifts
from mlops_core.store.features import ALL_TRAFFIC, FeatureProfile, Segment
from mlops_core.store.references import Reference, ReferenceProfile

RECENT_CHUNKS = 2
"""Chunks before a window that its first verdicts look back at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftTable:
    """The drift of f features in k chunks that follow one another, or in one window."""

    reference: Reference
    features: tuple[str, ...]
    chunks: tuple[datetime, ...]
    """Start of each chunk, those without rows included; of a window its start."""
    shifts: Shifts
    counts: Mapping[str, FeatureCounts]
    """What was compared, by feature."""
    known: Mapping[str, ReferenceProfile]
    """With what, by feature."""
    natural: tuple[float, ...]
    """How far each feature moves by itself in as many chunks; NaN where the reference is too short to know."""
    judgement: DriftJudgement


def read_drift(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    reference: Reference,
    window: Window,
    segment: Segment = ALL_TRAFFIC,
) -> DriftTable | None:
    """Judge every feature of a version in every chunk of its live traffic; None without traffic.

    Chunks that are not over by the end of the window are left out: half a day is no sample of a day. The first ones
    of the table lie before the window, for its own verdicts look back at them.
    """
    early = look_back(spec, window)
    features = list(version.features)
    series = read_series(runtime, spec, reference.binning, early, features, segment, version.name)
    return judge_series(runtime, reference, series, read_reference(runtime, spec, reference, segment))


def look_back(spec: ModelSpec, window: Window) -> Window:
    """Give a window with the chunks before it that its first verdicts look back at."""
    return Window(window.start - RECENT_CHUNKS * (next_chunk(spec, window.start) - window.start), window.end)


def spread_chunks(profile: FeatureProfile, place: Mapping[datetime, int]) -> FeatureCounts:
    """Put the chunks of a profile at their places among all chunks; those that have none are left out."""
    position = np.array([place.get(chunk, -1) for chunk in profile.chunks], dtype=np.int64)
    return merge_chunks(profile.counts, position, len(place))


def judge_series(
    runtime: Runtime, reference: Reference, series: CountSeries | None, known: Mapping[str, ReferenceProfile]
) -> DriftTable | None:
    """Compare the counts of each feature in each chunk with its reference; features that lack one are left out.

    What was measured before is kept by the reference, and measured again where a chunk has got rows. None without
    chunks or without features.
    """
    features = tuple(name for name in (series.features if series else ()) if name in known)
    if series is None or not features:
        return None

    def measure(first: int, last: int) -> Shifts:
        return measure_counts(series.read(features, first, last), known)

    n = series.n[[series.features.index(name) for name in features]]
    if reference.id is None:
        shifts = measure(0, len(series.chunks))
    else:
        shifts = runtime.shifts.measure((reference.id, features, *series.key), series.starts, n, measure)
    return judge_shifts(reference, series.chunks, shifts, n, ReadCounts(series, features), known)


def judge_counts(
    reference: Reference,
    chunks: Sequence[datetime],
    counts: Mapping[str, FeatureCounts],
    known: Mapping[str, ReferenceProfile],
    *,
    n_chunks: int | None = None,
) -> DriftTable | None:
    """Compare the counts of each feature with its reference; features that lack one are left out.

    Parameters
    ----------
    n_chunks : int, optional
        Chunks that one ad-hoc window is made of; None for a series, in which an alert has to last.
    """
    own = {name: part for name, part in counts.items() if name in known}
    if not own:
        return None
    n = np.stack([part.n for part in own.values()])
    return judge_shifts(reference, chunks, measure_counts(own, known), n, own, known, n_chunks=n_chunks)


def measure_counts(counts: Mapping[str, FeatureCounts], known: Mapping[str, ReferenceProfile]) -> Shifts:
    """Measure how far each feature moved from its reference in each chunk."""
    groups = [known[name].groups for name in counts]
    return measure_shifts(
        [count_groups(known[name].counts, own)[0] for name, own in zip(counts, groups, strict=True)],
        [count_groups(part, own) for part, own in zip(counts.values(), groups, strict=True)],
        [own.always_pooled for own in groups],
    )


def judge_shifts(
    reference: Reference,
    chunks: Sequence[datetime],
    shifts: Shifts,
    n: NDArray[np.int64],
    counts: Mapping[str, FeatureCounts],
    known: Mapping[str, ReferenceProfile],
    *,
    n_chunks: int | None = None,
) -> DriftTable:
    """Judge what was measured of the features of `counts`, in their order; `n` are the rows, shape (f, k)."""
    features = tuple(counts)
    natural = tuple(known[name].get_natural_variation(n_chunks or 1) for name in features)
    judgement = judge_drift(
        shifts.effect,
        shifts.p_value,
        [int(known[name].counts.n[0]) for name in features],
        n,
        natural,
        has_persistence=n_chunks is None,
        pooled_shares=shifts.pooled_share,
    )
    return DriftTable(
        reference=reference,
        features=features,
        chunks=tuple(chunks),
        shifts=shifts,
        counts=counts,
        known=known,
        natural=natural,
        judgement=judgement,
    )
