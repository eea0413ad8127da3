"""Retention: decides from when on a model's rows and counts are kept, and that nothing goes uncounted."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from mlops_core.chunking import LONGEST, find_chunk
from mlops_core.entities import Actor, ModelSpec, Retention
from mlops_core.errors import ConflictError, InputError
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.reasons import check_reason
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshot_retention import (
    count_before_deletion,
    find_old_snapshots,
    note_deleted,
    remove_deleted,
)
from mlops_core.store.audit import add_audit_event
from mlops_core.store.retention import (
    OldData,
    add_retention,
    count_old,
    delete_old,
    get_retention,
    has_pending,
)

LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What a retention means now."""

    retention: Retention
    rows_from: datetime | None
    """Rows scored before this chunk go; None when all are kept."""
    profiles_from: datetime | None
    """Counts of chunks before this one go; None when all are kept."""
    old: OldData
    """What goes."""
    snapshots: tuple[str, ...] = ()
    """Ids of the snapshots whose training rows go."""


def plan_retention(runtime: Runtime, spec: ModelSpec, retention: Retention, now: datetime) -> RetentionPlan:
    """Say what would be deleted now.

    Raises
    ------
    InputError
        When the days are not accepted.
    """
    _check_days(spec, retention)
    rows_from, profiles_from = (
        find_chunk(spec, now - timedelta(days=days)) if days else None
        for days in (retention.row_days, retention.profile_days)
    )
    snapshots = find_old_snapshots(runtime.database, spec, retention, now)
    old = replace(count_old(runtime.database, spec, rows_from, profiles_from), snapshots=len(snapshots))
    return RetentionPlan(
        retention=retention, rows_from=rows_from, profiles_from=profiles_from, old=old, snapshots=snapshots
    )


def set_retention(
    runtime: Runtime, spec: ModelSpec, retention: Retention, *, actor: Actor, reason: str, now: datetime
) -> RetentionPlan:
    """Set how long a model's data is kept, and delete what is older.

    Raises
    ------
    InputError
        When the days or the reason are not accepted, or nothing changes.
    """
    _check_days(spec, retention)
    check_reason(reason)
    before = get_retention(runtime.database, spec.name)
    if before == retention:
        raise InputError(f"{spec.name} keeps its data that long already; nothing was changed.")
    with runtime.database.transaction() as transaction:
        add_retention(transaction, spec.name, retention, now)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action="set retention",
            model=spec.name,
            subject=spec.name,
            reason=reason.strip(),
            evidence={"before": asdict(before), "after": asdict(retention)},
        )
    return apply_retention(runtime, spec, actor=actor, now=now)


def apply_retention(runtime: Runtime, spec: ModelSpec, *, actor: Actor, now: datetime) -> RetentionPlan:
    """Delete what is older than a model's retention says, after it was counted; give what went.

    Raises
    ------
    ConflictError
        When old rows came while this was under way; nothing was deleted, and the next time will do it.
    """
    plan = plan_retention(runtime, spec, get_retention(runtime.database, spec.name), now)
    if not plan.old.is_nothing:
        plan = _delete(runtime, spec, plan, actor, now)
    remove_deleted(runtime, spec)
    return plan


def _delete(runtime: Runtime, spec: ModelSpec, plan: RetentionPlan, actor: Actor, now: datetime) -> RetentionPlan:
    """Delete what was counted, and give what went."""
    count_waiting(runtime, spec)
    counted = count_before_deletion(runtime, spec, plan.snapshots, now)
    with runtime.database.transaction() as transaction:
        if plan.rows_from and has_pending(transaction, spec.name, plan.rows_from):
            raise ConflictError(f"Old rows of {spec.name} came just now; nothing was deleted. Try again.")
        # What was chosen may be in production by now, or a run may have begun.
        still_old = find_old_snapshots(transaction, spec, plan.retention, now)
        snapshots = tuple(one for one in counted if one in still_old)
        done = replace(plan, snapshots=snapshots, old=replace(plan.old, snapshots=len(snapshots)))
        if done.old.is_nothing:
            return done
        delete_old(transaction, spec, plan.rows_from, plan.profiles_from)
        note_deleted(transaction, snapshots, now)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action="delete old data",
            model=spec.name,
            subject=spec.name,
            reason=describe_retention(plan.retention),
            evidence={
                "rows_from": plan.rows_from.isoformat() if plan.rows_from else None,
                "profiles_from": plan.profiles_from.isoformat() if plan.profiles_from else None,
                **asdict(done.old),
                "snapshot_ids": list(snapshots),
            },
        )
    return done


def describe_retention(retention: Retention) -> str:
    """Say how long rows, counts, and training rows are kept: "rows 90 days, counts for ever"."""
    rows, counts = (f"{days:,} days" if days else "for ever" for days in (retention.row_days, retention.profile_days))
    training = f", training rows {retention.snapshot_days:,} days" if retention.snapshot_days else ""
    return f"rows {rows}, counts {counts}{training}"


def _check_days(spec: ModelSpec, retention: Retention) -> None:
    least = ceil(spec.label_delay_days) + ceil(LONGEST[spec.chunk] / timedelta(days=1))
    for name, days in (("row_days", retention.row_days), ("profile_days", retention.profile_days)):
        if days is not None and not least <= days <= LONGEST_DAYS:
            raise InputError(
                f"{name} is {days}; accepted are {least} to {LONGEST_DAYS:,} days, as labels of {spec.name} come up "
                f"to {spec.label_delay_days:g} days late, or null for ever."
            )
    if retention.snapshot_days is not None and not 1 <= retention.snapshot_days <= LONGEST_DAYS:
        raise InputError(
            f"snapshot_days is {retention.snapshot_days}; accepted are 1 to {LONGEST_DAYS:,} days, or null for ever."
        )
    if retention.profile_days and (retention.row_days is None or retention.profile_days < retention.row_days):
        rows = "for ever" if retention.row_days is None else f"{retention.row_days:,} days"
        raise InputError(
            f"profile_days is {retention.profile_days}, while rows are kept {rows}; counts must be kept at least as "
            "long as the rows that they count."
        )
