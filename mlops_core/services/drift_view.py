"""The drift page's figures: decides which traffic it shows, with what it is compared, and the order of the features."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mlops_core.charts.drift import HeatMap, HeatRow
from mlops_core.checks.drift import STATUSES, DriftJudgement
from mlops_core.checks.drift_summary import explain
from mlops_core.chunking import find_chunk
from mlops_core.entities import ModelSpec, Status, Version, Window
from mlops_core.errors import ConflictError
from mlops_core.services.drift import DriftTable, judge_series, look_back
from mlops_core.services.drift_outcomes import Outcome, read_outcomes
from mlops_core.services.drift_report import find_known
from mlops_core.services.impacts import expect_impacts, get_change, warn_of_costs
from mlops_core.services.runtime import Runtime
from mlops_core.services.series import read_series
from mlops_core.stats.features import FeatureBinning
from mlops_core.store.binnings import get_binning
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.models import get_champion_version
from mlops_core.store.references import Reference, ReferenceProfile
from mlops_core.words import write_chunk

MOST_CHUNKS = 120
"""The newest ones; more would be squares too small to click."""
MOST_EXPECTED = 8
"""Chunks whose expected changes are kept: a page shows the newest and the chosen one."""
MOST_ROWS = 30
"""Features that the heat map has room for; the table has them all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftView:
    """The drift of all traffic of a model by chunk, whatever version answered."""

    spec: ModelSpec
    version: str | None
    """In production; its features are the ones looked at."""
    table: DriftTable
    """With the chunks before the first one shown, at which its verdict looks back."""
    first: int
    """Position of the first chunk shown."""
    n_in_window: int
    """Chunks of the window; more than are shown when they are too many for a map."""
    outcomes: tuple[Outcome, ...]
    """Score and labels, over the same chunks as the table."""
    binnings: Mapping[str, FeatureBinning]
    expect: Callable[[int], NDArray[np.float64]]
    """Gives the expected change of the primary metric by each feature of a chunk, in its units, shape (f,), from the
    position of the chunk in the table; NaN where it is not known."""

    @property
    def chunks(self) -> tuple[datetime, ...]:
        """The chunks shown, oldest first."""
        return self.table.chunks[self.first :]

    def find_position(self, chunk: datetime | None) -> int:
        """Give the position of a chunk in the table; of the newest one when it is not shown."""
        return self.table.chunks.index(chunk) if chunk in self.chunks else len(self.table.chunks) - 1


def read_drift_view(
    runtime: Runtime,
    spec: ModelSpec,
    window: Window,
    now: datetime,
    segment: Segment = ALL_TRAFFIC,
    reference: Window | None = None,
) -> DriftView:
    """Judge every feature, the score, and the labels in every chunk of a window that is over.

    Parameters
    ----------
    reference : Window, optional
        Traffic to compare the features with; the standing reference of the champion when None.

    Raises
    ------
    ConflictError
        When there is nothing to compare, or nothing to compare with.
    """
    binning = get_binning(runtime.database, spec.name)
    if binning is None:
        raise ConflictError("The features were not counted yet: there is neither a reference nor traffic.")
    version = get_champion_version(runtime.database, spec.name)
    compared = find_known(runtime, spec, binning, reference, now, segment)
    judged = _judge_window(runtime, spec, version, Window(window.start, min(window.end, now)), segment, *compared)
    table = warn_of_costs(runtime, spec, version, judged, segment)
    shown = sum(chunk >= find_chunk(spec, window.start) for chunk in table.chunks)
    return DriftView(
        spec=spec,
        version=version.name if version else None,
        table=table,
        first=len(table.chunks) - min(max(shown, 1), MOST_CHUNKS),
        n_in_window=shown,
        outcomes=read_outcomes(runtime, spec, version.name if version else None, segment, table.chunks),
        binnings=binning.features,
        expect=lru_cache(MOST_EXPECTED)(partial(_expect_changes, runtime, spec, version, table, segment)),
    )


