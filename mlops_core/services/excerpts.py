"""Drift and data quality on the first page: decides which features and checks are worth its room."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from mlops_core.charts.drift import LOOK, HeatMap
from mlops_core.charts.quality import Matrix
from mlops_core.checks.quality_summary import rank_checks, summarise_quality
from mlops_core.entities import ModelSpec, Status, Window
from mlops_core.errors import MLOpsError
from mlops_core.services.drift_view import make_heat_map, read_drift_view
from mlops_core.services.drift_words import tell_drift
from mlops_core.services.quality import read_quality
from mlops_core.services.quality_view import (
    MOST_SHOWN,
    NOTHING,
    has_earlier_traffic,
    list_checked_versions,
    make_matrix,
)
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_version

DAYS = 30
"""Looked at, whatever window the page shows: what is older is history."""
MOST_ROWS = 6
MOVED_COLUMNS = ("Chunk", "Feature", "Status", "Reason")

Map = TypeVar("Map", HeatMap, Matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt(Generic[Map]):
    """What the first page says about drift, or about data quality."""

    note: str
    """The chunk that the sentence is about, or since when it is true; empty where nothing is wrong."""
    sentence: str
    """Of the newest traffic, as the page of its own says it."""
    map: Map
    """Of what was not OK in any chunk, the worst first; no rows when nothing was."""
    n_others: int
    """What was not OK either, for which there is no room."""


def read_drift_excerpt(runtime: Runtime, spec: ModelSpec, now: datetime) -> Excerpt[HeatMap] | str:
    """Give the features that drifted in the newest chunks against the standing reference, or why nobody knows."""
    try:
        view = read_drift_view(runtime, spec, _make_window(now), now)
    except MLOpsError as error:
        return error.message
    heat, headline = make_heat_map(view), tell_drift(view, view.find_position(None))
    moved = [
        row
        for row in heat.rows
        if row.name in view.table.features and {Status.ALERT, Status.WARNING} & set(row.statuses)
    ]
    return Excerpt(
        note=headline.kicker.partition(" · ")[2],
        sentence=headline.sentence,
        map=replace(heat, rows=tuple(moved[:MOST_ROWS])),
        n_others=max(len(moved) - MOST_ROWS, 0),
    )


def list_moved(heat: HeatMap) -> list[tuple[str, ...]]:
    """Give the cells of a map in which a feature drifted, or may have, the newest first."""
    return [
        (name, row.label, LOOK.names[row.statuses[i]], row.reasons[i])
        for i, name in reversed(list(enumerate(heat.names)))
        for row in heat.rows
        if row.statuses[i] in (Status.ALERT, Status.WARNING)
    ]


def read_quality_excerpt(runtime: Runtime, spec: ModelSpec, now: datetime) -> Excerpt[Matrix] | str:
    """Give the checks that found something in the newest chunks of the version in production, or why nobody knows.

    Without a version in production it is the newest one that has answered traffic.
    """
    name = next(iter(list_checked_versions(runtime, spec)), None)
    if name is None:
        return NOTHING.sentence
    version = get_version(runtime.database, spec.name, name)
    chunks = read_quality(runtime, spec, version, _make_window(now), now)[-MOST_SHOWN:]
    if not chunks:
        return f"{name} has answered no traffic in the last {DAYS} days."
    unit, has_earlier = spec.chunk.value, has_earlier_traffic(runtime, spec, name, chunks)
    headline = summarise_quality(name, chunks, unit=unit, has_earlier=has_earlier, span="shown here")
    if headline.status is Status.INSUFFICIENT_DATA:
        return headline.detail
    checks = rank_checks(chunks)
    return Excerpt(
        note=headline.kicker.partition(" · ")[2].partition(" · ")[2],
        sentence=headline.sentence,
        map=make_matrix(spec, chunks, checks[:MOST_ROWS]),
        n_others=max(len(checks) - MOST_ROWS, 0),
    )


def _make_window(now: datetime) -> Window:
    return Window(now - timedelta(days=DAYS), now)
