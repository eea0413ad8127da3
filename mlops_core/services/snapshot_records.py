"""Snapshots as people see them: decides what is told of each, and how one is named."""

from dataclasses import dataclass

from mlops_core.entities import ModelSpec
from mlops_core.errors import InputError, NotFoundError
from mlops_core.frozen_rows import locate_rows
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import list_versions
from mlops_core.store.runs import list_runs
from mlops_core.store.snapshots import SnapshotState, list_snapshots, list_users

MOST_RUNS = 100_000
LEAST_PREFIX = 6
"""Characters of an id that are enough to name a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord:
    """A snapshot, its file, and what rests on it."""

    state: SnapshotState
    file_bytes: int | None
    """Size of the file; None when it is not there."""
    runs: tuple[int, ...]
    """Runs that froze it or trained on it, oldest first."""
    versions: tuple[str, ...]
    """Versions that were trained on it, in the order of registration."""


def read_snapshots(runtime: Runtime, spec: ModelSpec) -> list[SnapshotRecord]:
    """Give a model's snapshots with what rests on them, the newest first."""
    users, runs = list_users(runtime.database, spec.name), _find_runs(runtime, spec)
    return [
        SnapshotRecord(
            state=state,
            file_bytes=_measure_file(runtime, state.snapshot.id),
            runs=tuple(sorted(runs.get(state.snapshot.id, ()))),
            versions=tuple(users.get(state.snapshot.id, ())),
        )
        for state in list_snapshots(runtime.database, spec.name)
    ]


def find_snapshot(runtime: Runtime, spec: ModelSpec, name: str) -> SnapshotState:
    """Give the snapshot with an id, with the only id that begins so, or of a version.

    Raises
    ------
    NotFoundError
        When there is none.
    InputError
        When several begin so.
    """
    states = list_snapshots(runtime.database, spec.name)
    of_version = {version.name: version.snapshot.id for version in list_versions(runtime.database, spec.name)}
    wanted = of_version.get(name, name)
    found = [state for state in states if state.snapshot.id.startswith(wanted)] if len(wanted) >= LEAST_PREFIX else []
    if not found:
        raise NotFoundError(
            f"{spec.name} has no snapshot {name[:80]!r}; accepted are a version, an id, or its first {LEAST_PREFIX} "
            "characters or more.",
            {"model": spec.name, "snapshot": name},
        )
    if len(found) > 1:
        raise InputError(f"{len(found)} snapshots of {spec.name} begin with {name!r}; give more of the id.")
    return found[0]


def report_snapshots(runtime: Runtime, spec: ModelSpec) -> dict[str, object]:
    """Give the document of a model's snapshots."""
    return {
        "model": spec.name,
        "snapshots": [describe_snapshot(record) for record in read_snapshots(runtime, spec)],
    }


def describe_snapshot(record: SnapshotRecord) -> dict[str, object]:
    """Give the document of one snapshot."""
    state, snapshot = record.state, record.state.snapshot
    return {
        "id": snapshot.id,
        "rows": state.rows,
        "rows_frozen": snapshot.rows,
        "start": snapshot.start,
        "end": snapshot.end,
        "label_coverage": snapshot.label_coverage,
        "origin": snapshot.origin or None,
        "columns": [{"name": name, "type": kind} for name, kind in snapshot.columns.items()],
        "created_at": snapshot.created_at,
        "file_bytes": record.file_bytes,
        "content": state.content,
        "erasures": state.n_erasures,
        "rows_gone_since": state.gone_since,
        "runs": record.runs,
        "versions": record.versions,
    }


def _find_runs(runtime: Runtime, spec: ModelSpec) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for run in list_runs(runtime.database, spec.name, MOST_RUNS):
        frozen = run.report.get("snapshot")
        for one in (run.order.snapshot, frozen.get("id") if isinstance(frozen, dict) else None):
            if one:
                found.setdefault(str(one), set()).add(run.id)
    return found


def _measure_file(runtime: Runtime, snapshot: str) -> int | None:
    try:
        return locate_rows(runtime.home.snapshots, snapshot).stat().st_size
    except FileNotFoundError:
        return None
