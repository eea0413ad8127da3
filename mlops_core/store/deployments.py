"""Decisions and deployments: decides that the champion is the newest deployment and that nothing is ever rewritten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlops_core.entities import Action, Actor, Deployment
from mlops_core.store.audit import FIRST_HASH, AuditLine
from mlops_core.store.connection import Database, Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBasis:
    """What a change of production to a version rests on."""

    champion: str | None
    """The version in production; None when there was never one."""
    has_served: bool
    """Whether the wanted version is or was in production."""
    repeated: Deployment | None
    """What the request's idempotency key did before; None when it is new or not given."""
    last_line: AuditLine
    """The end of the audit log."""


def get_champion(source: Database | Transaction, model: str) -> Deployment | None:
    """Give the newest deployment, or None when nothing was ever in production."""
    found = source.rows("get_champion", {"model": model})
    return _read_deployment(found[0]) if found else None


def list_deployments(source: Database | Transaction, model: str) -> list[Deployment]:
    """Give all changes of production, oldest first."""
    return [_read_deployment(row) for row in source.rows("list_deployments", {"model": model})]


def get_change_basis(source: Database | Transaction, model: str, version: str, key: str | None) -> ChangeBasis:
    """Read what a change to a version depends on, in a time that does not grow with the ledger."""
    champion, has_served, repeated, line, digest = source.first_row(
        "get_change_basis", {"model": model, "version": version, "key": key}
    )
    found = source.rows("get_deployment", {"id": repeated}) if repeated is not None else []
    return ChangeBasis(
        champion=champion,
        has_served=has_served,
        repeated=_read_deployment(found[0]) if found else None,
        last_line=AuditLine(id=line, hash=digest or FIRST_HASH),
    )


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
