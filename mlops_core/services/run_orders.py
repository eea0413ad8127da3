"""What a worker is told of a run: decides which rows it may learn from, and which are kept for the gate."""

from datetime import datetime, timedelta

from mlops_core.chunking import find_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import InputError
from mlops_core.runs import RunOrder, TrainingRun
from mlops_core.services.performance import find_arrival
from mlops_core.services.runtime import Runtime
from mlops_core.training_terms import Training

SEED = 0
EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""Stands for as far back as there are rows."""


def get_training(spec: ModelSpec) -> Training:
    """Give how a model is trained.

    Raises
    ------
    InputError
        When its model file does not say.
    """
    if spec.training is None:
        raise InputError(
            f"The model file of {spec.name} has no section [training]; add one with "
            "entry_point = 'package.module:function', which names the candidates."
        )
    return spec.training


def find_holdout_start(runtime: Runtime, spec: ModelSpec, now: datetime) -> datetime:
    """Give the start of the newest labelled rows, which are kept from training for the gate.

    Days count back from the end of the newest chunk whose labels have arrived: what still waits for its labels can
    decide nothing.
    """
    newest = find_arrival(runtime, spec, now).labelled_until or now
    return find_chunk(spec, min(newest, now) - timedelta(days=get_training(spec).holdout_days))


def find_training_window(order: RunOrder | None, held_from: datetime) -> Window:
    """Give the span that training rows are taken from: the one asked for, or all before those kept for the gate."""
    return (order and order.window) or Window(EARLIEST, held_from)


def find_gate_window(run: TrainingRun, trained_until: datetime) -> Window:
    """Give the span of the rows for the gate: the newest ones, none of which took part in training."""
    start = max(run.held_from, trained_until + timedelta(microseconds=1))
    return Window(min(start, run.at), run.at)


def write_order(spec: ModelSpec, run: TrainingRun) -> dict[str, object]:
    """Write what a worker needs of a run as JSON: it knows neither the model file nor the database."""
    training, window = get_training(spec), find_training_window(run.order, run.held_from)
    return {
        "run": run.id,
        "workflow": run.workflow,
        "model": spec.name,
        "entry_point": training.entry_point,
        "candidates": list(run.order.candidates),
        "snapshot": run.order.snapshot,
        "start": None if window.start == EARLIEST else window.start.isoformat(),
        "end": window.end.isoformat(),
        "labels_until": run.at.isoformat(),
        "features": list(spec.columns.features),
        "numeric": list(spec.columns.numeric),
        "categorical": list(spec.columns.categorical),
        "folds": training.folds,
        "threshold": spec.threshold,
        "metric": spec.primary_metric.value,
        "seed": SEED,
        "time_limit_s": training.time_limit_minutes * 60,
        "memory_limit_bytes": int(training.memory_gb * 10**9),
    }
