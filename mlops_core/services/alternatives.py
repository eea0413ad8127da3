"""What other versions would have done on the champion's traffic: decides which are tried and what is kept."""

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import ConflictError, MLOpsError
from mlops_core.services.background import Progress
from mlops_core.services.comparison import (
    VersionComparison,
    compare_versions,
    list_alternatives,
    write_comparison,
)
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.rehearsal import find_rehearsal_window
from mlops_core.services.replay import replay_version
from mlops_core.services.runtime import Runtime
from mlops_core.services.unseen import find_unseen
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.counts import ScoreLabelCounts, merge_counts, stack_counts
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import read_score_profiles
from mlops_core.store.traffic import list_batches
from mlops_core.store.verdicts import list_comparisons, store_comparison

_log = logging.getLogger(__name__)


def refresh_alternatives(
    runtime: Runtime, spec: ModelSpec, now: datetime, progress: Progress | None = None
) -> list[VersionComparison]:
    """Let every other version score the champion's newest labelled traffic, and keep the comparisons that matter.

    These are with the version that does best by the primary metric and with the one that the champion replaced.
    Rows that a version was trained on would flatter it: they are left out. Nothing is done when the labels and
    the champion are those of the last time.
    """
    champion = get_champion(runtime.database, spec.name)
    window = find_rehearsal_window(runtime, spec, now, champion) if champion else None
    if champion is None or window is None:
        return []
    if _is_fresh(runtime, spec, champion.version, window):
        return list_alternatives(runtime, spec.name, champion.version)
    others = [
        version.name for version in list_versions(runtime.database, spec.name) if version.name != champion.version
    ]
    parts = {name: find_unseen(runtime, spec, window, (champion.version, name)) for name in others}
    tried = {
        name: part.window
        for name, part in parts.items()
        if part.window and _try_version(runtime, spec, name, part.window, progress)
    }
    count_waiting(runtime, spec)
    wanted = (_find_best(runtime, spec, champion.version, tried), champion.previous)
    comparisons = []
    # Too few rows in common are no fault: they become more.
    for name in [one for one in tried if one in wanted]:
        with suppress(ConflictError):
            found = compare_versions(runtime, spec, champion.version, name, tried[name])
            comparisons.append(replace(found, learned=parts[name].learned))
    for found in comparisons:
        store_comparison(
            runtime.database, spec.name, found.champion, found.candidate, window, write_comparison(found), now
        )
    return comparisons


def _is_fresh(runtime: Runtime, spec: ModelSpec, champion: str, window: Window) -> bool:
    """Say whether the kept comparisons are of this window and no labels have come since."""
    kept = list_comparisons(runtime.database, spec.name, champion)
    labels = list_batches(runtime.database, spec.name, "labels", limit=1)
    newest = max((row["end"] for row in kept), default=None)
    compared = [row["at"] for row in kept if row["end"] == newest]
    return newest == window.end and bool(labels) and labels[0].at <= min(compared)


def _try_version(runtime: Runtime, spec: ModelSpec, name: str, window: Window, progress: Progress | None) -> bool:
    """Replay a version; one whose artifact is damaged is left out, which the log says."""
    try:
        replay_version(runtime, spec, name, window, progress)
    except MLOpsError as error:
        _log.warning("%s %s cannot be replayed: %s", spec.name, name, error.message)
        return False
    return True


def _find_best(runtime: Runtime, spec: ModelSpec, champion: str, windows: Mapping[str, Window]) -> str | None:
    """Give the version that is furthest ahead of the champion by the primary metric, each over its own window."""
    sign = -1 if spec.primary_metric.higher_is_better is False else 1
    values: dict[str, float] = {}
    for name, window in windows.items():
        profiles = read_score_profiles(runtime.database, spec, window)
        own, others = (
            _measure(spec, [one.counts for one in profiles if one.version == version]) for version in (name, champion)
        )
        value = sign * (own - others)
        values |= {} if math.isnan(value) else {name: value}
    return max(values, key=lambda name: values[name]) if values else None


def _measure(spec: ModelSpec, counts: Sequence[ScoreLabelCounts]) -> float:
    """Give the primary metric of live and replayed rows together; NaN without any."""
    if not counts:
        return math.nan
    return float(compute_metrics(merge_counts(stack_counts(list(counts))))[spec.primary_metric][0])
