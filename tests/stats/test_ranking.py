"""Variances of the rank metrics, against direct computations."""

import numpy as np
import pytest

from mlops_core.stats.ranking import (
    compute_average_precision,
    compute_roc_auc,
    estimate_average_precision_variance,
    estimate_roc_auc_variance,
)


def draw_counts(seed, k=3, n_bins=40):
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.2, 2, n_bins)
    return rng.poisson(4 / slope, (k, n_bins)), rng.poisson(3 * slope, (k, n_bins))


def compute_delong_directly(negative, positive):
    low, high = np.repeat(np.arange(negative.size), negative), np.repeat(np.arange(positive.size), positive)
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    return wins.mean(axis=1).var(ddof=1) / high.size + wins.mean(axis=0).var(ddof=1) / low.size


@pytest.mark.parametrize("seed", range(5))
def test_roc_auc_variance_agrees_with_pairwise_delong_when_rows_are_tied(seed):
    negative, positive = draw_counts(seed)
    direct = [compute_delong_directly(*pair) for pair in zip(negative, positive, strict=True)]
    np.testing.assert_allclose(estimate_roc_auc_variance(negative, positive), direct, rtol=1e-10)


def test_average_precision_variance_agrees_with_a_numeric_gradient():
    negative, positive = (counts.astype(float) for counts in draw_counts(9, k=1))
    step, variance = 1e-5, 0.0
    for label, counts in ((0, negative), (1, positive)):
        for b in range(counts.shape[1]):
            change = np.zeros_like(counts)
            change[0, b] = step
            pairs = [(negative + s * change * (label == 0), positive + s * change * label) for s in (1, -1)]
            above, below = (compute_average_precision(*pair)[0] for pair in pairs)
            variance += counts[0, b] * ((above - below) / (2 * step)) ** 2
    assert estimate_average_precision_variance(negative, positive)[0] == pytest.approx(variance, rel=1e-5)


def test_ranking_is_the_same_when_chunks_are_computed_one_by_one():
    negative, positive = draw_counts(3, k=70)
    for compute in (
        compute_roc_auc,
        compute_average_precision,
        estimate_roc_auc_variance,
        estimate_average_precision_variance,
    ):
        alone = [compute(negative[[chunk]], positive[[chunk]])[0] for chunk in range(70)]
        np.testing.assert_array_equal(compute(negative, positive), alone)


def test_roc_auc_becomes_its_complement_when_classes_swap():
    negative, positive = draw_counts(4)
    swapped = compute_roc_auc(positive, negative)
    np.testing.assert_allclose(compute_roc_auc(negative, positive), 1 - swapped, rtol=1e-12)
