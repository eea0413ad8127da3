"""How well one feature alone tells the label: by hand, against scikit-learn, by properties, and under the null."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlops_core.stats.leakage import LEAST_ROWS, separate_by_groups


def draw(seed, n=2000, groups=8):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, n)
    rates = rng.random(groups)
    return group, (rng.random(n) < rates[group]).astype(int), rng.random(n) < 0.5


def test_area_is_the_hand_value_when_groups_and_labels_are_few():
    # Both halves: group 0 has 1 of 3 positive, group 1 has 2 of 3, each row 20 times.
    group = np.tile([0, 0, 0, 1, 1, 1], 40)
    label = np.tile([1, 0, 0, 1, 1, 0], 40)
    first = np.repeat([True, False], 120)
    # P(higher group) of a positive over a negative: (2·2 + (1·2 + 2·1) / 2) / 9.
    assert separate_by_groups(group, label, first) == pytest.approx(6 / 9)


@pytest.mark.parametrize("seed", range(4))
def test_area_agrees_with_scikit_learn(seed):
    group, label, first = draw(seed)
    areas = []
    for learned in (first, ~first):
        share = label[learned].mean()
        rates = [(label[learned & (group == g)].sum() + share) / ((learned & (group == g)).sum() + 1) for g in range(8)]
        areas.append(roc_auc_score(label[~learned], np.array(rates)[group[~learned]]))
    assert separate_by_groups(group, label, first) == pytest.approx(np.mean(areas))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), groups=st.integers(2, 40))
def test_area_stays_when_groups_are_renamed(seed, groups):
    group, label, first = draw(seed, groups=groups)
    names = np.random.default_rng(seed).permutation(groups + 5)[:groups]
    assert separate_by_groups(names[group], label, first) == pytest.approx(separate_by_groups(group, label, first))


@pytest.mark.parametrize("groups", [2, 20, 500])
def test_area_is_a_half_when_the_feature_says_nothing(groups):
    rng = np.random.default_rng(groups)
    found = [
        separate_by_groups(rng.integers(0, groups, 1000), rng.random(1000) < 0.2, rng.random(1000) < 0.5)
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)
    assert np.quantile(found, 0.99) < 0.6


def test_area_is_undefined_when_a_half_is_small_or_of_one_class():
    ones = np.ones(2 * LEAST_ROWS)
    first = np.arange(2 * LEAST_ROWS) % 2 == 0
    assert np.isnan(separate_by_groups(ones.astype(int), ones, first))
    assert np.isnan(separate_by_groups([0, 1], [0, 1], [True, False]))


def test_input_outside_the_domain_is_refused():
    with pytest.raises(ValueError, match="one axis of equal length"):
        separate_by_groups([0, 1], [0, 1, 1], [True, False])
    with pytest.raises(ValueError, match="a group is -1"):
        separate_by_groups([-1, 1], [0, 1], [True, False])
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        separate_by_groups([0, 1], [0, 2], [True, False])