def _judge_window(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version | None,
    window: Window,
    segment: Segment,
    reference: Reference,
    known: Mapping[str, ReferenceProfile],
) -> DriftTable:
    """Judge the features that the version in production reads, and the chunks that its verdicts look back at."""
    if not known:
        raise ConflictError(f"The reference has no rows of the segment {segment[0]}: {segment[1]}.")
    features = list(version.features if version else spec.columns.features)
    series = read_series(runtime, spec, reference.binning, look_back(spec, window), features, segment)
    judged = judge_series(runtime, reference, series, known)
    if judged is None:
        raise ConflictError(f"There is no {spec.chunk.value} of traffic in this window that is over.")
    return judged


def _expect_changes(
    runtime: Runtime, spec: ModelSpec, version: Version | None, table: DriftTable, segment: Segment, position: int
) -> NDArray[np.float64]:
    impacts = expect_impacts(runtime, spec, version, table, segment, position=position)
    changes = [get_change(impacts[name], spec).value for name in table.features]
    return np.array([np.nan if change is None else change for change in changes])


def rank_features(view: DriftView, position: int) -> list[int]:
    """Give the features by position, the worst in a chunk first: by status, by expected loss, by effect over limit.

    What drifted stands above what did not, however large a harmless effect may be. Nobody knows what a feature that
    drifted without a known impact costs, so it stands above those that are known.
    """
    judgement, metric = view.table.judgement, view.spec.primary_metric
    codes, ratios = judgement.codes[:, position], get_ratios(judgement)[:, position]
    changes = view.expect(position)
    losses = np.abs(changes) if metric.higher_is_better is None else -changes if metric.higher_is_better else changes
    losses = np.where(codes >= STATUSES.index(Status.WARNING), np.nan_to_num(losses, nan=np.inf), 0.0)
    order = np.lexsort((-np.nan_to_num(ratios, nan=-np.inf), -losses, -codes))
    return [int(feature) for feature in order]


def get_ratios(judgement: DriftJudgement) -> NDArray[np.float64]:
    """Give each effect as a multiple of its limit, shape (f, k)."""
    return np.asarray(judgement.effects / judgement.alert_limits[:, None])


def make_heat_map(view: DriftView) -> HeatMap:
    """Give the features, the worst in the newest chunk first, and below them the score and the labels."""
    order = rank_features(view, len(view.table.chunks) - 1)[:MOST_ROWS]
    rows = [_make_row(view, view.table.features[i], view.table.features[i], view.table.judgement, i) for i in order]
    rows += [
        _make_row(view, one.name, one.label, one.judgement, 0, one.reasons)
        for one in view.outcomes
        if one.judgement is not None
    ]
    return HeatMap(
        chunks=view.chunks, names=tuple(write_chunk(view.spec, chunk) for chunk in view.chunks), rows=tuple(rows)
    )


def _make_row(
    view: DriftView,
    name: str,
    label: str,
    judgement: DriftJudgement,
    feature: int,
    reasons: Sequence[str] | None = None,
) -> HeatRow:
    places = range(view.first, len(view.table.chunks))
    return HeatRow(
        name=name,
        label=label if len(label) <= 28 else f"{label[:27]}…",
        statuses=tuple(judgement.get_status(feature, i) for i in places),
        effects=tuple(float(judgement.effects[feature, i]) for i in places),
        limit=float(judgement.alert_limits[feature]),
        reasons=tuple(reasons[i] if reasons else explain(judgement, name, feature, i) for i in places),
    )


def find_since(view: DriftView, feature: int, position: int) -> datetime | None:
    """Give the chunk from which on a feature was without a break a warning or an alert; None when it is neither."""
    codes, since = view.table.judgement.codes[feature], None
    while position >= 0 and codes[position] >= STATUSES.index(Status.WARNING):
        since = view.table.chunks[position]
        position -= 1
    return since


def make_window(spec: ModelSpec, first: date, last: date) -> Window:
    """Give the span of whole days of the model's zone, the last one included."""
    zone = ZoneInfo(spec.timezone)
    start, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def list_days(spec: ModelSpec, window: Window) -> tuple[date, date]:
    """Give the first and the last day of a span in the model's zone."""
    zone, last = ZoneInfo(spec.timezone), window.end - timedelta(microseconds=1)
    return window.start.astimezone(zone).date(), last.astimezone(zone).date()
