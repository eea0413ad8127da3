"""The shadow of the champion: decides which live rows the challenger scores, and when both are compared on them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from mlops_core.chunking import next_chunk
from mlops_core.entities import Deployment, ModelSpec, Version, Window
from mlops_core.errors import ConflictError, NotFoundError, PreflightError
from mlops_core.services.comparison import VersionComparison, compare_versions, read_comparison, write_comparison
from mlops_core.services.performance import find_arrival
from mlops_core.services.replay import BATCH_ROWS, find_missing
from mlops_core.services.runtime import Runtime
from mlops_core.store.challengers import Challenge, get_challenger
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.store.profiles import get_refreshed
from mlops_core.store.replays import append_replay, fetch_unreplayed, take_all
from mlops_core.store.shadows import ShadowCounts, ShadowRecord, count_shadow, get_shadow, store_shadow
from mlops_core.store.traffic import list_batches

MOST_BATCHES = 5
"""Of one turn, so that other jobs have theirs; what is left waits for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A challenger beside the champion."""

    challenge: Challenge
    champion: str | None
    """The version in production; None while there is none, and then nothing is scored."""
    start: datetime
    """Since when both have been what they are."""
    counts: ShadowCounts
    comparison: VersionComparison | None
    """On the labelled rows that both scored since; None while they are too few."""
    remark: str
    """Why there is no comparison; empty when there is one."""
    looked_at: datetime | None
    """None before the first look."""


def keep_shadow(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Let the challenger score what has come since the last time, and keep how it compares; nothing without one.

    Rows are scored in parts that are stored one by one: what was scored before a failure is not scored again, and is
    compared. Labels count once a check has counted them.

    Raises
    ------
    PreflightError
        When the challenger cannot score live rows, or its artifact is gone.
    """
    challenge, champion = get_challenger(runtime.database, spec.name), get_champion(runtime.database, spec.name)
    if challenge is None or champion is None:
        return
    window = Window(_find_start(challenge, champion), now)
    if window.start >= window.end:
        return
    known, oldest = get_shadow(runtime.database, challenge.id), None
    if known and (known.champion, known.start) != (champion.version, window.start):
        known = None
    try:
        oldest = _score_new(runtime, spec, get_version(runtime.database, spec.name, challenge.version), window)
    finally:
        counts = count_shadow(runtime.database, spec, challenge.version, window)
        if known is None or _has_news(runtime, spec, known, oldest):
            store_shadow(runtime.database, _compare(runtime, spec, challenge, champion, counts, now))
        elif counts != known.counts:
            store_shadow(runtime.database, replace(known, counts=counts, made_at=now))


def read_shadow(runtime: Runtime, spec: ModelSpec) -> Shadow | None:
    """Give the challenger and how it compares; None without one."""
    challenge, champion = get_challenger(runtime.database, spec.name), get_champion(runtime.database, spec.name)
    if challenge is None:
        return None
    name, record = champion.version if champion else None, get_shadow(runtime.database, challenge.id)
    start = _find_start(challenge, champion) if champion else challenge.since
    if record and (record.champion, record.start) != (name, start):
        record = None
    result: Any = record.result if record else None
    return Shadow(
        challenge=challenge,
        champion=name,
        start=start,
        counts=record.counts if record else ShadowCounts(n_logged=0, n_scored=0, n_flipped=0),
        comparison=read_comparison(result) if result else None,
        remark=(record.remark or "") if record else "",
        looked_at=record.made_at if record else None,
    )


def _find_start(challenge: Challenge, champion: Deployment) -> datetime:
    return max(challenge.since, champion.at)


def _score_new(runtime: Runtime, spec: ModelSpec, version: Version, window: Window) -> datetime | None:
    """Score live rows that the challenger has not seen; give the time of the oldest, None when there was none."""
    oldest, rows = None, take_all(window)
    for _ in range(MOST_BATCHES):
        batch = fetch_unreplayed(runtime.database, spec, version.name, version.features, rows, BATCH_ROWS)
        if not batch.num_rows:
            break
        try:
            scores = runtime.replays.score(version.artifact_hash, batch.select(list(version.features)))
        except (NotFoundError, PreflightError) as error:
            missing = find_missing(runtime, spec, version, rows)
            lacks = f" No {spec.words.row} has {', '.join(missing)}, which it was trained with." if missing else ""
            raise PreflightError(
                f"The challenger {version.name} cannot score live {spec.words.rows}.{lacks} {error.message}"
            ) from error
        scored = batch.select(["prediction_id", "scored_at"]).append_column("score", pa.array(scores))
        append_replay(runtime.database, spec, version.name, version.artifact_hash, scored)
        oldest = oldest or batch["scored_at"][0].as_py()
        if batch.num_rows < BATCH_ROWS:
            break
    return oldest


def _has_news(runtime: Runtime, spec: ModelSpec, known: ShadowRecord, oldest: datetime | None) -> bool:
    """Say whether a check has counted labels since, or rows were scored whose labels may have been here already."""
    ended = datetime.fromisoformat(known.result["end"]) if known.result else known.made_at
    if oldest and oldest < ended:
        return True
    labels = list_batches(runtime.database, spec.name, "labels", limit=1)
    counted = get_refreshed(runtime.database, spec.name)
    return bool(labels) and counted is not None and known.compared_at < labels[0].at <= counted


def _compare(
    runtime: Runtime, spec: ModelSpec, challenge: Challenge, champion: Deployment, counts: ShadowCounts, now: datetime
) -> ShadowRecord:
    comparison, remark = None, f"no {spec.words.rows} of this time have their labels yet."
    window = _find_compared(runtime, spec, champion, _find_start(challenge, champion), now)
    if window:
        try:
            comparison = compare_versions(runtime, spec, champion.version, challenge.version, window)
        except ConflictError as error:
            # Too few rows in common are no fault: they become more.
            remark = error.message
    return ShadowRecord(
        challenge=challenge.id,
        champion=champion.version,
        start=_find_start(challenge, champion),
        counts=counts,
        result=write_comparison(comparison) if comparison else None,
        remark=None if comparison else remark,
        compared_at=get_refreshed(runtime.database, spec.name) or _find_start(challenge, champion),
        made_at=now,
    )


def _find_compared(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, start: datetime, now: datetime
) -> Window | None:
    """Give the rows since both have been what they are, up to the newest chunk whose labels are here."""
    comparable = find_arrival(runtime, spec, now).comparable
    ends = [next_chunk(spec, chunk) for version, chunk in comparable if version == champion.version]
    end = max((one for one in ends if one > start), default=None)
    return Window(start, end) if end else None
