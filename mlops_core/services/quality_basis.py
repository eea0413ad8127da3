"""What data quality is judged from: decides which counts, deliveries, and terms are read for a version."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_core.checks.skew import Training
from mlops_core.checks.traffic import MOST_EARLIER, find_usual
from mlops_core.chunking import LONGEST, MICROSECOND, find_chunk, next_chunk
from mlops_core.contracts import Contract
from mlops_core.entities import ChunkSize, Deployment, ModelSpec, Version, Window
from mlops_core.errors import MLOpsError
from mlops_core.services.contracts import read_contract
from mlops_core.services.drift import spread_chunks
from mlops_core.services.references import ensure_snapshot_reference
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import FeatureCounts
from mlops_core.store.binnings import Binning, get_binning
from mlops_core.store.features import ALL_TRAFFIC, Segment, read_feature_profiles
from mlops_core.store.profiles import read_coverage
from mlops_core.store.references import read_reference_profiles
from mlops_core.store.traffic import get_newest_row, list_deliveries

WEEK = timedelta(days=7)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the traffic of one version is checked against."""

    contract: Contract
    training: Mapping[str, Training]
    """By feature; those that training lacks, and all when its rows cannot be read, are absent."""
    nulls: Mapping[str, float]
    """Share of empty values in training, by feature."""
    binning: Binning | None
    fault: str
    """Why training rows could not be compared with; empty when they could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """All rows of a model, whatever version answered, over consecutive chunks."""

    chunks: tuple[datetime, ...]
    """Up to the one that is open now."""
    rows: tuple[int, ...]
    usual: tuple[float | None, ...]
    """What is usual at the same place in the week; None where too few chunks came before."""
    received: Mapping[datetime, int]
    """Rows delivered, by the chunk of the newest of them."""
    accepted: Mapping[datetime, int]
    """Rows of these that were stored."""
    came: Mapping[datetime, int]
    """Rows delivered and not refused, by the chunk in which they came."""
    refused: Mapping[datetime, int]
    """Rows refused, by the chunk in which they came."""
    n: int
    """Rows of all time."""
    newest: datetime | None
    """Time of the newest row; None before the first."""


def read_basis(
    runtime: Runtime, spec: ModelSpec, version: Version, now: datetime, segment: Segment = ALL_TRAFFIC
) -> Basis:
    """Read what the traffic of a version is checked against."""
    contract = read_contract(runtime, spec, version, now).contract
    known: dict[str, Training] = {}
    fault = ""
    try:
        reference = ensure_snapshot_reference(runtime, spec, version, now)
        assert reference.id is not None
        known = {
            name: Training(
                counts=profile.counts,
                groups=profile.groups,
                natural_variation=profile.get_natural_variation(),
            )
            for name, profile in read_reference_profiles(runtime.database, reference.id, segment).items()
        }
    except MLOpsError as error:
        fault = error.message
        _log.warning("%s %s is not compared with training: %s", spec.name, version.name, fault)
    nulls = version.snapshot.null_fractions
    if segment != ALL_TRAFFIC:
        nulls = {name: int(own.counts.n_null[0]) / int(own.counts.n[0]) for name, own in known.items()}
    binning = get_binning(runtime.database, spec.name)
    return Basis(contract=contract, training=known, nulls=nulls, binning=binning, fault=fault)


def read_traffic(runtime: Runtime, spec: ModelSpec, since: datetime, now: datetime) -> Traffic:
    """Read rows by chunk and deliveries of a model since an instant, and the rows before that say what is usual."""
    early = since - (MOST_EARLIER + 1) * max(WEEK, LONGEST[spec.chunk])
    by_chunk: dict[datetime, int] = {}
    for one in read_coverage(runtime.database, spec.name):
        by_chunk[one.chunk] = by_chunk.get(one.chunk, 0) + one.n
    chunks = []
    if by_chunk:
        first = max(min(by_chunk), find_chunk(spec, early))
        chunks = list_every_chunk(spec, first, max(*by_chunk, find_chunk(spec, now)))
    totals = [by_chunk.get(chunk, 0) for chunk in chunks]
    deliveries = list_deliveries(runtime.database, spec.name, since)
    dated = [(one.newest, one) for one in deliveries if one.newest]
    return Traffic(
        chunks=tuple(chunks),
        rows=tuple(totals),
        usual=tuple(find_usual(totals, [_find_place(spec, chunk) for chunk in chunks])),
        received=_add_up(spec, [(newest, one.received) for newest, one in dated]),
        accepted=_add_up(spec, [(newest, one.accepted) for newest, one in dated]),
        came=_add_up(spec, [(one.at, one.received) for one in deliveries]),
        refused=_add_up(spec, [(one.at, one.refused) for one in deliveries]),
        n=sum(by_chunk.values()),
        newest=get_newest_row(runtime.database, spec.name),
    )


def _add_up(spec: ModelSpec, rows: Sequence[tuple[datetime, int]]) -> dict[datetime, int]:
    """Add rows up by the chunk of their time."""
    total: dict[datetime, int] = {}
    for at, n in rows:
        chunk = find_chunk(spec, at)
        total[chunk] = total.get(chunk, 0) + n
    return total


def read_counts(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    basis: Basis,
    window: Window,
    now: datetime,
    segment: Segment,
    champion: Deployment | None = None,
) -> tuple[dict[str, FeatureCounts], list[datetime]]:
    """Give the counts of a version by feature, and the chunks they cover.

    Parameters
    ----------
    champion : Deployment, optional
        Given when the version is the champion: its chunks then go on to the open one, with traffic or without.
    """
    if basis.binning is None:
        return {}, []
    features = list(version.features)
    profiles = read_feature_profiles(
        runtime.database, spec.name, basis.binning.id, window, segment, features, version.name
    )
    seen = {chunk for profile in profiles for chunk in profile.chunks}
    if champion:
        first = find_chunk(spec, max(window.start, champion.at))
        # Its first chunk may have begun under another version; one that begins before the window is not shown.
        first = first if first >= window.start else next_chunk(spec, first)
        last = find_chunk(spec, min(now, window.end - MICROSECOND))
        seen |= {first, last} if first <= last else set()
    if not seen:
        return {}, []
    chunks = list_every_chunk(spec, min(seen), max(seen))
    place = {chunk: i for i, chunk in enumerate(chunks)}
    counted = {profile.feature: spread_chunks(profile, place) for profile in profiles}
    return {name: counted[name] for name in version.features if name in counted}, chunks


def list_every_chunk(spec: ModelSpec, first: datetime, last: datetime) -> list[datetime]:
    """Give every chunk from one to another, those without rows included."""
    chunks = [first]
    while chunks[-1] < last:
        chunks.append(next_chunk(spec, chunks[-1]))
    return chunks


def _find_place(spec: ModelSpec, chunk: datetime) -> tuple[int, int]:
    """Give the place of a chunk in the week; weeks and months have none."""
    local = chunk.astimezone(ZoneInfo(spec.timezone))
    if spec.chunk is ChunkSize.HOUR:
        return local.weekday(), local.hour
    return (local.weekday(), 0) if spec.chunk is ChunkSize.DAY else (0, 0)
