"""Changing production: decides what may be promoted or rolled back, and that its three records are one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_core.artifacts import locate_artifact, read_checked
from mlops_core.checks.baking import find_end, make_promise
from mlops_core.entities import Action, Actor, Deployment, ModelSpec, Preflight, PreflightCheck, Version
from mlops_core.errors import ConflictError, InputError, MLOpsError, PreflightError
from mlops_core.production import Bake, Promise
from mlops_core.services.reasons import check_reason
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import AuditLine, add_audit_event
from mlops_core.store.bakes import add_bake
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import ChangeBasis, add_deployment, get_champion, get_change_basis, list_deployments
from mlops_core.store.models import get_model, get_version, list_versions
from mlops_core.wall_clock import read_wall_clock

PREFLIGHT_VALIDITY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What somebody wants to put into production, and why."""

    model: str
    to: str
    """The version to put into production."""
    action: Action
    actor: Actor
    reason: str
    key: str | None = None
    """Requests with the same key are carried out once."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """The figures that were on the screen."""


def run_preflight(runtime: Runtime, model: str, name: str) -> Preflight:
    """Prove that a version could serve: its file, its hash, its types, and its features.

    Raises
    ------
    NotFoundError
        When the model or the version is unknown.
    """
    spec, version = get_model(runtime.database, model), get_version(runtime.database, model, name)
    champion = get_champion(runtime.database, model)
    return Preflight(
        model=model,
        version=name,
        champion=champion.version if champion else None,
        artifact_hash=version.artifact_hash,
        checks=(_check_artifact(runtime, version), _check_schema(spec, version)),
        at=read_wall_clock(),
    )


def change_production(
    runtime: Runtime, request: ChangeRequest, *, now: datetime, preflight: Preflight | None = None
) -> Deployment:
    """Put a version into production.

    Parameters
    ----------
    preflight : Preflight, optional
        A preflight of this version that is at most ten minutes old; run here when None.

    Raises
    ------
    NotFoundError
        Unknown model or version.
    InputError
        No reason given, or the key was used for another request.
    ConflictError
        The version is in production already, was never in production (roll back), or production
        has changed since the preflight.
    PreflightError
        The version could not serve. In every case nothing is changed.
    """
    check_reason(request.reason)
    if preflight is None:
        get_model(runtime.database, request.model)
        get_version(runtime.database, request.model, request.to)
        basis = get_change_basis(runtime.database, request.model, request.to, request.key)
        earlier = _find_repeated_or_refuse(basis, request)
        if earlier:
            return earlier
        preflight = run_preflight(runtime, request.model, request.to)
    version = get_version(runtime.database, request.model, request.to)
    _check_preflight(preflight, request, version.artifact_hash)
    read_checked(locate_artifact(runtime.home.artifacts, preflight.artifact_hash), preflight.artifact_hash)
    spec = get_model(runtime.database, request.model)
    promise = make_promise(spec, version.offline_metrics, request.evidence)
    with runtime.database.transaction() as transaction:
        return _commit(transaction, request, preflight, spec, promise, now)


def get_history(runtime: Runtime, model: str) -> list[Deployment]:
    """Give every change of production, oldest first."""
    return list_deployments(runtime.database, model)


def _commit(
    transaction: Transaction,
    request: ChangeRequest,
    preflight: Preflight,
    spec: ModelSpec,
    promise: Promise,
    now: datetime,
) -> Deployment:
    """Look again inside the transaction, then write all three records, and begin to watch."""
    basis = get_change_basis(transaction, request.model, request.to, request.key)
    earlier = _find_repeated_or_refuse(basis, request)
    if earlier:
        return earlier
    if basis.champion != preflight.champion:
        raise ConflictError(
            f"Production of {request.model} changed from {preflight.champion} to {basis.champion} "
            "since this was prepared. Look again, then decide."
        )
    deployment = add_deployment(
        transaction,
        model=request.model,
        version=request.to,
        previous=basis.champion,
        action=request.action,
        at=now,
        actor=request.actor,
        reason=request.reason.strip(),
        key=request.key,
        evidence=request.evidence,
    )
    _tell(transaction, deployment, request.evidence, preflight, basis.last_line)
    if spec.baking.days:
        _watch(transaction, spec, deployment, promise)
    return deployment


def _watch(transaction: Transaction, spec: ModelSpec, deployment: Deployment, promise: Promise) -> None:
    """Begin the baking window of a change."""
    bake = Bake(
        deployment=deployment.id,
        model=deployment.model,
        version=deployment.version,
        start=deployment.at,
        until=find_end(spec, deployment.at),
        promise=promise,
    )
    add_bake(transaction, bake)


def _tell(
    transaction: Transaction,
    deployment: Deployment,
    evidence: Mapping[str, object],
    preflight: Preflight,
    last_line: AuditLine,
) -> None:
    """Write a change into the audit log, with the figures that were on the screen and what the preflight found."""
    add_audit_event(
        transaction,
        at=deployment.at,
        actor=deployment.actor,
        action=deployment.action.verb,
        model=deployment.model,
        subject=deployment.version,
        reason=deployment.reason,
        evidence={
            "deployment": deployment.id,
            "previous": deployment.previous,
            "artifact_hash": preflight.artifact_hash,
            "preflight": [f"{check.name}: {check.detail}" for check in preflight.checks],
            **evidence,
        },
        after=last_line,
    )


def _find_repeated_or_refuse(basis: ChangeBasis, request: ChangeRequest) -> Deployment | None:
    """Give what the request's key did before; otherwise refuse what production does not allow."""
    earlier = basis.repeated
    if earlier:
        if (earlier.version, earlier.action) != (request.to, request.action):
            raise InputError(
                f"The key {request.key!r} was used to {earlier.action.verb} {earlier.version}; use a new key.",
                {"deployment": earlier.id},
            )
        return earlier
    if basis.champion == request.to:
        raise ConflictError(f"{request.to} is in production already; nothing was changed.", {"champion": request.to})
    if request.action is Action.ROLL_BACK and not basis.has_served:
        raise ConflictError(
            f"{request.to} was never in production, so there is nothing to roll back to; promote it instead."
        )
    return None


