"""Rollbacks over the past: decides what a policy would have taken back then, by what was known then.

Versions are compared when a check runs; what was not compared then, nobody can know now.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mlops_core.entities import Action, Deployment, ModelSpec, Verdict
from mlops_core.policy_changes import ChangeFacts, Compared, RollbackAnswer, decide_rollback
from mlops_core.policy_records import Decision, Obstacle
from mlops_core.policy_terms import Policy
from mlops_core.production import POLICY, Bake
from mlops_core.services.comparison import read_comparison
from mlops_core.services.policy_rollback import make_compared
from mlops_core.services.runtime import Runtime
from mlops_core.store.bakes import list_bakes
from mlops_core.store.verdicts import list_kept_comparisons


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRollback:
    """What a policy would have decided about taking a change of production back, at one time."""

    at: datetime
    answer: RollbackAnswer
    followed: Deployment | None
    """The change of production that came next in fact; None while there is none."""

    @property
    def is_done(self) -> bool:
        """Say whether production would have been rolled back."""
        return self.answer.decision is Decision.ROLL_BACK

    @property
    def to(self) -> str | None:
        """The version that production would have gone back to; None of a hold."""
        return self.answer.change.previous if self.is_done else None

    @property
    def is_unknown(self) -> bool:
        """Say whether nobody knows what would have come, since nothing was compared then."""
        return self.answer.obstacle is Obstacle.NOT_COMPARED


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptComparison:
    """A comparison that a check has kept."""

    at: datetime
    champion: str
    candidate: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPast:
    """What was stored and rollbacks rest on, in the order of time."""

    spec: ModelSpec
    deployments: Sequence[Deployment]
    delivered: Sequence[datetime]
    """When labels came."""
    kept: Sequence[KeptComparison]
    bakes: Sequence[Bake]


def read_rollback_past(
    runtime: Runtime, spec: ModelSpec, deployments: Sequence[Deployment], delivered: Sequence[datetime], now: datetime
) -> RollbackPast:
    """Read what rollbacks rested on up to now."""
    pairs = {(one.version, one.previous) for one in deployments}
    kept = [KeptComparison(**row) for row in list_kept_comparisons(runtime.database, spec.name)]
    return RollbackPast(
        spec=spec,
        deployments=deployments,
        delivered=delivered,
        kept=[one for one in kept if one.at <= now and (one.champion, one.candidate) in pairs],
        bakes=list_bakes(runtime.database, spec.name) if spec.baking.auto_revert else (),
    )


def replay_rollbacks(
    policy: Policy, past: RollbackPast, looks: Iterable[tuple[datetime, Sequence[Verdict]]]
) -> Iterator[SimulatedRollback]:
    """Give rollbacks and holds of them, each told once, oldest first.

    Production goes on as it did, so a change that would have been taken back is not looked at again. That the artifact
    of the version before was there, is taken for granted.

    Parameters
    ----------
    looks : iterable of (datetime, sequence of Verdict)
        Times to decide at, oldest first, and what the checks said then of the version in production.
    """
    own: list[Deployment] = []
    told: set[str] = set()
    times = [one.at for one in past.deployments]
    for at, standing in looks:
        place = bisect_right(times, at)
        change = past.deployments[place - 1] if place else None
        if change is None or any(one.id == change.id for one in own):
            continue
        answer = decide_rollback(policy, _make_facts(past, (*own, *past.deployments[:place]), standing, at))
        if answer is None or answer.key in told:
            continue
        told.add(answer.key)
        if answer.decision is Decision.ROLL_BACK and change.previous:
            own.append(
                replace(
                    change,
                    version=change.previous,
                    previous=change.version,
                    action=Action.ROLL_BACK,
                    at=at,
                    actor=POLICY,
                )
            )
        followed = past.deployments[place] if place < len(past.deployments) else None
        yield SimulatedRollback(at=at, answer=answer, followed=followed)


def _make_facts(
    past: RollbackPast, deployments: Sequence[Deployment], standing: Sequence[Verdict], at: datetime
) -> ChangeFacts:
    change = deployments[-1]
    return ChangeFacts(
        deployments=deployments,
        verdicts=standing,
        trouble="",
        compared=_find_compared(past, change, at),
        is_baking=any(
            bake.deployment == change.id and not (bake.decided_at and bake.decided_at <= at) for bake in past.bakes
        ),
        now=at,
    )


def _find_compared(past: RollbackPast, change: Deployment, at: datetime) -> Compared | None:
    """Give the newest comparison of then with the version before; None when labels had come since."""
    place = bisect_right(past.delivered, at)
    newest = past.delivered[place - 1] if place else None
    for one in reversed(past.kept):
        if one.at <= at and (one.champion, one.candidate) == (change.version, change.previous):
            return make_compared(past.spec, read_comparison(one.result)) if newest and newest <= one.at else None
    return None
