"""Isotonic calibration: hand values, agreement with scikit-learn, and monotonicity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins, score_bin_midpoints
from mlops_core.stats.calibration import Calibration, calibrate, fit_probabilities
from mlops_core.stats.counts import count_scores


def count_rows(scores, labels, threshold=0.5, n_chunks=1):
    return count_scores(scores, labels, np.arange(len(scores)) % n_chunks, n_chunks, threshold)


def place(bins):
    counts = np.zeros(N_SCORE_BINS, dtype=np.int64)
    for index, count in bins.items():
        counts[index] = count
    return counts


def fit_with_scikit_learn(counts):
    negative, positive = counts.negative.sum(axis=0), counts.positive.sum(axis=0)
    n, middle = negative + positive, score_bin_midpoints(counts.threshold)
    filled = n > 0
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    model.fit(middle[filled], positive[filled] / n[filled], sample_weight=n[filled])
    return model.predict(middle)


def test_shares_are_pooled_by_their_rows_when_they_fall():
    # Shares 1/4, 1/2, 1/5, 1: the middle two violate the order and pool to (1 + 2) / (2 + 10).
    found = fit_probabilities(place({100: 3, 600: 1, 900: 8}), place({100: 1, 600: 1, 900: 2, 1700: 4}), 0.5)
    assert found[[100, 600, 900, 1700]] == pytest.approx([0.25, 0.25, 0.25, 1.0])
    found = fit_probabilities(place({100: 9, 600: 1, 900: 8}), place({100: 1, 600: 1, 900: 2, 1700: 4}), 0.5)
    assert found[[100, 600, 900, 1700]] == pytest.approx([0.1, 0.25, 0.25, 1.0])


def test_empty_bin_lies_on_the_line_between_its_neighbours_and_ends_stay():
    low, between, high = assign_score_bins([0.2, 0.3, 0.6], 0.5)
    found = fit_probabilities(place({low: 9, high: 5}), place({low: 1, high: 5}), 0.5)
    middle = score_bin_midpoints(0.5)
    part = (middle[between] - middle[low]) / (middle[high] - middle[low])
    assert found[between] == pytest.approx(0.1 + 0.4 * part)
    assert found[0] == pytest.approx(0.1)
    assert found[-1] == pytest.approx(0.5)


@pytest.mark.parametrize("threshold", [0.0, 0.03, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["uniform", "rare", "discrete"])
def test_calibration_agrees_with_scikit_learn_on_the_same_bins(kind, threshold):
    rng = np.random.default_rng(11)
    n = 5000
    if kind == "uniform":
        scores = rng.random(n)
    elif kind == "rare":
        scores = rng.beta(0.5, 49.5, n)
    else:
        scores = rng.integers(0, 21, n) / 20
    counts = count_rows(scores, rng.random(n) < 0.05 + 0.9 * scores**2, threshold)
    np.testing.assert_allclose(calibrate(counts).probability, fit_with_scikit_learn(counts), atol=1e-9)


def test_calibration_takes_all_chunks_together_and_leaves_unlabelled_rows_out():
    rng = np.random.default_rng(2)
    scores = rng.random(3000)
    labels = np.where(rng.random(3000) < 0.5, np.nan, rng.random(3000) < scores)
    split = calibrate(count_rows(scores, labels, n_chunks=7))
    known = ~np.isnan(labels)
    whole = calibrate(count_rows(scores[known], labels[known]))
    np.testing.assert_array_equal(split.probability, whole.probability)
    assert split.n == whole.n == known.sum()


def test_calibration_keeps_the_sum_of_positives_on_its_own_reference():
    rng = np.random.default_rng(3)
    scores = rng.beta(2, 5, 4000)
    counts = count_rows(scores, rng.random(4000) < scores**1.5)
    expected = (counts.negative + counts.positive)[0] @ calibrate(counts).probability
    assert expected == pytest.approx(counts.n_positive[0])


def test_calibration_comes_near_the_true_chance_when_the_reference_is_large():
    rng = np.random.default_rng(4)
    scores = rng.random(400_000)
    calibration = calibrate(count_rows(scores, rng.random(400_000) < scores**2))
    probes = np.linspace(0.05, 0.95, 19)
    found = calibration.probability[assign_score_bins(probes, 0.5)]
    assert np.abs(found - probes**2).max() < 0.03


@given(st.lists(st.tuples(st.integers(0, N_SCORE_BINS - 1), st.booleans()), min_size=1, max_size=60))
def test_fitted_chances_never_fall_and_stay_in_range_whatever_the_rows(rows):
    negative, positive = np.zeros((2, N_SCORE_BINS), dtype=np.int64)
    for index, label in [*rows, (3, False), (2040, True)]:
        (positive if label else negative)[index] += 1
    found = fit_probabilities(negative, positive, 0.5)
    assert (np.diff(found) >= -1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("label", [0, 1])
def test_calibration_is_refused_when_the_reference_has_one_class(label):
    with pytest.raises(ValueError, match="at least one of each"):
        calibrate(count_rows([0.2, 0.7], [label, label]))


def test_calibration_is_refused_when_a_probability_is_impossible():
    with pytest.raises(ValueError, match="a probability is nan"):
        Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, np.nan), n=1)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        Calibration(threshold=0.5, probability=np.zeros(3), n=1)
