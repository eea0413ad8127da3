"""Contracts: decides that a change is a new revision beside the earlier ones, so that each can be put back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mlops_core.contracts import ContractEdits, ContractRevision, FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.entities import Actor
from mlops_core.store.connection import Database, Row, Transaction

MOST_REVISIONS = 100


def list_contract_revisions(
    source: Database | Transaction, model: str, limit: int = MOST_REVISIONS
) -> list[ContractRevision]:
    """Give the changes of a model's contract, newest first; the first one is what counts."""
    return [_read_revision(row) for row in source.rows("list_contract_revisions", {"model": model, "limit": limit})]


def add_contract_revision(
    transaction: Transaction, model: str, edits: ContractEdits, *, at: datetime, actor: Actor, reason: str
) -> None:
    """Append a change, in the transaction that writes its audit event."""
    fields = {"model": model, "at": at, "actor": actor.name, "channel": actor.channel, "reason": reason}
    transaction.run("insert_contract_revision", fields | {"edits": json.dumps(write_edits(edits))})


def write_edits(edits: ContractEdits) -> dict[str, object]:
    """Turn what was set into what JSON has."""
    return {
        "features": [asdict(terms) for terms in edits.features],
        "traffic": asdict(edits.traffic) if edits.traffic else None,
    }


def _read_edits(document: Mapping[str, Any]) -> ContractEdits:
    traffic = document["traffic"]
    return ContractEdits(
        features=tuple(_read_terms(terms) for terms in document["features"]),
        traffic=TrafficTerms(**traffic) if traffic else None,
    )


def _read_terms(document: Mapping[str, Any]) -> FeatureTerms:
    categories = document["categories"]
    kept = {"kind": FeatureKind(document["kind"]), "categories": None if categories is None else tuple(categories)}
    return FeatureTerms(**(dict(document) | kept))


def _read_revision(row: Row) -> ContractRevision:
    fields = dict(row)
    actor = Actor(fields.pop("actor"), fields.pop("channel"))
    return ContractRevision(**(fields | {"actor": actor, "edits": _read_edits(json.loads(fields["edits"]))}))
