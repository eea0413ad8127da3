"""Choices of the standing reference: decides that each is kept, and that the newest counts."""

from dataclasses import dataclass
from datetime import datetime

from mlops_core.entities import Actor, Window
from mlops_core.store.connection import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceChoice:
    """What somebody has chosen to compare a model's traffic with; without version and window the default."""

    version: str | None
    """The version whose training rows it is."""
    window: Window | None
    """Of traffic, in whole chunks."""
    at: datetime
    actor: Actor
    reason: str


def get_reference_choice(database: Database, model: str) -> ReferenceChoice | None:
    """Give the choice that counts; None when nobody has made one, or the default was chosen again."""
    found = database.rows("get_reference_choice", {"model": model})
    if not found or (found[0]["version"] is None and found[0]["start"] is None):
        return None
    row = found[0]
    return ReferenceChoice(
        version=row["version"],
        window=Window(row["start"], row["end"]) if row["start"] else None,
        at=row["at"],
        actor=Actor(row["actor"], row["channel"]),
        reason=row["reason"],
    )


def add_reference_choice(transaction: Transaction, model: str, choice: ReferenceChoice) -> None:
    """Append a choice, in the transaction that writes its audit event."""
    window = choice.window
    chosen = {
        "version": choice.version,
        "start": window.start if window else None,
        "end": window.end if window else None,
    }
    made = {"at": choice.at, "actor": choice.actor.name, "channel": choice.actor.channel, "reason": choice.reason}
    transaction.run("insert_reference_choice", {"model": model} | chosen | made)
