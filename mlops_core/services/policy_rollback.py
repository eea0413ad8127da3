"""Rollbacks by policy: decides what they rest on, and that each is told once, and carried out once."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlops_core.artifacts import locate_artifact, read_checked
from mlops_core.entities import Action, Deployment, ModelSpec
from mlops_core.errors import ConflictError, MLOpsError
from mlops_core.policy_changes import ChangeFacts, Compared, RollbackAnswer, decide_rollback, list_alerts
from mlops_core.policy_records import Cause, Decision, PolicyDecision
from mlops_core.policy_terms import write_policy
from mlops_core.production import POLICY, Revert
from mlops_core.services.comparison import VersionComparison, read_comparison
from mlops_core.services.deployment import ChangeRequest, change_production, run_preflight
from mlops_core.services.reasons import LONGEST_REASON
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.bakes import list_bakes
from mlops_core.store.deployments import list_deployments
from mlops_core.store.models import get_version
from mlops_core.store.policy_decisions import add_policy_decision, settle_policy_decision
from mlops_core.store.traffic import list_batches
from mlops_core.store.verdicts import list_comparisons, list_standing_verdicts

_log = logging.getLogger(__name__)


def apply_rollback(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Roll production back when the policy says so, and keep what it decides while an alert asks for it."""
    answer, document = ask_rollback(runtime, spec, now)
    if answer is None:
        return
    made = PolicyDecision(
        model=spec.name,
        at=now,
        decision=answer.decision,
        key=answer.key,
        causes=(Cause.VERDICT,),
        verdicts=answer.alerts,
        obstacle=answer.obstacle,
        words=answer.words,
        terms=write_policy(spec.policy),
    )
    with runtime.database.transaction() as transaction:
        add_policy_decision(transaction, made)
    if answer.decision is Decision.ROLL_BACK and document:
        _roll_back(runtime, made, answer, document)


def ask_rollback(
    runtime: Runtime, spec: ModelSpec, now: datetime
) -> tuple[RollbackAnswer | None, Mapping[str, Any] | None]:
    """Give what the policy says of a rollback now, and the comparison that this rests on, as JSON."""
    facts, document = _read_facts(runtime, spec, now)
    return decide_rollback(spec.policy, facts) if facts else None, document


def make_compared(spec: ModelSpec, found: VersionComparison) -> Compared:
    """Give what a rollback is weighed by of a comparison whose candidate is the version before."""
    paired = found.paired
    return Compared(paired=paired, primary=spec.primary_metric, n_window=found.n_logged or paired.n)


def _read_facts(
    runtime: Runtime, spec: ModelSpec, now: datetime
) -> tuple[ChangeFacts | None, Mapping[str, Any] | None]:
    """Give what a rollback rests on, and the comparison as JSON; nothing while no alert asks for one."""
    deployments = list_deployments(runtime.database, spec.name)
    if not deployments:
        return None, None
    change = deployments[-1]
    standing = list_standing_verdicts(runtime.database, spec.name, change.at)
    verdicts = [one for one in standing if one.version == change.version]
    if not list_alerts(verdicts):
        return None, None
    document = _find_comparison(runtime, spec, change)
    facts = ChangeFacts(
        deployments=deployments,
        verdicts=verdicts,
        trouble=_find_trouble(runtime, change),
        compared=make_compared(spec, read_comparison(document)) if document else None,
        is_baking=spec.baking.auto_revert and _is_baking(runtime, change),
        now=now,
    )
    return facts, document


def _find_comparison(runtime: Runtime, spec: ModelSpec, change: Deployment) -> Mapping[str, Any] | None:
    """Give the kept comparison with the version before; None when labels have come since."""
    labels = list_batches(runtime.database, spec.name, "labels", limit=1)
    for row in list_comparisons(runtime.database, spec.name, change.version):
        if row["candidate"] == change.previous and labels and labels[0].at <= row["at"]:
            found: Mapping[str, Any] = row["result"]
            return found
    return None


def _find_trouble(runtime: Runtime, change: Deployment) -> str:
    """Say why the version before could not serve, as far as its file tells."""
    if change.previous is None:
        return ""
    try:
        artifact = get_version(runtime.database, change.model, change.previous).artifact_hash
        read_checked(locate_artifact(runtime.home.artifacts, artifact), artifact)
    except MLOpsError as error:
        return error.message
    return ""


def _is_baking(runtime: Runtime, change: Deployment) -> bool:
    """Say whether the window of a change is open, or what follows from it is to come."""
    return any(
        bake.deployment == change.id and (bake.outcome is None or bake.revert is Revert.DUE)
        for bake in list_bakes(runtime.database, change.model)
    )


def _roll_back(runtime: Runtime, made: PolicyDecision, answer: RollbackAnswer, document: Mapping[str, Any]) -> None:
    """Put the version before back, once; a refusal is written down when it is another than the last."""
    change = answer.change
    assert change.previous is not None
    request = ChangeRequest(
        model=made.model,
        to=change.previous,
        action=Action.ROLL_BACK,
        actor=POLICY,
        reason=made.words[:LONGEST_REASON],
        key=made.key,
        evidence={
            "alerts": [f"{one.code} {one.subject}: {one.reason}" for one in answer.alerts],
            "rehearsal": document,
        },
    )
    trouble = ""
    try:
        preflight = run_preflight(runtime, made.model, change.previous)
        if preflight.champion != change.version:
            raise ConflictError(f"{preflight.champion} is in production now, not {change.version}.")
        change_production(runtime, request, now=made.at, preflight=preflight)
    except MLOpsError as error:
        trouble = error.message
        _log.warning("%s is not rolled back to %s by itself: %s", made.model, change.previous, trouble)
    with runtime.database.transaction() as transaction:
        if settle_policy_decision(transaction, made.model, made.key, trouble=trouble) and trouble:
            add_audit_event(
                transaction,
                at=made.at,
                actor=POLICY,
                action="rollback refused",
                model=made.model,
                subject=change.previous,
                reason=trouble,
                evidence={},
            )
