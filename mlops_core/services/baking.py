"""Baking windows: decides what is looked at after a change of production, and carries out what follows from it."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from mlops_core.checks.baking import Pair, Seen, find_new_alerts, judge_bake, judge_unscored, refuse_revert, weigh_pair
from mlops_core.chunking import find_chunk
from mlops_core.entities import Action, Deployment, Estimate, ModelSpec, Source, Window
from mlops_core.errors import ConflictError, InputError, MLOpsError, NotFoundError, PreflightError
from mlops_core.production import BAKER, Bake, Origin, Outcome, Revert
from mlops_core.services.comparison import compare_versions
from mlops_core.services.deployment import ChangeRequest, change_production, run_preflight
from mlops_core.services.estimation import estimate_counts, find_estimator
from mlops_core.services.performance import Arrival, find_arrival, find_profile, select_covered
from mlops_core.services.replay import replay_version
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import merge_counts
from mlops_core.stats.intervals import estimate_metrics
from mlops_core.store.audit import add_audit_event
from mlops_core.store.bakes import decide_bake, list_bakes, settle_revert
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import get_champion, list_deployments
from mlops_core.store.features import read_null_counts
from mlops_core.store.models import get_version
from mlops_core.store.profiles import read_coverage, read_score_profiles
from mlops_core.store.verdicts import list_standing_verdicts

LONGEST_REASON = 600
"""Characters of an outcome that the reason of a revert repeats."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeState:
    """A baking window as it stands."""

    bake: Bake
    seen: Seen | None
    """What was seen so far; None when its outcome is written down already."""
    is_over: bool
    """Whether its time is over, so that only labels are waited for."""


