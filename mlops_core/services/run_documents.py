"""Runs as JSON: decides the keys of the contract, and in which order candidates stand in the leaderboard."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_core.entities import Metric, ModelSpec
from mlops_core.run_folder import LogLine
from mlops_core.runs import TrainingRun
from mlops_core.services.leaderboard import average_folds, rank_trials
from mlops_core.services.retraining import RunView

SHOWN_OF_SNAPSHOT = ("id", "rows", "start", "end")
Document = dict[str, Any]


def describe_run(spec: ModelSpec, view: RunView, *, with_log: bool = False) -> Document:
    """Give a run as it stands; gate, snapshot, and findings are null, and lists empty, before they are there."""
    run, report = view.run, view.run.report
    return {
        **describe_order(run),
        "steps": view.steps,
        "snapshot": _pick(report.get("snapshot"), SHOWN_OF_SNAPSHOT),
        "findings": report.get("findings", []),
        "leaderboard": list_trials(spec.primary_metric, report),
        "gate": _describe_gate(report.get("gate")),
        "version": run.version,
        "outcome": run.reason or None,
        "changed_at": run.changed_at,
        "log": [_describe_line(line) for line in view.log] if with_log else None,
    }


def describe_order(run: TrainingRun) -> Document:
    """Give what a run was asked to do, and its status."""
    order = run.order
    return {
        "model": order.model,
        "run": run.id,
        "status": run.status,
        "trigger": order.trigger,
        "reason": order.reason,
        "actor": order.actor.name,
        "channel": order.actor.channel,
        "at": run.at,
        "recorded_at": run.recorded_at,
        "window": {"start": order.window.start, "end": order.window.end} if order.window else None,
        "candidates": order.candidates,
        "from_snapshot": order.snapshot,
    }


def describe_briefly(run: TrainingRun) -> Document:
    """Give a run as a line of the history."""
    gate = run.report.get("gate")
    return {
        **describe_order(run),
        "version": run.version,
        "passed": gate["passed"] if isinstance(gate, Mapping) else None,
        "outcome": run.reason or None,
        "changed_at": run.changed_at,
    }


def list_trials(metric: Metric, report: Mapping[str, object]) -> list[Document]:
    """Give what candidates have shown, the best mean of a metric first, those without one last.

    Parameters
    ----------
    report : mapping
        Of a run; nothing is given while no candidate was tried.
    """
    trials, best = report.get("leaderboard"), report.get("best")
    chosen = best.get("best") if isinstance(best, Mapping) else None
    known = rank_trials(trials, metric) if isinstance(trials, list) else []
    return [_describe_trial(metric, trial, chosen) for trial in known]


def _describe_trial(metric: Metric, trial: Mapping[str, Any], chosen: object) -> Document:
    return {
        "candidate": trial["candidate"],
        "is_best": trial["candidate"] == chosen,
        "metric": metric,
        "mean": average_folds(trial, metric),
        "features": trial["features"],
        "estimator": trial["estimator"],
        "folds": trial["folds"],
        "seconds": trial["seconds"],
        "error": trial["error"],
    }


def _describe_gate(gate: object) -> Document:
    """Give what the gate said; passed is null before it was held."""
    known = gate if isinstance(gate, Mapping) else {}
    return {
        "passed": known.get("passed"),
        "words": known.get("words"),
        "window": known.get("window"),
        "reasons": known.get("reasons", []),
    }


def _pick(known: object, names: Sequence[str]) -> Document | None:
    return {name: known[name] for name in names} if isinstance(known, Mapping) else None


def _describe_line(line: LogLine) -> Document:
    return {
        "at": line.at,
        "step": line.step,
        "status": line.status,
        "fraction": line.fraction,
        "words": line.words,
    }
