"""Direct loss estimation: hand values, agreement with rows, spread under the null, and blindness."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_core.stats.loss_estimation import (
    MIN_TABLE_ROWS,
    LossTable,
    estimate_loss_errors,
    estimate_losses,
    fit_loss_table,
    tabulate_losses,
)
from mlops_core.stats.regression import RegressionMetric

N_BINS = 200


def make_rows(n, seed, centre=50.0):
    """Give bins of predictions and errors that grow with the prediction."""
    rng = np.random.default_rng(seed)
    predictions = np.clip(rng.normal(centre, 15, n), 0, 99.9)
    return (predictions * N_BINS / 100).astype(int), rng.normal(0, 0.5 + predictions / 20)


def count_bins(bins):
    return np.bincount(bins, minlength=N_BINS)[None, :]


def test_losses_match_hand_values_when_there_are_three_bins():
    n = np.array([100, 0, 200])
    table = fit_loss_table(n, np.array([100.0, 0, 800.0]), np.array([200.0, 0, 4000.0]), np.array([900.0, 0, 1e5]))
    assert table.absolute.tolist() == [1.0, 2.5, 4.0]
    assert table.squared.tolist() == [2.0, 11.0, 20.0]
    assert table.n == 300
    counts = np.array([[30, 0, 10], [0, 4, 0]])
    found = estimate_losses(counts, table)
    assert found[RegressionMetric.MAE] == pytest.approx([70 / 40, 2.5])
    assert found[RegressionMetric.RMSE] == pytest.approx([np.sqrt(260 / 40), np.sqrt(11)])
    errors = estimate_loss_errors(counts, table)
    assert errors[RegressionMetric.MAE][0] == pytest.approx(np.sqrt(30 * 1 + 10 * 4) / 40)
    assert errors[RegressionMetric.RMSE][0] == pytest.approx(np.sqrt(30 * 5 + 10 * 100) / (80 * np.sqrt(6.5)))


def test_neighbouring_bins_are_pooled_until_there_are_enough_rows():
    n = np.array([20, 20, 20, 70, 10])
    table = fit_loss_table(n, n * np.array([1.0, 2.0, 6.0, 4.0, 12.0]), n * 1.0, n * 1.0)
    assert table.absolute == pytest.approx([3, 3, 3, 5, 5])
    few = fit_loss_table(n[:2], n[:2] * np.array([1.0, 2.0]), n[:2] * 1.0, n[:2] * 1.0)
    assert few.absolute == pytest.approx([1.5, 1.5])


def test_estimates_are_the_realised_losses_when_the_chunk_is_the_reference():
    bins, errors = make_rows(20_000, seed=1)
    found = estimate_losses(count_bins(bins), tabulate_losses(bins, errors, N_BINS))
    assert found[RegressionMetric.MAE][0] == pytest.approx(np.abs(errors).mean())
    assert found[RegressionMetric.RMSE][0] == pytest.approx(np.sqrt((errors**2).mean()))


@pytest.mark.parametrize("centre", [30.0, 50.0, 70.0])
def test_estimates_agree_with_the_labels_when_only_the_predictions_shift(centre):
    table = tabulate_losses(*make_rows(200_000, seed=2), N_BINS)
    bins, errors = make_rows(200_000, seed=3, centre=centre)
    found = estimate_losses(count_bins(bins), table)
    assert found[RegressionMetric.MAE][0] == pytest.approx(np.abs(errors).mean(), rel=0.015)
    assert found[RegressionMetric.RMSE][0] == pytest.approx(np.sqrt((errors**2).mean()), rel=0.015)


def test_estimates_agree_with_a_computation_row_by_row():
    bins, errors = make_rows(50_000, seed=4)
    current, _ = make_rows(5000, seed=5, centre=40)
    table = tabulate_losses(bins, errors, N_BINS)
    means = {index: np.abs(errors[bins == index]).mean() for index, n in enumerate(np.bincount(bins)) if n > 0}
    rows = [index for index in current if (bins == index).sum() >= MIN_TABLE_ROWS]
    found = estimate_losses(count_bins(rows), table)[RegressionMetric.MAE][0]
    assert found == pytest.approx(np.mean([means[index] for index in rows]), rel=0.005)


def test_errors_are_the_spread_of_realised_losses_when_nothing_changed():
    table = tabulate_losses(*make_rows(300_000, seed=6), N_BINS)
    bins, _ = make_rows(500, seed=7)
    rng = np.random.default_rng(8)
    drawn = np.abs(rng.normal(0, 0.5 + (bins + 0.5) / N_BINS * 100 / 20, (2000, 500)))
    estimated, errors = estimate_losses(count_bins(bins), table), estimate_loss_errors(count_bins(bins), table)
    realised = {RegressionMetric.MAE: drawn.mean(axis=1), RegressionMetric.RMSE: np.sqrt((drawn**2).mean(axis=1))}
    for metric, values in realised.items():
        assert errors[metric][0] == pytest.approx(values.std(), rel=0.08), metric
        covered = np.abs(values - estimated[metric][0]) < 1.96 * errors[metric][0]
        assert 0.93 < covered.mean() < 0.97, metric


def test_estimates_do_not_move_when_errors_grow_at_the_same_predictions():
    bins, errors = make_rows(20_000, seed=9)
    table = tabulate_losses(bins, errors, N_BINS)
    estimated = estimate_losses(count_bins(bins), table)[RegressionMetric.MAE][0]
    assert np.abs(3 * errors).mean() > 2.9 * estimated


def test_losses_are_undefined_when_a_chunk_has_no_rows():
    table = tabulate_losses(*make_rows(1000, seed=10), N_BINS)
    empty = np.zeros((1, N_BINS), dtype=int)
    for found in (estimate_losses(empty, table), estimate_loss_errors(empty, table)):
        assert all(np.isnan(values[0]) for values in found.values())


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40))
def test_expected_losses_stay_between_those_of_the_reference_whatever_its_rows(rows):
    n = np.array([1, *rows])
    losses = np.linspace(1, 9, n.size)
    table = fit_loss_table(n, n * losses, n * losses**2, n * losses**4)
    assert (table.absolute >= 1 - 1e-9).all()
    assert (table.absolute <= 9 + 1e-9).all()
    assert n @ table.absolute == pytest.approx(n @ losses)


def test_inputs_are_refused_when_they_are_outside_their_domain():
    with pytest.raises(ValueError, match="row 1 has bin 3"):
        tabulate_losses([0, 3], [1.0, 1.0], n_bins=3)
    with pytest.raises(ValueError, match="row 0 has bin 0 and error nan"):
        tabulate_losses([0], [np.nan], n_bins=3)
    with pytest.raises(ValueError, match="one per row"):
        tabulate_losses([0], [1.0, 2.0], n_bins=3)
    with pytest.raises(ValueError, match="no labelled rows"):
        tabulate_losses([], [], n_bins=3)
    table = LossTable(absolute=np.ones(2), squared=np.ones(2), fourth=np.ones(2), n=4)
    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        estimate_losses([[1, 2, 3]], table)
    with pytest.raises(ValueError, match="prediction count is -1"):
        estimate_losses([[1, -1]], table)
