"""Decisions of policies: decides that each is kept once, with the verdicts it rested on, and what came of it."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mlops_core.entities import Status, Verdict
from mlops_core.policy_records import Cause, Decision, Obstacle, PolicyDecision
from mlops_core.store.connection import Database, Row, Transaction

MOST_DECISIONS = 200


def add_policy_decision(transaction: Transaction, made: PolicyDecision) -> bool:
    """Write a decision down; give False, and change nothing, when there is one with its key."""
    fields = {name: getattr(made, name) for name in ("model", "at", "key", "words", "terms")}
    enumerations = {"decision": made.decision.value, "obstacle": made.obstacle and made.obstacle.value}
    verdicts = json.dumps([asdict(verdict) | {"at": verdict.at.isoformat()} for verdict in made.verdicts])
    lists = {"causes": [cause.value for cause in made.causes], "verdicts": verdicts}
    return bool(transaction.run("insert_policy_decision", fields | enumerations | lists))


def settle_policy_decision(
    transaction: Transaction, model: str, key: str, *, run: int | None = None, trouble: str = ""
) -> bool:
    """Write down which run was ordered, or why none could be; give False when that was known."""
    fields = {"model": model, "key": key, "run": run, "trouble": trouble}
    return bool(transaction.run("settle_policy_decision", fields))


def list_policy_decisions(
    source: Database | Transaction, model: str, limit: int = MOST_DECISIONS
) -> list[PolicyDecision]:
    """Give what the policy of a model has decided, the newest first."""
    return [_read(row) for row in source.rows("list_policy_decisions", {"model": model, "limit": limit})]


def _read(row: Row) -> PolicyDecision:
    read = {
        "decision": Decision(row["decision"]),
        "causes": tuple(Cause(cause) for cause in row["causes"]),
        "verdicts": tuple(_read_verdict(entry) for entry in json.loads(row["verdicts"])),
        "obstacle": row["obstacle"] and Obstacle(row["obstacle"]),
    }
    return PolicyDecision(**(dict(row) | read))


def _read_verdict(entry: dict[str, Any]) -> Verdict:
    return Verdict(**(entry | {"status": Status(entry["status"]), "at": datetime.fromisoformat(entry["at"])}))
