"""More than two classes: hand values, agreement with scikit-learn and with rows, and addition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.isotonic import IsotonicRegression

from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.multiclass import (
    MulticlassMetric,
    compute_class_metrics,
    count_classes,
    transform_class_counts,
)
from mlops_core.stats.multiclass_estimation import calibrate_classes, estimate_class_performance


def make_rows(n, seed, sharpness=1.0, weights=(4, 2, 1, 0.5)):
    """Give scores of four classes and labels; with a sharpness of 1 the scores are the chances."""
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(weights, n)
    labels = np.minimum((rng.random((n, 1)) > chance.cumsum(axis=1)).sum(axis=1), len(weights) - 1)
    scores = chance**sharpness
    return scores / scores.sum(axis=1, keepdims=True), labels


def count_rows(scores, labels, n_chunks=1):
    return count_classes(scores, labels, scores.argmax(axis=1), np.arange(len(scores)) % n_chunks, n_chunks)


def merge(counts):
    return transform_class_counts(counts, lambda values: values.sum(axis=0, keepdims=True))


def test_metrics_match_hand_values_when_there_are_four_rows():
    scores = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]])
    counts = count_rows(scores, [0, 1, 2, 2])
    assert counts.confusion[0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    found = {metric: values[0] for metric, values in compute_class_metrics(counts).items()}
    assert found[MulticlassMetric.ACCURACY] == 0.75
    assert found[MulticlassMetric.MACRO_F1] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert found[MulticlassMetric.LOG_LOSS] == pytest.approx(-np.log([0.7, 0.5, 0.3, 0.7]).mean())
    # Class 0 is first of all, class 1 second of four; of class 2 one row wins, the other ties one of two.
    assert found[MulticlassMetric.ROC_AUC] == pytest.approx((1 + 2 / 3 + 3.5 / 4) / 3)


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_metrics_agree_with_scikit_learn_when_taken_from_counts(sharpness):
    scores, labels = make_rows(30_000, seed=1, sharpness=sharpness)
    decided = scores.argmax(axis=1)
    counts = count_rows(scores, labels)
    found = {metric: values[0] for metric, values in compute_class_metrics(counts).items()}
    np.testing.assert_array_equal(counts.confusion[0], reference.confusion_matrix(labels, decided))
    assert found[MulticlassMetric.ACCURACY] == pytest.approx(reference.accuracy_score(labels, decided))
    assert found[MulticlassMetric.MACRO_F1] == pytest.approx(reference.f1_score(labels, decided, average="macro"))
    assert found[MulticlassMetric.LOG_LOSS] == pytest.approx(reference.log_loss(labels, scores))
    area = reference.roc_auc_score(labels, scores, multi_class="ovr", average="macro")
    assert found[MulticlassMetric.ROC_AUC] == pytest.approx(area, abs=0.001)


def test_macro_f1_agrees_with_scikit_learn_when_a_class_never_occurs():
    scores, labels = make_rows(500, seed=2)
    scores[:, 3] = 0
    labels[labels == 3] = 0
    found = compute_class_metrics(count_rows(scores, labels))[MulticlassMetric.MACRO_F1][0]
    assert found == pytest.approx(reference.f1_score(labels, scores.argmax(axis=1), average="macro"))


def test_metrics_are_undefined_when_no_row_has_a_label():
    scores, _ = make_rows(50, seed=3)
    counts = count_rows(scores, np.full(50, np.nan))
    assert counts.n.tolist() == [50]
    assert counts.n_labelled.tolist() == [0]
    for metric, values in compute_class_metrics(counts).items():
        assert np.isnan(values[0]), metric


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 1000))
def test_counts_add_up_whatever_the_chunks(n, n_chunks, seed):
    scores, labels = make_rows(n, seed)
    labels = np.where(np.arange(n) % 3 == 0, np.nan, labels)
    parts, whole = merge(count_rows(scores, labels, n_chunks)), count_rows(scores, labels)
    for name in ("confusion", "own", "other", "chosen", "passed_over"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_allclose(parts.log_loss, whole.log_loss)
    assert (whole.chosen + whole.passed_over).sum() == 4 * n
    assert (whole.own.sum(axis=2) == whole.confusion.sum(axis=2)).all()


def estimate_row_by_row(reference_scores, reference_labels, scores):
    """Compute CBPE from rows: each class calibrated alone, every row its own weight."""
    chance = np.empty_like(scores)
    for index in range(scores.shape[1]):
        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        chance[:, index] = model.fit(reference_scores[:, index], reference_labels == index).predict(scores[:, index])
    decided = scores.argmax(axis=1)[:, None] == np.arange(scores.shape[1])
    hits = np.where(decided, chance, 0).sum(axis=0)
    areas = []
    for p, s in zip(chance.T, scores.T, strict=True):
        order = np.argsort(s)
        below = np.cumsum(1 - p[order]) - (1 - p[order]) / 2
        areas.append(p[order] @ below / (p.sum() * (1 - p).sum()))
    return {
        MulticlassMetric.ACCURACY: hits.sum() / len(scores),
        MulticlassMetric.MACRO_F1: (2 * hits / (decided.sum(axis=0) + chance.sum(axis=0))).mean(),
        MulticlassMetric.LOG_LOSS: -(chance * np.log(np.clip(scores, 1e-15, 1))).sum() / len(scores),
        MulticlassMetric.ROC_AUC: np.mean(areas),
    }


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 0.5])
def test_estimates_agree_with_a_computation_row_by_row(sharpness):
    scores, labels = make_rows(20_000, seed=4, sharpness=sharpness)
    current, _ = make_rows(10_000, seed=5, sharpness=sharpness)
    counts = count_rows(current, np.full(10_000, np.nan))
    found = estimate_class_performance(counts, calibrate_classes(count_rows(scores, labels)))
    for metric, value in estimate_row_by_row(scores, labels, current).items():
        assert found[metric][0] == pytest.approx(value, abs=0.005), metric


@pytest.mark.parametrize("weights", [(4, 2, 1, 0.5), (3, 2, 2, 1)])
def test_estimates_agree_with_the_labels_when_only_the_mix_of_rows_changed(weights):
    probability = calibrate_classes(count_rows(*make_rows(60_000, seed=6)))
    counts = count_rows(*make_rows(60_000, seed=7, weights=weights))
    found, realised = estimate_class_performance(counts, probability), compute_class_metrics(counts)
    for metric, values in found.items():
        assert values[0] == pytest.approx(realised[metric][0], abs=0.01), metric


def test_inputs_are_refused_when_they_are_outside_their_domain():
    scores, labels = make_rows(10, seed=8)
    with pytest.raises(ValueError, match="label of row 0 is 7"):
        count_rows(scores, labels + np.where(np.arange(10) == 0, 7 - labels[0], 0))
    with pytest.raises(ValueError, match="prediction of row 0 is 4"):
        count_classes(scores, labels, np.full(10, 4), np.zeros(10, int), 1)
    with pytest.raises(ValueError, match="one per row"):
        count_classes(scores, labels[:5], labels, np.zeros(10, int), 1)
    with pytest.raises(ValueError, match="rows, classes"):
        count_classes(scores[:, 0], labels, labels, np.zeros(10, int), 1)
    with pytest.raises(ValueError, match="class 0 has 0 rows"):
        calibrate_classes(count_rows(scores, np.ones(10)))
    with pytest.raises(ValueError, match="probability has shape"):
        estimate_class_performance(count_rows(scores, labels), np.zeros((3, N_SCORE_BINS)))
