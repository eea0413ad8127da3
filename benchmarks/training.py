"""Training runs: decides that a durable run is held against a plain script that makes the same fits."""

import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from benchmarks.homes import copy_demo_home
from benchmarks.measuring import run_in_child, time_ms
from benchmarks.rows import Row
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.entities import Actor, ModelSpec
from mlops_core.runs import RunOrder, Step
from mlops_core.services.retraining import RunView, cancel_run, order_run, read_run
from mlops_core.services.run_orders import find_holdout_start
from mlops_core.services.runtime import Runtime
from mlops_core.shared import open_runtime
from mlops_core.store.models import get_model

TITLE = "Training a new version"
LOOK_S = 0.2
LONGEST_CANCEL_S = 2.0


def measure() -> list[Row]:
    """Train the demo's candidates as a run and in a script, then cancel a run while it trains."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(copy_demo_home(Path(folder) / "home"))
        try:
            spec, now = get_model(runtime.database, DEMO_MODEL), runtime.now(DEMO_MODEL)
            plain = run_in_child(train_in_script, find_holdout_start(runtime, spec, now), now).result
            run_s = time_ms(lambda: _wait(runtime, spec, _order(runtime, spec))) / 1000
            again_s = time_ms(lambda: _wait(runtime, spec, _order(runtime, spec))) / 1000
            cancelled_s = _cancel_while_it_trains(runtime, spec)
        finally:
            runtime.close()
    return [
        Row(what="three candidates in three folds, and the best once more: a plain script", value=plain, unit="s"),
        Row(what="the same as a run: with its worker's start, checks, artifact, and gate", value=run_s, unit="s"),
        Row(what="the same once more, the worker being there", value=again_s, unit="s"),
        Row(what="run ÷ script", value=again_s / plain, unit="×"),
        Row(what="from a cancellation to the end of the child", value=cancelled_s, unit="s", target=LONGEST_CANCEL_S),
    ]


def train_in_script(until: datetime, now: datetime) -> float:
    """Do by hand what a run does without being durable, and give the seconds; runs in a child."""
    import os

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    from sklearn.base import clone
    from sklearn.metrics import f1_score, roc_auc_score

    from mlops_core.demo.candidates import candidates
    from mlops_core.training.plan import RowsRequest

    plan = candidates()
    rows = plan.load_rows(RowsRequest(start=None, end=until, labels_until=now))
    rows = rows[rows["label"].notna() & (rows["label_at"] <= now)].sort_values("scored_at")
    labels, edges = rows["label"].to_numpy(), [round(len(rows) * i / 4) for i in range(5)]
    means = []
    for candidate in plan.candidates:
        features, found = rows[list(candidate.features)], []
        for i in range(1, 4):
            fitted = clone(candidate.estimator).fit(features[: edges[i]], labels[: edges[i]])
            scores = fitted.predict_proba(features[edges[i] : edges[i + 1]])[:, 1]
            roc_auc_score(labels[edges[i] : edges[i + 1]], scores)
            found.append(f1_score(labels[edges[i] : edges[i + 1]], scores >= 0.3))
        means.append(sum(found))
    best = plan.candidates[means.index(max(means))]
    clone(best.estimator).fit(rows[list(best.features)], labels)
    return time.perf_counter() - started


def _order(runtime: Runtime, spec: ModelSpec) -> int:
    order = RunOrder(model=spec.name, reason="measured", actor=Actor("benchmark", "command"))
    return order_run(runtime, spec, order).id


def _wait(
    runtime: Runtime,
    spec: ModelSpec,
    number: int,
    is_enough: Callable[[RunView], bool] = lambda view: view.run.status.is_over,
) -> None:
    while True:
        if is_enough(read_run(runtime, spec, number)):
            return
        time.sleep(LOOK_S)


def _cancel_while_it_trains(runtime: Runtime, spec: ModelSpec) -> float:
    def is_training(view: RunView) -> bool:
        return any(state.step is Step.TRAIN and state.started_at for state in view.steps)

    number = _order(runtime, spec)
    _wait(runtime, spec, number, is_training)
    children = list_children(runtime.training.worker_pid)
    assert children
    started = time.perf_counter()
    cancel_run(runtime, spec, number, actor=Actor("benchmark", "command"), reason="measured")
    while set(children) & set(list_children(runtime.training.worker_pid)):
        time.sleep(0.01)
    return time.perf_counter() - started


def list_children(pid: int) -> list[str]:
    """Give the processes that any thread of a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [one for task in tasks for one in task.read_text().split()]
