"""The domain classifier on real trees: quiet without drift, loud where no single feature shows any."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from mlops_core.checks.domain_classifier import separate


def draw_rows(rng, n):
    rows = rng.normal(size=(n, 4))
    rows[:, 0] = rng.integers(0, 40, n)
    rows[rng.random(n) < 0.1, 2] = np.nan
    return rows


def test_interval_covers_one_half_when_nothing_differs():
    rng = np.random.default_rng(0)
    found = [separate(draw_rows(rng, 300), draw_rows(rng, 200), rng, categorical=[0]).auc for _ in range(12)]
    covered = [auc.low <= 0.5 <= auc.high for auc in found]
    # At 95 % each, fewer than 9 of 12 has a chance below .0002.
    assert sum(covered) >= 9
    assert np.mean([auc.value for auc in found]) == pytest.approx(0.5, abs=0.035)


def test_auc_is_high_when_only_the_correlation_turned():
    rng = np.random.default_rng(1)
    cloud = np.array([[1, 0.8], [0.8, 1]])
    reference = rng.multivariate_normal([0, 0], cloud, 1500)
    current = rng.multivariate_normal([0, 0], cloud * [[1, -1], [-1, 1]], 1500)
    assert min(ks_2samp(reference[:, j], current[:, j]).pvalue for j in (0, 1)) > 0.01
    found = separate(reference, current, rng).auc
    assert found.value > 0.8
    assert found.low > 0.6


def test_auc_is_high_when_null_appears_in_one_group_only():
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=(800, 3)), rng.normal(size=(800, 3))
    current[current[:, 1] > 0, 0] = np.nan
    assert separate(reference, current, rng).auc.low > 0.6


def test_categories_are_told_apart_when_there_are_more_than_the_trees_take():
    rng = np.random.default_rng(3)
    reference = np.column_stack([rng.zipf(1.3, 3000).clip(max=5000), rng.normal(size=3000)]).astype(float)
    current = reference[rng.permutation(3000)].copy()
    current[current[:, 0] == 1, 0] = 2
    assert np.unique(reference[:, 0]).size > 255
    assert separate(reference, current, rng, categorical=[0]).auc.low > 0.55


def test_columns_are_refused_when_they_do_not_fit():
    rng = np.random.default_rng(4)
    with pytest.raises(ValueError, match=r"categorical is \[2\]"):
        separate(np.zeros((9, 2)), np.zeros((9, 2)), rng, categorical=[2])
    with pytest.raises(ValueError, match="the same columns"):
        separate(np.zeros((9, 2)), np.zeros((9, 1)), rng, categorical=[1])
