"""Groups of bins: shares, ties, agreement with trying every cut, and stability."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_core.stats.grouping import group_bins, merge_groups, separate_bins


def take_shares(counts, groups):
    return merge_groups(counts, groups) / np.sum(counts)


@pytest.mark.parametrize("n_bins", [100, 250, 251, 2000])
@pytest.mark.parametrize("draw", ["normal", "exponential", "uniform"])
def test_each_of_ten_groups_holds_5_to_15_percent_when_no_bin_holds_more_than_5(draw, n_bins):
    values = getattr(np.random.default_rng(n_bins), draw)(size=20_000)
    counts, _ = np.histogram(values, bins=np.quantile(values, np.linspace(0, 1, 101)) if n_bins == 100 else n_bins)
    assert counts.max() <= 1000
    shares = take_shares(counts, group_bins(counts))
    assert shares.size == 10
    assert shares.min() >= 0.05
    assert shares.max() <= 0.15


def test_ten_groups_are_even_to_half_a_percent_when_bins_are_many():
    counts = np.random.default_rng(0).poisson(100, 2000)
    np.testing.assert_allclose(take_shares(counts, group_bins(counts)), 0.1, atol=0.005)


@pytest.mark.parametrize(
    ("counts", "groups"),
    [
        ([60] + [1] * 40, [0] + [1] * 10 + [2] * 10 + [3] * 10 + [4] * 10),
        ([20, 30, 25, 25], [0, 1, 2, 3]),
        ([6, 60, 10, 10, 14], [0, 1, 2, 3, 4]),
        ([3, 60, 10, 13, 14], [0, 0, 1, 2, 3]),
        ([10, 14, 60, 2, 14], [0, 1, 2, 2, 3]),
        ([97, 1, 2], [0, 1, 1]),
        ([0, 0, 7, 0], [0, 0, 0, 0]),
        ([0, 0, 0], [0, 0, 0]),
    ],
    ids=[
        "the rest is shared evenly",
        "ties alone",
        "a rest that can stand alone",
        "a crumb that cannot",
        "a crumb between",
        "one group would show nothing",
        "one bin has rows",
        "no rows",
    ],
)
def test_groups_match_hand_values_when_a_bin_is_a_tie(counts, groups):
    assert group_bins(counts).tolist() == groups


def test_bins_without_rows_belong_to_the_group_on_their_left():
    counts = np.zeros(40, int)
    counts[1::4] = 10
    assert group_bins(counts).tolist() == [0, *np.repeat(np.arange(10), 4)][:40]


def measure_cost(counts, cuts, n_groups):
    """Give what a cut leaves outside the bounds, and its unevenness, straight from the definition."""
    outside = uneven = 0.0
    for part in np.split(np.asarray(counts) / np.sum(counts), cuts):
        share, heaviest = part.sum(), part.max()
        if heaviest > 1.5 / n_groups + 1e-9:
            outside += max(0.5 / n_groups - share, 0)
            uneven += 2 * (share - heaviest) ** 2
        else:
            outside += max(0.5 / n_groups - share, share - 1.5 / n_groups, 0)
            uneven += (share - 1 / n_groups) ** 2
    return 1000 * outside + uneven


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 100), min_size=2, max_size=9), n_groups=st.integers(2, 5))
def test_no_other_cut_is_cheaper_when_all_are_tried(counts, n_groups):
    groups = group_bins(counts, n_groups)
    found = measure_cost(counts, np.flatnonzero(np.diff(groups)) + 1, n_groups)
    others = [
        measure_cost(counts, list(cuts), n_groups)
        for g in range(2, min(n_groups, len(counts)) + 1)
        for cuts in combinations(range(1, len(counts)), g - 1)
    ]
    assert found == pytest.approx(min(others), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=400), n_groups=st.integers(1, 12))
def test_groups_go_up_by_steps_of_one_and_none_is_empty(counts, n_groups):
    groups = group_bins(counts, n_groups)
    assert groups.size == len(counts)
    assert groups[0] == 0
    assert set(np.diff(groups)) <= {0, 1}
    assert groups[-1] < n_groups
    merged = merge_groups(counts, groups)
    assert merged.sum() == sum(counts)
    assert (merged > 0).all() or sum(counts) == 0


def test_shares_of_new_samples_stay_within_bounds_when_nothing_changes():
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.full(200, 2.0))
    groups = group_bins(rng.multinomial(5000, share))
    fresh = merge_groups(rng.multinomial(5000, share, size=300), groups) / 5000
    assert fresh.min() > 0.05
    assert fresh.max() < 0.15


def test_each_bin_with_rows_is_a_group_when_bins_are_separated():
    assert separate_bins([0, 5, 0, 1, 7, 0]).tolist() == [0, 0, 0, 1, 2, 2]
    assert separate_bins([0, 0]).tolist() == [0, 0]


def test_merged_counts_agree_with_adding_by_index_when_there_are_many_chunks():
    rng = np.random.default_rng(2)
    counts, groups = rng.poisson(3, (4, 5, 60)), np.sort(np.r_[0:7, rng.integers(0, 7, 53)])
    expected = np.zeros((4, 5, 7))
    np.add.at(expected, (..., groups), counts)
    np.testing.assert_array_equal(merge_groups(counts, groups), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: group_bins([1, -1]), "count of bin 1 is -1"),
        (lambda: group_bins([1, np.nan]), "count of bin 1 is nan"),
        (lambda: group_bins([]), "reference has shape"),
        (lambda: group_bins([[1, 2]]), "reference has shape"),
        (lambda: group_bins([1, 2], n_groups=0), "n_groups is 0"),
        (lambda: separate_bins([-2]), "count of bin 0 is -2"),
        (lambda: merge_groups([1, 2], [0]), "accepted is one group per bin"),
        (lambda: merge_groups([1, 2], [1, 2]), "accepted are integers from 0 on"),
        (lambda: merge_groups([1, 2], [0, 2]), "accepted are integers from 0 on"),
    ],
)
def test_grouping_is_refused_when_an_argument_is_outside_its_domain(call, message):
    with pytest.raises(ValueError, match=message):
        call()
