"""Resamples of paired rows: drawn as said, and on each draw the metric that scikit-learn gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mlops_core.entities import Metric
from mlops_core.stats.paired_rows import count_cells, pair_rows, pool_strata
from mlops_core.stats.resampling import (
    FLIP_PRIOR,
    compute_row_metric,
    resample_average_precision,
    resample_cells,
    resample_losses,
    resample_means,
)


def make_rows(seed, n=400, n_strata=4, decimals=6):
    rng = np.random.default_rng(seed)
    scores = rng.random((n, 2)).round(decimals)
    labels = (rng.random(n) < scores.mean(axis=1)).astype(int)
    return pair_rows(labels, *scores.T, 0.5, 0.5, np.arange(n) % n_strata)


def test_small_strata_become_one_when_pooled():
    sizes = np.bincount(pool_strata(np.repeat([7, 1, 2, 9], [40, 3, 4, 20])))
    assert sizes.tolist() == [7, 40, 20]


def test_cells_drawn_keep_the_size_of_each_stratum_and_the_mean_of_each_cell():
    rows = make_rows(3)
    drawn = resample_cells(rows, np.random.default_rng(3), 4000, flip_prior=0.0)
    assert (drawn.sum(axis=(1, 2, 3)) == 400).all()
    observed = count_cells(rows).sum(axis=0)
    np.testing.assert_allclose(drawn.mean(axis=0), observed, atol=1)
    np.testing.assert_allclose(drawn.var(axis=0), observed * (1 - observed / 400), rtol=0.15)


def test_flips_can_be_drawn_where_none_was_seen_but_no_class_that_is_not_there():
    labels, scores = np.zeros(200, int), np.linspace(0, 1, 200)
    rows = pair_rows(labels, scores, scores, 0.5, 0.5, np.arange(200) % 2)
    drawn = resample_cells(rows, np.random.default_rng(0), 4000)
    assert (drawn[:, 1] == 0).all()
    assert drawn[:, 0, 0, 1].mean() == pytest.approx(FLIP_PRIOR, abs=0.03)
    assert drawn[:, 0, 1, 0].mean() == pytest.approx(FLIP_PRIOR, abs=0.03)
    assert (resample_cells(rows, np.random.default_rng(0), 100, flip_prior=0.0)[:, 0, 0, 1] == 0).all()


def test_spread_of_a_mean_is_that_of_its_strata_when_rows_are_drawn_again():
    rng = np.random.default_rng(4)
    strata = np.repeat([0, 1], [300, 100])
    columns = rng.normal(size=(400, 2)) * np.where(strata == 0, 1.0, 5.0)[:, None] + 100 * strata[:, None]
    drawn = resample_means(columns, strata, rng, 4000)
    parts = [columns[strata == one] for one in (0, 1)]
    expected = np.sqrt(sum(len(part) * part.var(axis=0) for part in parts)) / 400
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=0.04)
    np.testing.assert_allclose(drawn.mean(axis=0), columns.mean(axis=0), atol=0.02)


def test_means_are_the_same_whatever_fits_into_a_block(monkeypatch):
    columns, strata = np.random.default_rng(0).random((90, 2)), np.repeat([0, 1], [50, 40])
    whole = resample_means(columns, strata, np.random.default_rng(1), 200)
    monkeypatch.setattr("mlops_core.stats.resampling.BLOCK_DRAWS", 45)
    np.testing.assert_allclose(resample_means(columns, strata, np.random.default_rng(1), 200), whole, rtol=1e-12)


def test_losses_drawn_are_those_of_the_rows_drawn():
    rows = make_rows(5, n=60, n_strata=1)
    metrics = [Metric.LOG_LOSS_SKILL, Metric.BRIER]
    drawn = resample_losses(rows, metrics, np.random.default_rng(6), 100)
    assert list(drawn) == metrics
    picked = np.random.default_rng(6).integers(60, size=(100, 60))
    for draw, own in enumerate(picked):
        again = pair_rows(rows.labels[own], *rows.scores[own].T, 0.5, 0.5, np.zeros(60, int))
        for metric in metrics:
            champion, candidate = compute_row_metric(metric, again)
            assert drawn[metric][draw] == pytest.approx(candidate - champion, abs=1e-12)


def test_skill_is_not_defined_when_a_draw_holds_one_class():
    rows = pair_rows([1] + [0] * 29, np.linspace(0, 1, 30), np.linspace(1, 0, 30), 0.5, 0.5, np.zeros(30, int))
    drawn = resample_losses(rows, [Metric.LOG_LOSS_SKILL], np.random.default_rng(0), 200)[Metric.LOG_LOSS_SKILL]
    assert 0.2 < np.isnan(drawn).mean() < 0.5


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), decimals=st.integers(1, 6))
def test_average_precision_agrees_with_scikit_learn_when_rows_repeat(seed, decimals):
    rows = make_rows(seed, n=80, n_strata=1, decimals=decimals)
    drawn = resample_average_precision(rows, np.random.default_rng(seed), 20)
    replay = np.random.default_rng(seed)
    for draw in range(20):
        picked = replay.integers(80, size=80)
        for version in range(2):
            expected = average_precision_score(rows.labels[picked], rows.scores[picked, version])
            assert drawn[draw, version] == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_not_defined_when_there_is_one_class():
    rows = pair_rows([0] * 30, np.linspace(0, 1, 30), np.linspace(1, 0, 30), 0.5, 0.5, np.zeros(30, int))
    assert np.isnan(compute_row_metric(Metric.AVERAGE_PRECISION, rows)).all()
    assert np.isnan(resample_average_precision(rows, np.random.default_rng(0), 3)).all()
