"""Training runs: decides that what was asked for is never changed, and that a run that is over stays as it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mlops_core.entities import Actor, Window
from mlops_core.errors import NotFoundError
from mlops_core.policy_records import PastRun
from mlops_core.runs import RunOrder, RunStatus, Step, StepState, StepStatus, TrainingRun, Trigger
from mlops_core.store.connection import Database, Row, Transaction

MOST_RUNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """Where a run stands from now on."""

    status: RunStatus
    steps: tuple[StepState, ...]
    at: datetime
    """By the machine's clock."""
    version: str | None = None
    reason: str = ""
    report: Mapping[str, object]


def add_run(
    transaction: Transaction,
    order: RunOrder,
    *,
    workflow: str,
    at: datetime,
    recorded_at: datetime,
    held_from: datetime,
) -> TrainingRun:
    """Write down what a run is asked to do, and give it its number."""
    number = transaction.rows("next_run")[0]["id"]
    window = order.window
    fields = {
        "id": number,
        "model": order.model,
        "workflow": workflow,
        "cause": order.trigger.value,
        "start": window.start if window else None,
        "end": window.end if window else None,
        "candidates": list(order.candidates),
        "snapshot": order.snapshot,
        "reason": order.reason,
        "actor": order.actor.name,
        "channel": order.actor.channel,
        "key": order.key,
        "at": at,
        "recorded_at": recorded_at,
        "held_from": held_from,
    }
    transaction.run("insert_run", fields)
    return TrainingRun(id=number, order=order, workflow=workflow, at=at, recorded_at=recorded_at, held_from=held_from)


def add_run_change(transaction: Transaction, run: int, change: RunChange) -> bool:
    """Write down where a run stands; give False, and change nothing, when it is over already."""
    fields = {
        "run": run,
        "status": change.status.value,
        "steps": json.dumps([_write_step(step) for step in change.steps]),
        "version": change.version,
        "reason": change.reason,
        "report": json.dumps(dict(change.report)),
        "recorded_at": change.at,
    }
    return bool(transaction.run("insert_run_change", fields))


def list_runs(
    source: Database | Transaction, model: str, limit: int = MOST_RUNS, *, with_reports: bool = True
) -> list[TrainingRun]:
    """Give the newest runs of a model, the newest first; without reports, which are large, these are empty."""
    fields = {"model": model, "limit": limit, "with_reports": with_reports}
    return [_read_run(row) for row in source.rows("list_runs", fields)]


def get_run(source: Database | Transaction, run: int) -> TrainingRun:
    """Give one run.

    Raises
    ------
    NotFoundError
        When there is none of this number.
    """
    found = source.rows("get_run", {"id": run})
    if not found:
        raise NotFoundError(f"There is no run {run}.", {"run": run})
    return _read_run(found[0])


def list_open_runs(source: Database | Transaction) -> list[TrainingRun]:
    """Give the runs of all models that are not over, oldest first."""
    return [get_run(source, row["id"]) for row in source.rows("list_open_runs")]


def find_run_by_key(source: Database | Transaction, model: str, key: str) -> TrainingRun | None:
    """Give the run that an order with this key has made; None while there is none."""
    found = source.rows("find_run_by_key", {"model": model, "key": key})
    return get_run(source, found[0]["id"]) if found else None


def list_past_runs(source: Database | Transaction, model: str, limit: int = MOST_RUNS) -> list[PastRun]:
    """Give what a policy knows of the newest runs of a model, the newest first."""
    return [
        PastRun(
            id=row["id"],
            at=row["at"],
            status=RunStatus(row["status"]),
            is_own=Trigger(row["cause"]) is not Trigger.PERSON,
        )
        for row in source.rows("list_past_runs", {"model": model, "limit": limit})
    ]


def list_run_times(source: Database | Transaction, model: str) -> list[timedelta]:
    """Give how long the runs of a model took that came to the gate, oldest first."""
    return [timedelta(microseconds=row["took_us"]) for row in source.rows("list_run_times", {"model": model})]


def _write_step(state: StepState) -> dict[str, object]:
    return {
        "step": state.step.value,
        "status": state.status.value,
        "started_at": state.started_at and state.started_at.isoformat(),
        "ended_at": state.ended_at and state.ended_at.isoformat(),
        "fraction": state.fraction,
        "words": state.words,
    }


def _read_step(document: Mapping[str, Any]) -> StepState:
    started, ended = document["started_at"], document["ended_at"]
    return StepState(
        step=Step(document["step"]),
        status=StepStatus(document["status"]),
        started_at=datetime.fromisoformat(started) if started else None,
        ended_at=datetime.fromisoformat(ended) if ended else None,
        fraction=document["fraction"],
        words=document["words"] or "",
    )


def _read_run(row: Row) -> TrainingRun:
    order = RunOrder(
        model=row["model"],
        reason=row["why"],
        actor=Actor(row["actor"], row["channel"]),
        trigger=Trigger(row["cause"]),
        window=Window(row["start"], row["end"]) if row["start"] and row["end"] else None,
        candidates=tuple(row["candidates"]),
        snapshot=row["snapshot_id"],
        key=row["key"],
    )
    run = TrainingRun(
        id=row["id"],
        order=order,
        workflow=row["workflow"],
        at=row["at"],
        recorded_at=row["recorded_at"],
        # Runs of builds that did not fix it are over, or kept what was newer than their training rows.
        held_from=row["held_from"] or row["at"],
    )
    if row["status"] is None:
        return run
    return replace(
        run,
        status=RunStatus(row["status"]),
        steps=tuple(_read_step(step) for step in json.loads(row["steps"])),
        changed_at=row["changed_at"],
        version=row["version"],
        reason=row["reason"],
        report=json.loads(row["report"]),
    )
