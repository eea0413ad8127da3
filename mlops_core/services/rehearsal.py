"""Rehearsals: decides on which rows a version is tried before it is put into production, and what is told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mlops_core.chunking import LONGEST, next_chunk
from mlops_core.entities import Deployment, ModelSpec, PreflightCheck, Window
from mlops_core.errors import CancelledError, ConflictError, MLOpsError, PreflightError
from mlops_core.services.artifact_host import Latency
from mlops_core.services.background import Progress
from mlops_core.services.comparison import VersionComparison, compare_versions, write_comparison
from mlops_core.services.drift_report import find_newest_chunks
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import find_arrival
from mlops_core.services.readiness import inspect_version, measure_latency
from mlops_core.services.replay import replay_version
from mlops_core.services.runtime import Runtime
from mlops_core.services.unseen import find_unseen
from mlops_core.stats.judgement import Judgement
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.words import join_names, write_day

REHEARSED_DAYS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What is known of a version before it goes into production."""

    version: str
    champion: str | None
    """The version in production when it was rehearsed."""
    comparison: VersionComparison | None
    """Both on the newest labelled traffic; None where that cannot be."""
    remark: str | None
    """Why there is no comparison; None when there is one."""
    checks: tuple[PreflightCheck, ...]
    """What differs from its training; nothing of it forbids the change."""
    latency: Mapping[str, Latency]
    """By version; those that could not be timed are left out."""


def find_rehearsal_window(
    runtime: Runtime, spec: ModelSpec, now: datetime, champion: Deployment | None = None
) -> Window | None:
    """Give the newest labelled traffic, at most three weeks of it; None when there is none.

    Parameters
    ----------
    champion : Deployment, optional
        Take only what this deployment answered.
    """
    comparable = find_arrival(runtime, spec, now).comparable
    if champion:
        first = champion.at - LONGEST[spec.chunk]
        comparable = frozenset(key for key in comparable if key[0] == champion.version and key[1] > first)
    chunks = sorted({chunk for _, chunk in comparable})
    if not chunks:
        return None
    end = next_chunk(spec, chunks[-1])
    return Window(max(chunks[0], end - timedelta(days=REHEARSED_DAYS)), end)


def rehearse(runtime: Runtime, spec: ModelSpec, to: str, now: datetime, progress: Progress | None = None) -> Rehearsal:
    """Find out what is to be known of a version before it goes into production; what fails is told.

    Raises
    ------
    NotFoundError
        When the version is unknown.
    ConflictError
        When the version is in production.
    CancelledError
        When it was cancelled.
    """
    told = progress or Progress()
    version, champion = get_version(runtime.database, spec.name, to), get_champion(runtime.database, spec.name)
    if champion and champion.version == to:
        raise ConflictError(f"{to} cannot be rehearsed: it is in production.")
    comparison, remark = None, "nothing is in production to compare with."
    if champion:
        try:
            comparison = compare_on_newest(runtime, spec, to, now, told)
            remark = f"no {spec.words.rows} have labels yet."
        except CancelledError:
            raise
        except MLOpsError as error:
            remark = error.message
    told.report(0.85, f"Timing {to}")
    latency = measure_latencies(runtime, spec, [champion.version, to] if champion else [to], now, told)
    told.report(0.95, f"Comparing the training of {to} with what there is now")
    return Rehearsal(
        version=to,
        champion=champion.version if champion else None,
        comparison=comparison,
        remark=None if comparison else remark,
        checks=tuple(inspect_version(runtime, spec, version, now)),
        latency=latency,
    )


def write_rehearsal(rehearsal: Rehearsal) -> dict[str, object]:
    """Turn a rehearsal into the evidence that is kept with a change."""
    return {
        **({"rehearsal": write_comparison(rehearsal.comparison)} if rehearsal.comparison else {}),
        **({"no rehearsal": rehearsal.remark} if rehearsal.remark else {}),
        "latency": {name: asdict(latency) for name, latency in rehearsal.latency.items()},
        "differences to training": [check.detail for check in rehearsal.checks],
    }


def read_latency(document: Mapping[str, Any]) -> dict[str, Latency]:
    """Turn the times of kept evidence into records."""
    return {name: Latency(**one) for name, one in document.items()}


def measure_latencies(
    runtime: Runtime, spec: ModelSpec, names: Sequence[str], now: datetime, progress: Progress
) -> dict[str, Latency]:
    """Measure how long versions take to score rows of the newest weeks; one that cannot score them is left out."""
    found: dict[str, Latency] = {}
    for name in names:
        try:
            window = find_newest_chunks(runtime, spec, now)
            latency = measure_latency(runtime, spec, get_version(runtime.database, spec.name, name), window, progress)
        except CancelledError:
            raise
        except MLOpsError:
            # Why it cannot score is told by the comparison, or by the preflight; that there are no rows as well.
            continue
        found |= {name: latency} if latency else {}
    return found


def compare_on_newest(
    runtime: Runtime, spec: ModelSpec, to: str, now: datetime, progress: Progress | None = None
) -> VersionComparison | None:
    """Let a version and the champion score the newest labelled traffic, and compare them; None without labels.

    Raises
    ------
    ConflictError
        When nothing is in production, or the version is; when no labelled rows are new to both.
    PreflightError
        When the version's artifact does not load or does not score.
    """
    champion = get_champion(runtime.database, spec.name)
    if champion is None or champion.version == to:
        raise ConflictError(f"{to} cannot be rehearsed: {'it is' if champion else 'nothing is'} in production.")
    window = find_rehearsal_window(runtime, spec, now)
    if window is None:
        return None
    told, pair = progress or Progress(), (champion.version, to)
    window, learned = leave_out_learned(runtime, spec, window, pair)
    try:
        replay_version(runtime, spec, champion.version, window, told)
    except PreflightError:
        # What it cannot score now it did not answer either: what it answered is left.
        own = find_rehearsal_window(runtime, spec, now, champion)
        if own is None:
            raise
        window, learned = leave_out_learned(runtime, spec, own, pair)
    missing = replay_version(runtime, spec, to, window, told).missing
    told.report(0.7, "Counting and comparing")
    count_waiting(runtime, spec)
    return replace(compare_versions(runtime, spec, champion.version, to, window, missing), learned=learned)


def leave_out_learned(
    runtime: Runtime, spec: ModelSpec, window: Window, names: Sequence[str]
) -> tuple[Window, tuple[str, ...]]:
    """Give the part of a window that is new to some versions, and which of them were trained on the rest.

    Raises
    ------
    ConflictError
        When nothing is left: who was trained on all of it cannot be judged by it.
    """
    unseen = find_unseen(runtime, spec, window, names)
    if unseen.window is None and unseen.until:
        raise ConflictError(
            f"{join_names(unseen.learned)} learned from {spec.words.rows} up to "
            f"{write_day(unseen.until, spec.timezone)}; none with labels is newer."
        )
    return unseen.window or window, unseen.learned


def is_worse(rehearsal: Rehearsal | None, spec: ModelSpec) -> bool:
    """Say whether a rehearsal calls the version worse than the one in production, by the primary metric."""
    comparison = rehearsal.comparison if rehearsal else None
    return comparison is not None and comparison.paired.get_difference(spec.primary_metric).judgement is Judgement.WORSE
