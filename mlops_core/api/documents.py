"""The documents of the API: decides the keys of models, versions, deployments, references, and audit events."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from mlops_core.entities import Action, AuditEvent, Deployment, ModelSpec, Version
from mlops_core.errors import NotFoundError
from mlops_core.production import Bake
from mlops_core.services.deployment import get_history
from mlops_core.services.history import find_spans
from mlops_core.services.runtime import Runtime
from mlops_core.services.served import find_predictions
from mlops_core.store.bakes import list_bakes
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_model, get_version, list_models, list_versions
from mlops_core.store.references import Reference

ACTION_NAMES = {Action.PROMOTE: "promote", Action.ROLL_BACK: "rollback"}
"""As in the address of the request that carries it out."""


def describe_models(runtime: Runtime) -> dict[str, object]:
    """Give every model with what is in production."""
    return {"models": [_describe_model(runtime, spec) for spec in list_models(runtime.database)]}


def _describe_model(runtime: Runtime, spec: ModelSpec) -> dict[str, object]:
    champion = get_champion(runtime.database, spec.name)
    return {
        "name": spec.name,
        "task": spec.task,
        "champion": champion.version if champion else None,
        "since": champion.at if champion else None,
        "versions": len(list_versions(runtime.database, spec.name)),
        "chunk": spec.chunk,
        "timezone": spec.timezone,
        "primary_metric": spec.primary_metric,
        "threshold": spec.threshold,
        "label_delay_days": spec.label_delay_days,
    }


def describe_production(runtime: Runtime, model: str) -> dict[str, object]:
    """Give the production pointer; the version is null when nothing was ever in production."""
    get_model(runtime.database, model)
    champion = get_champion(runtime.database, model)
    version = get_version(runtime.database, model, champion.version) if champion else None
    return {
        "model": model,
        "version": champion.version if champion else None,
        "artifact_hash": version.artifact_hash if version else None,
        "since": champion.at if champion else None,
        "deployment": champion.id if champion else None,
    }


def describe_versions(runtime: Runtime, model: str) -> dict[str, object]:
    """Give a model's versions in the order they were registered."""
    get_model(runtime.database, model)
    history = get_history(runtime, model)
    champion = history[-1].version if history else None
    versions = list_versions(runtime.database, model)
    bakes = {bake.deployment: bake for bake in list_bakes(runtime.database, model)}
    return {
        "model": model,
        "champion": champion,
        "versions": [_describe_version(version, champion, history, bakes) for version in versions],
    }


def _describe_version(
    version: Version, champion: str | None, history: Sequence[Deployment], bakes: Mapping[int, Bake]
) -> dict[str, object]:
    spans = [
        {
            "start": span.start,
            "end": span.end,
            "deployment": span.deployment,
            "baking": _describe_bake(bakes.get(span.deployment)),
        }
        for span in find_spans(history)
        if span.version == version.name
    ]
    snapshot = version.snapshot
    return {
        "version": version.name,
        "state": "champion" if version.name == champion else "retired" if spans else "never",
        "in_production": spans,
        "offline_metrics": version.offline_metrics,
        "features": version.features,
        "parameters": version.parameters,
        "snapshot": {"id": snapshot.id, "rows": snapshot.rows, "start": snapshot.start, "end": snapshot.end},
        "artifact_hash": version.artifact_hash,
        "artifact_bytes": version.artifact_bytes,
        "code_id": version.code_id,
        "libraries": version.libraries,
        "created_at": version.created_at,
        "created_by": version.created_by,
    }


def _describe_bake(bake: Bake | None) -> dict[str, object] | None:
    """Give how the watch over a change stands; None when it was not watched."""
    if bake is None:
        return None
    return {
        "until": bake.until,
        "promise": asdict(bake.promise),
        "outcome": bake.outcome,
        "reason": bake.reason or None,
        "decided_at": bake.decided_at,
        "revert": bake.revert,
        "refusal": bake.refusal or None,
    }


def describe_prediction(runtime: Runtime, model: str, prediction_id: str) -> dict[str, object]:
    """Give who answered a prediction and who was to, the newest first should its id have come more than once.

    Raises
    ------
    NotFoundError
        When no row that is kept has the id.
    """
    found = find_predictions(runtime, get_model(runtime.database, model), prediction_id)
    if not found:
        raise NotFoundError(
            f"{model} has no prediction {prediction_id!r} among the rows that are kept.", {"prediction": prediction_id}
        )
    answers = [
        {
            "version": one.version,
            "at": one.at,
            "score": one.score,
            "label": one.label,
            "in_production": one.champion,
            "agrees": one.agrees,
        }
        for one in found
    ]
    return {"model": model, "prediction_id": prediction_id, "answers": answers}


def describe_deployment(deployment: Deployment) -> dict[str, object]:
    """Give a change of production, and what would undo it (null after the first)."""
    previous = deployment.previous
    return {
        "deployment": deployment.id,
        "model": deployment.model,
        "version": deployment.version,
        "previous": previous,
        "action": ACTION_NAMES[deployment.action],
        "at": deployment.at,
        "actor": deployment.actor.name,
        "channel": deployment.actor.channel,
        "reason": deployment.reason,
        "key": deployment.key,
        "undo": {"action": ACTION_NAMES[Action.ROLL_BACK], "to": previous} if previous else None,
    }


def describe_reference(reference: Reference) -> dict[str, object]:
    """Give what traffic is compared with."""
    return {
        "kind": reference.kind,
        "version": reference.version,
        "start": reference.start,
        "end": reference.end,
        "n": reference.n,
    }


def describe_event(event: AuditEvent) -> dict[str, object]:
    """Give one line of the audit log."""
    return {
        "id": event.id,
        "at": event.at,
        "actor": event.actor.name,
        "channel": event.actor.channel,
        "action": event.action,
        "model": event.model,
        "subject": event.subject,
        "reason": event.reason,
        "evidence": event.evidence,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }
