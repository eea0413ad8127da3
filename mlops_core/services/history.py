"""The history of a model's versions: decides the state of each and when it was in production."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from mlops_core.entities import Deployment, Estimate, Metric, ModelSpec, Source, Span, Version
from mlops_core.services.performance import ALL_TIME, find_arrival, find_profile, read_series, select_covered
from mlops_core.services.runtime import Runtime
from mlops_core.stats.intervals import estimate_metrics
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import read_score_profiles
from mlops_core.words import write_age


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionHistory:
    """A version and what became of it."""

    version: Version
    is_champion: bool
    spans: tuple[Span, ...]
    """Every time in production, oldest first; empty when it never was."""
    live: dict[Metric, Estimate]
    """Over all its labelled live traffic; empty when it has none."""
    n_labelled: int
    """Labelled rows of its live traffic."""
    trend: tuple[float, ...]
    """Its primary metric, 7-chunk figures of its newest time in production; empty without labels."""


def find_spans(deployments: Sequence[Deployment]) -> list[Span]:
    """Turn the changes of production, oldest first, into spans."""
    ends = (deployment.at for deployment in deployments[1:])
    return [
        Span(version=deployment.version, start=deployment.at, end=end, deployment=deployment.id)
        for deployment, end in zip_longest(deployments, ends)
    ]


def read_history(runtime: Runtime, spec: ModelSpec, now: datetime) -> list[VersionHistory]:
    """Read every version with its state, its live metrics, and its times in production, in order of registration."""
    deployments = list_deployments(runtime.database, spec.name)
    champion = deployments[-1].version if deployments else None
    spans = find_spans(deployments)
    profiles = read_score_profiles(runtime.database, spec, ALL_TIME)
    arrival = find_arrival(runtime, spec, now)
    series = read_series(runtime, spec, spec.primary_metric, ALL_TIME)
    histories = []
    for version in list_versions(runtime.database, spec.name):
        profile = find_profile(profiles, version.name, Source.LIVE)
        covered = select_covered(profile, arrival) if profile else None
        counts = covered.counts if covered and covered.chunks else None
        histories.append(
            VersionHistory(
                version=version,
                is_champion=version.name == champion,
                spans=tuple(span for span in spans if span.version == version.name),
                live=estimate_metrics(counts) if counts else {},
                n_labelled=int(counts.n_labelled.sum()) if counts else 0,
                trend=next((one.rolling for one in reversed(series) if one.version == version.name), ()),
            )
        )
    return histories


def describe_history(spec: ModelSpec, histories: Sequence[VersionHistory], now: datetime) -> str:
    """Say in a sentence which version is in production, for how long, and how it did beside the others."""
    champion = next((one for one in histories if one.is_champion), None)
    if champion is None:
        if not histories:
            return f"{spec.name} has no version yet."
        if len(histories) == 1:
            return f"{spec.name} has one version; it is not in production."
        return f"{spec.name} has {len(histories)} versions; none of them is in production."
    age = write_age(now - champion.spans[-1].start)
    return (
        f"{champion.version.name} has been in production for {age}; "
        f"{len(histories) - 1} other version{'s' if len(histories) != 2 else ''} could replace it."
    )
