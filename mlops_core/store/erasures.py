"""Erasures: decides what is deleted of one prediction, and that of its id only a hash is kept."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlops_core.entities import ModelSpec
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.tables import name_table

KINDS = ("predictions", "labels", "replays")


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrittenFile:
    """A snapshot's file without the prediction."""

    snapshot: str
    content: str
    """SHA-256 of the rows that are left."""
    rows: int


def count_prediction(source: Database | Transaction, spec: ModelSpec, prediction_id: str) -> dict[str, int]:
    """Count the rows with an id: predictions, labels, replays, and examples of refused deliveries."""
    key = {"id": prediction_id}
    counts = {}
    for kind in KINDS:
        statement = f"select count(*) as n from {name_table(kind, spec.name)} where prediction_id = $id"
        counts[kind] = int(source.table(statement, key)["n"][0].as_py())
    return counts | {"refused": sum(n for _, n in _find_examples(source, spec, prediction_id))}


def delete_prediction(transaction: Transaction, spec: ModelSpec, prediction_id: str) -> None:
    """Delete the rows with an id, in the transaction that tells of it."""
    for kind in KINDS:
        table = name_table(kind, spec.name)
        transaction.run_sql(f"delete from {table} where prediction_id = $id", {"id": prediction_id})
    for change, _ in _find_examples(transaction, spec, prediction_id):
        transaction.run("set_refusal_examples", change)


def note_erasure(transaction: Transaction, model: str, digest: str, at: datetime) -> None:
    """Write down that a prediction was erased, by the hash of its id."""
    transaction.run("insert_erasure", {"model": model, "digest": digest, "at": at})


def find_erasure(source: Database | Transaction, model: str, digest: str) -> datetime | None:
    """Give when a prediction was erased last; None when it never was."""
    found = source.rows("find_erasure", {"model": model, "digest": digest})
    return found[0]["at"] if found else None


def list_rewritten(source: Database | Transaction, digest: str) -> list[RewrittenFile]:
    """Give the files that the erasure of a prediction has rewritten, in that order."""
    rows = source.rows("list_contents_of_erasure", {"digest": digest})
    return [RewrittenFile(snapshot=row["snapshot_id"], content=row["content"], rows=row["rows"]) for row in rows]


def _find_examples(
    source: Database | Transaction, spec: ModelSpec, prediction_id: str
) -> list[tuple[dict[str, object], int]]:
    """Give the refused deliveries among whose examples the id is: what they are without it, and how many go."""
    found = []
    name = re.compile(rf"(?<!\w){re.escape(prediction_id)}(?!\w)")
    for row in source.rows("list_refused_examples", {"model": spec.name}):
        examples = json.loads(row["examples"])
        kept = [one for one in examples if not _speaks_of(one, spec, prediction_id)]
        if len(kept) < len(examples):
            change = {"id": row["id"], "examples": json.dumps(kept), "reason": name.sub("…", row["reason"])}
            found.append((change, len(examples) - len(kept)))
    return found


def _speaks_of(example: Mapping[str, object], spec: ModelSpec, prediction_id: str) -> bool:
    return prediction_id in (example.get("prediction_id"), example.get(spec.columns.prediction_id))
