"""What a policy does by itself: decides that each decision is told once, and carried out once."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mlops_core.entities import Action, ModelSpec
from mlops_core.errors import ConflictError, MLOpsError
from mlops_core.policy import Facts, PolicyAnswer, decide
from mlops_core.policy_changes import refuse_promotion
from mlops_core.policy_records import Cause, Decision, Obstacle, PolicyDecision
from mlops_core.policy_terms import write_policy
from mlops_core.production import POLICY
from mlops_core.runs import RunOrder, TrainingRun, Trigger
from mlops_core.services.deployment import ChangeRequest, change_production, run_preflight
from mlops_core.services.policy_rollback import apply_rollback
from mlops_core.services.reasons import LONGEST_REASON
from mlops_core.services.retraining import order_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event, list_audit_events
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import get_champion, list_deployments
from mlops_core.store.models import list_versions
from mlops_core.store.policy_decisions import add_policy_decision, list_policy_decisions, settle_policy_decision
from mlops_core.store.runs import get_run, list_past_runs
from mlops_core.store.traffic import count_labels
from mlops_core.store.verdicts import list_standing_verdicts

REFUSED = "promotion refused"

_log = logging.getLogger(__name__)


def apply_policy(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Do what the policy of a model asks for after a check; what goes wrong is told, and no failure of the check."""
    try:
        # First: a version that leaves production asks for no run.
        if spec.policy.rolls_back:
            apply_rollback(runtime, spec, now)
        if spec.policy.has_triggers:
            _apply(runtime, spec, now)
    except MLOpsError as error:
        _log.error("The policy of %s could not be applied: %s", spec.name, error.message)


def read_facts(runtime: Runtime, spec: ModelSpec, now: datetime) -> Facts:
    """Give what a decision rests on now."""
    champion = get_champion(runtime.database, spec.name)
    standing = list_standing_verdicts(runtime.database, spec.name, champion.at) if champion else []
    runs = list_past_runs(runtime.database, spec.name)
    trained = max((version.created_at for version in list_versions(runtime.database, spec.name)), default=None)
    own = next((run.at for run in runs if run.is_own), None)
    n, since_training, since_own = count_labels(runtime.database, spec.name, trained, own)
    return Facts(
        verdicts=[verdict for verdict in standing if champion and verdict.version == champion.version],
        runs=runs,
        last_training=trained,
        new_labels=since_training if n else None,
        labels_since_own=since_own,
        now=now,
    )


def tell_outcomes(runtime: Runtime, spec: ModelSpec, decisions: Sequence[PolicyDecision]) -> list[str]:
    """Say what came of each decision: a run, a rollback, why it could not be carried out, or nothing."""
    done = {one.key: one for one in list_deployments(runtime.database, spec.name) if one.actor == POLICY}
    told = []
    for made in decisions:
        change = done.get(made.key) if made.decision is Decision.ROLL_BACK else None
        came = f"run {made.run}" if made.run else f"{change.version} is back" if change else "–"
        told.append(made.trouble or came)
    return told


def get_decisions(runtime: Runtime, spec: ModelSpec) -> list[PolicyDecision]:
    """Give what the policy of a model has decided, the newest first."""
    return list_policy_decisions(runtime.database, spec.name)


