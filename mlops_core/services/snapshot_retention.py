"""Retention of training rows: decides which snapshots keep theirs whatever their age, and that the record stays."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from mlops_core.entities import ModelSpec, Retention
from mlops_core.errors import MLOpsError
from mlops_core.frozen_rows import locate_rows
from mlops_core.services.reference_scores import count_reference_scores
from mlops_core.services.references import ensure_snapshot_reference
from mlops_core.services.runtime import Runtime
from mlops_core.store.challengers import get_challenger
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import list_versions
from mlops_core.store.runs import list_open_runs
from mlops_core.store.snapshots import list_shared, list_snapshots, list_users, note_content

_log = logging.getLogger(__name__)


def find_old_snapshots(
    source: Database | Transaction, spec: ModelSpec, retention: Retention, now: datetime
) -> tuple[str, ...]:
    """Give the ids of the snapshots whose rows are to go, the newest first.

    Those of the version in production, of the one before it, and of the challenger stay; so does what another model
    has frozen alike, and everything while a run of the model is open, which may work on any of them.
    """
    if retention.snapshot_days is None or _has_open_run(source, spec):
        return ()
    since = now - timedelta(days=retention.snapshot_days)
    champion, challenge = get_champion(source, spec.name), get_challenger(source, spec.name)
    needed = {champion.version, champion.previous} if champion else set()
    needed |= {challenge.version} if challenge else set()
    kept = list_shared(source, spec.name)
    kept |= {one for one, versions in list_users(source, spec.name).items() if needed & set(versions)}
    return tuple(
        state.snapshot.id
        for state in list_snapshots(source, spec.name)
        if state.content is not None and state.frozen_at < since and state.snapshot.id not in kept
    )


def count_before_deletion(runtime: Runtime, spec: ModelSpec, old: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Count what versions are judged by from their training rows; give the snapshots that need not be read any more.

    A version whose rows are gone can still be put into production, compared, and watched.
    """
    wanted, failed = tuple(old), set()
    for version in list_versions(runtime.database, spec.name):
        snapshot = version.snapshot.id
        if snapshot not in wanted or not locate_rows(runtime.home.snapshots, snapshot).exists():
            continue
        try:
            ensure_snapshot_reference(runtime, spec, version, now, may_replace=False)
            count_reference_scores(runtime, spec, version, now)
        except MLOpsError as error:
            _log.warning("The training rows of %s %s stay for now: %s", spec.name, version.name, error.message)
            failed.add(snapshot)
    return tuple(snapshot for snapshot in wanted if snapshot not in failed)


def note_deleted(transaction: Transaction, snapshots: Iterable[str], now: datetime) -> None:
    """Write down that the rows of snapshots are gone; their files go when that is on disk."""
    for snapshot in snapshots:
        note_content(transaction, snapshot, None, 0, now)


def remove_deleted(runtime: Runtime, spec: ModelSpec) -> None:
    """Remove the files of snapshots whose rows are on record as deleted, also those that a crash has left.

    Nothing is removed while a run of the model is open, which may have frozen the same rows anew.
    """
    with runtime.database.transaction() as transaction:
        if _has_open_run(transaction, spec):
            return
        for state in list_snapshots(transaction, spec.name):
            if state.content is None:
                locate_rows(runtime.home.snapshots, state.snapshot.id).unlink(missing_ok=True)


def _has_open_run(source: Database | Transaction, spec: ModelSpec) -> bool:
    return any(run.order.model == spec.name for run in list_open_runs(source))
