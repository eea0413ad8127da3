"""Intervals: hand values, agreement with SciPy, coverage by simulation, and None instead of NaN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.classification import compute_metrics, count_decisions
from mlops_core.stats.counts import count_scores, merge_counts, select_chunks, transform_counts
from mlops_core.stats.intervals import estimate_chunks, estimate_decisions, estimate_metrics
from mlops_core.stats.proportions import wilson_interval
from mlops_core.stats.ranking import estimate_roc_auc_variance


def simulate_chunks(rng, n_chunks, n_rows, spread=0.0):
    """Count a miscalibrated model whose scores and labels both move from chunk to chunk by ``spread``."""
    chunks = np.repeat(np.arange(n_chunks), n_rows)
    latent = logit(rng.beta(0.8, 2, chunks.size).clip(1e-12, 1 - 1e-12))
    scores = expit(latent + spread * rng.normal(size=n_chunks)[chunks])
    labels = rng.random(chunks.size) < expit(1.3 * latent + spread * rng.normal(size=n_chunks)[chunks])
    return count_scores(scores, labels, chunks, n_chunks, 0.4)


def compute_coverage(estimates, truth):
    def covers(estimate, value):
        return estimate.low is not None and estimate.low <= value <= estimate.high

    return {metric: np.mean([covers(each[metric], truth[metric][0]) for each in estimates]) for metric in Metric}


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (120, 4000)])
def test_wilson_agrees_with_scipy(successes, n):
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    low, high = wilson_interval(successes, n)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_matches_the_hand_value_when_nothing_succeeded():
    z = 1.959963984540054
    low, high = wilson_interval(0, 10)
    assert low == 0
    assert float(high) == pytest.approx(z * z / (10 + z * z))


@given(n=st.integers(1, 10**6), data=st.data())
def test_wilson_mirrors_when_successes_and_failures_swap(n, data):
    successes = data.draw(st.integers(0, n))
    low, high = wilson_interval(successes, n)
    other_low, other_high = wilson_interval(n - successes, n)
    assert (float(low), float(high)) == pytest.approx((1 - float(other_high), 1 - float(other_low)), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10)])
def test_wilson_is_refused_when_successes_are_outside_the_trials(successes, n):
    with pytest.raises(ValueError, match="accepted is 0 to n"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("confidence", [0, 1, 1.5])
def test_estimates_are_refused_when_the_confidence_is_no_probability(confidence):
    with pytest.raises(ValueError, match="confidence is"):
        estimate_metrics(count_scores([0.5], [1], [0], 1, 0.5), confidence)


def test_chunk_intervals_match_hand_values_when_there_is_one_chunk():
    rng = np.random.default_rng(3)
    counts = simulate_chunks(rng, 1, 500)
    found = estimate_chunks(counts)[0]
    auc, error = (
        found[Metric.ROC_AUC],
        math.sqrt(estimate_roc_auc_variance(counts.negative, counts.positive)[0]),
    )
    step = 1.959963984540054 * error / (auc.value * (1 - auc.value))
    assert (auc.low, auc.high) == pytest.approx((expit(logit(auc.value) - step), expit(logit(auc.value) + step)))
    brier = found[Metric.BRIER]
    spread = math.sqrt((counts.squared_error_squares[0] / 500 - brier.value**2) / 499)
    assert math.log(brier.high / brier.value) == pytest.approx(1.959963984540054 * spread / brier.value)


def test_window_interval_matches_the_jackknife_by_hand_when_there_are_five_chunks():
    # Accuracy of equal chunks: leaving one out moves the mean by a quarter of its distance.
    hits = [5, 6, 7, 8, 9]
    labels = np.concatenate([np.repeat([1.0, 0.0], [hit, 10 - hit]) for hit in hits])
    counts = count_scores(np.full(50, 0.9), labels, np.repeat(np.arange(5), 10), 5, 0.5)
    found = estimate_metrics(counts)[Metric.ACCURACY]
    error = np.std(np.array(hits) / 10, ddof=1) / math.sqrt(5)
    step = 2.7764451051977987 * error / (0.7 * 0.3)
    assert (found.low, found.high) == pytest.approx((expit(logit(0.7) - step), expit(logit(0.7) + step)))


def test_window_uses_rows_when_there_are_fewer_than_five_labelled_chunks():
    counts = simulate_chunks(np.random.default_rng(4), 4, 200)
    assert estimate_metrics(counts) == estimate_chunks(merge_counts(counts))[0]


def test_positive_rate_counts_unlabelled_chunks_when_labels_are_missing():
    rng = np.random.default_rng(5)
    chunks = np.repeat(np.arange(6), 100)
    labels = np.where(chunks < 4, rng.integers(0, 2, 600), np.nan)
    counts = count_scores(rng.random(600), labels, chunks, 6, 0.5)
    found, by_rows = estimate_metrics(counts), estimate_chunks(merge_counts(counts))[0]
    assert found[Metric.POSITIVE_RATE] != by_rows[Metric.POSITIVE_RATE]
    assert found[Metric.ACCURACY] == by_rows[Metric.ACCURACY]


def test_window_ignores_chunks_when_they_are_empty():
    counts = simulate_chunks(np.random.default_rng(6), 14, 100)
    filled = np.arange(14) % 2 == 0
    emptied = transform_counts(counts, lambda values: values * filled.reshape((14,) + (1,) * (values.ndim - 1)))
    assert estimate_metrics(emptied) == estimate_metrics(select_chunks(counts, filled))


def test_proportion_keeps_an_interval_when_its_value_is_one():
    chunks = np.repeat(np.arange(6), 20)
    counts = count_scores(np.tile([0.1, 0.9], 60), np.tile([0, 1], 60), chunks, 6, 0.5)
    found = estimate_metrics(counts)
    low = float(wilson_interval(120, 120)[0])
    assert found[Metric.ACCURACY] == Estimate(value=1.0, low=low, high=1.0)
    assert found[Metric.F1].low == pytest.approx(2 * (j := float(wilson_interval(60, 60)[0])) / (1 + j))
    assert found[Metric.ROC_AUC] == Estimate(value=1.0)


labels = st.sampled_from([0.0, 1.0, np.nan])


@given(rows=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 1.0]), labels, st.integers(0, 6)), max_size=40))
def test_estimates_hold_only_finite_numbers_or_none_when_rows_are_few(rows):
    scores, truth, chunks = map(np.array, zip(*rows, strict=True)) if rows else ([], [], [])
    counts = count_scores(scores, truth, chunks, 7, 0.5)
    for found in [estimate_metrics(counts), *estimate_chunks(counts)]:
        assert list(found) == list(Metric)
        for estimate in found.values():
            ends = (estimate.value, estimate.low, estimate.high)
            assert all(end is None or math.isfinite(end) for end in ends)
            assert (estimate.low is None) == (estimate.high is None)
            if estimate.low is not None:
                assert estimate.low - 1e-12 <= estimate.value <= estimate.high + 1e-12


# Chance makes the calibration error of 1,000 rows larger than the true one, so its interval covers less.
@pytest.mark.parametrize(("n_rows", "n_windows"), [(300, 1500), (1000, 1000)])
def test_row_intervals_cover_the_truth_in_95_percent_when_rows_are_independent(n_rows, n_windows):
    rng = np.random.default_rng(11)
    truth = compute_metrics(merge_counts(simulate_chunks(rng, 10, 100_000)))
    coverage = compute_coverage(estimate_chunks(simulate_chunks(rng, n_windows, n_rows)), truth)
    assert coverage.pop(Metric.CALIBRATION_ERROR) > 0.8
    assert all(0.925 <= share <= 0.975 for share in coverage.values()), coverage


@pytest.mark.parametrize("n_chunks", [7, 14])
def test_window_intervals_cover_the_truth_in_92_percent_when_chunks_differ(n_chunks):
    rng = np.random.default_rng(12)
    truth = compute_metrics(merge_counts(simulate_chunks(rng, 4000, 200, spread=0.4)))
    counts = simulate_chunks(rng, 200 * n_chunks, 200, spread=0.4)
    windows = np.arange(200 * n_chunks).reshape(200, n_chunks)
    coverage = compute_coverage([estimate_metrics(select_chunks(counts, each)) for each in windows], truth)
    assert np.mean(list(coverage.values())) >= 0.92
    # Single metrics may fall lower by what chance allows in 200 windows, for the lowest of eleven.
    assert min(coverage.values()) >= 0.92 - 2.5 * np.sqrt(0.92 * 0.08 / 200), coverage


def test_row_intervals_miss_the_truth_often_when_chunks_differ():
    rng = np.random.default_rng(13)
    truth = compute_metrics(merge_counts(simulate_chunks(rng, 3000, 200, spread=0.4)))
    estimates = estimate_chunks(simulate_chunks(rng, 200, 1000, spread=0.4))
    assert compute_coverage(estimates, truth)[Metric.POSITIVE_RATE] < 0.8


@pytest.mark.parametrize("n_chunks", [1, 4, 5, 20])
def test_decisions_have_the_intervals_of_their_metrics_at_any_number_of_chunks(n_chunks):
    counts = simulate_chunks(np.random.default_rng(3), n_chunks, 400, spread=0.4)
    found, expected = estimate_decisions(count_decisions(counts)), estimate_metrics(counts)
    assert set(found) == {Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY}
    for metric, estimate in found.items():
        wanted = expected[metric]
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((wanted.value, wanted.low, wanted.high))


def test_decisions_are_undefined_when_nothing_is_labelled():
    counts = count_scores([0.1, 0.9], [math.nan, math.nan], [0, 0], 1, threshold=0.5)
    assert {estimate.value for estimate in estimate_decisions(count_decisions(counts)).values()} == {None}
