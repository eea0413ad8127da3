"""What the owner of the database does for a run: decides that an answer given twice has changed things once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from mlops_core.checks.training_data import TrainingCheck
from mlops_core.entities import Actor, ModelSpec, Snapshot, Version
from mlops_core.errors import ConflictError, InputError, MLOpsError
from mlops_core.frozen_rows import FrozenRows, freeze_rows, locate_rows, mark_held_out
from mlops_core.policy_terms import Promotion
from mlops_core.runs import RunStatus, TrainingRun
from mlops_core.services.automation import promote_passed
from mlops_core.services.background import Progress
from mlops_core.services.contracts import read_contract
from mlops_core.services.registry import tell_registration
from mlops_core.services.run_gate import hold_gate, write_gate
from mlops_core.services.run_orders import find_gate_window, find_training_window
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.challengers import set_challenger
from mlops_core.store.connection import Transaction
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import (
    add_snapshot,
    add_version,
    find_version_of_run,
    get_snapshot,
    get_version,
    list_versions,
)
from mlops_core.store.runs import RunChange, add_run_change, get_run
from mlops_core.store.training_rows import describe_query, fetch_training_rows, measure_served_nulls, measure_span
from mlops_core.wall_clock import read_wall_clock

Document = dict[str, Any]
NAME = re.compile(r"v(\d+)")
TRAINER = Actor("training", "system")


def answer_question(
    runtime: Runtime, spec: ModelSpec, run: TrainingRun, what: str, given: Document, progress: Progress
) -> Document:
    """Do what a run asks for, and give the answer as JSON.

    Raises
    ------
    CancelledError
        When the progress was cancelled; nothing is answered then.
    MLOpsError
        When it cannot be done; the run has failed then.
    """
    if what == "gate":
        return _gate(runtime, spec, run, given, progress)
    return _ANSWERS[what](runtime, spec, run, given)


def _freeze(runtime: Runtime, spec: ModelSpec, run: TrainingRun, given: Document) -> Document:
    """Freeze the labelled rows that were logged, unless rows come from elsewhere, and tell what is known of traffic."""
    champion = get_champion(runtime.database, spec.name)
    version = get_version(runtime.database, spec.name, champion.version) if champion else None
    answer: Document = {
        "before": _find_before(runtime, version),
        "contract": _write_contract(runtime, spec, version, run.at, given["features"]),
        "served_nulls": measure_served_nulls(
            runtime.database, spec, find_gate_window(run, find_training_window(run.order, run.held_from).start)
        ),
    }
    if run.order.snapshot:
        snapshot = get_snapshot(runtime.database, spec.name, run.order.snapshot)
        if not locate_rows(runtime.home.snapshots, snapshot.id).exists():
            raise ConflictError(f"The rows of the snapshot {snapshot.id[:12]}… are gone; put them back from a backup.")
        return answer | _write_frozen(snapshot, 0)
    return answer | (_freeze_logged(runtime, spec, run) if given["logged"] else {})


def _freeze_logged(runtime: Runtime, spec: ModelSpec, run: TrainingRun) -> Document:
    window = find_training_window(run.order, run.held_from)
    span = measure_span(runtime.database, spec, window, run.at)
    if not span.n_labelled:
        raise InputError(
            f"None of the {span.n:,} logged {spec.words.rows} before {window.end:%d %b %Y} has a label; "
            "a run needs labelled rows."
        )
    rows = fetch_training_rows(runtime.database, spec, window, run.at)
    frozen = freeze_rows(runtime.home.snapshots, mark_held_out(rows), spec.columns.features)
    snapshot = _make_snapshot(spec, frozen, run.at, span.n_labelled / span.n, describe_query(spec, window, run.at))
    with runtime.database.transaction() as transaction:
        add_snapshot(transaction, snapshot)
    return _write_frozen(snapshot, span.n)


def _keep(runtime: Runtime, spec: ModelSpec, run: TrainingRun, given: Document) -> Document:
    """Keep what is known of rows that an entry point has brought; the file is there."""
    document = given["snapshot"]
    times = {name: datetime.fromisoformat(document[name]) for name in ("start", "end")}
    frozen = FrozenRows(**(document | times))
    coverage = given["n_labelled"] / given["n_logged"] if given["n_logged"] else None
    with runtime.database.transaction() as transaction:
        add_snapshot(transaction, _make_snapshot(spec, frozen, run.at, coverage, given["origin"]))
    return {"words": f"{frozen.rows:,} labelled rows of {given['origin']}, {frozen.id[:12]}…"}


def _register(runtime: Runtime, spec: ModelSpec, run: TrainingRun, report: Document) -> Document:
    """Add the version to the history, once."""
    best, package = report["best"], report["package"]
    snapshot = get_snapshot(runtime.database, spec.name, report["snapshot"]["id"])
    seconds = sum(trial["seconds"] for trial in report["leaderboard"])
    kept = {"candidate": best["best"], "rows_fitted": best["rows_fitted"], "rows_held_out": best["rows_held_out"]}
    version = Version(
        model=spec.name,
        name="",
        features=tuple(best["features"]),
        parameters=best["parameters"] | kept | {"training_seconds": round(seconds, 1)},
        offline_metrics={name: value for name, value in best["metrics"].items() if value is not None},
        snapshot=snapshot,
        code_id=report["code_id"],
        artifact_hash=package["artifact_hash"],
        artifact_bytes=package["artifact_bytes"],
        libraries=package["libraries"],
        created_at=run.at,
        created_by=run.order.actor.name,
        run=run.id,
    )
    with runtime.database.transaction() as transaction:
        name = find_version_of_run(transaction, spec.name, run.id)
        if name is None:
            name = _choose_name(runtime, spec.name)
            add_version(transaction, replace(version, name=name))
            tell_registration(transaction, replace(version, name=name), run.order.actor)
        if not _note(transaction, run, report, name):
            raise ConflictError(f"Run {run.id} is over; nothing of it is registered.")
    return {"version": name, "words": f"{name}, snapshot {snapshot.id[:12]}…"}


def _gate(runtime: Runtime, spec: ModelSpec, run: TrainingRun, given: Document, progress: Progress) -> Document:
    """Hold the gate; what passes becomes the challenger."""
    known = get_run(runtime.database, run.id).report.get("gate")
    if isinstance(known, dict):
        return known
    version, report = get_version(runtime.database, spec.name, given["version"]), given["report"]
    suspects = {
        finding["feature"]: finding["reason"]
        for finding in report["findings"]
        if TrainingCheck(finding["check"]).is_suspicion
    }
    result = hold_gate(runtime, spec, version, find_gate_window(run, version.snapshot.end), suspects, progress)
    document = write_gate(result)
    with runtime.database.transaction() as transaction:
        if _note(transaction, run, report | {"gate": document}, version.name):
            _tell(transaction, run, version.name, document)
            if result.passed:
                reason = f"Run {run.id} passed the gate"
                set_challenger(
                    transaction, spec.name, version.name, actor=TRAINER, reason=reason, at=runtime.now(spec.name)
                )
    return document


def _promote(runtime: Runtime, spec: ModelSpec, run: TrainingRun, given: Document) -> Document:
    """Promote what has passed when the policy says so; else leave it to people."""
    if not given["passed"]:
        return {"promoted": False, "skipped": True, "words": "The gate has refused it"}
    if spec.policy.promote is Promotion.BY_HAND:
        return {"promoted": False, "skipped": True, "words": "By hand: it is the challenger now"}
    why_not = promote_passed(runtime, run, given["version"])
    if why_not:
        return {"promoted": False, "skipped": True, "words": f"It stays the challenger. {why_not}"}
    return {"promoted": True, "words": f"{given['version']} is in production"}


_ANSWERS: Mapping[str, Callable[[Runtime, ModelSpec, TrainingRun, Document], Document]] = {
    "freeze": _freeze,
    "keep": _keep,
    "register": _register,
    "promote": _promote,
}


def _find_before(runtime: Runtime, version: Version | None) -> str | None:
    """Give the snapshot that the new rows are compared with: that of the champion, if its file is there."""
    if version is None or not locate_rows(runtime.home.snapshots, version.snapshot.id).exists():
        return None
    return version.snapshot.id


def _write_contract(
    runtime: Runtime, spec: ModelSpec, version: Version | None, at: datetime, features: list[str]
) -> Document:
    try:
        contract = read_contract(runtime, spec, version, at).contract if version else None
    except MLOpsError:
        contract = None
    terms = contract.features if contract else ()
    return {"features": [asdict(one) for one in terms if one.feature in features]}


def _make_snapshot(spec: ModelSpec, frozen: FrozenRows, at: datetime, coverage: float | None, origin: str) -> Snapshot:
    return Snapshot(model=spec.name, created_at=at, label_coverage=coverage, origin=origin, **asdict(frozen))


def _write_frozen(snapshot: Snapshot, n_logged: int) -> Document:
    n = n_logged or (round(snapshot.rows / snapshot.label_coverage) if snapshot.label_coverage else snapshot.rows)
    document = asdict(snapshot)
    for name in ("start", "end", "created_at"):
        document[name] = document[name].isoformat()
    return {
        "snapshot": document,
        "origin": snapshot.origin,
        "n_logged": n,
        "n_labelled": snapshot.rows,
        "words": f"{snapshot.rows:,} labelled rows, {snapshot.id[:12]}…",
    }


def _choose_name(runtime: Runtime, model: str) -> str:
    """Give the name after the highest of the form v5."""
    numbers = [NAME.fullmatch(version.name) for version in list_versions(runtime.database, model)]
    return f"v{max((int(found[1]) for found in numbers if found), default=0) + 1}"


def _note(transaction: Transaction, run: TrainingRun, report: Document, version: str) -> bool:
    """Keep what a run has found so far; give False when it is over."""
    change = RunChange(status=RunStatus.RUNNING, steps=run.steps, at=read_wall_clock(), version=version, report=report)
    return add_run_change(transaction, run.id, change)


def _tell(transaction: Transaction, run: TrainingRun, version: str, gate: Document) -> None:
    add_audit_event(
        transaction,
        at=run.at,
        actor=TRAINER,
        action="passed the gate" if gate["passed"] else "refused by the gate",
        model=run.order.model,
        subject=version,
        reason=gate["words"],
        evidence={"run": run.id, "gate": gate},
    )
