"""Influence of a row on each metric: scikit-learn's values, a numeric derivative, and known variances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlops_core.entities import Metric
from mlops_core.stats.influence import INFLUENCED_METRICS, compute_influences
from mlops_core.stats.ranking import estimate_average_precision_variance, estimate_roc_auc_variance
from mlops_core.stats.score_groups import ScoreGroups, group_by_score

THRESHOLD = 0.4


def draw_cells(seed, n_groups=12):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(n_groups))
    groups, _ = group_by_score(scores, THRESHOLD)
    return scores, groups, rng.poisson(5 * np.column_stack([1.2 - scores, scores]) + 0.5).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_agree_with_scikit_learn_when_rows_are_weighted(seed):
    scores, groups, weights = draw_cells(seed)
    labels, values, weight = np.tile([0, 1], scores.size), np.repeat(scores, 2), weights.ravel()
    decided = values >= THRESHOLD
    base_rate = np.average(labels, weights=weight)
    log_loss = reference.log_loss(labels, values, sample_weight=weight)
    entropy = -(base_rate * np.log(base_rate) + (1 - base_rate) * np.log(1 - base_rate))
    expected = {
        Metric.F1: reference.f1_score(labels, decided, sample_weight=weight),
        Metric.RECALL: reference.recall_score(labels, decided, sample_weight=weight),
        Metric.PRECISION: reference.precision_score(labels, decided, sample_weight=weight),
        Metric.ROC_AUC: reference.roc_auc_score(labels, values, sample_weight=weight),
        Metric.AVERAGE_PRECISION: reference.average_precision_score(labels, values, sample_weight=weight),
        Metric.BRIER: reference.brier_score_loss(labels, values, sample_weight=weight),
        Metric.LOG_LOSS: log_loss,
        Metric.LOG_LOSS_SKILL: 1 - log_loss / entropy,
        Metric.ACCURACY: reference.accuracy_score(labels, decided, sample_weight=weight),
        Metric.POSITIVE_RATE: np.average(decided, weights=weight),
    }
    found = {metric: one.value for metric, one in compute_influences(weights, groups).items()}
    assert set(found) == set(INFLUENCED_METRICS)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_influence_agrees_with_a_numeric_derivative(seed):
    _, groups, weights = draw_cells(seed)
    found, step = compute_influences(weights, groups), 1e-5 * weights.sum()
    for cell in np.ndindex(weights.shape):
        if weights[cell] < 1:
            continue
        more, less = weights.copy(), weights.copy()
        more[cell] += step
        less[cell] -= step
        above, below = compute_influences(more, groups), compute_influences(less, groups)
        slopes = {metric: (above[metric].value - below[metric].value) / 2e-5 for metric in found}
        assert slopes == pytest.approx({metric: one.cells[cell] for metric, one in found.items()}, rel=1e-4, abs=1e-6)


@given(seed=st.integers(0, 1000), scale=st.floats(0.001, 1000))
def test_influence_has_mean_zero_and_ignores_the_sum_of_the_weights(seed, scale):
    _, groups, weights = draw_cells(seed)
    found, scaled = compute_influences(weights, groups), compute_influences(scale * weights, groups)
    for metric, one in found.items():
        assert (weights * one.cells).sum() / weights.sum() == pytest.approx(0, abs=1e-9)
        assert scaled[metric].value == pytest.approx(one.value)


def test_variances_of_ranking_agree_with_those_in_use():
    _, groups, weights = draw_cells(9, n_groups=300)
    found, sides = compute_influences(weights, groups), (weights[None, :, 0], weights[None, :, 1])
    variances = {
        metric: (weights * found[metric].cells ** 2).sum() / weights.sum() ** 2
        for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION)
    }
    # DeLong divides by one row less of each class.
    assert variances[Metric.ROC_AUC] == pytest.approx(estimate_roc_auc_variance(*sides)[0], rel=0.01)
    assert variances[Metric.AVERAGE_PRECISION] == pytest.approx(estimate_average_precision_variance(*sides)[0])


@pytest.mark.parametrize("label", [0, 1])
def test_ranking_and_skill_are_undefined_when_there_is_one_class(label):
    _, groups, weights = draw_cells(1)
    weights[:, 1 - label] = 0
    found = compute_influences(weights, groups)
    for metric in (Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.LOG_LOSS_SKILL):
        assert np.isnan(found[metric].value)
    assert np.isfinite(found[Metric.BRIER].value)


@pytest.mark.parametrize("weights", [np.zeros((2, 2)), np.ones((3, 2)), np.array([[1.0, -1.0], [1.0, 1.0]])])
def test_weights_are_refused_when_they_are_outside_their_domain(weights):
    groups = ScoreGroups(first_positive=1, squared_error=np.ones((2, 2)), log_loss=np.ones((2, 2)))
    with pytest.raises(ValueError, match="weights have shape"):
        compute_influences(weights, groups)
