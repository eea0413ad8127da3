"""Keeping the picture fresh: decides what follows when rows or labels have come."""

from datetime import datetime

from mlops_core.checks.performance import check_standard
from mlops_core.checks.skew import LEAST_ROWS, check_null_skew
from mlops_core.entities import Deployment, ModelSpec, Verdict, Version, Window
from mlops_core.services.performance import ALL_TIME, LONGEST, Arrival, estimate_champion, find_arrival
from mlops_core.services.runtime import Runtime
from mlops_core.store.chunks import list_pending
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.store.profiles import NullCounts, count_chunks, read_null_counts, set_refreshed
from mlops_core.store.verdicts import store_changed_verdicts


def count_waiting(runtime: Runtime, spec: ModelSpec) -> list[datetime]:
    """Count the chunks that rows, labels, or replays have touched; give these."""
    chunks = list_pending(runtime.database, spec.name)
    count_chunks(runtime.database, spec, chunks)
    return chunks


def refresh(runtime: Runtime, spec: ModelSpec, now: datetime) -> list[Verdict]:
    """Count what waits, check the champion, and give the verdicts that changed."""
    count_waiting(runtime, spec)
    champion = get_champion(runtime.database, spec.name)
    changed: list[Verdict] = []
    if champion:
        version = get_version(runtime.database, spec.name, champion.version)
        arrival = find_arrival(runtime, spec, now)
        verdicts = check_performance(runtime, spec, champion, arrival, now)
        verdicts += _check_skew(runtime, spec, champion, version, now)
        changed = store_changed_verdicts(runtime.database, verdicts, champion.at)
    set_refreshed(runtime.database, spec.name, now)
    return changed


def check_performance(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, arrival: Arrival, now: datetime
) -> list[Verdict]:
    """Judge the champion's newest labelled chunks against every standard; nothing without labels."""
    verdicts = []
    for standard in spec.standards:
        labelled, estimates = estimate_champion(runtime, spec, champion, arrival, standard.window_days)
        if labelled is None:
            continue
        verdicts.append(
            check_standard(
                standard,
                estimates[standard.metric],
                model=spec.name,
                version=champion.version,
                n=int(labelled.counts.n.sum()),
                n_labelled=int(labelled.counts.n_labelled.sum()),
                chunks=labelled.chunks,
                now=now,
            )
        )
    return verdicts


def _check_skew(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, version: Version, now: datetime
) -> list[Verdict]:
    window = Window(champion.at - LONGEST[spec.chunk], ALL_TIME.end)
    n, nulls = sum_newest_nulls(read_null_counts(runtime.database, spec.name, version.name, window))
    return check_null_skew(
        version.features,
        version.snapshot.null_fractions,
        n,
        nulls,
        model=spec.name,
        version=version.name,
        now=now,
    )


def sum_newest_nulls(counts: list[NullCounts], least_rows: int = LEAST_ROWS) -> tuple[int, dict[str, int]]:
    """Add up the newest chunks, the open one included, until they have enough rows.

    Returns
    -------
    n : int
        Rows added up.
    nulls : dict
        Null rows by feature.
    """
    n = 0
    nulls: dict[str, int] = {}
    for chunk in sorted({count.chunk for count in counts}, reverse=True):
        rows = [count for count in counts if count.chunk == chunk]
        n += rows[0].n
        for count in rows:
            nulls[count.feature] = nulls.get(count.feature, 0) + count.n_null
        if n >= least_rows:
            break
    return n, nulls
