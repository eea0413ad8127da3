"""Regression: hand values, agreement with scikit-learn and NumPy, and addition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlops_core.stats.regression import (
    N_ERROR_BINS,
    N_SIDE_BINS,
    RegressionMetric,
    assign_error_bins,
    compute_error_quantiles,
    compute_regression_metrics,
    error_bin_edges,
    sum_errors,
    transform_error_sums,
)

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def sum_rows(predictions, labels, n_chunks=1):
    return sum_errors(predictions, labels, np.arange(len(predictions)) % n_chunks, n_chunks)


def compute_one(predictions, labels):
    found = compute_regression_metrics(sum_rows(predictions, labels))
    return {metric: values[0] for metric, values in found.items()}


def make_rows(kind, n=20_000):
    rng = np.random.default_rng(5)
    if kind == "prices":
        labels = rng.lognormal(12, 0.8, n)
        return labels * rng.lognormal(0.02, 0.2, n), labels
    if kind == "temperatures":
        labels = rng.normal(10, 8, n)
        return labels + rng.normal(0.5, 2, n), labels
    labels = rng.exponential(1e-4, n) + 1e-7
    return labels + rng.standard_t(3, n) * 1e-5, labels


KINDS = ("prices", "temperatures", "small and heavy-tailed")


def test_metrics_match_hand_values_when_there_are_four_rows():
    found = compute_one([3.0, 1.0, 2.0, -1.0], [2.0, 0.0, 4.0, -2.0])
    assert found[RegressionMetric.MAE] == 1.25
    assert found[RegressionMetric.RMSE] == pytest.approx(np.sqrt(7 / 4))
    assert found[RegressionMetric.BIAS] == 0.25
    assert found[RegressionMetric.R2] == pytest.approx(1 - 7 / 20)
    assert found[RegressionMetric.MAPE] == pytest.approx((0.5 + 0.5 + 0.5) / 3)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_agree_with_scikit_learn_when_taken_from_sums(kind):
    predictions, labels = make_rows(kind)
    found = compute_one(predictions, labels)
    for metric, value in {
        RegressionMetric.MAE: reference.mean_absolute_error(labels, predictions),
        RegressionMetric.RMSE: reference.root_mean_squared_error(labels, predictions),
        RegressionMetric.BIAS: np.mean(predictions - labels),
        RegressionMetric.R2: reference.r2_score(labels, predictions),
        RegressionMetric.MAPE: reference.mean_absolute_percentage_error(labels, predictions),
    }.items():
        assert found[metric] == pytest.approx(value, rel=1e-9), metric


@pytest.mark.parametrize("kind", KINDS)
def test_error_quantiles_agree_with_numpy_within_a_bin(kind):
    predictions, labels = make_rows(kind)
    found = compute_error_quantiles(sum_rows(predictions, labels), SHARES)[0]
    exact = np.quantile(predictions - labels, SHARES, method="hazen")
    # Near 0 a bin is narrower than the gap between rows.
    np.testing.assert_allclose(found, exact, rtol=0.022, atol=2e-3 * np.abs(exact).max())


def test_error_quantiles_are_the_error_within_a_bin_when_there_is_one_row():
    for error in (-3.0, 0.0, 5e-7, 1e9):
        found = compute_error_quantiles(sum_rows([error], [0.0]), (0.0, 0.5, 1.0))[0]
        np.testing.assert_allclose(found, error, rtol=0.022)


def test_error_quantiles_are_undefined_when_a_chunk_has_no_labels():
    sums = sum_errors([1.0, 2.0], [0.5, np.nan], [0, 1], n_chunks=2)
    found = compute_error_quantiles(sums, [0.5, 0.9])
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_metrics_are_undefined_when_a_chunk_has_no_labels():
    found = compute_regression_metrics(sum_errors([1.0, 2.0], [0.5, np.nan], [0, 1], n_chunks=2))
    for metric, values in found.items():
        assert np.isnan(values[1]), metric


@pytest.mark.parametrize("label", [0.1, 1e9, -7.3])
def test_r2_is_undefined_when_all_labels_are_equal(label):
    found = compute_one(np.linspace(0, 1, 1001), np.full(1001, label))
    assert np.isnan(found[RegressionMetric.R2])
    assert np.isfinite(found[RegressionMetric.MAPE])


def test_mape_leaves_labels_of_zero_out():
    found = compute_one([1.0, 5.0], [2.0, 0.0])
    assert found[RegressionMetric.MAPE] == 0.5
    assert np.isnan(compute_one([1.0], [0.0])[RegressionMetric.MAPE])


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
def test_error_lies_in_its_bin_and_bins_are_ordered_whatever_the_error(errors):
    ordered = np.sort(errors)
    bins, edges = assign_error_bins(ordered), error_bin_edges()
    assert (np.diff(bins) >= 0).all()
    assert ((bins >= 0) & (bins < N_ERROR_BINS)).all()
    slack = 1e-12 * np.abs(ordered)
    assert (edges[bins] <= ordered + slack).all()
    assert (ordered <= edges[bins + 1] + slack).all()
    np.testing.assert_array_equal(assign_error_bins(-ordered) - N_SIDE_BINS, N_SIDE_BINS - bins)


@given(st.integers(1, 80), st.integers(1, 6), st.integers(0, 1000))
def test_sums_add_up_whatever_the_chunks(n, n_chunks, seed):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.2, np.nan, np.round(rng.normal(size=n), 1))
    predictions = rng.normal(size=n)
    parts = sum_rows(predictions, labels, n_chunks)
    merged = transform_error_sums(parts, lambda values: values.sum(axis=0, keepdims=True))
    whole = sum_rows(predictions, labels)
    np.testing.assert_array_equal(merged.histogram, whole.histogram)
    for name in ("n", "error", "error_squares", "absolute_error", "relative_error", "n_nonzero", "label_squares"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-9, atol=1e-12)


def test_bias_turns_and_other_losses_stay_when_errors_change_sign():
    rng = np.random.default_rng(6)
    labels, errors = rng.normal(5, 2, 1000), rng.normal(0.3, 1, 1000)
    one, other = compute_one(labels + errors, labels), compute_one(labels - errors, labels)
    assert one[RegressionMetric.BIAS] == pytest.approx(-other[RegressionMetric.BIAS])
    for metric in set(RegressionMetric) - {RegressionMetric.BIAS}:
        assert one[metric] == pytest.approx(other[metric]), metric


def test_inputs_are_refused_when_they_are_outside_their_domain():
    with pytest.raises(ValueError, match="prediction of row 1 is nan"):
        sum_errors([1.0, np.nan], [1.0, 1.0], [0, 0], n_chunks=1)
    with pytest.raises(ValueError, match="label of row 0 is inf"):
        sum_errors([1.0], [np.inf], [0], n_chunks=1)
    with pytest.raises(ValueError, match="chunk index of row 0 is 1"):
        sum_errors([1.0], [1.0], [1], n_chunks=1)
    with pytest.raises(ValueError, match="one per row"):
        sum_errors([1.0], [1.0, 2.0], [0], n_chunks=1)
    with pytest.raises(ValueError, match=r"a share is 1\.5"):
        compute_error_quantiles(sum_rows([1.0], [0.0]), [1.5])