def _apply(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    facts = read_facts(runtime, spec, now)
    answer = decide(spec.policy, facts)
    if not answer.asked or _is_being_done(facts, answer):
        return
    made = PolicyDecision(
        model=spec.name,
        at=now,
        decision=answer.decision,
        key=name_decision(answer),
        causes=tuple(one.cause for one in answer.asked),
        verdicts=tuple(verdict for one in answer.asked for verdict in one.verdicts),
        obstacle=answer.obstacle,
        words=answer.words,
        terms=write_policy(spec.policy),
    )
    with runtime.database.transaction() as transaction:
        add_policy_decision(transaction, made)
    if made.decision is Decision.RETRAIN:
        _order(runtime, spec, made)


def name_decision(answer: PolicyAnswer) -> str:
    """Give the key under which an answer is kept and carried out once."""
    obstacle = f"hold {answer.obstacle.value}" if answer.obstacle else "retrain"
    return f"policy: {obstacle} after run {answer.because}"


def _is_being_done(facts: Facts, answer: PolicyAnswer) -> bool:
    """Say whether the run that is asked for was started by the policy and is not over; that holds nothing up."""
    return answer.obstacle is Obstacle.RUNNING and any(run.id == answer.because and run.is_own for run in facts.runs)


def _order(runtime: Runtime, spec: ModelSpec, made: PolicyDecision) -> None:
    """Order the run of a decision, once; a refusal is written down when it is another than the last."""
    trigger = Trigger.SCHEDULE if made.causes == (Cause.SCHEDULE,) else Trigger.POLICY
    order = RunOrder(model=spec.name, reason=made.words[:LONGEST_REASON], actor=POLICY, trigger=trigger, key=made.key)
    try:
        run = order_run(runtime, spec, order)
    except MLOpsError as error:
        _log.warning("The policy of %s could not order a run: %s", spec.name, error.message)
        with runtime.database.transaction() as transaction:
            if settle_policy_decision(transaction, spec.name, made.key, trouble=error.message):
                _tell(transaction, spec.name, made.at, "could not order training run", spec.name, error.message)
    else:
        with runtime.database.transaction() as transaction:
            settle_policy_decision(transaction, spec.name, made.key, run=run.id)


def promote_passed(runtime: Runtime, run: TrainingRun, version: str) -> str | None:
    """Promote what a run has made and the gate has let pass, once; give why not, or None when it is in production.

    The comparison of the gate is the evidence, and what the change is held to while it bakes.
    """
    report: Mapping[str, Any] = get_run(runtime.database, run.id).report
    key, gate = f"run {run.id}", report["gate"]
    history = list_deployments(runtime.database, run.order.model)
    if any(one.key == key and one.actor == POLICY for one in history):
        return None
    refused = _find_refusal(runtime, run)
    if refused is not None:
        return refused
    compared = gate["comparison"]
    evidence = {"run": run.id, "gate": {name: value for name, value in gate.items() if name != "comparison"}}
    request = ChangeRequest(
        model=run.order.model,
        to=version,
        action=Action.PROMOTE,
        actor=POLICY,
        reason=f"Run {run.id}: {gate['words']}",
        key=key,
        evidence=evidence | ({"rehearsal": compared} if compared else {}),
    )
    now = runtime.now(run.order.model)
    try:
        preflight = run_preflight(runtime, run.order.model, version)
        met = compared["champion"] if compared else None
        if preflight.champion != met:
            raise ConflictError(f"The gate compared it with {met}, but {preflight.champion} is in production now.")
        barred = refuse_promotion(history, version)
        if barred:
            raise ConflictError(barred)
        change_production(runtime, request, now=now, preflight=preflight)
    except MLOpsError as error:
        _log.warning("%s %s is not promoted by itself: %s", run.order.model, version, error.message)
        with runtime.database.transaction() as transaction:
            _tell(transaction, run.order.model, now, REFUSED, version, error.message, {"run": run.id})
        return error.message
    return None


def _find_refusal(runtime: Runtime, run: TrainingRun) -> str | None:
    """Give why what a run has made was not promoted; None when that was not tried. After a kill it is asked again."""
    for event in list_audit_events(runtime.database, run.order.model):
        if event.action == REFUSED and event.evidence.get("run") == run.id:
            return event.reason
    return None


def _tell(
    transaction: Transaction,
    model: str,
    at: datetime,
    action: str,
    subject: str,
    reason: str,
    evidence: Mapping[str, object] = MappingProxyType({}),
) -> None:
    add_audit_event(
        transaction, at=at, actor=POLICY, action=action, model=model, subject=subject, reason=reason, evidence=evidence
    )
