"""Where the champion stands: decides which chunks its sentence rests on, and gathers what the Performance page says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlops_core.checks.headline import Headline
from mlops_core.checks.performance import judge_estimate, judge_standard
from mlops_core.checks.performance_answer import Figure, Standing, answer
from mlops_core.chunking import LONGEST, next_chunk
from mlops_core.entities import Deployment, Estimate, Metric, ModelSpec, Source, Standard, Window
from mlops_core.services.estimation import Estimator, estimate_counts, find_estimator, record_estimates
from mlops_core.services.performance import (
    ALL_TIME,
    ROLLING_CHUNKS,
    Arrival,
    estimate_champion,
    find_arrival,
    find_profile,
    read_profiles,
)
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import merge_counts, select_chunks
from mlops_core.stats.estimation import EstimationError
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import list_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceStanding:
    """What the Performance page knows before anything is chosen."""

    headline: Headline
    deployments: tuple[Deployment, ...]
    """Every change of production, oldest first."""
    arrival: Arrival
    versions: tuple[str, ...]
    """Every version, in order of registration."""
    errors: Mapping[Metric, EstimationError]
    """How far off the champion's estimates of single chunks have been; empty without an estimator."""

    @property
    def champion(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[-1] if self.deployments else None


def read_standing(runtime: Runtime, spec: ModelSpec, now: datetime) -> PerformanceStanding:
    """Read where the champion stands, by its primary metric."""
    deployments = tuple(list_deployments(runtime.database, spec.name))
    arrival = find_arrival(runtime, spec, now)
    champion = deployments[-1] if deployments else None
    estimator = find_estimator(runtime, spec, champion.version) if champion else None
    errors = measure_errors(runtime, spec, estimator, arrival) if estimator else {}
    standing = _describe(runtime, spec, champion, arrival, estimator, errors)
    return PerformanceStanding(
        headline=answer(standing),
        deployments=deployments,
        arrival=arrival,
        versions=tuple(version.name for version in list_versions(runtime.database, spec.name)),
        errors=errors,
    )


def measure_errors(
    runtime: Runtime, spec: ModelSpec, estimator: Estimator, arrival: Arrival
) -> Mapping[Metric, EstimationError]:
    """Compare all estimates of a version's live chunks with the labels that came since, by metric."""
    profile = find_profile(read_profiles(runtime, spec, ALL_TIME), estimator.version, Source.LIVE)
    if profile is None:
        return {}
    covered = [i for i, chunk in enumerate(profile.chunks) if (profile.version, chunk) in arrival.covered]
    return record_estimates(estimator, profile, covered).errors


def _describe(
    runtime: Runtime,
    spec: ModelSpec,
    champion: Deployment | None,
    arrival: Arrival,
    estimator: Estimator | None,
    errors: Mapping[Metric, EstimationError],
) -> Standing:
    metric = spec.primary_metric
    standard = next((one for one in spec.standards if one.metric is metric), None)
    n_chunks = standard.window_days if standard else ROLLING_CHUNKS
    realised = _read_realised(runtime, spec, champion, arrival, standard, n_chunks) if champion else None
    estimated, are_labels_here = None, False
    if champion:
        estimated, are_labels_here = _read_estimated(runtime, spec, champion, arrival, standard, estimator, n_chunks)
    return Standing(
        words=spec.words,
        timezone=spec.timezone,
        chunk=spec.chunk,
        champion=champion.version if champion else None,
        metric=metric,
        standard=standard,
        realised=realised,
        estimated=estimated,
        are_labels_here=are_labels_here,
        error=errors.get(metric),
    )


def _read_realised(
    runtime: Runtime,
    spec: ModelSpec,
    champion: Deployment,
    arrival: Arrival,
    standard: Standard | None,
    n_chunks: int,
) -> Figure | None:
    labelled, estimates = estimate_champion(runtime, spec, champion, arrival, n_chunks)
    if labelled is None:
        return None
    found, n = estimates[spec.primary_metric], int(labelled.counts.n_labelled.sum())
    return Figure(
        status=judge_standard(standard, found, n, is_covered=True)[0] if standard else None,
        estimate=found,
        start=labelled.chunks[0],
        end=next_chunk(spec, labelled.chunks[-1]),
        n_chunks=len(labelled.chunks),
        n=n,
    )


def _read_estimated(
    runtime: Runtime,
    spec: ModelSpec,
    champion: Deployment,
    arrival: Arrival,
    standard: Standard | None,
    estimator: Estimator | None,
    n_chunks: int,
) -> tuple[Figure | None, bool]:
    """Give the estimate over the champion's newest chunks, and whether all their labels are here."""
    window = Window(champion.at - LONGEST[spec.chunk], ALL_TIME.end)
    profile = find_profile(read_profiles(runtime, spec, window), champion.version, Source.LIVE)
    if profile is None:
        return None, False
    chunks = profile.chunks[-n_chunks:]
    are_labels_here = all((champion.version, chunk) in arrival.covered for chunk in chunks)
    if estimator is None:
        return None, are_labels_here
    newest = merge_counts(select_chunks(profile.counts, range(len(profile.chunks))[-n_chunks:]))
    found, n = estimate_counts(estimator, newest)[0].get(spec.primary_metric, Estimate(None)), int(newest.n[0])
    status = judge_estimate(standard, found, n, are_labels_here=are_labels_here)[0] if standard else None
    figure = Figure(
        status=status,
        estimate=found,
        start=chunks[0],
        end=next_chunk(spec, chunks[-1]),
        n_chunks=len(chunks),
        n=n,
    )
    return figure, are_labels_here
