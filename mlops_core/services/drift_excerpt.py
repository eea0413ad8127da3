"""Drift on the first page: decides which features are worth its room, those that drifted of late."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mlops_core.charts.drift import HeatMap
from mlops_core.checks.headline import Headline
from mlops_core.entities import ModelSpec, Status, Window
from mlops_core.errors import ConflictError
from mlops_core.services.drift_view import make_heat_map, read_drift_view
from mlops_core.services.drift_words import tell_drift
from mlops_core.services.runtime import Runtime

DAYS = 30
"""Looked at, whatever window the page shows: older drift is history."""
MOST_FEATURES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftExcerpt:
    """What the first page says about drift."""

    headline: Headline
    """Of the newest chunk."""
    heat: HeatMap
    """Of the features that drifted in any chunk, the worst first; no rows when none did."""
    n_others: int
    """Features that drifted too, for which there is no room."""


def read_drift_excerpt(runtime: Runtime, spec: ModelSpec, now: datetime) -> DriftExcerpt | str:
    """Give the features that drifted in the newest chunks against the standing reference, or why nobody knows."""
    try:
        view = read_drift_view(runtime, spec, Window(now - timedelta(days=DAYS), now), now)
    except ConflictError as error:
        return error.message
    heat = make_heat_map(view)
    moved = [
        row
        for row in heat.rows
        if row.name in view.table.features and {Status.ALERT, Status.WARNING} & set(row.statuses)
    ]
    return DriftExcerpt(
        headline=tell_drift(view, view.find_position(None)),
        heat=replace(heat, rows=tuple(moved[:MOST_FEATURES])),
        n_others=max(len(moved) - MOST_FEATURES, 0),
    )
