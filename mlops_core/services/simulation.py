"""A policy over the past: decides what it would have done then, and what of its gain is known.

Production goes on in it as it did: what the policy would have trained was never there, so nothing follows from it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median
from typing import Any

from mlops_core.entities import Deployment, ModelSpec, Verdict, Version
from mlops_core.policy import Facts, PolicyAnswer, decide
from mlops_core.policy_records import Decision, Obstacle, PastRun
from mlops_core.policy_terms import Policy
from mlops_core.services.comparison import VersionComparison, list_alternatives, read_comparison
from mlops_core.services.runtime import Runtime
from mlops_core.services.simulated_rollback import (
    RollbackPast,
    SimulatedRollback,
    read_rollback_past,
    replay_rollbacks,
)
from mlops_core.stats.comparison import MetricDifference
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import list_versions
from mlops_core.store.runs import list_past_runs, list_run_times, list_runs
from mlops_core.store.traffic import list_label_deliveries
from mlops_core.store.verdicts import list_verdicts

STEP = timedelta(days=1)
"""Beside what happened, so often it is looked whether a schedule is due or a cooldown over."""
MOST_LOOKS = 4000
"""Of a longer past the newest part is looked at."""
ALL_VERDICTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What is known of a version that was trained on the labels that a simulated run would have seen."""

    version: str
    comparison: VersionComparison
    """Kept, with the version that was in production then; the difference is that of the primary metric."""
    difference: MetricDifference
    is_turned: bool
    """Whether the trained version was the champion of the comparison, so that the difference has the other sign."""

    @property
    def ends(self) -> tuple[float, float, float] | None:
        """The gain with its 95 % interval, positive is better; None when it could not be measured."""
        found = self.difference
        if found.difference is None or found.low is None or found.high is None:
            return None
        if self.is_turned:
            return -found.difference, -found.high, -found.low
        return found.difference, found.low, found.high


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDecision:
    """What the policy would have decided at one time."""

    at: datetime
    answer: PolicyAnswer
    champion: str | None
    """In production then."""
    run: int | None
    """The number of the run that would have been started; None of a hold."""
    gain: Gain | None = None
    """Of a run; None when no version tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a policy would have done."""

    policy: Policy
    start: datetime
    end: datetime
    decisions: tuple[SimulatedDecision, ...]
    """Runs, and holds though something asked for one, each told once; oldest first."""
    rollbacks: tuple[SimulatedRollback, ...]
    """The same of rollbacks; empty when the policy leaves them to people."""
    versions: tuple[str, ...]
    """Every version, in order of registration."""
    deployments: tuple[Deployment, ...]
    deliveries: tuple[tuple[datetime, int], ...]
    """When labels came, and how many."""
    run_time: timedelta | None
    """What a run takes, the middle of those that came to the gate; None while there is none."""
    n_measured: int
    """Runs that this rests on."""

    @property
    def runs(self) -> tuple[SimulatedDecision, ...]:
        """The runs that would have been started."""
        return tuple(one for one in self.decisions if one.answer.decision is Decision.RETRAIN)

    @property
    def holds(self) -> tuple[SimulatedDecision, ...]:
        """What would have been held."""
        return tuple(one for one in self.decisions if one.answer.decision is Decision.HOLD)

    @property
    def cost(self) -> timedelta | None:
        """Time that the runs would have taken; None when no run says how long one takes."""
        return None if self.run_time is None else self.run_time * len(self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What was stored, in the order of time."""

    verdicts: Sequence[Verdict]
    deployments: Sequence[Deployment]
    deliveries: Sequence[tuple[datetime, int]]
    versions: Sequence[Version]
    runs: Sequence[PastRun]
    """Those that people started."""
    delivered: Sequence[datetime]
    """The times of the deliveries."""
    counts: Sequence[int]
    """Labels before each of them, and all."""

    def count_labels(self, since: datetime | None, until: datetime) -> int:
        """Count the labels that came in a span; its end belongs to it."""
        first = bisect_right(self.delivered, since) if since else 0
        return self.counts[max(bisect_right(self.delivered, until), first)] - self.counts[first]


def simulate_policy(runtime: Runtime, spec: ModelSpec, policy: Policy, now: datetime) -> Simulation:
    """Say what a policy would have done up to now, had it been in force from the first delivery or change on.

    Simulated runs count for its cooldown and its budget. Versions that were trained then, and runs that people started,
    count as they did; runs that a policy started are left out. Runs are numbered on from the last of people's.
    """
    past = _read_past(runtime, spec, now)
    changes = None
    if policy.rolls_back:
        changes = read_rollback_past(runtime, spec, past.deployments, past.delivered, now)
    looks = _list_looks(past, changes, now)
    times = list_run_times(runtime.database, spec.name)
    simulation = Simulation(
        policy=policy,
        start=looks[0] if looks else now,
        end=now,
        decisions=tuple(_replay(policy, past, looks)),
        rollbacks=tuple(_replay_rollbacks(policy, past, changes, looks)) if changes else (),
        versions=tuple(version.name for version in past.versions),
        deployments=tuple(past.deployments),
        deliveries=tuple(past.deliveries),
        run_time=timedelta(seconds=median(took.total_seconds() for took in times)) if times else None,
        n_measured=len(times),
    )
    # What gates have found is large, and only runs have a gain.
    kept = _read_kept(runtime, spec, past) if simulation.runs else {}
    told = [replace(one, gain=_find_gain(spec, past, one, kept)) for one in simulation.decisions]
    return replace(simulation, decisions=tuple(told))


def _read_past(runtime: Runtime, spec: ModelSpec, now: datetime) -> _Past:
    verdicts = list_verdicts(runtime.database, spec.name, ALL_VERDICTS)
    deliveries = [one for one in list_label_deliveries(runtime.database, spec.name) if one[0] <= now]
    return _Past(
        verdicts=sorted((one for one in reversed(verdicts) if one.at <= now), key=lambda one: one.at),
        deployments=[one for one in list_deployments(runtime.database, spec.name) if one.at <= now],
        deliveries=deliveries,
        delivered=[at for at, _ in deliveries],
        counts=[0, *accumulate(n for _, n in deliveries)],
        versions=list_versions(runtime.database, spec.name),
        # When they ended matters to nobody: only a run of days would have held another up.
        runs=[
            replace(one, status=None)
            for one in list_past_runs(runtime.database, spec.name)
            if not one.is_own and one.at <= now
        ],
    )


def _read_kept(runtime: Runtime, spec: ModelSpec, past: _Past) -> dict[str, list[VersionComparison]]:
    """Give the kept comparisons by champion: those of checks first, then what gates have found."""
    champions = {deployment.version for deployment in past.deployments}
    kept = {champion: list_alternatives(runtime, spec.name, champion) for champion in champions}
    for run in list_runs(runtime.database, spec.name):
        report: Mapping[str, Any] = run.report
        compared = report["gate"]["comparison"] if "gate" in report else None
        if compared and compared["champion"] in champions:
            kept[compared["champion"]].append(read_comparison(compared))
    return kept


def _list_looks(past: _Past, changes: RollbackPast | None, now: datetime) -> list[datetime]:
    """Give the times to decide at: of all that happened, and once a day between."""
    happened = {one.at for one in past.verdicts} | {one.at for one in past.deployments}
    happened |= {at for at, _ in past.deliveries} | {one.at for one in (changes.kept if changes else ())}
    if not happened:
        return []
    first = max(min(happened), now - MOST_LOOKS * STEP)
    steps = {first + i * STEP for i in range((now - first) // STEP + 1)}
    return sorted({at for at in happened | steps if at >= first})[-MOST_LOOKS:]


def _replay(policy: Policy, past: _Past, looks: Sequence[datetime]) -> Iterator[SimulatedDecision]:
    own: list[PastRun] = []
    told: set[tuple[Obstacle | None, int]] = set()
    for at, champion, standing in _walk(past, looks):
        answer = decide(policy, _make_facts(past, own, standing, at))
        if not answer.asked or (answer.obstacle, answer.because) in told:
            continue
        told.add((answer.obstacle, answer.because))
        number = None
        if answer.decision is Decision.RETRAIN:
            number = max([run.id for run in (*past.runs, *own)], default=0) + 1
            own.append(PastRun(id=number, at=at, status=None, is_own=True))
        yield SimulatedDecision(at=at, answer=answer, champion=champion, run=number)


def _replay_rollbacks(
    policy: Policy, past: _Past, changes: RollbackPast, looks: Sequence[datetime]
) -> Iterator[SimulatedRollback]:
    return replay_rollbacks(policy, changes, ((at, standing) for at, _, standing in _walk(past, looks)))


def _walk(past: _Past, looks: Sequence[datetime]) -> Iterator[tuple[datetime, str | None, list[Verdict]]]:
    """Give, at each look, the champion, and what the checks said of it since it was put into production."""
    standing: dict[tuple[str, str], Verdict] = {}
    verdict, deployment = 0, 0
    champion: str | None = None
    for at in looks:
        while deployment < len(past.deployments) and past.deployments[deployment].at <= at:
            change = past.deployments[deployment]
            champion, deployment = change.version, deployment + 1
            standing = {key: one for key, one in standing.items() if one.at >= change.at and one.version == champion}
        while verdict < len(past.verdicts) and past.verdicts[verdict].at <= at:
            one, verdict = past.verdicts[verdict], verdict + 1
            if one.version == champion:
                standing[one.code, one.subject] = one
        yield at, champion, list(standing.values())


def _make_facts(past: _Past, own: Sequence[PastRun], standing: Sequence[Verdict], at: datetime) -> Facts:
    runs = [run for run in (*past.runs, *own) if run.at <= at]
    trained = [version.created_at for version in past.versions if version.created_at <= at]
    trained += [run.at for run in own]
    last = max(trained, default=None)
    return Facts(
        verdicts=standing,
        runs=runs,
        last_training=last,
        new_labels=past.count_labels(last, at) if past.deliveries else None,
        labels_since_own=past.count_labels(own[-1].at if own else None, at),
        now=at,
    )


def _find_gain(
    spec: ModelSpec, past: _Past, made: SimulatedDecision, kept: Mapping[str, Sequence[VersionComparison]]
) -> Gain | None:
    """Give what a kept comparison says of a version that was trained when the same labels were there."""
    if made.run is None or made.champion is None:
        return None
    for version in past.versions:
        first, last = sorted((version.created_at, made.at))
        if version.name == made.champion or past.count_labels(first, last):
            continue
        for champion, candidate in ((made.champion, version.name), (version.name, made.champion)):
            found = next((one for one in kept.get(champion, ()) if one.candidate == candidate), None)
            if found and found.paired.get_difference(spec.primary_metric).difference is not None:
                return Gain(
                    version=version.name,
                    comparison=found,
                    difference=found.paired.get_difference(spec.primary_metric),
                    is_turned=champion == version.name,
                )
    return None
