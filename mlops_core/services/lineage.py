"""The lineage of versions: decides which of them are drawn, and what is told of each step."""

from collections.abc import Sequence

from mlops_core.charts.lineage import Trail
from mlops_core.entities import ModelSpec, Span
from mlops_core.services.history import VersionHistory
from mlops_core.services.runtime import Runtime
from mlops_core.store.challengers import get_challenger
from mlops_core.store.snapshots import SnapshotState, list_snapshots

MOST_DRAWN = 12
"""Of the newest versions; the others are in the table, and drawn when they are chosen."""
COLUMNS = ("Version", "Standing", "Snapshot", "Rows", "Run", "In production (UTC)")


def list_trails(runtime: Runtime, spec: ModelSpec, histories: Sequence[VersionHistory]) -> list[Trail]:
    """Give every version's way from its snapshot into production, the newest first."""
    states = {state.snapshot.id: state for state in list_snapshots(runtime.database, spec.name)}
    challenge = get_challenger(runtime.database, spec.name)
    challenger = challenge.version if challenge else None
    return [_read_trail(one, states[one.version.snapshot.id], challenger) for one in reversed(histories)]


def choose_trails(trails: Sequence[Trail], chosen: str, most: int = MOST_DRAWN) -> list[Trail]:
    """Give those that are drawn: the newest, and in any case the chosen one."""
    return [trail for i, trail in enumerate(trails) if i < most or trail.version == chosen]


def list_rows(trails: Sequence[Trail]) -> list[tuple[str, ...]]:
    """Give the ways as text, in the order of `COLUMNS`."""
    return [
        (
            trail.version,
            trail.standing or "–",
            f"{trail.snapshot[:10]}…",
            trail.snapshot_note,
            f"run {trail.run}" if trail.run is not None else "elsewhere",
            "; ".join(trail.spans) or "never",
        )
        for trail in trails
    ]


def _read_trail(one: VersionHistory, state: SnapshotState, challenger: str | None) -> Trail:
    version = one.version
    standing = "champion" if one.is_champion else "challenger" if version.name == challenger else ""
    return Trail(
        version=version.name,
        standing=standing,
        snapshot=version.snapshot.id,
        snapshot_note=_tell_rows(state),
        run=version.run,
        run_note=f"asked for by {version.created_by}" if version.run is not None else "trained elsewhere",
        spans=tuple(_write_span(span) for span in one.spans),
    )


def _tell_rows(state: SnapshotState) -> str:
    if state.gone_since:
        return f"rows deleted {state.gone_since:%d %b %Y}"
    erased = f", {state.n_erasures:,} erased" if state.n_erasures else ""
    return f"{state.rows:,} rows{erased}"


def _write_span(span: Span) -> str:
    return f"{span.start:%d %b %Y} – {f'{span.end:%d %b %Y}' if span.end else 'now'}"
