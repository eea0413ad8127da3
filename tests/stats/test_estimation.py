"""Estimated performance: hand values, agreement with a computation row by row, properties, and blindness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from mlops_core.entities import Metric
from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins
from mlops_core.stats.calibration import Calibration, calibrate
from mlops_core.stats.classification import compute_metrics, count_decisions
from mlops_core.stats.counts import count_scores, select_chunks
from mlops_core.stats.estimation import error_of_estimates, estimate_confusion, estimate_performance

SHARES = (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY, Metric.POSITIVE_RATE)
TOLERANCE = 0.005


def count_rows(scores, labels, threshold=0.5, n_chunks=1):
    return count_scores(scores, labels, np.arange(len(scores)) % n_chunks, n_chunks, threshold)


def count_all(counts):
    return counts.unlabelled + counts.negative + counts.positive


def make_rows(kind, n, seed):
    """Give scores, labels, and the deployed threshold."""
    rng = np.random.default_rng(seed)
    if kind == "calibrated":
        scores, threshold = rng.random(n), 0.5
        chance = scores
    elif kind == "too sure":
        chance, threshold = rng.beta(2, 3, n), 0.6
        scores = chance**3 / (chance**3 + (1 - chance) ** 3)
    elif kind == "too low":
        chance, threshold = rng.beta(2, 2, n), 0.2
        scores = chance / 3
    elif kind == "rare":
        scores, threshold = rng.beta(0.5, 49.5, n), 0.04
        chance = scores
    elif kind == "rare, too high":
        chance, threshold = rng.beta(0.5, 49.5, n), 0.15
        scores = np.sqrt(chance)
    else:
        scores, threshold = rng.integers(1, 20, n) / 20, 0.5
        chance = 0.2 + 0.6 * scores**2
    return scores, (rng.random(n) < chance).astype(int), threshold


KINDS = ("calibrated", "too sure", "too low", "rare", "rare, too high", "discrete")


def estimate_row_by_row(reference_scores, reference_labels, scores, threshold):
    """Compute CBPE from rows: isotonic regression on rows, every row its own weight, ties of the score half."""
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(reference_scores, reference_labels)
    chance, decided = model.predict(scores), scores >= threshold
    hits, alarms = chance[decided].sum(), (1 - chance)[decided].sum()
    missed, rejected = chance[~decided].sum(), (1 - chance)[~decided].sum()
    distinct, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weights=chance, minlength=distinct.size)
    negative = np.bincount(place, weights=1 - chance, minlength=distinct.size)
    won = positive @ (np.cumsum(negative) - negative / 2)
    clipped = np.clip(scores, 1e-15, 1 - 1e-15)
    return {
        Metric.F1: 2 * hits / (2 * hits + alarms + missed),
        Metric.RECALL: hits / (hits + missed),
        Metric.PRECISION: hits / (hits + alarms),
        Metric.ACCURACY: (hits + rejected) / len(scores),
        Metric.POSITIVE_RATE: decided.mean(),
        Metric.ROC_AUC: won / (positive.sum() * negative.sum()),
        Metric.BRIER: (chance * (1 - scores) ** 2 + (1 - chance) * scores**2).mean(),
        Metric.LOG_LOSS: -(chance * np.log(clipped) + (1 - chance) * np.log1p(-clipped)).mean(),
    }


def test_estimates_match_hand_values_when_there_are_two_filled_bins():
    probability = np.zeros(N_SCORE_BINS)
    low, high = assign_score_bins([0.25, 0.75], 0.5)
    probability[low:high], probability[high:] = 0.2, 0.8
    counts = np.zeros((1, N_SCORE_BINS), dtype=int)
    counts[0, [low, high]] = 30, 10
    calibration = Calibration(threshold=0.5, probability=probability, n=100)
    # Expected: 6 missed and 24 rejected below the threshold, 8 hits and 2 false alarms above it.
    assert estimate_confusion(counts, calibration, 0.5)[0] == pytest.approx(np.array([[24, 2], [6, 8]]))
    found = {metric: value[0] for metric, value in estimate_performance(counts, calibration, 0.5).items()}
    assert found[Metric.F1] == pytest.approx(16 / 24)
    assert found[Metric.RECALL] == pytest.approx(8 / 14)
    assert found[Metric.PRECISION] == pytest.approx(0.8)
    assert found[Metric.ACCURACY] == pytest.approx(32 / 40)
    assert found[Metric.POSITIVE_RATE] == 0.25
    assert found[Metric.ROC_AUC] == pytest.approx((8 * 24 + (8 * 2 + 6 * 24) / 2) / (14 * 26))
    assert found[Metric.BRIER] == pytest.approx(0.2 * 0.5625 + 0.8 * 0.0625, abs=1e-3)
    log_loss = -0.8 * np.log(0.75) - 0.2 * np.log(0.25)
    assert found[Metric.LOG_LOSS] == pytest.approx(log_loss, abs=2e-3)
    entropy = -0.35 * np.log(0.35) - 0.65 * np.log(0.65)
    assert found[Metric.LOG_LOSS_SKILL] == pytest.approx(1 - found[Metric.LOG_LOSS] / entropy)


@pytest.mark.parametrize("kind", KINDS)
def test_estimates_agree_with_a_computation_row_by_row(kind):
    scores, labels, threshold = make_rows(kind, 40_000, seed=1)
    current, _, _ = make_rows(kind, 20_000, seed=2)
    calibration = calibrate(count_rows(scores, labels, threshold))
    counts = count_rows(current, np.full(current.size, np.nan), threshold)
    found = estimate_performance(counts.unlabelled, calibration, threshold)
    for metric, value in estimate_row_by_row(scores, labels, current, threshold).items():
        assert found[metric][0] == pytest.approx(value, abs=TOLERANCE), metric


@pytest.mark.parametrize("kind", KINDS)
def test_estimates_agree_with_the_labels_when_the_meaning_of_scores_stayed(kind):
    scores, labels, threshold = make_rows(kind, 400_000, seed=3)
    current, truth, _ = make_rows(kind, 400_000, seed=4)
    realised = count_rows(current, truth, threshold)
    found = estimate_performance(count_all(realised), calibrate(count_rows(scores, labels, threshold)), threshold)
    expected = compute_metrics(realised)
    # With 1 % positives, chance in the labels of either side alone moves these figures by up to .01.
    tolerance = 0.02 if kind.startswith("rare") else 0.006
    assert set(found) == set(Metric) - {Metric.CALIBRATION_ERROR}
    for metric, values in found.items():
        assert values[0] == pytest.approx(expected[metric][0], abs=tolerance), metric


def test_average_precision_is_that_of_drawn_labels_on_average_when_positives_are_few():
    scores, _, threshold = make_rows("rare", 1500, seed=5)
    rng = np.random.default_rng(6)
    labels = rng.random((400, scores.size)) < scores
    drawn = count_scores(np.tile(scores, 400), labels.ravel(), np.repeat(np.arange(400), 1500), 400, threshold)
    probability = np.zeros(N_SCORE_BINS)
    bins = assign_score_bins(scores, threshold)
    probability[bins] = scores
    calibration = Calibration(threshold=threshold, probability=np.maximum.accumulate(probability), n=1)
    found = estimate_performance(count_all(select_chunks(drawn, 0)), calibration, threshold)
    realised = compute_metrics(drawn)[Metric.AVERAGE_PRECISION]
    assert found[Metric.AVERAGE_PRECISION][0] == pytest.approx(np.nanmean(realised), abs=0.012)


def test_estimates_do_not_move_when_the_meaning_of_scores_drifts():
    scores, labels, threshold = make_rows("calibrated", 50_000, seed=7)
    calibration = calibrate(count_rows(scores, labels, threshold))
    current, _, _ = make_rows("calibrated", 20_000, seed=8)
    flipped = count_rows(current, 1 - (np.random.default_rng(9).random(20_000) < current), threshold)
    estimated = estimate_performance(count_all(flipped), calibration, threshold)[Metric.ROC_AUC]
    realised = compute_metrics(flipped)[Metric.ROC_AUC]
    assert estimated[0] > 0.8
    assert realised[0] < 0.2
    assert error_of_estimates(estimated, realised).mean_signed > 0.6


def test_estimates_are_those_of_each_chunk_alone_when_chunks_are_computed_together():
    scores, labels, threshold = make_rows("too sure", 20_000, seed=10)
    counts = count_rows(scores, labels, threshold, n_chunks=40)
    calibration = calibrate(counts)
    together = estimate_performance(count_all(counts), calibration, threshold)
    for chunk in range(0, 40, 13):
        alone = estimate_performance(count_all(counts)[[chunk]], calibration, threshold)
        for metric, values in together.items():
            assert values[chunk] == pytest.approx(alone[metric][0], rel=1e-12), metric


def test_estimates_are_undefined_when_a_chunk_has_no_rows():
    counts = count_rows(*make_rows("calibrated", 1000, seed=11)[:2])
    empty = np.zeros((1, N_SCORE_BINS), dtype=int)
    estimated = estimate_performance(np.vstack([count_all(counts), empty]), calibrate(counts), 0.5)
    for metric, values in estimated.items():
        assert np.isfinite(values[0]), metric
        assert np.isnan(values[1]), metric
    assert estimate_performance(empty[:0], calibrate(counts), 0.5)[Metric.F1].shape == (0,)


def test_precision_is_undefined_when_no_row_is_decided_positive():
    counts = np.zeros((1, N_SCORE_BINS), dtype=int)
    counts[0, 10] = 50
    calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.3), n=100)
    found = estimate_performance(counts, calibration, 0.5)
    assert np.isnan(found[Metric.PRECISION][0])
    assert found[Metric.RECALL][0] == 0
    assert found[Metric.ROC_AUC][0] == pytest.approx(0.5)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, N_SCORE_BINS - 1), st.integers(1, 500)), min_size=1, max_size=30),
    st.floats(0.01, 2.0),
)
def test_estimates_stay_in_their_range_and_the_confusion_sums_to_the_rows(filled, power):
    counts = np.zeros((1, N_SCORE_BINS), dtype=int)
    for index, count in filled:
        counts[0, index] += count
    probability = np.linspace(0, 1, N_SCORE_BINS) ** power
    calibration = Calibration(threshold=0.3, probability=probability, n=100)
    assert estimate_confusion(counts, calibration, 0.3).sum() == pytest.approx(counts.sum())
    found = estimate_performance(counts, calibration, 0.3)
    for metric in (*SHARES, Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.BRIER):
        assert np.isnan(found[metric][0]) or -1e-12 <= found[metric][0] <= 1 + 1e-12, metric


def test_expected_decisions_are_the_counted_ones_when_the_calibration_is_certain():
    scores = np.random.default_rng(12).random(5000)
    counts = count_rows(scores, scores >= 0.5)
    found = estimate_confusion(count_all(counts), calibrate(counts), 0.5)[0]
    decisions = count_decisions(counts)
    assert found[0].tolist() == [decisions.true_negative[0], decisions.false_positive[0]]
    assert found[1].tolist() == [decisions.false_negative[0], decisions.true_positive[0]]


def test_error_of_estimates_skips_chunks_without_labels():
    found = error_of_estimates([0.8, np.nan, 0.7, 0.9], [0.7, 0.5, 0.9, np.nan])
    assert found.mean_absolute == pytest.approx(0.15)
    assert found.mean_signed == pytest.approx(-0.05)
    assert found.n_chunks == 2


def test_error_of_estimates_is_none_when_no_chunk_has_both():
    found = error_of_estimates([np.nan, 0.5], [0.5, np.nan])
    assert (found.mean_absolute, found.mean_signed, found.n_chunks) == (None, None, 0)


def test_inputs_are_refused_when_they_do_not_belong_together():
    calibration = Calibration(threshold=0.5, probability=np.full(N_SCORE_BINS, 0.3), n=100)
    counts = np.ones((2, N_SCORE_BINS))
    with pytest.raises(ValueError, match=r"threshold is 0\.4"):
        estimate_performance(counts, calibration, 0.4)
    with pytest.raises(ValueError, match=r"shape \(2, 10\)"):
        estimate_performance(counts[:, :10], calibration, 0.5)
    with pytest.raises(ValueError, match="score count is -1"):
        estimate_performance(-counts, calibration, 0.5)
    with pytest.raises(ValueError, match="score count is nan"):
        estimate_performance(counts * np.nan, calibration, 0.5)
    with pytest.raises(ValueError, match="one per chunk"):
        error_of_estimates([0.1, 0.2], [0.1])
