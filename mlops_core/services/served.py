"""Who served: decides how the log is held against the ledger, by chunk and for one prediction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mlops_core.checks.strays import find_champion, list_turns, tell_strays
from mlops_core.chunking import next_chunk
from mlops_core.entities import Deployment, ModelSpec, Span, Status
from mlops_core.production import Answered, ServedPrediction, Stray
from mlops_core.services.history import find_spans
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import list_deployments
from mlops_core.store.profiles import Coverage, read_coverage
from mlops_core.store.strays import fetch_predictions, list_strays
from mlops_core.words import write_instant

MOST_LISTED = 8
"""Incidents in the table of a page."""
LONGEST_ID = 500
"""Characters of an id that is looked up."""
INCIDENT_COLUMNS = ("When (UTC)", "Answered by", "In production", "Rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the ledger and the log say of who served."""

    spans: tuple[Span, ...]
    """Times in production, oldest first, by the ledger."""
    answered: tuple[Answered, ...]
    """By the log, by chunks."""
    strays: tuple[Stray, ...]
    """What was answered out of turn, oldest first."""
    n: int
    """Rows that were answered with a score."""


def read_served(runtime: Runtime, spec: ModelSpec, now: datetime) -> Served:
    """Read who was to serve and who did, from counts."""
    deployments = list_deployments(runtime.database, spec.name)
    coverage = read_coverage(runtime.database, spec.name)
    strays = {(one.version, one.chunk): one for one in _find_whole_strays(spec, deployments, coverage)}
    strays |= {(one.version, one.chunk): one for one in list_strays(runtime.database, spec.name)}
    spans = find_spans(deployments)
    return Served(
        spans=tuple(spans),
        answered=tuple(_join_chunks(spec, coverage, spans, strays.keys(), now)),
        strays=tuple(sorted(strays.values(), key=lambda one: (one.chunk, one.version))),
        n=sum(one.n for one in coverage),
    )


def _find_whole_strays(spec: ModelSpec, deployments: Sequence[Deployment], coverage: Sequence[Coverage]) -> list[Stray]:
    """Give the chunks that a version answered in and that none of its turns touches.

    Counts alone tell these, also of rows that came before rows were looked at one by one.
    """
    turns = {version: list_turns(deployments, version) for version in {one.version for one in coverage}}
    found = []
    for one in coverage:
        end = next_chunk(spec, one.chunk)
        if not any(turn.start < end and one.chunk < turn.end for turn in turns[one.version]):
            found.append(Stray(version=one.version, chunk=one.chunk, n=one.n, first=one.chunk, last=end))
    return found


def _join_chunks(
    spec: ModelSpec,
    coverage: Sequence[Coverage],
    spans: Sequence[Span],
    strays: Collection[tuple[str, datetime]],
    now: datetime,
) -> list[Answered]:
    """Join the chunks of each version that follow each other.

    The chunk of a change is cut at the change, where no row says otherwise.
    """
    joined: dict[str, list[Answered]] = {}
    for one in coverage:
        start, end = one.chunk, min(next_chunk(spec, one.chunk), now)
        own = [span for span in spans if span.version == one.version and span.start < end and (span.end or now) > start]
        if own and (one.version, one.chunk) not in strays:
            start, end = max(start, own[0].start), min(end, own[-1].end or now)
        runs = joined.setdefault(one.version, [])
        if runs and start <= runs[-1].end:
            runs[-1] = replace(runs[-1], end=end, n=runs[-1].n + one.n)
        else:
            runs.append(Answered(version=one.version, start=start, end=end, n=one.n))
    return [run for runs in joined.values() for run in runs]


def tell_served(served: Served, spec: ModelSpec) -> tuple[Status, str]:
    """Say in a sentence whether the log agrees with the ledger."""
    rows = spec.words.rows
    if not served.spans:
        return Status.INSUFFICIENT_DATA, "Nothing was in production yet."
    if not served.n:
        return Status.INSUFFICIENT_DATA, f"No {rows} came yet."
    if not served.strays:
        told = f"All {served.n:,} {rows} were answered by the version that was in production at their time."
        return Status.OK, told
    versions = dict.fromkeys(one.version for one in reversed(served.strays))
    incidents = [tell_strays([one for one in served.strays if one.version == version], rows) for version in versions]
    return Status.ALERT, " ".join(incidents)


def list_served_versions(served: Served, registered: Sequence[str]) -> list[str]:
    """Give the registered versions, and behind them those that the log alone knows."""
    known = [*(run.version for run in served.answered), *(stray.version for stray in served.strays)]
    return list(dict.fromkeys([*registered, *known]))


def list_incidents(served: Served) -> list[tuple[str, ...]]:
    """Give what was answered out of turn, the newest chunk first, in the order of `INCIDENT_COLUMNS`."""
    rows: list[tuple[str, ...]] = []
    for one in reversed(served.strays[-MOST_LISTED:]):
        span = next((span for span in reversed(served.spans) if span.start <= one.first), None)
        is_one_day = one.first.date() == one.last.date()
        end = f"{one.last:%H:%M}" if is_one_day else write_instant(one.last)
        rows.append(
            (f"{write_instant(one.first)} – {end}", one.version, span.version if span else "nothing", f"{one.n:,}")
        )
    return rows


def find_predictions(runtime: Runtime, spec: ModelSpec, prediction_id: str) -> list[ServedPrediction]:
    """Find a prediction by its id among the rows that are kept; the newest first should there be several."""
    deployments = list_deployments(runtime.database, spec.name)
    found = []
    for row in fetch_predictions(runtime.database, spec, prediction_id):
        turns = list_turns(deployments, row["version"])
        agrees = any(turn.start <= row["at"] < turn.end for turn in turns)
        champion = find_champion(deployments, row["at"])
        found.append(ServedPrediction(prediction_id=prediction_id, champion=champion, agrees=agrees, **row))
    return found


def tell_prediction(found: ServedPrediction, spec: ModelSpec) -> tuple[Status, str]:
    """Say which version answered a prediction, and whether it was to."""
    at = found.at
    told = f"{found.version} answered this {spec.words.row} on {at.day} {at:%b %Y at %H:%M:%S} UTC"
    if found.champion is None:
        return Status.OK, f"{told}, before anything was in production by the ledger."
    if found.version == found.champion:
        return Status.OK, f"{told}, and was in production then."
    if found.agrees:
        return Status.OK, f"{told}, within minutes of a change; {found.champion} was in production then."
    return Status.ALERT, f"{told}, though {found.champion} was in production then."
