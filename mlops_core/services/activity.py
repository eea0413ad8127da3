"""The audit log as people read it: decides how a line is told and how it leaves in a file."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mlops_core.entities import Action, AuditEvent, Estimate, ModelSpec
from mlops_core.services.runtime import Runtime
from mlops_core.services.strays import INCIDENT
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.words import write_estimate

MOST_LINES = 1000
"""Of the newest that are read at once."""
COLUMNS = ("Line", "When (UTC)", "Who", "What", "Why")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be computed by a spreadsheet."""
FINDINGS = {
    "baking kept": "{} kept its promise",
    "baking broken": "{} broke its promise",
    "baking undecided": "baking of {} ended undecided",
    "baking superseded": "baking of {} was cut short",
    "revert refused": "{} was not taken back by itself",
    "training run failed": "training {} failed",
    "passed the gate": "{} passed the gate",
    "refused by the gate": "{} was refused by the gate",
    INCIDENT: "{} answered out of turn",
}
"""How is told what was found rather than done, by action."""
TOLD_BY_REASON = frozenset({INCIDENT, "passed the gate", "refused by the gate"})
"""Actions whose reason is a sentence that says what happened."""
DEEDS = {
    "order training run": "order training {}",
    "cancel training run": "cancel training {}",
    "make challenger": "make {} the challenger",
    "end challenger": "end the shadow of {}",
}
"""How is told what was done, by action, where that is not the action and then what it was done to."""
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def read_activity(runtime: Runtime, spec: ModelSpec) -> list[AuditEvent]:
    """Give the newest lines of one model, newest first."""
    return list_audit_events(runtime.database, spec.name, MOST_LINES)


def verify_chain(runtime: Runtime) -> int | None:
    """Give the first line that was changed or whose predecessor is gone; None when the chain holds."""
    return find_broken_line(runtime.database)


def tell_activity(events: Sequence[AuditEvent]) -> str:
    """Say in a sentence who changed production last; the events come newest first."""
    verbs = {Action.PROMOTE.verb: "promoted", Action.ROLL_BACK.verb: "rolled back to"}
    newest = next((event for event in events if event.action in verbs), None)
    if newest is None:
        return "Production has not been changed yet."
    who = newest.actor.name[:1].upper() + newest.actor.name[1:]
    return f"{who} {verbs[newest.action]} {newest.subject} on {newest.at.day} {newest.at:%b %Y at %H:%M} UTC."


def tell_event(event: AuditEvent) -> str:
    """Say what was done to what: "roll back to v3", "promote v4", "v3 kept its promise"."""
    if event.action in FINDINGS:
        return FINDINGS[event.action].format(event.subject)
    if event.action in DEEDS:
        return DEEDS[event.action].format(event.subject)
    return f"{event.action}{' to' if event.action == Action.ROLL_BACK.verb else ''} {event.subject}"


def tell_happening(event: AuditEvent) -> str:
    """Say what was done; of what was found rather than done, also the figures."""
    if event.action in TOLD_BY_REASON:
        return event.reason
    return f"{tell_event(event)}. {event.reason}" if event.action in FINDINGS else tell_event(event)


def list_lines(events: Sequence[AuditEvent]) -> list[tuple[str, ...]]:
    """Give the lines as text, in the order of `COLUMNS`."""
    return [
        (
            str(event.id),
            event.at.strftime("%d %b %Y %H:%M"),
            f"{event.actor.name} ({event.actor.channel})",
            tell_event(event),
            event.reason,
        )
        for event in events
    ]


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV; a cell that a spreadsheet would compute gets an apostrophe before it."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([f"'{cell}" if _is_formula(cell) else cell for cell in row] for row in rows)
    return file.getvalue()


def _is_formula(cell: str) -> bool:
    """Say whether a spreadsheet would compute a cell; a negative number is only a number."""
    return cell.startswith(FORMULA_SIGNS) and not NUMBER.fullmatch(cell)


def list_facts(evidence: Mapping[str, object]) -> list[tuple[str, str]]:
    """Give evidence as names and words.

    What a baking window saw, what the gate said, and what was changed in a model file have a place for each part.
    """
    facts: list[tuple[str, str]] = []
    for name, value in evidence.items():
        facts += _PARTS[name](value) if name in _PARTS else [_write_pair(name, value)]
    return facts


def find_gate_comparison(evidence: Mapping[str, object]) -> Mapping[str, Any] | None:
    """Give what the gate saw of a version beside the one in production, as JSON; None when it saw no such thing."""
    gate = evidence.get("gate")
    return gate.get("comparison") if isinstance(gate, Mapping) else None


def _list_baking(value: object) -> list[tuple[str, str]]:
    parts = value if isinstance(value, Mapping) and value else {"baking": value}
    return [_write_pair(name, part) for name, part in parts.items()]


def _list_gate(value: object) -> list[tuple[str, str]]:
    """Give what the gate says, and each of its reasons in a place of its own, what is against the version first."""
    if not isinstance(value, Mapping):
        return [_write_pair("gate", value)]
    rows = value.get("window")
    facts = [("Rows of the gate", _write_window(rows))] if isinstance(rows, Mapping) else []
    reasons = sorted(value.get("reasons") or (), key=lambda reason: bool(reason["passed"]))
    return facts + [("Passed" if reason["passed"] else "Refused", str(reason["words"])) for reason in reasons]


def _write_window(window: Mapping[str, str]) -> str:
    start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
    return f"{start:%d %b %Y %H:%M} to {end:%d %b %Y %H:%M} UTC"


def _list_changes(value: object) -> list[tuple[str, str]]:
    """Give each key of a model file with its old and its new value."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) and "key" in one for one in value):
        return [_write_pair("changes", value)]
    return [(str(one["key"]), f"{write_fact(one['old'])} → {write_fact(one['new'])}") for one in value]


_PARTS: Mapping[str, Callable[[object], list[tuple[str, str]]]] = {
    "baking": _list_baking,
    "gate": _list_gate,
    "changes": _list_changes,
}


def _write_pair(name: str, value: object) -> tuple[str, str]:
    return name.replace("_", " ").capitalize(), write_fact(value)


def write_fact(value: object) -> str:
    """Write one piece of evidence for a person; a figure with its interval, a list or a mapping by its parts.

    Examples
    --------
    >>> write_fact({"value": 0.40312, "low": 0.37, "high": 0.43}), write_fact({"rows": 3, "origin": None})
    ('0.40 [0.37, 0.43]', 'rows 3, origin –')
    >>> write_fact(["It loads.", "All columns are there."]), write_fact([]), write_fact(3194)
    ('It loads. All columns are there.', '–', '3,194')
    """
    if isinstance(value, Mapping) and set(value) == {"value", "low", "high"}:
        return write_estimate(Estimate(**value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {write_fact(one)}" for name, one in value.items()) or "–"
    if isinstance(value, list | tuple):
        return (" " if all(isinstance(one, str) for one in value) else ", ").join(map(write_fact, value)) or "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value in (None, "") else str(value)
