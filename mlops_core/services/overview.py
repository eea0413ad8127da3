"""The overview of one model: decides which figures stand on the first page, all read from counts and verdicts."""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from mlops_core.checks.findings import Check
from mlops_core.checks.headline import Headline
from mlops_core.checks.rollup import STOPS, MetricPair, Rival, Situation, Skew, summarise
from mlops_core.checks.strays import WRONG_VERSION, is_grave
from mlops_core.entities import Batch, Deployment, Estimate, Metric, ModelSpec, Source, Status, Verdict
from mlops_core.runs import TrainingRun
from mlops_core.services.activity import tell_happening
from mlops_core.services.comparison import VersionComparison, list_alternatives, read_comparison
from mlops_core.services.performance import (
    ALL_TIME,
    Arrival,
    estimate_champion,
    find_arrival,
    find_trend,
)
from mlops_core.services.run_attention import find_newest_run
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow import Shadow, read_shadow
from mlops_core.services.skews import find_skews
from mlops_core.services.standards import check_standards
from mlops_core.stats.comparison import MetricDifference
from mlops_core.store.audit import list_audit_events
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import Coverage, get_refreshed, read_coverage, read_score_profiles
from mlops_core.store.traffic import list_batches
from mlops_core.store.verdicts import list_standing_verdicts, list_verdicts
from mlops_core.words import write_day

