"""Groups of score bins: whole bins, the threshold an edge, and counts that are those of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlops_core.stats.binning import threshold_bin
from mlops_core.stats.counts import count_scores
from mlops_core.stats.ranking import compute_roc_auc
from mlops_core.stats.score_groups import (
    assign_score_groups,
    choose_group_starts,
    count_joint,
    group_by_score,
    group_scores,
)


def count_rows(scores, labels, threshold):
    return count_scores(scores, labels, np.zeros(len(scores), int), 1, threshold)


@given(
    seed=st.integers(0, 1000),
    threshold=st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    n_groups=st.integers(2, 100),
    power=st.sampled_from([0.2, 1, 6]),
)
def test_starts_increase_from_zero_and_hold_the_threshold(seed, threshold, n_groups, power):
    scores = np.random.default_rng(seed).random(200) ** power
    starts = choose_group_starts(count_rows(scores, scores > 0.2, threshold), n_groups)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert threshold_bin(threshold) in starts
    assert starts.size <= n_groups + 1


@pytest.mark.parametrize("power", [0.3, 1, 8])
def test_roc_auc_of_the_groups_is_near_the_exact_one(power):
    rng = np.random.default_rng(0)
    scores = rng.random(20_000) ** power
    labels = (rng.random(20_000) < scores).astype(int)
    starts = choose_group_starts(count_rows(scores, labels, 0.4))
    groups = assign_score_groups(scores, 0.4, starts)
    sides = [np.bincount(groups[labels == label], minlength=starts.size)[None] for label in (0, 1)]
    assert compute_roc_auc(*sides)[0] == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)


def test_decisions_are_those_of_the_scores_when_the_first_positive_group_divides_them():
    rng = np.random.default_rng(1)
    scores = rng.random(5000) ** 3
    counts = count_rows(scores, rng.random(5000) < scores, 0.17)
    starts = choose_group_starts(counts)
    first = group_scores(counts, starts).first_positive
    np.testing.assert_array_equal(assign_score_groups(scores, 0.17, starts) >= first, scores >= 0.17)


def test_losses_of_the_groups_add_up_to_those_of_the_rows():
    rng = np.random.default_rng(2)
    scores = rng.random(20_000)
    labels = (rng.random(20_000) < scores).astype(int)
    counts = count_rows(scores, labels, 0.5)
    starts = choose_group_starts(counts)
    groups = group_scores(counts, starts)
    rows = count_joint(np.zeros(20_000, int), 1, assign_score_groups(scores, 0.5, starts), starts.size, labels)[0]
    assert (rows * groups.squared_error).sum() == pytest.approx(counts.squared_error[0], rel=1e-3)
    assert (rows * groups.log_loss).sum() == pytest.approx(counts.log_loss[0], rel=1e-3)


def test_joint_counts_are_those_of_a_plain_count():
    rng = np.random.default_rng(3)
    bins, groups, labels = (rng.integers(0, end, 300) for end in (4, 5, 2))
    joint = count_joint(bins, 6, groups, 5, labels)
    assert joint.shape == (6, 5, 2)
    assert joint[3, 2, 1] == np.sum((bins == 3) & (groups == 2) & (labels == 1))
    assert joint.sum() == 300
    assert joint[4:].sum() == 0


def test_each_distinct_score_is_a_group_when_grouped_by_score():
    groups, index = group_by_score([0.5, 0.1, 0.5, 1.0], threshold=0.5)
    assert index.tolist() == [1, 0, 1, 2]
    assert groups.first_positive == 1
    np.testing.assert_allclose(groups.squared_error, [[0.01, 0.81], [0.25, 0.25], [1, 0]])
    np.testing.assert_allclose(groups.log_loss[1], np.log(2))


def test_groups_are_refused_when_an_argument_is_outside_its_domain():
    counts = count_rows([0.2, 0.7], [0, 1], 0.5)
    with pytest.raises(ValueError, match="n_groups is 1"):
        choose_group_starts(counts, 1)
    with pytest.raises(ValueError, match="0 labelled rows"):
        choose_group_starts(count_rows([0.2], [np.nan], 0.5))
    for starts in ([0, 5], [3, 1024], [0, 1024, 1024], []):
        with pytest.raises(ValueError, match="accepted are increasing bins from 0 with the threshold's 1024"):
            group_scores(counts, np.array(starts, int))


@pytest.mark.parametrize(
    ("bins", "groups", "labels", "message"),
    [
        ([0, 2], [0, 0], [0, 1], "feature bin of row 1 is 2; accepted is 0 to 1"),
        ([0, 1], [-1, 0], [0, 1], "score group of row 0 is -1; accepted is 0 to 2"),
        ([0, 1], [0, 0], [0, np.nan], "label of row 1 is nan; accepted is 0 to 1"),
        ([0], [0, 0], [0, 1], "accepted is one value per row"),
    ],
)
def test_rows_are_refused_when_a_bin_group_or_label_is_outside_its_domain(bins, groups, labels, message):
    with pytest.raises(ValueError, match=message):
        count_joint(bins, 2, groups, 3, labels)
