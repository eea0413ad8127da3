"""Challengers: decides which version may be tried on live traffic, and that its begin and its end are told."""

from datetime import datetime

from mlops_core.entities import Actor, ModelSpec
from mlops_core.errors import ConflictError, PreflightError
from mlops_core.services.deployment import run_preflight
from mlops_core.services.reasons import check_reason
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.challengers import Challenge, get_challenger, set_challenger
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version, list_versions


def make_challenger(
    runtime: Runtime, spec: ModelSpec, version: str, *, actor: Actor, reason: str, now: datetime
) -> Challenge | None:
    """Let a version score live traffic in the shadow of the one in production, in place of an earlier challenger.

    Raises
    ------
    NotFoundError
        The model has no such version.
    InputError
        No reason was given.
    ConflictError
        It is in production, or the challenger already.
    PreflightError
        It could not score. In every case nothing is changed.
    """
    reason = check_reason(reason)
    get_version(runtime.database, spec.name, version)
    preflight = run_preflight(runtime, spec.name, version)
    if preflight.champion == version:
        raise ConflictError(f"{version} is in production; it cannot be its own challenger. Nothing was changed.")
    failed = next((check for check in preflight.checks if not check.passed), None)
    if failed:
        raise PreflightError(f"{version} cannot score live {spec.words.rows}. {failed.detail}")
    with runtime.database.transaction() as transaction:
        known = get_challenger(transaction, spec.name)
        if known and known.version == version:
            raise ConflictError(f"{version} is the challenger already; nothing was changed.")
        set_challenger(transaction, spec.name, version, actor=actor, reason=reason, at=now)
        before = known.version if known else None
        _tell(transaction, spec, version, "make challenger", actor, reason, now, {"previous": before})
    return get_challenger(runtime.database, spec.name)


def stop_challenger(runtime: Runtime, spec: ModelSpec, *, actor: Actor, reason: str, now: datetime) -> str:
    """End the shadow of the challenger, and give its version; what it has scored stays.

    Raises
    ------
    InputError
        No reason was given.
    ConflictError
        There is no challenger.
    """
    reason = check_reason(reason)
    with runtime.database.transaction() as transaction:
        known = get_challenger(transaction, spec.name)
        if known is None:
            raise ConflictError(f"{spec.name} has no challenger; nothing was changed.")
        set_challenger(transaction, spec.name, None, actor=actor, reason=reason, at=now)
        _tell(
            transaction, spec, known.version, "end challenger", actor, reason, now, {"since": known.since.isoformat()}
        )
    return known.version


def list_possible_challengers(runtime: Runtime, spec: ModelSpec) -> list[str]:
    """Give the versions that may become the challenger, the newest first."""
    champion, known = get_champion(runtime.database, spec.name), get_challenger(runtime.database, spec.name)
    taken = {champion.version if champion else None, known.version if known else None}
    return [one.name for one in reversed(list_versions(runtime.database, spec.name)) if one.name not in taken]


def _tell(
    transaction: Transaction,
    spec: ModelSpec,
    version: str,
    action: str,
    actor: Actor,
    reason: str,
    now: datetime,
    evidence: dict[str, object],
) -> None:
    add_audit_event(
        transaction,
        at=now,
        actor=actor,
        action=action,
        model=spec.name,
        subject=version,
        reason=reason,
        evidence=evidence,
    )
