"""Erasure of one prediction: decides in which order its rows go, so that one that was cut off can be repeated.

The files of snapshots go first, the database last: as long as something is left, the id is still known there, and the
audit log says that it is erased only when it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from mlops_core.artifacts import hash_bytes
from mlops_core.entities import Actor, ModelSpec
from mlops_core.errors import ConflictError, InputError, NotFoundError
from mlops_core.frozen_rows import drop_prediction, hash_rows, locate_rows, replacing_rows
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.reasons import check_reason
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import read_whole
from mlops_core.store.audit import add_audit_event
from mlops_core.store.connection import Transaction
from mlops_core.store.erasures import (
    RewrittenFile,
    count_prediction,
    delete_prediction,
    find_erasure,
    list_rewritten,
    note_erasure,
)
from mlops_core.store.runs import list_open_runs
from mlops_core.store.snapshots import SnapshotState, list_snapshots, note_content

LONGEST_ID = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was, or would be, erased of one prediction."""

    model: str
    digest: str
    """SHA-256 of the prediction's id; the id itself is kept nowhere."""
    rows: Mapping[str, int]
    """Rows by kind: predictions, labels, replays, and examples of refused deliveries."""
    files: tuple[RewrittenFile, ...]
    """Snapshots whose rows it was among; what they hold without it."""
    erased_at: datetime | None
    """When it was done; None for what would be."""


def plan_erasure(runtime: Runtime, spec: ModelSpec, prediction_id: str) -> Erasure:
    """Say what would be erased.

    Raises
    ------
    InputError, NotFoundError
        When the id is not accepted; when it is nowhere.
    HomeError
        When a snapshot's file is damaged.
    """
    digest = _check_id(prediction_id)
    found = [_look(runtime, state, prediction_id)[1] for state in _list_files(runtime, spec)]
    rows, files = count_prediction(runtime.database, spec, prediction_id), tuple(one for one in found if one)
    known = find_erasure(runtime.database, spec.name, digest)
    is_here = bool(files) or any(rows.values())
    if not is_here and known is None:
        raise NotFoundError(f"{spec.name} has no prediction {prediction_id!r}, neither in its rows nor in a snapshot.")
    return Erasure(model=spec.name, digest=digest, rows=rows, files=files, erased_at=None if is_here else known)


def erase_prediction(
    runtime: Runtime, spec: ModelSpec, prediction_id: str, *, actor: Actor, reason: str, now: datetime
) -> Erasure:
    """Erase a prediction from the rows of a model and from all its snapshots; again changes nothing.

    Raises
    ------
    InputError, NotFoundError
        When the id or the reason is not accepted; when the id is nowhere.
    ConflictError
        When a run of the model is open, which may work on its row.
    HomeError
        When a snapshot's file is damaged, or the disk is full; repeating it goes on.
    """
    check_reason(reason)
    plan = plan_erasure(runtime, spec, prediction_id)
    if plan.erased_at:
        return plan
    _refuse_open_run(runtime, spec)
    # What was scored counts, though nobody will know whom it spoke of.
    count_waiting(runtime, spec)
    looked_at: set[str] = set()
    done = None
    while done is None:
        for state in _list_files(runtime, spec):
            if state.snapshot.id not in looked_at:
                _rewrite(runtime, state, prediction_id, plan.digest, now)
                looked_at.add(state.snapshot.id)
        done = _finish(runtime, spec, prediction_id, looked_at, plan.digest, actor, reason.strip(), now)
    return done


def _finish(
    runtime: Runtime,
    spec: ModelSpec,
    prediction_id: str,
    looked_at: Collection[str],
    digest: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Erasure | None:
    """Delete the rows and tell of it; None when a snapshot was frozen in the meantime."""
    with runtime.database.transaction() as transaction:
        _refuse_open_run_in(transaction, spec)
        own = {state.snapshot.id for state in list_snapshots(transaction, spec.name)}
        if {one for one in own if locate_rows(runtime.home.snapshots, one).exists()} - set(looked_at):
            return None
        rows = count_prediction(transaction, spec, prediction_id)
        delete_prediction(transaction, spec, prediction_id)
        files = tuple(one for one in list_rewritten(transaction, digest) if one.snapshot in own)
        note_erasure(transaction, spec.name, digest, now)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action="erase prediction",
            model=spec.name,
            subject=f"sha256:{digest}",
            reason=reason.replace(prediction_id, f"sha256:{digest}"),
            evidence={
                "prediction_sha256": digest,
                **rows,
                "snapshots": {one.snapshot: {"content": one.content, "rows": one.rows} for one in files},
            },
        )
    return Erasure(model=spec.name, digest=digest, rows=rows, files=files, erased_at=now)


def _rewrite(runtime: Runtime, state: SnapshotState, prediction_id: str, digest: str, now: datetime) -> None:
    """Write a snapshot's file without the prediction; what it holds is on record before it is there."""
    rows, change = _look(runtime, state, prediction_id)
    if change is None:
        return
    with replacing_rows(locate_rows(runtime.home.snapshots, state.snapshot.id), rows):
        if state.content != change.content:
            with runtime.database.transaction() as transaction:
                note_content(transaction, change.snapshot, change.content, change.rows, now, digest)


def _look(runtime: Runtime, state: SnapshotState, prediction_id: str) -> tuple[pa.Table, RewrittenFile | None]:
    """Give the rows without the prediction; and what they are, when it is among them."""
    rows = read_whole(runtime, state)
    kept = drop_prediction(rows, prediction_id)
    if kept.num_rows == rows.num_rows:
        return kept, None
    return kept, RewrittenFile(snapshot=state.snapshot.id, content=hash_rows(kept), rows=kept.num_rows)


def _list_files(runtime: Runtime, spec: ModelSpec) -> list[SnapshotState]:
    states = list_snapshots(runtime.database, spec.name)
    return [state for state in states if locate_rows(runtime.home.snapshots, state.snapshot.id).exists()]


def _refuse_open_run(runtime: Runtime, spec: ModelSpec) -> None:
    with runtime.database.transaction() as transaction:
        _refuse_open_run_in(transaction, spec)


def _refuse_open_run_in(transaction: Transaction, spec: ModelSpec) -> None:
    for run in list_open_runs(transaction):
        if run.order.model == spec.name:
            raise ConflictError(
                f"Run {run.id} of {spec.name} is {run.status.value} and may train on it; wait for its end, or cancel "
                "it, and erase again.",
                {"run": run.id},
            )


def _check_id(prediction_id: str) -> str:
    if not 1 <= len(prediction_id) <= LONGEST_ID:
        raise InputError(f"The prediction id has {len(prediction_id):,} characters; accepted are 1 to {LONGEST_ID:,}.")
    return hash_bytes(prediction_id.encode())
