"""The audit log: decides that each line is hashed together with the line before it, so that a change shows."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from mlops_core.entities import Actor, AuditEvent
from mlops_core.store.connection import Database, Row, Transaction

FIRST_HASH = "0" * 64


class AuditLine(NamedTuple):
    """A line that another one is chained to."""

    id: int
    """0 before the first."""
    hash: str


def add_audit_event(
    transaction: Transaction,
    *,
    at: datetime,
    actor: Actor,
    action: str,
    model: str | None,
    subject: str,
    reason: str,
    evidence: Mapping[str, object],
    after: AuditLine | None = None,
) -> AuditEvent:
    """Append a line, in the transaction of what it records.

    Parameters
    ----------
    after : AuditLine, optional
        The line that it follows, when the same transaction has read it already.
    """
    last = after or AuditLine(*transaction.first_row("last_audit_event", {"first_hash": FIRST_HASH}))
    row = {
        "id": last.id + 1,
        "at": at,
        "actor": actor.name,
        "channel": actor.channel,
        "action": action,
        "model": model,
        "subject": subject,
        "reason": reason,
        "evidence": json.dumps(dict(evidence), sort_keys=True),
        "previous_hash": last.hash,
    }
    row["hash"] = _hash_row(row)
    transaction.run("insert_audit_event", row)
    return _read_event(row)


def list_audit_events(database: Database, model: str | None = None, limit: int = 200) -> list[AuditEvent]:
    """Give the newest lines, newest first; of one model, or of all."""
    rows = database.rows("list_audit_events", {"model": model, "limit": limit})
    return [_read_event(row) for row in rows]


def find_broken_line(database: Database) -> int | None:
    """Give the id of the first line that was changed, or whose predecessor is gone; None when the chain holds."""
    previous, expected = FIRST_HASH, 1
    for row in database.rows("list_audit_chain"):
        if row["id"] != expected or row["previous_hash"] != previous or row["hash"] != _hash_row(row):
            return int(row["id"])
        previous, expected = row["hash"], expected + 1
    return None


def count_audit_events(database: Database) -> int:
    """Give the number of lines."""
    return int(database.rows("count_audit_events")[0]["n"])


def _hash_row(row: Row) -> str:
    content = {key: value for key, value in row.items() if key != "hash"}
    content["at"] = row["at"].astimezone(UTC).isoformat()
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_event(row: Row) -> AuditEvent:
    fields = dict(row)
    actor = Actor(fields.pop("actor"), fields.pop("channel"))
    return AuditEvent(**(fields | {"actor": actor, "evidence": json.loads(fields["evidence"])}))
