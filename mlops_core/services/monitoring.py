"""Keeping the picture fresh: decides what follows when rows or labels have come."""

from datetime import datetime, timedelta

from mlops_core.checks.drift_summary import explain
from mlops_core.checks.performance import check_estimate
from mlops_core.chunking import LONGEST, find_chunk, next_chunk
from mlops_core.entities import Deployment, ModelSpec, Source, Verdict, Version, Window
from mlops_core.errors import MLOpsError, UnfinishedError
from mlops_core.services.baking import check_bakes
from mlops_core.services.binnings import bin_from_traffic
from mlops_core.services.drift import read_drift
from mlops_core.services.drift_report import none_if_nan
from mlops_core.services.estimation import estimate_counts, find_estimator
from mlops_core.services.impacts import warn_of_costs
from mlops_core.services.performance import ALL_TIME, Arrival, find_arrival, find_profile
from mlops_core.services.quality import check_quality
from mlops_core.services.reference_scores import ensure_reference_scores
from mlops_core.services.references import ensure_reference
from mlops_core.services.runtime import Runtime
from mlops_core.services.standards import check_standards
from mlops_core.services.strays import check_answers, count_strays, tell_incidents
from mlops_core.stats.counts import merge_counts, select_chunks
from mlops_core.store.binnings import get_binning
from mlops_core.store.chunks import clear_pending, list_pending
from mlops_core.store.deployments import get_champion
from mlops_core.store.features import count_new_rows
from mlops_core.store.models import get_version
from mlops_core.store.profiles import count_chunks, get_refreshed, read_score_profiles, set_refreshed
from mlops_core.store.references import Reference
from mlops_core.store.retention import get_rows_from
from mlops_core.store.traffic import list_batches
from mlops_core.store.verdicts import store_changed_verdicts

CHECKED_CHUNKS = 7
"""Chunks that the newest verdicts on drift are taken from, the ones they look back at included."""


def count_waiting(runtime: Runtime, spec: ModelSpec, *, may_bin: bool = True) -> list[datetime]:
    """Count the features of new rows, and the chunks that rows, labels, or replays have touched; give these.

    Of those chunks it is also known then which rows another version than the one in production answered.

    Parameters
    ----------
    may_bin : bool
        Whether traffic may make the bins where there are none; else features wait until their reference can be read.
    """
    now = runtime.now(spec.name)
    binning = bin_from_traffic(runtime, spec, now) if may_bin else get_binning(runtime.database, spec.name)
    if binning:
        count_new_rows(runtime.database, spec, binning)
    chunks, rows_from = list_pending(runtime.database, spec.name), get_rows_from(runtime.database, spec.name)
    whole = [chunk for chunk in chunks if rows_from is None or chunk >= rows_from]
    # First: afterwards nothing says which chunks are new.
    count_strays(runtime, spec, whole)
    looked_at = list_batches(runtime.database, spec.name, "predictions", limit=1)
    count_chunks(runtime.database, spec, whole)
    if looked_at != list_batches(runtime.database, spec.name, "predictions", limit=1):
        # Rows that came in between are counted, but were not looked at.
        count_strays(runtime, spec, whole)
    if len(whole) < len(chunks):
        # What was counted while the rows were there stays; without them it would become zero.
        with runtime.database.transaction() as transaction:
            clear_pending(transaction, spec.name, chunks)
    return whole


def has_news(runtime: Runtime, spec: ModelSpec, now: datetime, longest_quiet: timedelta) -> bool:
    """Say whether a check could find anything: rows or labels wait, a chunk has ended, or it is long since the last."""
    refreshed = get_refreshed(runtime.database, spec.name)
    if refreshed is None or list_pending(runtime.database, spec.name):
        return True
    return now - refreshed >= longest_quiet or next_chunk(spec, find_chunk(spec, refreshed)) <= now


