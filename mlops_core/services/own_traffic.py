"""What each version answered itself: decides what is said of versions without rows in common, short of a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.chunking import next_chunk
from mlops_core.entities import Estimate, ModelSpec, Source, Window
from mlops_core.services.balance import FeatureBalance, measure_balance
from mlops_core.services.performance import find_profile, read_profiles
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import FeatureCounts, sum_up
from mlops_core.stats.intervals import estimate_metrics
from mlops_core.store.binnings import get_binning
from mlops_core.store.features import ALL_TRAFFIC, Segment, read_feature_profiles
from mlops_core.store.models import get_version
from mlops_core.store.profiles import ScoreProfile
from mlops_core.words import write_estimate, write_number, write_span

EXPORTED = ("version", "start", "end", "n", "n_labelled", "figure", "low", "high")
"""Columns of what each version answered, as CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one version answered in a window."""

    version: str
    start: datetime | None
    """Start of its first chunk; None when it answered nothing."""
    end: datetime | None
    """End of its last chunk."""
    n: int
    n_labelled: int
    estimate: Estimate
    """The primary metric; no value below 200 labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTraffic:
    """The live traffic of some versions, and how different it was."""

    answered: tuple[Answered, ...]
    """In the order of the versions."""
    balances: Mapping[str, tuple[FeatureBalance, ...]]
    """The features in the traffic of each other version against that of the first, the most different first."""


def read_own_traffic(
    runtime: Runtime, spec: ModelSpec, versions: Sequence[str], window: Window, segment: Segment = ALL_TRAFFIC
) -> OwnTraffic:
    """Read from counts what versions answered in a window."""
    profiles = read_profiles(runtime, spec, window, segment)
    counts = [_count_features(runtime, spec, name, window, segment) for name in versions]
    return OwnTraffic(
        answered=tuple(_describe(spec, name, find_profile(profiles, name, Source.LIVE)) for name in versions),
        balances={
            name: tuple(measure_balance(spec, counts[0], own))
            for name, own in zip(versions[1:], counts[1:], strict=True)
        },
    )


def _describe(spec: ModelSpec, version: str, profile: ScoreProfile | None) -> Answered:
    if profile is None:
        return Answered(version=version, start=None, end=None, n=0, n_labelled=0, estimate=Estimate(None))
    n_labelled = int(profile.counts.n_labelled.sum())
    is_enough = n_labelled >= LEAST_LABELS
    return Answered(
        version=version,
        start=profile.chunks[0],
        end=next_chunk(spec, profile.chunks[-1]),
        n=int(profile.counts.n.sum()),
        n_labelled=n_labelled,
        estimate=estimate_metrics(profile.counts)[spec.primary_metric] if is_enough else Estimate(None),
    )


def _count_features(
    runtime: Runtime, spec: ModelSpec, version: str, window: Window, segment: Segment
) -> dict[str, FeatureCounts]:
    """Give what a version's traffic held, all its chunks as one; what it neither reads nor was sent is absent."""
    binning = get_binning(runtime.database, spec.name)
    if binning is None:
        return {}
    read = get_version(runtime.database, spec.name, version).features
    profiles = read_feature_profiles(runtime.database, spec.name, binning.id, window, segment, version=version)
    return {
        one.feature: sum_up(one.counts)
        for one in profiles
        if one.feature in read or (one.counts.n_null < one.counts.n).any()
    }


def name_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Name the columns of what each version answered."""
    return ("Version", "Answered", "Rows", "Labels", spec.primary_metric.label)


def list_answered(spec: ModelSpec, own: OwnTraffic) -> list[tuple[str, ...]]:
    """Give what each version answered as text, in the order of `name_columns`."""
    return [
        (
            one.version,
            write_span(one.start, one.end, spec.timezone) if one.start and one.end else "nothing",
            f"{one.n:,}",
            f"{one.n_labelled:,}",
            write_estimate(one.estimate, "too few labels"),
        )
        for one in own.answered
    ]


def export_answered(own: OwnTraffic) -> list[tuple[str, ...]]:
    """Give what each version answered for a file, in the order of `EXPORTED`."""
    return [
        (
            one.version,
            one.start.isoformat() if one.start else "",
            one.end.isoformat() if one.end else "",
            str(one.n),
            str(one.n_labelled),
            *(write_number(value) for value in (one.estimate.value, one.estimate.low, one.estimate.high)),
        )
        for one in own.answered
    ]
