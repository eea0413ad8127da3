"""Drift of features by chunk: decides which counts are compared with which reference, and what the verdicts are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mlops_core.checks.drift import DriftJudgement, judge_drift
from mlops_core.chunking import next_chunk
from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.services.references import read_reference
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import FeatureCounts, merge_chunks
from mlops_core.stats.groups import count_groups
from mlops_core.stats.shift import Shifts, measure_shifts
from mlops_core.store.features import ALL_TRAFFIC, FeatureProfile, Segment, read_feature_profiles
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
    early = Window(window.start - RECENT_CHUNKS * (next_chunk(spec, window.start) - window.start), window.end)
    profiles = {
        one.feature: one
        for one in read_feature_profiles(
            runtime.database, spec.name, reference.binning, early, segment, list(version.features), version.name
        )
    }
    known = read_reference(runtime, spec, reference, segment)
    chunks = list_chunks(spec, [chunk for one in profiles.values() for chunk in one.chunks], window.end)
    if not chunks:
        return None
    place = {chunk: i for i, chunk in enumerate(chunks)}
    counts = {name: spread_chunks(profiles[name], place) for name in version.features if name in profiles}
    return judge_counts(reference, chunks, counts, known)


def list_chunks(spec: ModelSpec, seen: Sequence[datetime], end: datetime) -> list[datetime]:
    """Give every chunk from the first one seen to the last one that is over by an instant."""
    chunks = []
    chunk, last = (min(seen), max(seen)) if seen else (end, end)
    while chunk <= last and next_chunk(spec, chunk) <= end:
        chunks.append(chunk)
        chunk = next_chunk(spec, chunk)
    return chunks


def spread_chunks(profile: FeatureProfile, place: Mapping[datetime, int]) -> FeatureCounts:
    """Put the chunks of a profile at their places among all chunks; those that have none are left out."""
    position = np.array([place.get(chunk, -1) for chunk in profile.chunks], dtype=np.int64)
    return merge_chunks(profile.counts, position, len(place))


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
    features = [name for name in counts if name in known]
    if not features:
        return None
    groups = [known[name].groups for name in features]
    shifts = measure_shifts(
        [count_groups(known[name].counts, own)[0] for name, own in zip(features, groups, strict=True)],
        [count_groups(counts[name], own) for name, own in zip(features, groups, strict=True)],
        [own.always_pooled for own in groups],
    )
    natural = [known[name].get_natural_variation(n_chunks or 1) for name in features]
    judgement = judge_drift(
        shifts.effect,
        shifts.p_value,
        [int(known[name].counts.n[0]) for name in features],
        np.stack([counts[name].n for name in features]),
        natural,
        has_persistence=n_chunks is None,
        pooled_shares=shifts.pooled_share,
    )
    return DriftTable(
        reference=reference,
        features=tuple(features),
        chunks=tuple(chunks),
        shifts=shifts,
        counts=counts,
        known=known,
        natural=tuple(natural),
        judgement=judgement,
    )
