"""Candidates of a run in order: decides what the figure of one is, and that those that failed come last."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_core.entities import Metric

Trial = Mapping[str, Any]
"""What a candidate has shown, as the report of a run has it."""


def average_folds(trial: Trial, metric: Metric) -> float | None:
    """Give the mean of a metric over the folds of a trial; None when a fold has none."""
    values = [fold.get(metric.value) for fold in trial["folds"]]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def rank_trials(trials: Sequence[Trial], metric: Metric) -> list[Trial]:
    """Put trials in order, the best mean of a metric first, those without one last."""
    sign = -1 if metric.higher_is_better is False else 1

    def place(trial: Trial) -> float:
        mean = average_folds(trial, metric)
        return math.inf if mean is None else -sign * mean

    return sorted(trials, key=place)