def refresh(runtime: Runtime, spec: ModelSpec, now: datetime) -> list[Verdict]:
    """Count what waits, check the champion and what its deployment promised, and give the verdicts that changed.

    Raises
    ------
    UnfinishedError
        When a part could not be checked; what could be is counted, judged, and stored all the same.
    """
    champion = get_champion(runtime.database, spec.name)
    version = get_version(runtime.database, spec.name, champion.version) if champion else None
    # Before the rows: their bins are those of the reference.
    reference, faults = _find_reference(runtime, spec, version, now)
    count_waiting(runtime, spec, may_bin=not faults)
    verdicts: list[Verdict] = []
    if champion and version:
        arrival = find_arrival(runtime, spec, now)
        verdicts += check_standards(runtime, spec, champion, arrival, now)
        faults.append(ensure_reference_scores(runtime, spec, now))
        verdicts += check_estimates(runtime, spec, champion, arrival, now)
        found, fault = check_quality(runtime, spec, champion, version, now)
        verdicts += found
        faults.append(fault)
        verdicts += check_features(runtime, spec, champion, version, reference, now) if reference else []
        verdicts += check_answers(runtime, spec, champion, now)
    told = " ".join(dict.fromkeys(fault for fault in faults if fault))
    with runtime.database.transaction() as transaction:
        if not told:
            # An unfinished check is none: the next one begins with it, after a restart as well.
            set_refreshed(transaction, spec.name, now)
        changed = store_changed_verdicts(transaction, verdicts, champion.at) if champion else []
        tell_incidents(transaction, changed)
    # After the verdicts, which a promise may be broken by.
    check_bakes(runtime, spec, now)
    if told:
        raise UnfinishedError(f"Not everything of {spec.name} could be checked. {told}")
    return changed


def _find_reference(
    runtime: Runtime, spec: ModelSpec, version: Version | None, now: datetime
) -> tuple[Reference | None, list[str]]:
    """Give what traffic is compared with, None while there is nothing; and why, when that is a fault."""
    if version is None:
        return None, []
    try:
        return ensure_reference(runtime, spec, version, now), []
    except MLOpsError as error:
        return None, [error.message]


def check_features(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, version: Version, reference: Reference, now: datetime
) -> list[Verdict]:
    """Judge the drift of every feature in the newest chunk of the champion's traffic that is over."""
    since = max(champion.at, now - CHECKED_CHUNKS * LONGEST[spec.chunk])
    found = read_drift(runtime, spec, version, reference, Window(since, now))
    if found is None:
        return []
    table = warn_of_costs(runtime, spec, version, found)
    judgement = table.judgement
    return [
        Verdict(
            code="drift.feature",
            model=spec.name,
            version=version.name,
            subject=feature,
            status=judgement.get_status(i, -1),
            reason=explain(judgement, feature, i, len(table.chunks) - 1),
            evidence={
                "reference": reference.id,
                "binning": reference.binning,
                "chunk": table.chunks[-1].isoformat(),
                "n": int(judgement.n_current[i, -1]),
                "psi": none_if_nan(table.shifts.psi[i, -1]),
                "effect": none_if_nan(judgement.effects[i, -1]),
                "limit": none_if_nan(judgement.alert_limits[i]),
                "p_adjusted": none_if_nan(judgement.p_adjusted[i, -1]),
            },
            at=now,
        )
        for i, feature in enumerate(table.features)
    ]


def check_estimates(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, arrival: Arrival, now: datetime
) -> list[Verdict]:
    """Judge the champion's newest chunks, labelled or not, against every standard by their estimate."""
    window = Window(champion.at - LONGEST[spec.chunk], ALL_TIME.end)
    profile = find_profile(read_score_profiles(runtime.database, spec, window), champion.version, Source.LIVE)
    if profile is None:
        return []
    estimator = find_estimator(runtime, spec, champion.version)
    reference = {"rows": estimator.calibration.n, "origin": estimator.origin.value} if estimator else {}
    verdicts = []
    for standard in spec.standards:
        chunks = profile.chunks[-standard.window_days :]
        newest = merge_counts(select_chunks(profile.counts, range(len(profile.chunks))[-standard.window_days :]))
        estimated = estimate_counts(estimator, newest)[0].get(standard.metric) if estimator else None
        verdicts.append(
            check_estimate(
                standard,
                estimated,
                model=spec.name,
                version=champion.version,
                n=int(newest.n[0]),
                chunks=chunks,
                are_labels_here=all((champion.version, chunk) in arrival.covered for chunk in chunks),
                reference=reference,
                now=now,
            )
        )
    return verdicts
