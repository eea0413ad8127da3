"""Data quality in tables: decides the columns of each table of the page and of its files, and how cells are written."""

from collections.abc import Sequence
from datetime import datetime

from mlops_core.charts.quality import Matrix, Reading
from mlops_core.checks.findings import Check, Finding
from mlops_core.checks.quality_summary import TROUBLE, find_troubles
from mlops_core.contracts import ContractRevision
from mlops_core.entities import Status
from mlops_core.services.contract_fields import ALL_ROWS
from mlops_core.services.contract_words import TERM_COLUMNS as OWN_COLUMNS
from mlops_core.services.contract_words import write_setter, write_terms
from mlops_core.services.contracts import find_setter
from mlops_core.services.quality_view import QualityView, is_share
from mlops_core.words import write_chunk, write_share

FINDING_COLUMNS = ("Start (UTC)", "Rows", "Check", "Code", "Feature", "Value", "Limit", "Status", "Reason")
CELL_COLUMNS = ("Chunk", "Check", "Status", "Features", "Reason")
TROUBLE_COLUMNS = ("Status", "Feature", "Check", "Since", "Reason")
READING_COLUMNS = ("Chunk", "Value", "Limit", "Status", "Reason")
TERM_COLUMNS = (*OWN_COLUMNS, "In the newest traffic")
REFUSAL_COLUMNS = ("When (UTC)", "Kind", "Rows", "Reason")
REFUSED_COLUMNS = (*REFUSAL_COLUMNS, "Row", "Column", "Value")
SIGNS = {Status.ALERT: "▲", Status.WARNING: "◆", Status.OK: "●", Status.INSUFFICIENT_DATA: "□"}
"""The same shapes as in charts."""


def tell_cut(view: QualityView) -> str:
    """Say that there is no room for all of the window; nothing when there is."""
    if len(view.chunks) == view.n_chunks:
        return ""
    return (
        f"The newest {len(view.chunks)} of {view.n_chunks} {view.spec.chunk.value}s in this window are shown. "
        'The command "quality" and the API give older ones.'
    )


def list_cells(matrix: Matrix) -> list[tuple[str, ...]]:
    """Give the cells of a matrix that found something, the newest first."""
    return [
        (name, row.label, _mark(cell.status), str(cell.n_found), cell.words)
        for i, name in reversed(list(enumerate(matrix.names)))
        for row in matrix.rows
        if (cell := row.cells[i]) and cell.n_found
    ]


def list_troubles(view: QualityView) -> list[tuple[str, ...]]:
    """Give what stands in the newest traffic, the worst first."""
    return [
        (
            _mark(one.finding.status),
            one.finding.feature or ALL_ROWS,
            one.finding.check.label,
            write_chunk(view.spec, one.since) + (" or before" if one.is_older and view.has_earlier else ""),
            one.finding.reason,
        )
        for one in find_troubles(view.chunks)
    ]


def list_findings(view: QualityView) -> list[tuple[str, ...]]:
    """Give every check of every chunk, for a file."""
    return [
        (
            chunk.start.isoformat(),
            str(chunk.n),
            one.check.label,
            one.check.value,
            one.feature or "",
            "" if one.value is None else repr(one.value),
            "" if one.limit is None else repr(one.limit),
            one.status.value,
            one.reason,
        )
        for chunk in view.chunks
        for one in chunk.findings
    ]


def list_reading_rows(check: Check, readings: Sequence[Reading]) -> list[tuple[str, ...]]:
    """Give the history of one check, newest first."""
    return [
        (one.name, write_figure(check, one.value), write_figure(check, one.limit), _mark(one.status), one.reason)
        for one in reversed(readings)
    ]


def _mark(status: Status) -> str:
    """Write a status with its sign."""
    return f"{SIGNS[status]} {status.value}"


def write_figure(check: Check, value: float | None) -> str:
    """Write a value in the units of its check."""
    if value is None:
        return "–"
    if is_share(check):
        return write_share(value) if value <= 1 else f"{value:.0%}".replace("%", " %")
    return f"{value:,.1f} h" if check is Check.FRESHNESS else f"{value:,.4g}"


def list_terms(view: QualityView) -> list[tuple[str, ...]]:
    """Give the contract feature by feature, beside what the newest traffic holds; those that differ come first."""
    worst = _find_worst(view)
    rows = [
        (
            *write_terms(terms),
            _tell_setter(find_setter(view.contract, terms)),
            worst[terms.feature].reason if terms.feature in worst else "as agreed",
        )
        for terms in view.contract.contract.features
    ]
    return sorted(rows, key=lambda row: row[0] not in worst)


def list_refusal_rows(view: QualityView) -> list[tuple[str, ...]]:
    """Give the refused deliveries, newest first."""
    return [(_write_time(one.at), one.kind, f"{one.n:,}", one.reason) for one in view.refusals]


def list_refused_cells(view: QualityView) -> list[tuple[str, ...]]:
    """Give the refused deliveries with the rows that were kept of them, a line for each of their cells, for a file."""
    return [
        (_write_time(one.at), one.kind, str(one.n), one.reason, str(i + 1), column, "" if value is None else value)
        for one in view.refusals
        for i, row in enumerate(one.examples or ({},))
        for column, value in (row or {"": ""}).items()
    ]


def _find_worst(view: QualityView) -> dict[str, Finding]:
    """Give the first finding of each feature that is not as agreed."""
    worst: dict[str, Finding] = {}
    for one in find_troubles(view.chunks):
        if one.finding.feature and one.finding.status in TROUBLE:
            worst.setdefault(one.finding.feature, one.finding)
    return worst


def _tell_setter(revision: ContractRevision | None) -> str:
    return write_setter(revision.actor.name, revision.at) if revision else "proposed"


def _write_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