def check_bakes(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Judge the windows that have no outcome yet, write down what is decided, and take back what is to be."""
    deployments = list_deployments(runtime.database, spec.name)
    arrival: Arrival | None = None
    for bake in list_bakes(runtime.database, spec.name):
        if bake.outcome is None:
            arrival = arrival or find_arrival(runtime, spec, now)
            _judge(runtime, spec, bake, deployments, arrival, now)
    for bake in list_bakes(runtime.database, spec.name):
        if bake.revert is Revert.DUE:
            _take_back(runtime, spec, bake, deployments, now)


def read_bakes(runtime: Runtime, spec: ModelSpec, now: datetime) -> dict[int, BakeState]:
    """Give the baking windows of a model by deployment, the one that still bakes with what was seen so far."""
    deployments = list_deployments(runtime.database, spec.name)
    states = {}
    for bake in list_bakes(runtime.database, spec.name):
        seen = None
        if bake.outcome is None:
            arrival = find_arrival(runtime, spec, now)
            seen = look_at(runtime, spec, bake, _list_until(deployments, bake), arrival, now)
        states[bake.deployment] = BakeState(bake=bake, seen=seen, is_over=now >= bake.until)
    return states


def _list_until(deployments: Sequence[Deployment], bake: Bake) -> list[Deployment]:
    """Give the changes up to the one that a window watches."""
    return [one for one in deployments if one.id <= bake.deployment]


def look_at(
    runtime: Runtime, spec: ModelSpec, bake: Bake, deployments: Sequence[Deployment], arrival: Arrival, now: datetime
) -> Seen:
    """Look at what a deployment did in its window.

    Parameters
    ----------
    deployments : sequence of Deployment
        Every change of production up to this one, oldest first.
    """
    metric, window = bake.promise.metric, Window(find_chunk(spec, bake.start), bake.until)
    before = deployments[-2] if len(deployments) > 1 else None
    standing = list_standing_verdicts(runtime.database, spec.name, bake.start)
    earlier = list_standing_verdicts(runtime.database, spec.name, deployments[0].at, bake.start)
    profile = find_profile(read_score_profiles(runtime.database, spec, window), bake.version, Source.LIVE)
    realised, estimated, n_labelled, is_here = Estimate(None), Estimate(None), 0, False
    if profile:
        covered = select_covered(profile, arrival)
        is_here = len(covered.chunks) == len(profile.chunks)
        if covered.chunks:
            realised, n_labelled = estimate_metrics(covered.counts)[metric], int(covered.counts.n_labelled.sum())
        estimator = find_estimator(runtime, spec, bake.version)
        if estimator:
            estimated = estimate_counts(estimator, merge_counts(profile.counts))[0].get(metric, Estimate(None))
    return Seen(
        n=int(profile.counts.n.sum()) if profile else 0,
        n_labelled=n_labelled,
        are_labels_here=is_here,
        realised=realised,
        estimated=estimated,
        alerts=find_new_alerts(
            [one for one in standing if one.version == bake.version],
            earlier,
            before,
            shared=_list_shared(runtime, bake, before),
            until=bake.until,
            now=now,
        ),
        unscored=_judge_unscored(runtime, spec, bake, before),
    )


def _list_shared(runtime: Runtime, bake: Bake, before: Deployment | None) -> set[str]:
    """Name the features that a version and the one it replaced both read."""
    if before is None:
        return set()
    versions = (get_version(runtime.database, bake.model, name) for name in (bake.version, before.version))
    return set.intersection(*(set(version.features) for version in versions))


def _judge_unscored(runtime: Runtime, spec: ModelSpec, bake: Bake, before: Deployment | None) -> str:
    unscored, n = _count_unscored(runtime, spec, bake.version, Window(find_chunk(spec, bake.start), bake.until))
    if unscored and before and before.version != bake.version:
        earlier = Window(find_chunk(spec, before.at), find_chunk(spec, bake.start))
        unscored_before, n_before = _count_unscored(runtime, spec, before.version, earlier)
        return judge_unscored(unscored, n, unscored_before / max(n_before, 1), spec.words.rows)
    return judge_unscored(unscored, n, 0.0, spec.words.rows)


def _count_unscored(runtime: Runtime, spec: ModelSpec, version: str, window: Window) -> tuple[int, int]:
    """Give the rows of a version without a score, and all its rows, of the chunks that are counted both ways.

    Features are counted over all rows, scores over those that have one.
    """
    rows: dict[datetime, int] = {}
    for count in read_null_counts(runtime.database, spec.name, version, window):
        rows[count.chunk] = max(rows.get(count.chunk, 0), count.n)
    scored = {one.chunk: one.n for one in read_coverage(runtime.database, spec.name) if one.version == version}
    unscored = sum(max(0, n - scored.get(chunk, 0)) for chunk, n in rows.items())
    return unscored, sum(rows.values())


def _judge(
    runtime: Runtime, spec: ModelSpec, bake: Bake, deployments: Sequence[Deployment], arrival: Arrival, now: datetime
) -> None:
    """Write the outcome of a window down when there is one, with what was seen, in the audit log as well."""
    following = next((one for one in deployments if one.id > bake.deployment), None)
    seen = look_at(runtime, spec, bake, _list_until(deployments, bake), arrival, now)
    outcome, reason = judge_bake(
        bake,
        seen,
        next_change=following.at if following else None,
        label_delay_days=spec.label_delay_days,
        now=now,
    )
    pair = None
    if outcome is Outcome.BROKEN and bake.promise.origin is Origin.REHEARSAL and not (seen.alerts or seen.unscored):
        pair = _try_compare(runtime, spec, bake, deployments, now)
    if pair:
        outcome, reason = weigh_pair(bake, reason, pair, spec.words.rows, now)
    if outcome is None:
        return
    refusal = refuse_revert(deployments, spec.baking) if outcome is Outcome.BROKEN and following is None else ""
    decided = replace(
        bake,
        outcome=outcome,
        reason=reason,
        decided_at=now,
        evidence=_write_evidence(bake, seen, pair),
        revert=Revert.DUE if refusal is None else Revert.REFUSED if refusal else None,
        refusal=refusal or "",
    )
    with runtime.database.transaction() as transaction:
        if decide_bake(transaction, decided):
            told = f"{reason} It is not taken back by itself: {refusal}" if refusal else reason
            _write_down(transaction, decided, f"baking {outcome}", told, now)


def _write_evidence(bake: Bake, seen: Seen, pair: Pair | None) -> dict[str, object]:
    compared = {"pair": {**asdict(pair), "surely worse": pair.is_surely_worse}} if pair else {}
    return {
        "change": bake.deployment,
        "from": bake.start.isoformat(),
        "until": bake.until.isoformat(),
        "promise": asdict(bake.promise),
        "rows": seen.n,
        "labels": seen.n_labelled,
        "realised": asdict(seen.realised),
        "estimated": asdict(seen.estimated),
        "alerts": [f"{one.code} {one.subject}: {one.reason}" for one in seen.alerts],
        "unscored": seen.unscored,
        **compared,
    }


def _take_back(runtime: Runtime, spec: ModelSpec, bake: Bake, deployments: Sequence[Deployment], now: datetime) -> None:
    """Put back what a broken change replaced, or write down, once, why that was refused."""
    change = next(one for one in deployments if one.id == bake.deployment)
    assert change.previous is not None
    request = ChangeRequest(
        model=bake.model,
        to=change.previous,
        action=Action.ROLL_BACK,
        actor=BAKER,
        reason=f"{bake.version} broke its promise. {bake.reason[:LONGEST_REASON]}",
        # After a crash between the change and its record it must not be made again.
        key=f"baking-{bake.deployment}",
        evidence={"baking": dict(bake.evidence)},
    )
    revert, why = Revert.DONE, ""
    try:
        if not any(one.key == request.key and one.actor == BAKER for one in deployments):
            preflight = run_preflight(runtime, bake.model, change.previous)
            # Whatever was compared when the promise broke need not be once more.
            if not bake.evidence["alerts"] and "pair" not in bake.evidence:
                _refuse_no_better(runtime, spec, bake, change.previous, now)
            _refuse_other_champion(runtime, change)
            change_production(runtime, request, now=now, preflight=preflight)
    except (PreflightError, ConflictError, NotFoundError, InputError) as error:
        _log.warning("%s %s is not taken back by itself: %s", bake.model, bake.version, error.message)
        revert, why = Revert.REFUSED, error.message
    with runtime.database.transaction() as transaction:
        if settle_revert(transaction, bake.deployment, revert, why) and why:
            _write_down(transaction, bake, "revert refused", why, now)


def _try_compare(
    runtime: Runtime, spec: ModelSpec, bake: Bake, deployments: Sequence[Deployment], now: datetime
) -> Pair | None:
    """Let the version that was replaced score the same rows; None where it cannot, or there was none."""
    previous = next(one for one in deployments if one.id == bake.deployment).previous
    try:
        return _compare_with(runtime, spec, bake, previous, now) if previous else None
    except MLOpsError as error:
        _log.warning("%s %s is judged without a pair: %s", bake.model, bake.version, error.message)
        return None


def _compare_with(runtime: Runtime, spec: ModelSpec, bake: Bake, previous: str, now: datetime) -> Pair:
    """Compare the version that is watched with the one it replaced on the rows of the window."""
    window = Window(bake.start, min(now, bake.until))
    for name in (previous, bake.version):
        replay_version(runtime, spec, name, window)
    compared = compare_versions(runtime, spec, previous, bake.version, window)
    found, n = compared.paired.get_difference(spec.primary_metric), compared.paired.n
    return Pair(previous=previous, found=found, n=n, n_window=compared.n_logged or n)


def _refuse_no_better(runtime: Runtime, spec: ModelSpec, bake: Bake, previous: str, now: datetime) -> None:
    """Refuse to put a version back that was not surely better on the very rows on which the promise was broken.

    A promise may break because the days were hard; for that no version is to blame.
    """
    pair = _compare_with(runtime, spec, bake, previous, now)
    if not pair.is_surely_worse:
        raise ConflictError(
            f"On the same {pair.n:,} {spec.words.rows} {previous} was not surely better than {bake.version}: "
            f"{pair.found.metric.label} {_write(pair.found.champion)} instead of {_write(pair.found.candidate)}."
        )


def _write(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _refuse_other_champion(runtime: Runtime, change: Deployment) -> None:
    """Refuse to take back a change that is not the newest any more."""
    champion = get_champion(runtime.database, change.model)
    if champion is None or champion.id != change.id:
        raise ConflictError(f"Production of {change.model} was changed meanwhile, so {change.version} stays as it is.")


def _write_down(transaction: Transaction, bake: Bake, action: str, reason: str, now: datetime) -> None:
    add_audit_event(
        transaction,
        at=now,
        actor=BAKER,
        action=action,
        model=bake.model,
        subject=bake.version,
        reason=reason,
        evidence=bake.evidence,
    )
