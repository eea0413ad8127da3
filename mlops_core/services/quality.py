"""Data quality: decides which counts are checked against which terms, by chunk and for the newest rows."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from mlops_core.checks.findings import LEAST_ROWS, Check, ChunkFindings, Finding
from mlops_core.checks.quality import check_feature
from mlops_core.checks.schema import check_schema
from mlops_core.checks.skew import check_constant, check_null_skew, check_range_skew
from mlops_core.checks.traffic import check_duplicates, check_freshness, check_refused, check_volume
from mlops_core.chunking import LONGEST, MICROSECOND, find_chunk, next_chunk
from mlops_core.contracts import Contract
from mlops_core.entities import Deployment, ModelSpec, Status, Verdict, Version, Window
from mlops_core.errors import InputError
from mlops_core.services.contracts import TRAFFIC
from mlops_core.services.quality_basis import Basis, Traffic, read_basis, read_counts, read_traffic
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import FeatureCounts, merge_chunks
from mlops_core.store.deployments import get_champion
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.profiles import read_coverage
from mlops_core.store.verdicts import list_last_statuses

MOST_CHUNKS = 400
"""Chunks of one report."""
NEWEST_CHUNKS = 90
"""Chunks of a report for which no start was asked."""


def read_quality(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    window: Window,
    now: datetime,
    segment: Segment = ALL_TRAFFIC,
) -> list[ChunkFindings]:
    """Check a version's live traffic chunk by chunk, the oldest first and the open chunk included.

    Rows, their age, and duplicates are known for all traffic only; a segment is checked for the rest.
    """
    basis = read_basis(runtime, spec, version, now, segment)
    newest = get_champion(runtime.database, spec.name)
    champion = newest if newest and newest.version == version.name else None
    counts, chunks = read_counts(runtime, spec, version, basis, window, now, segment, champion)
    if not chunks:
        return []
    found = _check_features(spec, basis, counts, len(chunks))
    if segment == ALL_TRAFFIC:
        traffic = read_traffic(runtime, spec, chunks[0], now)
        place = {chunk: i for i, chunk in enumerate(traffic.chunks)}
        for i, chunk in enumerate(chunks):
            if chunk in place:
                found[i] += _check_chunk(spec, traffic, place[chunk], basis.contract, now)
        if champion and next_chunk(spec, chunks[-1]) >= now:
            age = now - traffic.newest if traffic.newest else None
            found[-1].append(check_freshness(age, basis.contract.traffic, traffic.n))
    return [
        ChunkFindings(
            start=chunk,
            end=next_chunk(spec, chunk),
            n=max((int(own.n[i]) for own in counts.values()), default=0),
            findings=tuple(found[i]),
        )
        for i, chunk in enumerate(chunks)
        if found[i]
    ]


def check_quality(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, version: Version, now: datetime
) -> tuple[list[Verdict], str]:
    """Judge the champion's newest rows, those of the open chunk included, until there are enough of them.

    Returns
    -------
    verdicts : list of Verdict
        One that is OK is given where the last one was not, so that its change is stored; of empty values against
        training, every one is.
    fault : str
        Why training rows could not be compared with; empty when they could.
    """
    basis = read_basis(runtime, spec, version, now)
    start = _find_newest_start(runtime, spec, champion)
    window = Window(start, max(now, next_chunk(spec, start)) + LONGEST[spec.chunk])
    counts, chunks = read_counts(runtime, spec, version, basis, window, now, ALL_TRAFFIC)
    whole = np.zeros(len(chunks), dtype=np.int64)
    newest = {name: merge_chunks(own, whole, 1) for name, own in counts.items()}
    found = _check_features(spec, basis, newest, 1)[0]
    found += _check_newest_traffic(runtime, spec, champion, basis, now)
    last = list_last_statuses(runtime.database, spec.name, champion.at)
    evidence = {
        "binning": basis.binning.id if basis.binning else None,
        "chunks": [chunk.isoformat() for chunk in chunks],
    }
    verdicts = [_make_verdict(spec, version, finding, evidence, now) for finding in found]
    return [verdict for verdict in verdicts if _is_worth_storing(verdict, last)], basis.fault


def report_quality(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    window: Window,
    now: datetime,
    segment: Segment = ALL_TRAFFIC,
) -> dict[str, object]:
    """Give the quality of a version's live traffic as its public document.

    Raises
    ------
    InputError
        When the window has more than 400 chunks.
    """
    chunks = read_quality(runtime, spec, version, window, now, segment)
    if len(chunks) > MOST_CHUNKS:
        raise InputError(
            f"The window has more than {MOST_CHUNKS} {spec.chunk.value}s of traffic; choose a later start or an "
            "earlier end.",
            {"key": "start"},
        )
    return {
        "model": spec.name,
        "version": version.name,
        "chunks": [
            {
                "start": chunk.start,
                "end": chunk.end,
                "n": chunk.n,
                "checks": [_write_finding(finding) for finding in chunk.findings],
            }
            for chunk in chunks
        ],
    }


def find_start(spec: ModelSpec, end: datetime) -> datetime:
    """Give where a report starts that ends at an instant and of which no start was asked."""
    return end - NEWEST_CHUNKS * LONGEST[spec.chunk]


def _write_finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.check.value,
        "feature": finding.feature,
        "value": finding.value,
        "limit": finding.limit,
        "status": finding.status.value,
        "reason": finding.reason,
    }


def _check_features(spec: ModelSpec, basis: Basis, counts: Mapping[str, FeatureCounts], k: int) -> list[list[Finding]]:
    """Check every feature against its terms and against training; one list for each of k chunks."""
    found = [[finding] for finding in check_schema(basis.contract, counts, k)] if counts else [[] for _ in range(k)]
    for name, own in counts.items():
        columns = _check_terms(basis, name, own)
        if name in basis.nulls:
            columns.append(check_null_skew(name, basis.nulls[name], own))
        training = basis.training.get(name)
        if training:
            is_categorical = name in spec.columns.categorical
            columns.append(check_constant(name, training, own, is_categorical=is_categorical))
            if not is_categorical and basis.binning and name in basis.binning.features:
                columns.append(check_range_skew(name, training, own, basis.binning.features[name].grid))
        for i, row in enumerate(zip(*columns, strict=True) if columns else ()):
            found[i] += row
    return found


def _check_terms(basis: Basis, name: str, own: FeatureCounts) -> list[list[Finding]]:
    """Give what the contract of a feature says, one list of k findings for each check."""
    terms = basis.contract.get_terms(name)
    if terms is None or basis.binning is None:
        return []
    binned = basis.binning.features[name]
    named = set(terms.categories or ())
    accepted = np.array([i for i, value in enumerate(binned.categories or ()) if value in named], dtype=np.int64)
    rows = check_feature(terms, own, grid=binned.grid, accepted=accepted)
    return [list(column) for column in zip(*rows, strict=True)]


def _check_chunk(spec: ModelSpec, traffic: Traffic, at: int, contract: Contract, now: datetime) -> list[Finding]:
    """Check the rows and the deliveries of one chunk."""
    chunk = traffic.chunks[at]
    found = [
        check_volume(
            traffic.rows[at],
            traffic.usual[at],
            contract.traffic,
            is_over=next_chunk(spec, chunk) <= now,
            unit=spec.chunk.value,
        )
    ]
    if chunk in traffic.received:
        found.append(check_duplicates(traffic.received[chunk], traffic.accepted[chunk], contract.traffic))
    if chunk in traffic.came or chunk in traffic.refused:
        found.append(check_refused(traffic.refused.get(chunk, 0), traffic.came.get(chunk, 0)))
    return found


def _check_newest_traffic(
    runtime: Runtime,
    spec: ModelSpec,
    champion: Deployment,
    basis: Basis,
    now: datetime,
) -> list[Finding]:
    """Check rows and deliveries of the newest chunk that can be judged, and the age of the newest row."""
    before = find_chunk(spec, find_chunk(spec, now) - MICROSECOND)
    first = max(before, find_chunk(spec, champion.at))
    traffic = read_traffic(runtime, spec, first, now)
    places = [i for i, chunk in enumerate(traffic.chunks) if first <= chunk <= now]
    chunks = [_check_chunk(spec, traffic, at, basis.contract, now) for at in places]
    found = []
    for check in (Check.VOLUME, Check.DUPLICATES, Check.REFUSED):
        own = [finding for chunk in chunks for finding in chunk if finding.check is check]
        judged = [finding for finding in own if finding.status is not Status.INSUFFICIENT_DATA]
        found += judged[-1:] or own[-1:]
    age = now - traffic.newest if traffic.newest else None
    return [*found, check_freshness(age, basis.contract.traffic, traffic.n)]


def _find_newest_start(runtime: Runtime, spec: ModelSpec, champion: Deployment) -> datetime:
    """Give the chunk from which on the champion's newest chunks have enough rows, or all that it has."""
    start, n = find_chunk(spec, champion.at), 0
    since = champion.at - LONGEST[spec.chunk]
    own = [
        covered
        for covered in read_coverage(runtime.database, spec.name)
        if covered.version == champion.version and covered.chunk >= since
    ]
    for covered in sorted(own, key=lambda one: one.chunk, reverse=True):
        start, n = covered.chunk, n + covered.n
        if n >= LEAST_ROWS:
            break
    return start


def _make_verdict(
    spec: ModelSpec, version: Version, finding: Finding, evidence: Mapping[str, object], now: datetime
) -> Verdict:
    return Verdict(
        code=finding.check.value,
        model=spec.name,
        version=version.name,
        subject=finding.feature or TRAFFIC,
        status=finding.status,
        reason=finding.reason,
        evidence={"n": finding.n, "value": finding.value, "limit": finding.limit, **evidence},
        at=now,
    )


def _is_worth_storing(verdict: Verdict, last: Mapping[tuple[str, str, str], Status]) -> bool:
    quiet = (Status.OK, Status.INSUFFICIENT_DATA)
    before = last.get((verdict.version, verdict.code, verdict.subject), Status.OK)
    return verdict.code == Check.NULL_SKEW or verdict.status not in quiet or before not in quiet