def _check_preflight(preflight: Preflight, request: ChangeRequest, registered: str) -> None:
    if (preflight.model, preflight.version) != (request.model, request.to):
        raise PreflightError(f"The preflight was run for {preflight.version}, not for {request.to}.")
    if preflight.artifact_hash != registered:
        raise PreflightError(f"The preflight of {request.to} was run for another artifact. Open the dialog again.")
    if read_wall_clock() - preflight.at > PREFLIGHT_VALIDITY:
        raise PreflightError("The preflight is more than ten minutes old. Open the dialog again.")
    failed = [check for check in preflight.checks if not check.passed]
    if failed:
        raise PreflightError(
            f"{request.to} cannot serve. {failed[0].detail}",
            {"checks": [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in preflight.checks]},
        )


def _check_artifact(runtime: Runtime, version: Version) -> PreflightCheck:
    try:
        load_ms = runtime.artifacts.check(version.artifact_hash)
    except MLOpsError as error:
        return PreflightCheck(name="artifact", passed=False, detail=error.message)
    size = version.artifact_bytes / 1e6
    return PreflightCheck(
        name="artifact",
        passed=True,
        detail=f"Artifact loads in {load_ms:.0f} ms, hash holds ({size:.1f} MB).",
    )


def _check_schema(spec: ModelSpec, version: Version) -> PreflightCheck:
    missing = [name for name in version.features if name not in spec.columns.features]
    if missing:
        return PreflightCheck(
            name="schema",
            passed=False,
            detail=f"{version.name} reads {missing[0]!r}, which the traffic does not have.",
        )
    return PreflightCheck(
        name="schema",
        passed=True,
        detail=f"All {len(version.features)} columns of {version.name} are in the traffic.",
    )


def list_targets(runtime: Runtime, model: str, action: Action) -> tuple[str | None, list[str]]:
    """Give the champion and the versions that an action could put in its place, the likeliest first.

    To roll back: those that were in production before, the last first. To promote: all others, the newest first.
    """
    history = list_deployments(runtime.database, model)
    champion = history[-1].version if history else None
    if action is Action.ROLL_BACK:
        names = [deployment.version for deployment in reversed(history)]
    else:
        names = [version.name for version in reversed(list_versions(runtime.database, model))]
    return champion, [name for name in dict.fromkeys(names) if name != champion]
