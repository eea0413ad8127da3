"""Rows out of turn: decides when they are looked for, and that they become a verdict and an audit event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mlops_core.checks.strays import WRONG_VERSION, check_strays, is_in_turn, list_turns, make_verdict
from mlops_core.entities import Actor, Deployment, ModelSpec, Status, Verdict
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import list_deployments
from mlops_core.store.profiles import read_coverage
from mlops_core.store.strays import count_outside, list_strays, measure_answers, note_strays, replace_strays
from mlops_core.store.verdicts import list_last_statuses

INCIDENT = "incident"
"""The action of its lines in the audit log."""
TRAFFIC_CHECK = Actor("traffic", "system")


def count_strays(runtime: Runtime, spec: ModelSpec, chunks: Sequence[datetime]) -> None:
    """Look at the rows of some chunks for versions that answered out of turn; before the chunks count as looked at."""
    deployments = list_deployments(runtime.database, spec.name)
    if not deployments or not chunks:
        return
    known = {(one.version, one.chunk): one for one in list_strays(runtime.database, spec.name) if one.chunk in chunks}
    found = []
    for span in measure_answers(runtime.database, spec, chunks):
        turns = list_turns(deployments, span.version)
        stray = None if is_in_turn(span, turns) else count_outside(runtime.database, spec, span, turns)
        if stray:
            before = known.get((stray.version, stray.chunk))
            found.append(replace(stray, found_at=before.found_at) if before and before.n >= stray.n else stray)
    if found or known:
        with runtime.database.transaction() as transaction:
            replace_strays(transaction, spec.name, chunks, found)


def check_answers(runtime: Runtime, spec: ModelSpec, champion: Deployment, now: datetime) -> list[Verdict]:
    """Judge what was answered out of turn; one that is over is OK, where it was an alert."""
    strays = list_strays(runtime.database, spec.name)
    if any(one.found_at is None for one in strays):
        with runtime.database.transaction() as transaction:
            note_strays(transaction, spec.name, now)
        strays = list_strays(runtime.database, spec.name)
    if not strays:
        return []
    totals: dict[datetime, int] = {}
    for one in read_coverage(runtime.database, spec.name):
        totals[one.chunk] = totals.get(one.chunk, 0) + one.n
    rows = spec.words.rows
    found = check_strays(strays, totals, model=spec.name, champion=champion, rows=rows, now=now)
    last = list_last_statuses(runtime.database, spec.name, champion.at)
    over = [
        subject
        for (version, code, subject), status in last.items()
        if (version, code, status) == (champion.version, WRONG_VERSION, Status.ALERT)
        and subject not in {verdict.subject for verdict in found}
    ]
    reason = f"No more {rows} of it were found for a day."
    return found + [
        make_verdict(spec.name, champion.version, one, Status.OK, f"{one}: {reason}", {}, now) for one in over
    ]


def tell_incidents(transaction: Transaction, changed: Sequence[Verdict]) -> None:
    """Write what was found first into the audit log, in the transaction that stores the verdicts."""
    for verdict in changed:
        if verdict.code == WRONG_VERSION and verdict.status is Status.ALERT:
            add_audit_event(
                transaction,
                at=verdict.at,
                actor=TRAFFIC_CHECK,
                action=INCIDENT,
                model=verdict.model,
                subject=verdict.subject,
                reason=verdict.reason,
                evidence=dict(verdict.evidence) | {"in production": verdict.version},
            )
