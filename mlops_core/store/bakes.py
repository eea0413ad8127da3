"""Baking windows: decides that each change of production has one at most, and that its outcome is written once."""

import json

from mlops_core.entities import Metric
from mlops_core.production import Bake, Origin, Outcome, Promise, Revert
from mlops_core.store.connection import Database, Row, Transaction


def add_bake(transaction: Transaction, bake: Bake) -> None:
    """Begin to watch a change, in its transaction."""
    fields = {name: getattr(bake, name) for name in ("deployment", "model", "version", "start", "until")}
    promise = bake.promise
    ends = {"promised": promise.value, "low": promise.low, "high": promise.high}
    kinds = {"metric": promise.metric.value, "origin": promise.origin.value}
    transaction.run("insert_bake", fields | kinds | ends)


def list_bakes(source: Database | Transaction, model: str) -> list[Bake]:
    """Give every baking window of a model, oldest first."""
    return [_read_bake(row) for row in source.rows("list_bakes", {"model": model})]


def decide_bake(transaction: Transaction, bake: Bake) -> bool:
    """Write the outcome of a window down; give False, and change nothing, when it has one already."""
    assert bake.outcome is not None
    fields = {
        "deployment": bake.deployment,
        "outcome": bake.outcome.value,
        "reason": bake.reason,
        "decided_at": bake.decided_at,
        "evidence": json.dumps(dict(bake.evidence)),
        "revert": bake.revert and bake.revert.value,
        "refusal": bake.refusal,
    }
    return bool(transaction.run("decide_bake", fields))


def settle_revert(transaction: Transaction, deployment: int, revert: Revert, refusal: str) -> bool:
    """Write down what came of a revert that was due; give False when none was."""
    fields = {"deployment": deployment, "revert": revert.value, "refusal": refusal}
    return bool(transaction.run("settle_revert", fields))


def _read_bake(row: Row) -> Bake:
    fields = dict(row)
    promise = Promise(
        metric=Metric(fields.pop("metric")),
        origin=Origin(fields.pop("origin")),
        value=fields.pop("promised"),
        low=fields.pop("low"),
        high=fields.pop("high"),
    )
    known = {
        "promise": promise,
        "outcome": fields["outcome"] and Outcome(fields["outcome"]),
        "revert": fields["revert"] and Revert(fields["revert"]),
        "evidence": json.loads(fields["evidence"]),
    }
    return Bake(**(fields | known))
