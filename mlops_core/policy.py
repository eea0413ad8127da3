"""The policy: decides whether a run is started now, and says why or why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_core.entities import Status, Verdict
from mlops_core.policy_records import Cause, Decision, Obstacle, PastRun
from mlops_core.policy_terms import Least, Policy
from mlops_core.policy_words import count_days, tell_moment, tell_verdicts
from mlops_core.runs import RunStatus

COUNTED = {
    Least.WARNING: frozenset({Status.WARNING, Status.ALERT}),
    Least.ALERT: frozenset({Status.ALERT}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision rests on."""

    verdicts: Sequence[Verdict]
    """What the checks say of the version in production; each with the instant since when it says so."""
    runs: Sequence[PastRun]
    """Every run that could matter, in any order."""
    last_training: datetime | None
    """When the newest version was trained; None before the first."""
    new_labels: int | None
    """Labels since the last training; None when none was ever delivered, so that nothing can be said."""
    labels_since_own: int
    """Labels since the policy's last run; all when there was none."""
    now: datetime

    @property
    def last(self) -> PastRun | None:
        """The newest run of anybody."""
        return max(self.runs, key=_get_place, default=None)

    @property
    def own(self) -> PastRun | None:
        """The newest run that the policy has started."""
        return max((run for run in self.runs if run.is_own), key=_get_place, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that asks for a run."""

    cause: Cause
    words: str
    verdicts: tuple[Verdict, ...] = ()
    """Those that ask, of a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """What the policy decides, and why."""

    decision: Decision
    asked: tuple[Asked, ...]
    """Empty when nothing asks for a run."""
    obstacle: Obstacle | None
    """What stopped it; None for a run, and when nothing asks for one."""
    because: int
    """The run that the obstacle, or what is new since, refers to; 0 when there was none."""
    words: str


def decide(policy: Policy, facts: Facts) -> PolicyAnswer:
    """Decide whether a run is started now."""
    asked = tuple(_list_asked(policy, facts))
    last = facts.last
    because = last.id if last else 0
    if not asked:
        words = "Nothing asks for a run." if policy.has_triggers else "No run is started by itself."
        return PolicyAnswer(decision=Decision.HOLD, asked=(), obstacle=None, because=because, words=words)
    why = " ".join(one.words for one in asked)
    stopped = _find_obstacle(policy, facts, asked)
    if stopped is None:
        return PolicyAnswer(decision=Decision.RETRAIN, asked=asked, obstacle=None, because=because, words=why)
    obstacle, run, told = stopped
    return PolicyAnswer(
        decision=Decision.HOLD, asked=asked, obstacle=obstacle, because=run.id, words=f"{why} No run: {told}."
    )


def _list_asked(policy: Policy, facts: Facts) -> Iterator[Asked]:
    counted = {one.code: COUNTED[one.least] for one in policy.verdicts}
    standing = tuple(one for one in facts.verdicts if one.status in counted.get(one.code, ()))
    if standing:
        yield Asked(cause=Cause.VERDICT, words=tell_verdicts(standing), verdicts=standing)
    if policy.new_labels is not None and (facts.new_labels or 0) >= policy.new_labels:
        words = f"{facts.new_labels:,} labels have come since the last training; {policy.new_labels:,} are enough."
        yield Asked(cause=Cause.LABELS, words=words)
    if policy.every_days is not None:
        due = _find_due(policy.every_days, facts)
        if due is None or due <= facts.now:
            passed = f"{count_days(policy.every_days)} have passed since the last training or run."
            words = passed if due else "Nothing was trained yet."
            yield Asked(cause=Cause.SCHEDULE, words=words)


def _find_due(every_days: float, facts: Facts) -> datetime | None:
    """Give when the schedule asks for a run; None when that is now, because there was none and no training."""
    moments = [run.at for run in facts.runs] + ([facts.last_training] if facts.last_training else [])
    return max(moments) + timedelta(days=every_days) if moments else None


def _find_obstacle(policy: Policy, facts: Facts, asked: Sequence[Asked]) -> tuple[Obstacle, PastRun, str] | None:
    """Give what stops a run, the run that it refers to, and its words."""
    last, own = facts.last, facts.own
    for run in facts.runs:
        if run.status and not run.status.is_over:
            return Obstacle.RUNNING, run, f"run {run.id} is {run.status.value}"
    if last is None:
        return None
    until = last.at + timedelta(days=policy.cooldown_days)
    if facts.now < until:
        days = count_days(policy.cooldown_days)
        return (
            Obstacle.COOLDOWN,
            last,
            f"within {days} of run {last.id} none is started, that is until {tell_moment(until)}",
        )
    since = facts.now - timedelta(days=policy.budget.days)
    counted = [run for run in facts.runs if run.is_own and run.at > since]
    if len(counted) >= policy.budget.runs:
        n, oldest = policy.budget.runs, min(run.at for run in counted)
        told = f"the budget of {n:,} in {count_days(policy.budget.days)} is used up until "
        return Obstacle.BUDGET, last, told + tell_moment(oldest + timedelta(days=policy.budget.days))
    if own and not _is_anything_new(facts, own, asked):
        ended = f"run {own.id} {OUTCOMES[own.status]}, and " if own.status else ""
        after = "" if own.status else f" run {own.id}"
        return Obstacle.NOTHING_NEW, own, f"{ended}neither labels nor other verdicts have come since{after}"
    return None


OUTCOMES = {
    RunStatus.SUCCEEDED: "has passed the gate",
    RunStatus.REFUSED: "was refused by the gate",
    RunStatus.FAILED: "has failed",
    RunStatus.CANCELLED: "was cancelled",
}


def _get_place(run: PastRun) -> tuple[datetime, int]:
    return run.at, run.id


def _is_anything_new(facts: Facts, own: PastRun, asked: Sequence[Asked]) -> bool:
    """Say whether another run could end otherwise than the last one that the policy has started."""
    if facts.labels_since_own:
        return True
    # Where no label is ever delivered, the entry point brings them, and nobody but the schedule can know when.
    if facts.new_labels is None and any(one.cause is Cause.SCHEDULE for one in asked):
        return True
    return any(verdict.at > own.at for one in asked for verdict in one.verdicts)
