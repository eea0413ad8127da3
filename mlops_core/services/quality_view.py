"""Data quality for a page: decides what is read together, and how findings become rows, cells, and a series."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_core.charts.quality import Cell, Matrix, MatrixRow, Reading
from mlops_core.checks.findings import Check, ChunkFindings, Finding
from mlops_core.checks.headline import Headline
from mlops_core.checks.quality_summary import TROUBLE, summarise_quality
from mlops_core.contracts import Refusal
from mlops_core.entities import ModelSpec, Status, Version, Window
from mlops_core.services.contract_fields import ALL_ROWS
from mlops_core.services.contracts import ContractState, read_contract
from mlops_core.services.quality import read_quality
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import get_champion
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.profiles import read_coverage
from mlops_core.store.refusals import list_refusals
from mlops_core.words import write_chunk

MOST_SHOWN = 120
"""Chunks of one view; of more the newest."""
_WORST = (Status.ALERT, Status.WARNING, Status.OK, Status.INSUFFICIENT_DATA)
NOTHING = Headline(
    status=Status.INSUFFICIENT_DATA,
    kicker="NOTHING TO CHECK",
    sentence="No version is in production, and none has answered traffic.",
    detail="Promote one on the page Versions, or deliver predictions.",
    action=None,
    target=None,
)
"""Where there is no version to look at."""
_NOT_SHARES = (Check.SCHEMA, Check.RANGE, Check.FRESHNESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """What the page shows of one version."""

    spec: ModelSpec
    version: Version
    chunks: tuple[ChunkFindings, ...]
    """Oldest first, the newest of the window."""
    n_chunks: int
    """Chunks of the window, those for which there is no room included."""
    has_earlier: bool
    """Whether the version has traffic before these chunks."""
    headline: Headline
    contract: ContractState
    refusals: tuple[Refusal, ...]
    """Deliveries to the model that were refused in the window, newest first."""


def list_checked_versions(runtime: Runtime, spec: ModelSpec) -> list[str]:
    """Give the versions that have answered traffic, or do now: the champion first, then the newest."""
    champion = get_champion(runtime.database, spec.name)
    seen = {one.version for one in read_coverage(runtime.database, spec.name)}
    names = [version.name for version in list_versions(runtime.database, spec.name) if version.name in seen]
    first = [champion.version] if champion else []
    return first + [name for name in reversed(names) if name not in first]


def read_quality_view(
    runtime: Runtime, spec: ModelSpec, name: str, window: Window, now: datetime, segment: Segment = ALL_TRAFFIC
) -> QualityView:
    """Read the checks of a version's traffic in a window, its contract, and what was refused."""
    version = get_version(runtime.database, spec.name, name)
    found = read_quality(runtime, spec, version, window, now, segment)
    chunks = tuple(found[-MOST_SHOWN:])
    has_earlier = has_earlier_traffic(runtime, spec, name, chunks)
    # What is refused now is refused at the end of the window, which is exclusive.
    came = Window(window.start, max(window.end, now) + timedelta(seconds=1))
    return QualityView(
        spec=spec,
        version=version,
        chunks=chunks,
        n_chunks=len(found),
        has_earlier=has_earlier,
        headline=summarise_quality(name, chunks, unit=spec.chunk.value, has_earlier=has_earlier),
        contract=read_contract(runtime, spec, version, now),
        refusals=tuple(list_refusals(runtime.database, spec.name, came)),
    )


def has_earlier_traffic(runtime: Runtime, spec: ModelSpec, name: str, chunks: Sequence[ChunkFindings]) -> bool:
    """Say whether a version has traffic before the first of some chunks."""
    first = min((one.chunk for one in read_coverage(runtime.database, spec.name) if one.version == name), default=None)
    return bool(chunks and first and first < chunks[0].start)


def make_matrix(spec: ModelSpec, chunks: Sequence[ChunkFindings], checks: Iterable[Check] = tuple(Check)) -> Matrix:
    """Give checks by chunk, the features of each together; those that never applied are left out."""
    found: dict[Check, list[list[Finding]]] = {check: [[] for _ in chunks] for check in checks}
    for i, chunk in enumerate(chunks):
        for finding in chunk.findings:
            if finding.check in found:
                found[finding.check][i].append(finding)
    return Matrix(
        chunks=tuple(chunk.start for chunk in chunks),
        names=tuple(write_chunk(spec, chunk.start) for chunk in chunks),
        rows=tuple(
            MatrixRow(code=check.value, label=check.label, cells=tuple(_make_cell(own) for own in cells))
            for check, cells in found.items()
            if any(cells)
        ),
    )


def _make_cell(findings: Sequence[Finding]) -> Cell | None:
    if not findings:
        return None
    worst = min(findings, key=lambda one: _WORST.index(one.status))
    n_found = sum(one.status in TROUBLE for one in findings)
    n_judged = sum(one.status is not Status.INSUFFICIENT_DATA for one in findings)
    more = f" And {n_found - 1} more." if n_found > 1 else ""
    words = worst.reason + more
    if worst.status is Status.OK and len(findings) > 1:
        words = f"{n_judged} of {len(findings)} features could be checked; all are as agreed."
    return Cell(status=worst.status, n_found=n_found, words=words)


def list_subjects(view: QualityView, check: Check) -> list[str]:
    """Give what a check speaks of in the window, what was found last first, then in the order of the version."""
    findings = [one for chunk in reversed(view.chunks) for one in chunk.findings if one.check is check]
    troubled = [one.feature or ALL_ROWS for one in findings if one.status in TROUBLE]
    return list(dict.fromkeys([*troubled, *(one.feature or ALL_ROWS for one in findings)]))


def list_readings(view: QualityView, check: Check, subject: str) -> list[Reading]:
    """Give what one check said of one feature, chunk by chunk."""
    return [
        Reading(
            at=chunk.start,
            name=write_chunk(view.spec, chunk.start),
            value=one.value,
            limit=one.limit,
            status=one.status,
            reason=one.reason,
        )
        for chunk in view.chunks
        for one in chunk.findings
        if one.check is check and (one.feature or ALL_ROWS) == subject
    ]


def is_share(check: Check) -> bool:
    """Say whether the values of a check are shares."""
    return check not in _NOT_SHARES
