"""How far realised metrics fall from their estimates, against drawn labels and hand values."""

import numpy as np
import pytest

from mlops_core.entities import Metric
from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins
from mlops_core.stats.calibration import Calibration
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.counts import count_scores, select_chunks
from mlops_core.stats.estimation import estimate_performance
from mlops_core.stats.estimation_bounds import bound_estimates, estimate_sampling_error

N_DRAWS = 1000


def make_scores(kind, n):
    """Give scores, the chance of a positive of each, and the deployed threshold."""
    rng = np.random.default_rng(1)
    if kind == "calibrated":
        scores = np.round(rng.random(n), 2)
        return scores, 0.02 + 0.96 * scores, 0.5
    if kind == "miscalibrated":
        scores = np.round(rng.random(n), 2)
        return scores, 0.1 + 0.5 * scores, 0.5
    scores = np.round(rng.beta(0.5, 49.5, n), 3)
    return scores, np.minimum(scores + 0.0005, 1), 0.05


def draw_labels(kind, n):
    """Draw labels for the same scores again and again, one chunk for each draw."""
    scores, chance, threshold = make_scores(kind, n)
    labels = np.random.default_rng(2).random((N_DRAWS, n)) < chance
    chunks = np.repeat(np.arange(N_DRAWS), n)
    counts = count_scores(np.tile(scores, N_DRAWS), labels.ravel(), chunks, N_DRAWS, threshold)
    probability = np.zeros(N_SCORE_BINS)
    probability[assign_score_bins(scores, threshold)] = chance
    return counts, Calibration(threshold=threshold, probability=np.maximum.accumulate(probability), n=n)


@pytest.mark.parametrize(("kind", "n"), [("calibrated", 500), ("miscalibrated", 500), ("rare", 3000)])
def test_bounds_cover_realised_metrics_when_the_calibration_is_right(kind, n):
    drawn, calibration = draw_labels(kind, n)
    one = select_chunks(drawn, 0)
    estimated = estimate_performance(one.negative + one.positive, calibration, calibration.threshold)
    errors = estimate_sampling_error(one.negative + one.positive, calibration, estimated)
    bounds, realised = bound_estimates(estimated, errors), compute_metrics(drawn)
    for metric, (low, high) in bounds.items():
        values = realised[metric][np.isfinite(realised[metric])]
        covered = ((values >= low - 1e-12) & (values <= high + 1e-12)).mean()
        assert values.size > 0.99 * N_DRAWS
        assert covered >= 0.92, metric
        assert errors[metric][0] == pytest.approx(values.std(), rel=0.12, abs=1e-12), metric


def test_errors_match_the_binomial_when_all_rows_have_the_same_chance():
    counts = np.zeros((1, N_SCORE_BINS), dtype=int)
    counts[0, 2000] = 100
    calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.3), n=100)
    estimated = estimate_performance(counts, calibration, 0.5)
    errors = estimate_sampling_error(counts, calibration, estimated)
    binomial = np.sqrt(0.3 * 0.7 / 100)
    assert errors[Metric.PRECISION][0] == pytest.approx(binomial)
    assert errors[Metric.ACCURACY][0] == pytest.approx(binomial)
    assert errors[Metric.RECALL][0] == pytest.approx(0, abs=1e-9)
    assert errors[Metric.ROC_AUC][0] == pytest.approx(0, abs=1e-9)
    assert errors[Metric.POSITIVE_RATE][0] == 0


def test_errors_halve_when_the_rows_quadruple():
    rng = np.random.default_rng(3)
    counts = rng.poisson(3, (2, N_SCORE_BINS))
    calibration = Calibration(threshold=0.5, probability=np.linspace(0.05, 0.9, N_SCORE_BINS), n=100)
    few, many = (
        estimate_sampling_error(rows, calibration, estimate_performance(rows, calibration, 0.5))
        for rows in (counts, 4 * counts)
    )
    for metric in few:
        # Average precision counts each positive as a whole one, which matters a little less with more rows.
        np.testing.assert_allclose(many[metric], few[metric] / 2, rtol=1e-3, err_msg=metric)


def test_errors_are_those_of_each_chunk_alone_when_chunks_are_computed_together():
    counts = np.random.default_rng(4).poisson(0.5, (70, N_SCORE_BINS))
    calibration = Calibration(threshold=0.5, probability=np.linspace(0, 1, N_SCORE_BINS), n=100)
    together = estimate_sampling_error(counts, calibration, estimate_performance(counts, calibration, 0.5))
    for chunk in (0, 31, 32, 69):
        rows = counts[[chunk]]
        alone = estimate_sampling_error(rows, calibration, estimate_performance(rows, calibration, 0.5))
        for metric, values in together.items():
            assert values[chunk] == pytest.approx(alone[metric][0], rel=1e-9), metric


def test_bounds_are_undefined_when_the_estimate_is():
    counts = np.zeros((1, N_SCORE_BINS), dtype=int)
    calibration = Calibration(threshold=0.5, probability=np.linspace(0, 1, N_SCORE_BINS), n=100)
    estimated = estimate_performance(counts, calibration, 0.5)
    bounds = bound_estimates(estimated, estimate_sampling_error(counts, calibration, estimated))
    for metric, (low, high) in bounds.items():
        assert np.isnan(low[0]), metric
        assert np.isnan(high[0]), metric


def test_bounds_stay_in_the_range_of_their_metric_when_errors_are_large():
    metrics = (Metric.RECALL, Metric.LOG_LOSS, Metric.LOG_LOSS_SKILL)
    values, errors = ({metric: np.array([value]) for metric in metrics} for value in (0.5, 3.0))
    bounds = bound_estimates(values, errors)
    assert (bounds[Metric.RECALL][0][0], bounds[Metric.RECALL][1][0]) == (0, 1)
    assert bounds[Metric.LOG_LOSS][0][0] == 0
    assert bounds[Metric.LOG_LOSS][1][0] > 1
    assert bounds[Metric.LOG_LOSS_SKILL][0][0] < -1
    assert bounds[Metric.LOG_LOSS_SKILL][1][0] == 1


def test_bounds_are_refused_when_the_confidence_is_no_share():
    with pytest.raises(ValueError, match="confidence is 95"):
        bound_estimates({}, {}, confidence=95)
