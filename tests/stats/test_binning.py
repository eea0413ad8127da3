"""The score grid: monotone, exact at the threshold, and the same as its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_core.stats.binning import (
    N_SCORE_BINS,
    assign_score_bins,
    group_score_bins,
    score_bin_edges,
    score_bin_midpoints,
    threshold_bin,
)

unit = st.floats(0, 1)


def test_bins_match_hand_values_when_scores_are_round():
    # 1/256: 4 linear, 512 * 0.5 = 256, and 512 - ceil(512 * (255/256)^0.125 = 511.75) = 0.
    # 0.0625: 64 linear, 512 * 0.70711 = 362.04, and 512 - ceil(512 * 0.9375^0.125 = 507.89) = 4.
    assert assign_score_bins([0.0, 1 / 256, 0.0625, 1.0], threshold=1.0).tolist() == [0, 260, 430, N_SCORE_BINS - 1]


def test_bins_span_the_grid_when_the_threshold_is_at_an_end():
    assert assign_score_bins([0.0, 1.0], threshold=0.0).tolist() == [1, N_SCORE_BINS - 1]
    assert threshold_bin(1.0) == N_SCORE_BINS - 1


@given(scores=st.lists(unit, min_size=2, max_size=50), threshold=unit)
def test_bins_never_fall_when_scores_rise(scores, threshold):
    assert (np.diff(assign_score_bins(sorted(scores), threshold)) >= 0).all()


@given(score=unit, threshold=unit)
def test_bin_is_at_or_above_the_thresholds_exactly_when_the_score_is(score, threshold):
    assert (assign_score_bins([score], threshold)[0] >= threshold_bin(threshold)) == (score >= threshold)


@given(threshold=st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_bin_splits_the_threshold_from_its_neighbour_when_they_differ_by_one_ulp(threshold):
    around = [np.nextafter(threshold, 0), threshold, np.nextafter(threshold, 1)]
    bins = assign_score_bins(around, threshold)
    assert bins[0] < threshold_bin(threshold) <= bins[1] <= bins[2]


@pytest.mark.parametrize("threshold", [0.0, 1e-5, 0.37, 0.5, 1.0])
def test_edges_hold_the_scores_of_their_bin_when_scores_are_spread_over_the_range(threshold):
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.random(20_000), rng.random(20_000) ** 8, 1 - rng.random(20_000) ** 8])
    bins, edges = assign_score_bins(scores, threshold), score_bin_edges(threshold)
    assert edges.shape == (N_SCORE_BINS + 1,)
    assert (np.diff(edges) >= 0).all()
    assert (edges[bins] <= scores).all()
    assert (scores <= edges[bins + 1]).all()


def test_midpoints_stay_near_the_score_when_scores_are_uniform():
    scores = np.random.default_rng(2).random(10_000)
    assert np.abs(score_bin_midpoints(0.4)[assign_score_bins(scores, 0.4)] - scores).max() <= 1 / 2048


def test_groups_start_at_the_tenths_when_scores_lie_on_them():
    starts = group_score_bins(0.3, n_groups=10)
    on_edge = assign_score_bins(np.arange(10) / 10, 0.3)
    assert (starts <= on_edge).all()
    assert (on_edge[:-1] < starts[1:]).all()


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan, np.inf])
def test_bins_are_refused_when_a_score_is_outside_its_range(score):
    with pytest.raises(ValueError, match="accepted are numbers in"):
        assign_score_bins([0.5, score], 0.5)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan])
def test_grid_is_refused_when_the_threshold_is_outside_its_range(threshold):
    with pytest.raises(ValueError, match="threshold is"):
        score_bin_edges(threshold)


def test_groups_are_refused_when_there_are_none():
    with pytest.raises(ValueError, match="n_groups is 0"):
        group_score_bins(0.5, n_groups=0)
