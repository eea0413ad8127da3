"""The policy's changes of production: decides whether it is rolled back now, and what is never promoted by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_core.checks.performance import LEAST_LABELS_FOR_ALERT
from mlops_core.checks.strays import WRONG_VERSION
from mlops_core.entities import Action, Deployment, Metric, Status, Verdict
from mlops_core.policy_records import Decision, Obstacle
from mlops_core.policy_terms import Policy
from mlops_core.policy_words import count_days, tell_moment, tell_verdicts
from mlops_core.production import BAKER, POLICY, is_taken_back_by_itself
from mlops_core.stats.comparison import MetricDifference, PairedComparison
from mlops_core.stats.judgement import Judgement
from mlops_core.stats.repeated_looks import find_widening
from mlops_core.words import write_difference

STANDARD = "performance.standard"
"""The check whose alerts ask for a rollback: it rests on labels, never on estimates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The version in production beside the one before it, on the newest labelled rows."""

    paired: PairedComparison
    """The candidate is the version before."""
    primary: Metric
    n_window: int
    """Rows that those compared are a sample of; their number when all were taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """What a rollback rests on."""

    deployments: Sequence[Deployment]
    """Every change of production, oldest first."""
    verdicts: Sequence[Verdict]
    """What the checks say of the version in production; each with the instant since when it says so."""
    trouble: str
    """Why the version before could not serve; empty when it could, and when there is none."""
    compared: Compared | None
    """None when the version before was not compared on the newest rows."""
    is_baking: bool
    """Whether a baking window that may take the newest change back by itself has no outcome yet."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackAnswer:
    """What is decided about a rollback that an alert asks for, and why."""

    decision: Decision
    change: Deployment
    """The newest change of production, which would be taken back."""
    alerts: tuple[Verdict, ...]
    obstacle: Obstacle | None
    """What stopped it; None for a rollback."""
    key: str
    """Answers with the same key are one."""
    words: str


def list_alerts(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Give the verdicts that ask for a rollback."""
    return tuple(one for one in verdicts if one.code == STANDARD and one.status is Status.ALERT)


def decide_rollback(policy: Policy, facts: ChangeFacts) -> RollbackAnswer | None:
    """Decide whether production is rolled back now; None when nothing asks for it."""
    alerts = list_alerts(facts.verdicts)
    if not policy.rolls_back or not alerts or not facts.deployments:
        return None
    change, why = facts.deployments[-1], tell_verdicts(alerts)
    stopped = _find_obstacle(policy, facts, alerts)
    if stopped:
        obstacle, detail, told = stopped
        return RollbackAnswer(
            decision=Decision.HOLD,
            change=change,
            alerts=alerts,
            obstacle=obstacle,
            key=f"policy: no rollback of change {change.id}, {detail or obstacle.value}",
            words=f"{why} No rollback: {told}.",
        )
    assert facts.compared
    return RollbackAnswer(
        decision=Decision.ROLL_BACK,
        change=change,
        alerts=alerts,
        obstacle=None,
        key=f"policy: roll back change {change.id}",
        words=f"{why} {change.previous}, which was in production before {change.version}, is better on the same "
        f"{_tell_better(facts.compared, _list_old(policy, facts, alerts))}.",
    )


def refuse_promotion(deployments: Sequence[Deployment], version: str) -> str:
    """Say why a version that has passed the gate is not promoted by itself; empty when it may be.

    Parameters
    ----------
    deployments : sequence of Deployment
        Every change of production, oldest first.
    """
    for change in deployments:
        if change.action is Action.ROLL_BACK and change.previous == version:
            return (
                f"{version} was rolled back on {tell_moment(change.at)}; whether it is promoted again is for a person."
            )
    own: set[str] = set()
    for change in _list_since_person(deployments):
        if is_taken_back_by_itself(change) and change.previous in own:
            return (
                f"{change.previous}, which was promoted by itself, was rolled back by itself on "
                f"{tell_moment(change.at)}; the next step is for a person."
            )
        if change.action is Action.PROMOTE:
            own.add(change.version)
    return ""


def _list_since_person(deployments: Sequence[Deployment]) -> Sequence[Deployment]:
    """Give the changes that nobody made since the last that somebody did."""
    last = max((place for place, one in enumerate(deployments) if one.actor not in (BAKER, POLICY)), default=-1)
    return deployments[last + 1 :]


def _find_obstacle(policy: Policy, facts: ChangeFacts, alerts: Sequence[Verdict]) -> tuple[Obstacle, str, str] | None:
    """Give what stops a rollback, what tells it from others of its kind, and its words."""
    barred = _bar(facts.deployments)
    if barred:
        return barred
    waits = _find_wait(policy, facts, alerts)
    if waits:
        return waits
    change = facts.deployments[-1]
    stray = next((one for one in facts.verdicts if one.code == WRONG_VERSION and one.status is Status.ALERT), None)
    if stray:
        told = f"serving does not follow what is decided here, so a person must look: {stray.reason.removesuffix('.')}"
        return Obstacle.INCIDENT, "", told
    if facts.trouble:
        return Obstacle.UNABLE, "", f"{change.previous} could not serve: {facts.trouble.removesuffix('.')}"
    if facts.compared is None:
        told = f"{change.previous} was not compared with {change.version} on the newest labelled rows"
        return Obstacle.NOT_COMPARED, "", told
    return _weigh(facts.compared, change, alerts, _list_old(policy, facts, alerts))