HAPPENING_COLUMNS = ("When (UTC)", "Who", "What")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of "what happened"."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything the first page says about one model."""

    spec: ModelSpec
    now: datetime
    headline: Headline
    deployments: tuple[Deployment, ...]
    """Every change of production, oldest first."""
    arrival: Arrival
    coverage: tuple[Coverage, ...]
    """Rows and labels of live traffic, by chunk and version."""
    estimates: dict[Metric, Estimate]
    """The champion over its newest labelled chunks; empty without labels."""
    labelled_chunks: tuple[datetime, ...]
    """The chunks of `estimates`."""
    alternatives: tuple[VersionComparison, ...]
    """The champion against other versions on the same rows."""
    performance: Status | None
    """The newest verdict against the primary standard; None before the first."""
    trend: tuple[float, ...]
    """The champion's primary metric over time, 7-chunk figures, live."""
    rival_trend: tuple[float, ...]
    """The same of the best alternative, by replay."""
    skews: tuple[Skew, ...]
    skew_trend: tuple[float, ...]
    """Features lost in serving, by chunk of the champion's traffic."""
    versions: tuple[str, ...]
    """Every version, in order of registration."""
    n_features: int
    """Features of the champion."""
    happenings: tuple[Happening, ...]
    """Newest first."""
    shadow: Shadow | None
    """The challenger beside the champion; None while there is none."""
    shadow_trend: tuple[float, ...]
    """The challenger's primary metric over time, since it is one."""
    run: TrainingRun | None
    """The newest training run; None when there was none."""
    refreshed_at: datetime | None
    """When counts and verdicts were last brought up to date."""

    @property
    def champion(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[-1] if self.deployments else None


def read_overview(runtime: Runtime, spec: ModelSpec, now: datetime) -> Overview:
    """Read what the first page says about a model."""
    database = runtime.database
    deployments = tuple(list_deployments(database, spec.name))
    champion = deployments[-1] if deployments else None
    arrival = find_arrival(runtime, spec, now)
    labelled, estimates = estimate_champion(runtime, spec, champion, arrival) if champion else (None, {})
    alternatives = _rank_alternatives(runtime, spec, champion) if champion else ()
    verdicts = list_verdicts(database, spec.name)
    skews, skew_trend = find_skews(runtime, spec, champion) if champion else ((), ())
    performance = _find_performance(runtime, spec, champion, arrival, verdicts, now) if champion else None
    versions = list_versions(database, spec.name)
    profiles = read_score_profiles(database, spec, ALL_TIME)
    rival, shadow = alternatives[0].candidate if alternatives else None, read_shadow(runtime, spec)
    return Overview(
        spec=spec,
        now=now,
        headline=summarise(_describe_situation(runtime, spec, deployments, performance, skews, alternatives)),
        deployments=deployments,
        arrival=arrival,
        coverage=tuple(read_coverage(database, spec.name)),
        estimates=estimates,
        labelled_chunks=labelled.chunks if labelled else (),
        alternatives=alternatives,
        performance=performance.status if performance else None,
        trend=find_trend(profiles, spec, champion.version, Source.LIVE, champion.at) if champion else (),
        rival_trend=find_trend(profiles, spec, rival, Source.REPLAY, champion.at) if champion and rival else (),
        skews=skews,
        skew_trend=skew_trend,
        versions=tuple(version.name for version in versions),
        n_features=next((len(v.features) for v in versions if champion and v.name == champion.version), 0),
        happenings=tuple(_list_happenings(runtime, spec, verdicts)),
        shadow=shadow,
        shadow_trend=find_trend(profiles, spec, shadow.challenge.version, Source.REPLAY, shadow.start)
        if shadow
        else (),
        run=find_newest_run(runtime, spec),
        refreshed_at=get_refreshed(database, spec.name),
    )


def _rank_alternatives(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> tuple[VersionComparison, ...]:
    """Give the kept comparisons with the champion, the best candidate first."""

    def measure(found: VersionComparison) -> float:
        difference = found.paired.get_difference(spec.primary_metric).difference
        return -math.inf if difference is None else difference

    return tuple(sorted(list_alternatives(runtime, spec.name, champion.version), key=measure, reverse=True))


def _find_performance(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, arrival: Arrival, stored: Sequence[Verdict], now: datetime
) -> Verdict | None:
    """Give the verdict on the primary metric as of now, with the time since which it has had its status."""
    current = next(
        (v for v in check_standards(runtime, spec, champion, arrival, now) if v.subject == spec.primary_metric), None
    )
    if current is None:
        return None
    key = (current.code, current.subject, current.version)
    last = next((v for v in stored if (v.code, v.subject, v.version) == key and v.at >= champion.at), None)
    return replace(current, at=last.at) if last and last.status is current.status else current


def _describe_situation(
    runtime: Runtime,
    spec: ModelSpec,
    deployments: tuple[Deployment, ...],
    performance: Verdict | None,
    skews: tuple[Skew, ...],
    alternatives: tuple[VersionComparison, ...],
) -> Situation:
    champion = deployments[-1] if deployments else None
    name = champion.version if champion else None
    served = {deployment.version for deployment in deployments}
    rivals = [_read_rival(spec, found, found.candidate in served) for found in alternatives]
    return Situation(
        words=spec.words,
        timezone=spec.timezone,
        champion=name,
        since=champion.at if champion else None,
        metric=spec.primary_metric,
        performance=performance,
        skews=skews,
        stops=_list_stops(runtime, spec, champion) if champion else (),
        rivals=tuple(rival for rival in rivals if rival),
        evidence=_read_evidence(runtime, spec, champion) if champion else None,
        replaced=champion.previous if champion else None,
    )


def _list_stops(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> tuple[Verdict, ...]:
    standing = list_standing_verdicts(runtime.database, spec.name, champion.at)
    own = (verdict for verdict in standing if verdict.version == champion.version)
    alerts = (verdict for verdict in own if verdict.code in STOPS and verdict.status is Status.ALERT)
    return tuple(verdict for verdict in alerts if verdict.code != WRONG_VERSION or is_grave(verdict))


def _read_rival(spec: ModelSpec, found: VersionComparison, was_champion: bool) -> Rival | None:
    """Give what the headline needs of a comparison; None when the primary metric has no interval."""
    metrics = found.paired.metrics
    primary = _read_pair(metrics.get(spec.primary_metric))
    if primary is None:
        return None
    return Rival(
        version=found.candidate,
        primary=primary,
        recall=_read_pair(metrics.get(Metric.RECALL)),
        n=found.paired.n,
        start=found.start,
        end=found.end,
        was_champion=was_champion,
    )


def _read_pair(difference: MetricDifference | None) -> MetricPair | None:
    if difference is None:
        return None
    champion, rival, middle = difference.champion, difference.candidate, difference.difference
    low, high = difference.low, difference.high
    if champion is None or rival is None or middle is None or low is None or high is None:
        return None
    return MetricPair(
        champion=champion, rival=rival, difference=middle, low=low, high=high, judgement=difference.judgement
    )


def _read_evidence(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> Rival | None:
    """Give the rehearsal that was on the screen when the champion was chosen."""
    for event in list_audit_events(runtime.database, spec.name):
        if event.evidence.get("deployment") == champion.id:
            document = event.evidence.get("rehearsal")
            return _read_rival(spec, read_comparison(document), True) if document else None
    return None


def _tell_labels(spec: ModelSpec, batch: Batch) -> str:
    return f"{batch.accepted:,} labels" + (f", to {write_day(batch.end, spec.timezone)}" if batch.end else "")


def _list_happenings(runtime: Runtime, spec: ModelSpec, verdicts: list[Verdict]) -> list[Happening]:
    """Merge deployments, label deliveries, and changes of verdict, newest first."""
    skewed = {(one.at, one.version) for one in verdicts if one.code == Check.NULL_SKEW and one.status is Status.ALERT}
    happenings = [
        Happening(at=verdict.at, who=verdict.code.split(".")[0], what=f"{verdict.version}: {verdict.reason}")
        for verdict in verdicts
        if (verdict.status in (Status.ALERT, Status.WARNING) or verdict.code == "performance.standard")
        and not _is_said_twice(verdict, skewed)
        # An incident is told by the line that it has in the audit log.
        and verdict.code != WRONG_VERSION
    ]
    happenings += [
        Happening(at=batch.at, who="labels", what=_tell_labels(spec, batch))
        for batch in list_batches(runtime.database, spec.name, "labels")
    ]
    happenings += [
        Happening(at=event.at, who=event.actor.name, what=tell_happening(event))
        for event in list_audit_events(runtime.database, spec.name)
    ]
    return sorted(happenings, key=lambda happening: happening.at, reverse=True)


def _is_said_twice(verdict: Verdict, skewed: Set[tuple[datetime, str]]) -> bool:
    """Say whether a column that is empty is told already, by comparison with training."""
    return verdict.code in (Check.SCHEMA, Check.NULLS) and (verdict.at, verdict.version) in skewed


def list_happening_rows(happenings: Sequence[Happening]) -> list[tuple[str, ...]]:
    """Give what happened as text with times in full, for a file."""
    return [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.what) for one in happenings]


def read_refreshed(runtime: Runtime, spec: ModelSpec) -> datetime | None:
    """Give when a model was last counted and checked; None when never."""
    return get_refreshed(runtime.database, spec.name)
