"""Challengers: decides that the newest line says which version is one, if any."""

from dataclasses import dataclass
from datetime import datetime

from mlops_core.entities import Actor
from mlops_core.store.connection import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A version that may replace the champion."""

    id: int
    version: str
    since: datetime
    actor: Actor
    reason: str


def set_challenger(
    transaction: Transaction, model: str, version: str | None, *, actor: Actor, reason: str, at: datetime
) -> None:
    """Make a version the challenger, or none."""
    fields = {"actor": actor.name, "channel": actor.channel, "reason": reason, "at": at}
    transaction.run("insert_challenger", {"model": model, "version": version} | fields)


def get_challenger(source: Database | Transaction, model: str) -> Challenge | None:
    """Give the challenger; None while there is none, and once it is in production."""
    found = source.rows("get_challenger", {"model": model})
    if not found or found[0]["version"] is None:
        return None
    row = found[0]
    actor = Actor(row["actor"], row["channel"])
    return Challenge(id=row["id"], version=row["version"], since=row["since"], actor=actor, reason=row["reason"])
