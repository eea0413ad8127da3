"""Performance while labels are missing: decides what is estimated, from which reference, and how far off it was before.

An estimate sees only the scores. When a score comes to mean another chance (concept drift), the scores, and with
them the estimate, stay as they are; `EstimatorRecord.error` says how much that and everything else has cost so far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlops_core.entities import Estimate, Metric, ModelSpec
from mlops_core.services.reference_scores import read_reference_scores
from mlops_core.services.runtime import Runtime
from mlops_core.stats.calibration import Calibration, fit_probabilities
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.counts import ScoreLabelCounts, select_chunks
from mlops_core.stats.estimation import EstimationError, error_of_estimates, estimate_performance
from mlops_core.stats.estimation_bounds import bound_estimates, estimate_sampling_error
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import ScoreProfile
from mlops_core.store.reference_scores import ReferenceOrigin, ReferenceScores

Estimates = Mapping[Metric, Estimate]
KEPT_CALIBRATIONS = 64
"""One per version and threshold; fitting one again takes a few milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """What estimates the performance of one version."""

    version: str
    calibration: Calibration
    origin: ReferenceOrigin
    n_available: int
    """Labelled rows of the reference, of which `calibration.n` were counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorRecord:
    """What an estimator said of the chunks of a profile, and how far off it was where labels have come since."""

    estimator: Estimator
    chunks: tuple[Estimates, ...]
    """In the order of the profile; the interval covers the chance in the labels alone."""
    errors: Mapping[Metric, EstimationError]
    """By metric, over the chunks whose labels have arrived."""


def find_estimator(runtime: Runtime, spec: ModelSpec, version: str) -> Estimator | None:
    """Give what estimates a version's performance; None while no labelled reference rows were scored."""
    known = next((one for one in list_versions(runtime.database, spec.name) if one.name == version), None)
    reference = read_reference_scores(runtime, spec, known) if known else None
    return make_estimator(version, reference) if reference else None


def make_estimator(version: str, reference: ReferenceScores) -> Estimator:
    """Fit the chance of a positive to a version's score; the same reference is fitted once."""
    return Estimator(
        version=version,
        calibration=_fit(reference.threshold, reference.negative.tobytes(), reference.positive.tobytes()),
        origin=reference.origin,
        n_available=reference.n_available,
    )


@lru_cache(maxsize=KEPT_CALIBRATIONS)
def _fit(threshold: float, negative: bytes, positive: bytes) -> Calibration:
    counts = [np.frombuffer(part, dtype=np.int64) for part in (negative, positive)]
    return Calibration(
        threshold=threshold,
        probability=fit_probabilities(counts[0], counts[1], threshold),
        n=int(counts[0].sum() + counts[1].sum()),
    )


def estimate_counts(estimator: Estimator, counts: ScoreLabelCounts) -> list[Estimates]:
    """Estimate each chunk from the scores of all its rows, labelled or not, with a 95 % interval."""
    calibration = estimator.calibration
    scores = counts.unlabelled + counts.negative + counts.positive
    values = estimate_performance(scores, calibration, counts.threshold)
    bounds = bound_estimates(values, estimate_sampling_error(scores, calibration, values))
    tables = {metric: np.column_stack([values[metric], *bounds[metric]]).tolist() for metric in values}
    return [{metric: _make_estimate(*tables[metric][i]) for metric in tables} for i in range(len(scores))]


def record_estimates(estimator: Estimator, profile: ScoreProfile, covered: Sequence[int]) -> EstimatorRecord:
    """Estimate the chunks of a profile and compare with the labels of those at some positions."""
    chunks = estimate_counts(estimator, profile.counts)
    realised = compute_metrics(select_chunks(profile.counts, np.array(covered, dtype=np.int64)))
    return EstimatorRecord(
        estimator=estimator,
        chunks=tuple(chunks),
        errors={
            metric: error_of_estimates([_or_nan(chunks[i][metric].value) for i in covered], values)
            for metric, values in realised.items()
            if not chunks or metric in chunks[0]
        },
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _make_estimate(value: float, low: float, high: float) -> Estimate:
    if not np.isfinite(value):
        return Estimate(None)
    return Estimate(value, low, high) if np.isfinite(low) and np.isfinite(high) else Estimate(value)
