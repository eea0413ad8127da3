"""Counts and metrics: hand values, agreement with scikit-learn, and addition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve as sklearn_curve

from mlops_core.entities import Metric
from mlops_core.stats.classification import calibration_curve, compute_metrics
from mlops_core.stats.counts import count_scores, merge_counts, roll_counts, select_chunks

ADDITIVE = {
    Metric.F1: reference.f1_score,
    Metric.RECALL: reference.recall_score,
    Metric.PRECISION: reference.precision_score,
    Metric.ACCURACY: reference.accuracy_score,
}


def count_one(scores, labels, threshold=0.5):
    return count_scores(scores, labels, np.zeros(len(scores), int), 1, threshold)


def compute_one(scores, labels, threshold=0.5):
    found = compute_metrics(count_one(scores, labels, threshold))
    return {metric: value[0] for metric, value in found.items()}


def make_rows(kind, n=200_000):
    rng = np.random.default_rng(7)
    if kind == "uniform":
        scores = rng.random(n)
        chance = scores
    elif kind == "rare":
        scores = rng.beta(0.1, 999, 2 * n)
        chance = scores
    elif kind == "near one":
        scores = 1 - rng.beta(0.1, 99, n)
        chance = scores
    elif kind == "crowded":
        scores = rng.uniform(0.48, 0.52, n)
        chance = 1 / (1 + np.exp(-(scores - 0.5) * 100))
    else:
        scores = rng.integers(0, 101, n) / 100
        chance = 0.1 + 0.7 * scores
    return scores, (rng.random(scores.size) < chance).astype(int)


KINDS = ("uniform", "rare", "near one", "crowded", "discrete")


def test_metrics_match_hand_values_when_there_are_four_rows():
    # Order of the labels by score: 0, 1, 0, 1; at 0.5 one hit, one false alarm, one miss.
    found = compute_one([0.1, 0.4, 0.6, 0.8], [0, 1, 0, 1])
    assert {found[metric] for metric in ADDITIVE} == {0.5}
    assert found[Metric.ROC_AUC] == 0.75
    assert found[Metric.AVERAGE_PRECISION] == pytest.approx((1 + 2 / 3) / 2)
    assert found[Metric.BRIER] == pytest.approx((0.01 + 0.36 + 0.36 + 0.04) / 4)
    log_loss = -np.log([0.9, 0.4, 0.4, 0.8]).mean()
    assert found[Metric.LOG_LOSS] == pytest.approx(log_loss)
    assert found[Metric.LOG_LOSS_SKILL] == pytest.approx(1 - log_loss / np.log(2))
    assert found[Metric.CALIBRATION_ERROR] == pytest.approx((0.1 + 0.6 + 0.6 + 0.2) / 4, abs=1 / 2048)


def test_positive_rate_counts_all_rows_when_some_have_no_label():
    found = compute_one([0.2, 0.7, 0.8, 0.9], [0, np.nan, 1, np.nan])
    assert found[Metric.POSITIVE_RATE] == 0.75
    assert found[Metric.PRECISION] == 1.0


def test_roc_auc_counts_ties_half_when_all_scores_are_equal():
    assert compute_one([0.5] * 4, [0, 1, 1, 0])[Metric.ROC_AUC] == 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_exact_metrics_agree_with_scikit_learn_when_taken_from_counts(kind):
    scores, labels = make_rows(kind)
    threshold = float(np.quantile(scores, 0.7))
    found, decided = compute_one(scores, labels, threshold), scores >= threshold
    for metric, function in ADDITIVE.items():
        assert found[metric] == pytest.approx(function(labels, decided), abs=1e-12)
    assert found[Metric.POSITIVE_RATE] == pytest.approx(decided.mean(), abs=1e-12)
    assert found[Metric.BRIER] == pytest.approx(reference.brier_score_loss(labels, scores), abs=1e-12)
    clipped = np.clip(scores, 1e-15, 1 - 1e-15)
    assert found[Metric.LOG_LOSS] == pytest.approx(reference.log_loss(labels, clipped), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_roc_auc_is_within_two_ten_thousandths_of_scikit_learns_when_taken_from_bins(kind):
    scores, labels = make_rows(kind)
    assert compute_one(scores, labels)[Metric.ROC_AUC] == pytest.approx(
        reference.roc_auc_score(labels, scores), abs=0.0002
    )


@pytest.mark.parametrize(("centre", "spread"), [(1e-5, 0.5), (1e-5, 0.2), (1e-4, 0.2), (1e-3, 0.1)])
def test_roc_auc_is_within_a_thousandth_of_scikit_learns_when_rare_scores_are_packed(centre, spread):
    rng = np.random.default_rng(11)
    scores = centre * rng.lognormal(0, spread, 200_000)
    labels = (rng.random(scores.size) < np.minimum(0.1 * scores / centre, 1)).astype(int)
    assert compute_one(scores, labels)[Metric.ROC_AUC] == pytest.approx(
        reference.roc_auc_score(labels, scores), abs=0.001
    )


# Scores within 0.04 of each other share 60 bins, and the step-wise sum takes those of a bin as tied.
@pytest.mark.parametrize(("kind", "tolerance"), [(kind, 0.006 if kind == "crowded" else 0.002) for kind in KINDS])
def test_average_precision_is_near_scikit_learns_when_taken_from_bins(kind, tolerance):
    scores, labels = make_rows(kind)
    assert compute_one(scores, labels)[Metric.AVERAGE_PRECISION] == pytest.approx(
        reference.average_precision_score(labels, scores), abs=tolerance
    )


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_error_is_within_a_thousandth_of_the_exact_one_when_taken_from_bins(kind):
    scores, labels = make_rows(kind)
    group = np.searchsorted(np.arange(1, 10) / 10, scores, side="right")
    gaps = np.bincount(group, weights=scores - labels, minlength=10)
    exact = np.abs(gaps).sum() / scores.size
    assert compute_one(scores, labels)[Metric.CALIBRATION_ERROR] == pytest.approx(exact, abs=0.001)


def test_calibration_curve_agrees_with_scikit_learn_when_scores_are_uniform():
    scores, labels = make_rows("uniform")
    share, mean = sklearn_curve(labels, scores, n_bins=10)
    curve = calibration_curve(count_one(scores, labels))
    np.testing.assert_allclose(curve.mean_score, mean, atol=0.001)
    np.testing.assert_allclose(curve.positive_share, share, atol=0.005)
    assert curve.n.sum() == scores.size
    assert ((curve.low < curve.positive_share) & (curve.positive_share < curve.high)).all()


def test_calibration_curve_has_nan_when_a_bin_is_empty():
    curve = calibration_curve(count_one([0.05, 0.95], [0, 1]))
    assert curve.n.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert np.isnan([curve.mean_score[1], curve.positive_share[1], curve.low[1], curve.high[1]]).all()


def test_calibration_curve_is_refused_when_chunks_are_not_merged():
    counts = count_scores([0.1, 0.9], [0, 1], [0, 1], 2, 0.5)
    with pytest.raises(ValueError, match="counts have 2 chunks"):
        calibration_curve(counts)


@pytest.mark.parametrize(
    ("scores", "labels", "undefined"),
    [
        ([0.2, 0.8], [np.nan, np.nan], set(Metric) - {Metric.POSITIVE_RATE}),
        (
            [0.1, 0.2],
            [0, 0],
            {
                Metric.F1,
                Metric.RECALL,
                Metric.PRECISION,
                Metric.ROC_AUC,
                Metric.AVERAGE_PRECISION,
                Metric.LOG_LOSS_SKILL,
            },
        ),
        (
            [0.7, 0.8],
            [1, 1],
            {Metric.ROC_AUC, Metric.AVERAGE_PRECISION, Metric.LOG_LOSS_SKILL},
        ),
        ([0.1, 0.2], [0, 1], {Metric.PRECISION}),
    ],
)
def test_metric_is_nan_exactly_when_it_is_undefined(scores, labels, undefined):
    found = compute_one(scores, labels)
    assert {metric for metric in Metric if np.isnan(found[metric])} == undefined


def test_metrics_are_all_nan_when_the_chunk_is_empty():
    assert np.isnan(list(compute_one([], []).values())).all()


rows = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0, np.nan]), st.integers(0, 3)),
    min_size=1,
    max_size=60,
)


@given(rows=rows)
def test_merging_chunks_gives_the_counts_of_all_rows(rows):
    scores, labels, chunks = map(np.array, zip(*rows, strict=True))
    merged = merge_counts(count_scores(scores, labels, chunks, 4, 0.3))
    whole = count_one(scores, labels, 0.3)
    for name in ("unlabelled", "negative", "positive"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
    np.testing.assert_allclose(merged.log_loss, whole.log_loss, rtol=1e-12)
    np.testing.assert_allclose(merged.squared_error, whole.squared_error, rtol=1e-12)


@given(rows=rows, width=st.integers(1, 6))
def test_rolling_equals_merging_each_window_by_itself(rows, width):
    scores, labels, chunks = map(np.array, zip(*rows, strict=True))
    counts = count_scores(scores, labels, chunks, 4, 0.3)
    rolled = roll_counts(counts, width)
    for chunk in range(4):
        window = merge_counts(select_chunks(counts, np.arange(max(0, chunk - width + 1), chunk + 1)))
        np.testing.assert_array_equal(rolled.positive[chunk], window.positive[0])
        np.testing.assert_array_equal(rolled.unlabelled[chunk], window.unlabelled[0])
        np.testing.assert_allclose(rolled.log_loss[chunk], window.log_loss[0], rtol=1e-12)


@settings(max_examples=50)
@given(data=st.lists(st.tuples(st.integers(0, 32), st.booleans()), min_size=2, max_size=40))
def test_roc_auc_does_not_change_when_scores_are_squared(data):
    scores = np.array([score for score, _ in data]) / 32
    labels = np.array([label for _, label in data], float)
    before, after = (compute_one(each, labels)[Metric.ROC_AUC] for each in (scores, scores**2))
    assert before == pytest.approx(after, nan_ok=True)


def test_selection_keeps_the_order_when_given_indices():
    counts = count_scores([0.1, 0.2, 0.3], [0, 1, 1], [0, 1, 1], 3, 0.5)
    assert select_chunks(counts, [1, 0]).n.tolist() == [2, 1]
    assert select_chunks(counts, counts.n > 0).n.tolist() == [1, 2]
    assert select_chunks(counts, 2).n.tolist() == [0]


@pytest.mark.parametrize(
    ("labels", "chunks", "message"),
    [
        ([0, 2], [0, 0], "label of row 1 is 2.0"),
        ([0, 1], [0, 1], "chunk index is 1"),
        ([0], [0, 0], "accepted is one per row"),
    ],
)
def test_counting_is_refused_when_rows_are_outside_their_domain(labels, chunks, message):
    with pytest.raises(ValueError, match=message):
        count_scores([0.1, 0.2], labels, chunks, 1, 0.5)


def test_rolling_is_refused_when_the_width_is_zero():
    with pytest.raises(ValueError, match="width is 0"):
        roll_counts(count_one([0.1], [0]), 0)
