"""Snapshots over time: decides that what was frozen stays on record, whatever becomes of its rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from mlops_core.entities import Snapshot
from mlops_core.store.connection import Database, Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotState:
    """Frozen rows, and what has become of them."""

    snapshot: Snapshot
    """As it was frozen."""
    content: str | None
    """SHA-256 of the rows that are there now; None when they were deleted."""
    known: frozenset[str]
    """SHA-256 of all rows that were ever there."""
    rows: int
    """That are there now."""
    n_erasures: int
    """Times that a prediction was erased from it."""
    gone_since: datetime | None
    """When its rows were deleted; None while they are there."""
    frozen_at: datetime
    """When its rows were frozen last: they come back when the same ones are frozen again."""


def list_snapshots(source: Database | Transaction, model: str) -> list[SnapshotState]:
    """Give a model's snapshots, the newest first."""
    return [_read_state(row) for row in source.rows("list_snapshots", {"model": model})]


def note_content(
    transaction: Transaction, snapshot: str, content: str | None, rows: int, at: datetime, erasure: str | None = None
) -> None:
    """Write down what a snapshot's file holds from now on.

    Parameters
    ----------
    content : str, optional
        SHA-256 of the rows; None when they are deleted.
    erasure : str, optional
        Hash of the prediction that was erased; None when it was none.
    """
    change = {"snapshot_id": snapshot, "content": content, "rows": rows, "erasure": erasure, "at": at}
    transaction.run("insert_snapshot_change", change)


def list_shared(source: Database | Transaction, model: str) -> set[str]:
    """Give the ids of a model's snapshots whose file belongs to another model too."""
    return {row["id"] for row in source.rows("list_snapshots_of_others", {"model": model})}


def list_users(source: Database | Transaction, model: str) -> dict[str, list[str]]:
    """Give the names of the versions that were trained on each snapshot, in the order of registration."""
    found: dict[str, list[str]] = {}
    for row in source.rows("list_snapshot_versions", {"model": model}):
        found.setdefault(row["snapshot_id"], []).append(row["name"])
    return found


def find_gone(source: Database | Transaction, snapshot: str) -> datetime | None:
    """Give when a snapshot's rows were deleted; None while nobody has deleted them."""
    found = source.rows("find_gone", {"snapshot_id": snapshot})
    return found[0]["gone_since"] if found else None


def _read_state(row: Row) -> SnapshotState:
    documents = {name: json.loads(row[name]) for name in ("null_fractions", "columns")}
    names: Sequence[str] = [field.name for field in fields(Snapshot)]
    snapshot = Snapshot(**({name: row[name] for name in names} | documents))
    is_changed = row["n_changes"] > 0
    content = row["content"] if is_changed else snapshot.id
    return SnapshotState(
        snapshot=snapshot,
        content=content,
        known=frozenset({snapshot.id, *(row["contents"] or ())}),
        rows=(row["rows_now"] if content else 0) if is_changed else snapshot.rows,
        n_erasures=row["n_erasures"],
        gone_since=row["changed_at"] if content is None else None,
        frozen_at=row["frozen_at"],
    )
