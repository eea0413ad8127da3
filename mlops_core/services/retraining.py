"""Training runs as people see them: decides who may order one when, and that orders and cancellations are told."""

from dataclasses import dataclass, replace
from uuid import uuid4

from mlops_core.entities import Actor, ModelSpec
from mlops_core.errors import ConflictError, InputError, NotFoundError
from mlops_core.run_folder import LogLine, cut_short, fold_log, read_log
from mlops_core.runs import RunOrder, RunStatus, StepState, TrainingRun
from mlops_core.services.reasons import check_reason
from mlops_core.services.run_orders import find_holdout_start, find_training_window, get_training
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.connection import Transaction
from mlops_core.store.models import get_snapshot
from mlops_core.store.runs import (
    MOST_RUNS,
    RunChange,
    add_run,
    add_run_change,
    find_run_by_key,
    get_run,
    list_open_runs,
    list_runs,
)
from mlops_core.store.snapshots import find_gone
from mlops_core.wall_clock import read_wall_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as it stands this moment."""

    run: TrainingRun
    steps: tuple[StepState, ...]
    """Newer than those that are kept, while it runs."""
    log: tuple[LogLine, ...]
    """What it has told, oldest first."""


def order_run(runtime: Runtime, spec: ModelSpec, order: RunOrder) -> TrainingRun:
    """Order a training run, and give it; it is carried out in the background.

    Raises
    ------
    InputError
        The model is not trained here, no reason was given, the window cannot be used, or the key was used for another
        order.
    NotFoundError
        There is no such snapshot.
    ConflictError
        Another run of the model is not over, or the rows of the snapshot were deleted.
    """
    _check_order(runtime, spec, order)
    at = runtime.now(spec.name)
    held_from = find_holdout_start(runtime, spec, at)
    window = find_training_window(order, held_from)
    if window.start >= window.end or window.end > at:
        raise InputError(
            f"Training rows from {window.start:%d %b %Y} to {window.end:%d %b %Y} cannot be used: the start must lie "
            f"before the end, and the end not after {at:%d %b %Y}."
        )
    with runtime.database.transaction() as transaction:
        earlier = find_run_by_key(transaction, spec.name, order.key) if order.key else None
        if earlier:
            _refuse_other(earlier, order)
            return earlier
        _refuse_second(transaction, spec)
        run = add_run(
            transaction, order, workflow=uuid4().hex, at=at, recorded_at=read_wall_clock(), held_from=held_from
        )
        _tell(runtime, transaction, run, "order training run", order.actor, order.reason)
    runtime.training.wake(runtime)
    return run


def cancel_run(runtime: Runtime, spec: ModelSpec, number: int, *, actor: Actor, reason: str) -> TrainingRun:
    """Cancel a run; its child ends within two seconds, and nothing of it is registered.

    Raises
    ------
    NotFoundError
        The model has no such run.
    ConflictError
        It is over, or its version is registered already.
    InputError
        No reason was given.
    """
    check_reason(reason)
    run = find_run(runtime, spec, number)
    now = read_wall_clock()
    steps = tuple(cut_short(step, now, "Cancelled") for step in read_run(runtime, spec, number).steps)
    change = RunChange(status=RunStatus.CANCELLED, steps=steps, at=now, reason=reason.strip(), report=run.report)
    with runtime.database.transaction() as transaction:
        version = get_run(transaction, number).version
        if version:
            raise ConflictError(f"Run {number} has registered {version} already; it cannot be cancelled any more.")
        if not add_run_change(transaction, number, change):
            raise ConflictError(f"Run {number} is over: {run.status.value}.")
        _tell(runtime, transaction, run, "cancel training run", actor, reason)
    runtime.training.wake(runtime)
    return get_run(runtime.database, number)


def find_run(runtime: Runtime, spec: ModelSpec, number: int) -> TrainingRun:
    """Give one run of a model.

    Raises
    ------
    NotFoundError
        The model has no such run.
    """
    run = get_run(runtime.database, number)
    if run.order.model != spec.name:
        raise NotFoundError(f"There is no run {number} of {spec.name}.", {"run": number})
    return run


def read_run(runtime: Runtime, spec: ModelSpec, number: int) -> RunView:
    """Give a run with its log, as far as that is there."""
    run = find_run(runtime, spec, number)
    log = read_log(runtime.home.runs / run.workflow)
    steps = fold_log(log) if log and not run.status.is_over else run.steps
    return RunView(run=run, steps=steps, log=tuple(log))


def get_history(
    runtime: Runtime, spec: ModelSpec, limit: int = MOST_RUNS, *, with_reports: bool = False
) -> list[TrainingRun]:
    """Give the newest runs of a model, the newest first; what one has found, `find_run` gives as well."""
    return list_runs(runtime.database, spec.name, limit, with_reports=with_reports)


def _check_order(runtime: Runtime, spec: ModelSpec, order: RunOrder) -> None:
    get_training(spec)
    check_reason(order.reason)
    if order.snapshot:
        get_snapshot(runtime.database, spec.name, order.snapshot)
        gone = find_gone(runtime.database, order.snapshot)
        if gone:
            raise ConflictError(
                f"The rows of the snapshot {order.snapshot[:12]}… were deleted on {gone:%d %b %Y}, as the retention "
                "says."
            )
    if order.snapshot and order.window:
        raise InputError("A run is given a snapshot or a window, not both: a snapshot has its own span.")


def _refuse_other(earlier: TrainingRun, order: RunOrder) -> None:
    if replace(order, actor=earlier.order.actor) != earlier.order:
        raise InputError(
            f"The key {order.key!r} was used for run {earlier.id}, which was ordered otherwise; nothing was ordered."
        )


def _refuse_second(transaction: Transaction, spec: ModelSpec) -> None:
    for run in list_open_runs(transaction):
        if run.order.model == spec.name:
            raise ConflictError(
                f"Run {run.id} of {spec.name} is {run.status.value}; wait for its end, or cancel it.", {"run": run.id}
            )


def _tell(runtime: Runtime, transaction: Transaction, run: TrainingRun, action: str, actor: Actor, reason: str) -> None:
    order = run.order
    add_audit_event(
        transaction,
        at=runtime.now(order.model),
        actor=actor,
        action=action,
        model=order.model,
        subject=f"run {run.id}",
        reason=reason.strip(),
        evidence={
            "run": run.id,
            "trigger": order.trigger.value,
            "candidates": list(order.candidates),
            "snapshot": order.snapshot,
            "window": [order.window.start.isoformat(), order.window.end.isoformat()] if order.window else None,
        },
    )
