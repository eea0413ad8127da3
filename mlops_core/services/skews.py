"""Skews of the champion: decides which features the overview names as not what the version was trained on."""

from datetime import datetime

from mlops_core.checks.findings import LEAST_ROWS, Check
from mlops_core.checks.rollup import Skew
from mlops_core.checks.skew import ALERT_DIFFERENCE
from mlops_core.entities import Deployment, ModelSpec, Status, Verdict
from mlops_core.services.performance import ALL_TIME
from mlops_core.services.runtime import Runtime
from mlops_core.store.features import NullCounts, read_null_counts
from mlops_core.store.models import get_version
from mlops_core.store.verdicts import list_standing_verdicts


def find_skews(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> tuple[tuple[Skew, ...], tuple[float, ...]]:
    """Find the features whose live values cannot be those that the champion was trained on.

    Returns
    -------
    skews : tuple of Skew
        Those that are missing up to the newest chunk, with their share since then; then those whose values
        are others, by the verdicts that stand.
    trend : tuple of float
        How many are missing, by chunk.
    """
    trained = get_version(runtime.database, spec.name, champion.version).snapshot.null_fractions
    counts = read_null_counts(runtime.database, spec.name, champion.version, ALL_TIME)
    chunks = sorted({count.chunk for count in counts if count.n >= LEAST_ROWS})
    lost: dict[str, list[NullCounts]] = {}
    for count in counts:
        rise = count.n_null / count.n - trained.get(count.feature, 1.0)
        if count.n >= LEAST_ROWS and rise >= ALERT_DIFFERENCE:
            lost.setdefault(count.feature, []).append(count)
    skews = []
    for feature, found in lost.items():
        if found[-1].chunk == chunks[-1]:
            own = [count for count in counts if count.feature == feature and count.chunk >= found[0].chunk]
            live = sum(count.n_null for count in own) / sum(count.n for count in own)
            skews.append(Skew(feature=feature, live=live, trained=trained[feature], since=found[0].chunk))
    trend = tuple(float(sum(any(c.chunk == chunk for c in found) for found in lost.values())) for chunk in chunks)
    return (*skews, *_list_odd(runtime, spec, champion)), trend


def _list_odd(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> list[Skew]:
    """Give the features whose values are others than in training."""
    return [
        Skew(
            feature=verdict.subject,
            check=Check(verdict.code),
            live=float(str(verdict.evidence["value"])),
            since=_find_first(verdict),
        )
        for verdict in list_standing_verdicts(runtime.database, spec.name, champion.at)
        if verdict.version == champion.version
        and verdict.code in (Check.CONSTANT_SKEW, Check.RANGE_SKEW)
        and verdict.status is Status.ALERT
    ]


def _find_first(verdict: Verdict) -> datetime:
    """Give the start of the chunk in which a verdict was found."""
    chunks = verdict.evidence["chunks"]
    return datetime.fromisoformat(chunks[0]) if isinstance(chunks, list) and chunks else verdict.at
