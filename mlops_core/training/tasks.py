"""What a child can be asked to do in a training run: decides what each task reads, writes, and answers."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlops_core.artifacts import list_packages, writing_whole
from mlops_core.checks.training_data import check_training_rows
from mlops_core.contracts import Contract, FeatureTerms, TrafficTerms
from mlops_core.entities import Metric
from mlops_core.errors import MLOpsError
from mlops_core.services.libraries import list_libraries
from mlops_core.training.bring import bring_rows, freeze_brought
from mlops_core.training.examine import summarise_features
from mlops_core.training.fitting import Report, Trial, choose_best, fit, measure, score, try_candidate
from mlops_core.training.packing import CHECKED_ROWS, dump_estimator, list_parameters, pack
from mlops_core.training.plan import Candidate, Plan, RowsRequest, choose_candidates, load_plan, make_code_id
from mlops_core.training.prepared import Prepared, prepare_rows, read_prepared, read_rows, write_prepared

Task = Mapping[str, Any]
Document = dict[str, Any]

PREPARED, FITTED, EXPECTED = "prepared.parquet", "fitted.skops", "expected.npy"


def carry_out(task: Task, report: Report) -> Document:
    """Carry out one task and give its result as JSON.

    Raises
    ------
    MLOpsError
        When the task cannot be done.
    """
    return _TASKS[task["task"]](task, report)


def _plan(task: Task, _report: Report) -> Document:
    plan = load_plan_once(task["entry_point"])
    chosen = choose_candidates(plan, task["candidates"])
    _refuse_unknown_features(chosen, task["features"])
    return {
        "candidates": [candidate.name for candidate in chosen],
        "features": _list_features(chosen, task["features"]),
        "brings_rows": plan.load_rows is not None,
        "code_id": make_code_id(task["entry_point"], plan),
    }


def _bring(task: Task, report: Report) -> Document:
    report(0.0, "Waiting for the rows of load_rows")
    start = task["start"]
    request = RowsRequest(
        start=datetime.fromisoformat(start) if start else None,
        end=datetime.fromisoformat(task["end"]),
        labels_until=datetime.fromisoformat(task["labels_until"]),
    )
    rows = bring_rows(load_plan_once(task["entry_point"]), request, task["numeric"], task["categorical"])
    report(0.8, f"Freezing {len(rows):,} rows")
    frozen = asdict(freeze_brought(Path(task["snapshots"]), rows))
    return {
        "snapshot": frozen | {name: frozen[name].isoformat() for name in ("start", "end")},
        "n_logged": len(rows),
        "n_labelled": int(rows["label"].notna().sum()),
    }


def _examine(task: Task, report: Report) -> Document:
    prepared = _prepare(task)
    before = read_rows(Path(task["before"])).to_pandas() if task["before"] else None
    contract = Contract(
        features=tuple(_read_terms(terms) for terms in task["contract"]["features"]), traffic=TrafficTerms()
    )
    summaries = summarise_features(
        prepared.rows,
        prepared.labels,
        numeric=task["numeric"],
        contract=contract,
        served_nulls=task["served_nulls"],
        before=before,
        report=report,
    )
    positive_share = prepared.n_positive / len(prepared.labels)
    findings = check_training_rows(
        summaries,
        contract,
        n_logged=task["n_logged"],
        n_labelled=task["n_labelled"],
        positive_share=positive_share,
    )
    return {
        "rows": len(prepared.labels),
        "positives": prepared.n_positive,
        "repeated": prepared.n_repeated,
        "findings": [asdict(finding) for finding in findings],
    }


def _transform(task: Task, _report: Report) -> Document:
    prepared = _prepare(task)
    write_prepared(Path(task["folder"]) / PREPARED, prepared)
    return {"rows": len(prepared.labels), "held_out": int(prepared.held_out.sum()), "repeated": prepared.n_repeated}


def _try(task: Task, report: Report) -> Document:
    trial = try_candidate(
        _find_candidate(task),
        _read_prepared_once(Path(task["folder"]) / PREPARED),
        folds=task["folds"],
        threshold=task["threshold"],
        seed=task["seed"],
        report=report,
    )
    return asdict(trial) | {"folds": [_write_metrics(fold) for fold in trial.folds]}


def _evaluate(task: Task, report: Report) -> Document:
    trials = [_read_trial(document) for document in task["trials"]]
    metric, folder = Metric(task["metric"]), Path(task["folder"])
    best = choose_best(trials, metric)
    candidate = _find_candidate({**task, "candidate": best.candidate})
    prepared = _read_prepared_once(folder / PREPARED)
    kept = ~prepared.held_out
    report(0.1, f"Fitting {best.candidate} on {int(kept.sum()):,} rows")
    fitted = fit(candidate, prepared.rows[kept], prepared.labels[kept], task["seed"])
    held_out = prepared.rows[prepared.held_out]
    scores = score(fitted, held_out, candidate.features)
    report(0.9, "Writing the estimator")
    content = dump_estimator(fitted)
    with writing_whole(folder / FITTED) as partial:
        partial.write_bytes(content)
    with writing_whole(folder / EXPECTED) as partial, partial.open("wb") as file:
        np.save(file, scores[:CHECKED_ROWS])
    found = measure(prepared.labels[prepared.held_out], scores, task["threshold"])
    return {
        "best": best.candidate,
        "features": list(candidate.features),
        "metrics": _write_metrics({name.value: value for name, value in found.items()}),
        "parameters": dict(list_parameters(fitted)),
        "rows_fitted": int(kept.sum()),
        "rows_held_out": int(prepared.held_out.sum()),
    }


def _pack(task: Task, _report: Report) -> Document:
    folder = Path(task["folder"])
    prepared = _read_prepared_once(folder / PREPARED)
    content = (folder / FITTED).read_bytes()
    package = pack(
        Path(task["artifacts"]),
        content,
        _find_candidate(task),
        prepared.rows[prepared.held_out].iloc[:CHECKED_ROWS],
        np.load(folder / EXPECTED),
    )
    return asdict(package) | {"libraries": list_libraries(list_packages(content))}


_TASKS: Mapping[str, Callable[[Task, Report], Document]] = {
    "plan": _plan,
    "bring": _bring,
    "examine": _examine,
    "transform": _transform,
    "try": _try,
    "evaluate": _evaluate,
    "pack": _pack,
}


@lru_cache(maxsize=1)
def load_plan_once(entry_point: str) -> Plan:
    """Load an entry point; its module is imported once in a child anyway."""
    return load_plan(entry_point)


@lru_cache(maxsize=1)
def _read_prepared_once(path: Path) -> Prepared:
    return read_prepared(path)


def _prepare(task: Task) -> Prepared:
    return prepare_rows(read_rows(Path(task["rows"])), task["features"])


def _find_candidate(task: Task) -> Candidate:
    return choose_candidates(load_plan_once(task["entry_point"]), [task["candidate"]])[0]


def _list_features(candidates: Sequence[Candidate], known: Sequence[str]) -> list[str]:
    used = {name for candidate in candidates for name in candidate.features}
    return [name for name in known if name in used]


def _refuse_unknown_features(candidates: Sequence[Candidate], known: Sequence[str]) -> None:
    for candidate in candidates:
        unknown = [name for name in candidate.features if name not in known]
        if unknown:
            raise MLOpsError(
                f"The candidate {candidate.name!r} reads {unknown[0]!r}, which is no feature of the model file."
            )


def _read_terms(document: Document) -> FeatureTerms:
    categories = document["categories"]
    return FeatureTerms(**(document | {"categories": None if categories is None else tuple(categories)}))


def _read_trial(document: Document) -> Trial:
    folds = [{k: math.nan if v is None else v for k, v in fold.items()} for fold in document["folds"]]
    return Trial(**(document | {"features": tuple(document["features"]), "folds": tuple(folds)}))


def _write_metrics(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}
