"""Fitting and measuring candidates: decides that each is tried in the order of time, and how the best is chosen."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from mlops_core.entities import Metric
from mlops_core.errors import InputError
from mlops_core.training.plan import Candidate, Estimator
from mlops_core.training.prepared import Prepared, split_by_time

Report = Callable[[float, str], None]
"""Takes the share that is done, 0–1, and words for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a candidate did on rows newer than those that it had learned from."""

    candidate: str
    features: tuple[str, ...]
    estimator: str
    """Name of its class."""
    folds: tuple[Mapping[str, float], ...]
    """Metrics of each fold by name, oldest first; empty when it failed."""
    seconds: float
    error: str | None = None
    """Why it could not be tried; None when it was."""

    def average(self, metric: Metric) -> float:
        """Give the mean of a metric over the folds; NaN without any."""
        values = [fold[metric.value] for fold in self.folds]
        return float(np.mean(values)) if values else float("nan")


def try_candidate(
    candidate: Candidate, prepared: Prepared, *, folds: int, threshold: float, seed: int, report: Report
) -> Trial:
    """Fit a candidate on growing pasts and measure each fit on what came next; what it raises is told, not raised."""
    started = time.perf_counter()
    found: list[Mapping[str, float]] = []
    error = None
    splits = split_by_time(len(prepared.labels), folds)
    try:
        for i, (past, future) in enumerate(splits):
            report(i / folds, f"{candidate.name}: fold {i + 1} of {folds}, {past.stop:,} rows")
            fitted = fit(candidate, prepared.rows[past], prepared.labels[past], seed)
            scores = score(fitted, prepared.rows[future], candidate.features)
            found.append({m.value: v for m, v in measure(prepared.labels[future], scores, threshold).items()})
    except Exception as failure:  # noqa: BLE001  whatever a candidate raises is its result
        error = f"{type(failure).__name__}: {failure}"
    return Trial(
        candidate=candidate.name,
        features=candidate.features,
        estimator=type(candidate.estimator).__name__,
        folds=() if error else tuple(found),
        seconds=round(time.perf_counter() - started, 2),
        error=error,
    )


def choose_best(trials: Sequence[Trial], metric: Metric) -> Trial:
    """Give the trial with the best mean of a metric; of equal ones the first.

    Raises
    ------
    InputError
        When all of them failed.
    """
    sign = -1 if metric.higher_is_better is False else 1
    tried = [trial for trial in trials if not np.isnan(trial.average(metric))]
    if not tried:
        reasons = "; ".join(f"{trial.candidate}: {trial.error}" for trial in trials)
        raise InputError(f"No candidate could be trained. {reasons}.")
    return max(tried, key=lambda trial: sign * trial.average(metric))


def fit(candidate: Candidate, rows: pd.DataFrame, labels: np.ndarray, seed: int) -> Estimator:
    """Fit a copy of a candidate's estimator; one that has a seed and names none gets this one."""
    estimator = clone(candidate.estimator)
    unset = {name: seed for name, value in estimator.get_params().items() if _is_seed(name) and value is None}
    estimator.set_params(**unset)
    estimator.fit(rows[list(candidate.features)], labels)
    fitted: Estimator = estimator
    return fitted


def _is_seed(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


def score(estimator: Estimator, rows: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Give the probability of the label 1 for each row, float64, shape (n,).

    Raises
    ------
    InputError
        When they are no probabilities of two classes.
    """
    given = np.asarray(estimator.predict_proba(rows[list(features)]), dtype=np.float64)
    if given.shape != (len(rows), 2):
        raise InputError(f"predict_proba has given the shape {given.shape} for {len(rows):,} rows; accepted is (n, 2)")
    scores = given[:, 1]
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InputError("predict_proba has given values that are no chances from 0 to 1")
    return scores


def measure(labels: np.ndarray, scores: np.ndarray, threshold: float) -> dict[Metric, float]:
    """Compute the metrics of a version; NaN where only one class is present, 0 where nothing is warned of."""
    warned = scores >= threshold
    both = 0 < labels.sum() < labels.size
    return {
        Metric.F1: float(f1_score(labels, warned, zero_division=0.0)),
        Metric.RECALL: float(recall_score(labels, warned, zero_division=0.0)),
        Metric.PRECISION: float(precision_score(labels, warned, zero_division=0.0)),
        Metric.ROC_AUC: float(roc_auc_score(labels, scores)) if both else float("nan"),
        Metric.AVERAGE_PRECISION: float(average_precision_score(labels, scores)) if both else float("nan"),
        Metric.BRIER: float(brier_score_loss(labels, scores)) if both else float("nan"),
        Metric.LOG_LOSS: float(log_loss(labels, scores, labels=[0, 1])),
        Metric.ACCURACY: float((warned == labels).mean()),
    }
