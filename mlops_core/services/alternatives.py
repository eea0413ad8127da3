"""What other versions would have done on the champion's traffic: decides which are tried and what is kept."""

import logging
import math
from datetime import datetime

from mlops_core.entities import ModelSpec, Source, Window
from mlops_core.errors import MLOpsError
from mlops_core.services.comparison import (
    Report,
    VersionComparison,
    compare_versions,
    read_comparison,
    replay_version,
    report_nothing,
    write_comparison,
)
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import find_profile
from mlops_core.services.rehearsal import find_rehearsal_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.classification import compute_metrics, merge_counts
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import read_score_profiles
from mlops_core.store.verdicts import list_comparisons, store_comparison

_log = logging.getLogger(__name__)


def refresh_alternatives(
    runtime: Runtime, spec: ModelSpec, now: datetime, report: Report = report_nothing
) -> list[VersionComparison]:
    """Let every other version score the champion's newest labelled traffic, and keep the comparisons that matter.

    These are with the version that does best by the primary metric and with the one that the champion replaced.
    Nothing is done when the labels and the champion are those of the last time.
    """
    champion = get_champion(runtime.database, spec.name)
    window = find_rehearsal_window(runtime, spec, champion.version, now) if champion else None
    if champion is None or window is None:
        return []
    kept = list_alternatives(runtime, spec.name, champion.version)
    if kept and all((found.start, found.end) == (window.start, window.end) for found in kept):
        return kept
    others = [
        version.name for version in list_versions(runtime.database, spec.name) if version.name != champion.version
    ]
    tried = [name for name in others if _try_version(runtime, spec, name, window, report)]
    count_waiting(runtime, spec)
    chosen = {_find_best(runtime, spec, tried, window)} | ({champion.previous} & set(tried))
    comparisons = [compare_versions(runtime, spec, champion.version, name, window) for name in sorted(chosen - {None})]
    for found in comparisons:
        store_comparison(
            runtime.database, spec.name, found.champion, found.candidate, window, write_comparison(found), now
        )
    return comparisons


def list_alternatives(runtime: Runtime, model: str, champion: str) -> list[VersionComparison]:
    """Give the newest kept comparisons with a champion: those of its newest window, the best candidate first."""
    found = [read_comparison(row["result"]) for row in list_comparisons(runtime.database, model, champion)]
    newest = max((comparison.end for comparison in found), default=None)
    return [comparison for comparison in found if comparison.end == newest]


def _try_version(runtime: Runtime, spec: ModelSpec, name: str, window: Window, report: Report) -> bool:
    """Replay a version; one whose artifact is damaged is left out, which the log says."""
    try:
        replay_version(runtime, spec, name, window, report)
    except MLOpsError as error:
        _log.warning("%s %s cannot be replayed: %s", spec.name, name, error.message)
        return False
    return True


def _find_best(runtime: Runtime, spec: ModelSpec, names: list[str], window: Window) -> str | None:
    """Give the version with the best primary metric over the replayed traffic."""
    profiles = read_score_profiles(runtime.database, spec, window)
    values = {}
    for name in names:
        profile = find_profile(profiles, name, Source.REPLAY)
        if profile is None:
            continue
        value = float(compute_metrics(merge_counts(profile.counts))[spec.primary_metric][0])
        if not math.isnan(value):
            values[name] = -value if spec.primary_metric.higher_is_better is False else value
    return max(values, key=values.get) if values else None
