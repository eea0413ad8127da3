"""Decisions and deployments: decides that the champion is the newest deployment and that nothing is ever rewritten."""

import json
from collections.abc import Mapping
from datetime import datetime

from mlops_core.entities import Action, Actor, Deployment
from mlops_core.store.connection import Database, Row, Transaction


def get_champion(source: Database | Transaction, model: str) -> Deployment | None:
    """Give the newest deployment, or None when nothing was ever in production."""
    found = source.rows("get_champion", {"model": model})
    return _read_deployment(found[0]) if found else None


def list_deployments(source: Database | Transaction, model: str) -> list[Deployment]:
    """Give all changes of production, oldest first."""
    return [_read_deployment(row) for row in source.rows("list_deployments", {"model": model})]


def list_deciding_deployments(source: Database | Transaction, model: str, key: str | None) -> list[Deployment]:
    """Give the newest change to each version and what a key did, oldest first; the last is the champion's."""
    return [_read_deployment(row) for row in source.rows("list_deciding_deployments", {"model": model, "key": key})]


def add_deployment(
    transaction: Transaction,
    *,
    model: str,
    version: str,
    previous: str | None,
    action: Action,
    at: datetime,
    actor: Actor,
    reason: str,
    key: str | None,
    evidence: Mapping[str, object],
) -> Deployment:
    """Store the decision and the deployment that carries it out, in the caller's transaction."""
    common = {"model": model, "action": action.value, "at": at, "reason": reason}
    decision = common | {"target": version, "evidence": json.dumps(dict(evidence))}
    number = transaction.run("insert_decision", decision)
    own = {
        "version": version,
        "previous": previous,
        "actor": actor.name,
        "channel": actor.channel,
        "key": key,
    }
    transaction.run("insert_deployment", common | own | {"id": number})
    return Deployment(
        id=number,
        model=model,
        version=version,
        previous=previous,
        action=action,
        at=at,
        actor=actor,
        reason=reason,
        key=key,
    )


def _read_deployment(row: Row) -> Deployment:
    fields = dict(row)
    actor = Actor(fields.pop("actor"), fields.pop("channel"))
    return Deployment(**(fields | {"actor": actor, "action": Action(fields["action"])}))