def _bar(deployments: Sequence[Deployment]) -> tuple[Obstacle, str, str] | None:
    """Give what forbids to take the newest change back, whatever comes."""
    change, for_person = deployments[-1], "the next step is for a person"
    if change.previous is None:
        return Obstacle.NO_WAY_BACK, "", f"{change.version} is the first version in production"
    if change.action is Action.ROLL_BACK:
        return Obstacle.LOOP, "", f"{change.version} came by a rollback itself; {for_person}"
    for earlier in deployments[:-1]:
        if is_taken_back_by_itself(earlier) and (earlier.previous, earlier.version) == (
            change.version,
            change.previous,
        ):
            told = (
                f"{change.version} was rolled back to {change.previous} by itself on {tell_moment(earlier.at)} already"
            )
            return Obstacle.LOOP, "", f"{told}; {for_person}"
    return None


def _find_wait(policy: Policy, facts: ChangeFacts, alerts: Sequence[Verdict]) -> tuple[Obstacle, str, str] | None:
    """Give what a rollback waits for, that comes by itself."""
    change = facts.deployments[-1]
    cooled = change.at + timedelta(days=policy.cooldown_days)
    if facts.now < cooled:
        days = count_days(policy.cooldown_days)
        told = f"within {days} of a change of production none is made, that is until {tell_moment(cooled)}"
        return Obstacle.COOLDOWN, "", told
    old = min(one.at for one in alerts) + timedelta(days=policy.alert_days)
    if facts.now < old:
        told = f"the alert must stand for {count_days(policy.alert_days)}, that is until {tell_moment(old)}"
        return Obstacle.YOUNG, "", told
    if facts.is_baking:
        told = f"{change.version} bakes still, and is taken back by that if it breaks its promise"
        return Obstacle.BAKING, "", told
    return None


def _list_old(policy: Policy, facts: ChangeFacts, alerts: Sequence[Verdict]) -> list[Verdict]:
    """Give the alerts that have stood for long enough to be a reason."""
    return [one for one in alerts if one.at + timedelta(days=policy.alert_days) <= facts.now]


def _weigh(
    compared: Compared, change: Deployment, alerts: Sequence[Verdict], old: Sequence[Verdict]
) -> tuple[Obstacle, str, str] | None:
    """Hold unless the version before is surely better by a metric long in alert, and worse by none, nor the primary."""
    found = list(_list_differences(compared, alerts))
    worse = next((one for one in found if one.judgement is Judgement.WORSE), None)
    if worse is None and any(_is_surely_better(compared, one) for one in found if _is_in_alert(one, old)):
        return None
    one = worse or found[0]
    detail, n = f"{one.judgement.label} {one.metric.value}", f"{compared.paired.n:,} rows"
    if one.difference is None:
        told = f"whether {change.previous} is better cannot be said on the same {n}: {one.reason}"
        return Obstacle.NOT_BETTER, detail, told
    told = f"on the same {n} {change.previous} is {one.judgement.label} ({_write_difference(one)})"
    if one.judgement is Judgement.BETTER:
        told += ", but no more than chance may do when one looks so often"
    if one.judgement is Judgement.UNDECIDED:
        told = f"on the same {n} it is undecided whether {change.previous} is better ({_write_difference(one)})"
    return Obstacle.NOT_BETTER, detail, told


def _list_differences(compared: Compared, alerts: Sequence[Verdict]) -> Iterator[MetricDifference]:
    """Give the differences of the metrics in alert, then that of the primary metric."""
    subjects = [Metric(one.subject) for one in alerts]
    for metric in dict.fromkeys((*subjects, compared.primary)):
        yield compared.paired.get_difference(metric)


def _is_in_alert(found: MetricDifference, alerts: Sequence[Verdict]) -> bool:
    return any(found.metric.value == one.subject for one in alerts)


def _is_surely_better(compared: Compared, found: MetricDifference) -> bool:
    """Say whether the version before is better, however often it was looked whether it is."""
    if found.judgement is not Judgement.BETTER or found.difference is None or found.low is None:
        return False
    widening = find_widening(compared.n_window, LEAST_LABELS_FOR_ALERT)
    return found.difference + (found.low - found.difference) * widening > 0


def _tell_better(compared: Compared, alerts: Sequence[Verdict]) -> str:
    better = [
        _write_difference(one)
        for one in _list_differences(compared, alerts)
        if _is_in_alert(one, alerts) and _is_surely_better(compared, one)
    ]
    return f"{compared.paired.n:,} rows ({', '.join(better)})"


def _write_difference(found: MetricDifference) -> str:
    ends = (found.difference, found.low, found.high)
    value, low, high = ("unknown" if end is None else write_difference(end, 3) for end in ends)
    return f"{found.metric.label} {value} [{low}, {high}]"
