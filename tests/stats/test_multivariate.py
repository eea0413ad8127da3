"""Separation of two samples: hand values, coverage without drift, and limits from chunks."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlops_core.stats.multivariate import limit_chunks, measure_separation


def score_by_neighbourhood(rows, is_current, others):
    """Lean towards the class of the rows nearby: as free to learn from chance as trees are."""
    distances = ((others[:, None, :] - rows[None, :, :]) ** 2).sum(axis=-1)
    return np.exp(-2 * distances) @ np.where(is_current, 1 / is_current.sum(), -1 / (~is_current).sum())


def score_first_column(rows, is_current, others):
    return others[:, 0]


def test_auc_agrees_with_scikit_learn_when_the_scores_are_a_column():
    rng = np.random.default_rng(0)
    reference, current = rng.normal(size=(300, 2)).round(1), rng.normal(0.4, 1, (200, 2)).round(1)
    found = measure_separation(reference, current, score_first_column, rng)
    sides = np.repeat([0, 1], [300, 200])
    assert found.auc.value == pytest.approx(roc_auc_score(sides, np.concatenate([reference, current])[:, 0]))
    assert (found.n_reference, found.n_current) == (300, 200)


def test_each_row_is_scored_once_by_a_classifier_that_has_not_seen_it():
    scored = []

    def score(rows, is_current, others):
        assert not np.isin(others[:, 0], rows[:, 0]).any()
        assert is_current.sum() == 40 - 8
        scored.extend(others[:, 0])
        return others[:, 0]

    measure_separation(np.arange(100.0)[:, None], np.arange(100.0, 140.0)[:, None], score, np.random.default_rng(0))
    assert sorted(scored) == list(range(140))


def test_interval_covers_one_half_when_nothing_differs():
    rng = np.random.default_rng(1)
    covered, values = [], []
    for _ in range(300):
        found = measure_separation(
            rng.normal(size=(150, 3)), rng.normal(size=(100, 3)), score_by_neighbourhood, rng, n_folds=4
        )
        covered.append(found.auc.low <= 0.5 <= found.auc.high)
        values.append(found.auc.value)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)
    assert np.mean(values) == pytest.approx(0.5, abs=0.012)


def test_interval_lies_above_one_half_when_only_the_correlation_turned():
    rng = np.random.default_rng(2)
    cloud = np.array([[1, 0.8], [0.8, 1]])
    reference = rng.multivariate_normal([0, 0], cloud, 400)
    current = rng.multivariate_normal([0, 0], cloud * [[1, -1], [-1, 1]], 400)
    found = measure_separation(reference, current, score_by_neighbourhood, rng)
    assert found.auc.value > 0.7
    assert found.auc.low > 0.6


def test_interval_keeps_a_width_when_the_sides_are_told_apart_without_error():
    rng = np.random.default_rng(3)
    found = measure_separation(np.zeros((50, 1)), np.ones((60, 1)), score_first_column, rng)
    assert found.auc.value == 1
    assert 0.9 < found.auc.low < 1
    assert found.auc.high == 1


def test_rows_are_drawn_when_a_side_has_more_than_most_rows():
    rng = np.random.default_rng(4)
    found = measure_separation(
        rng.normal(size=(500, 1)), rng.normal(size=(80, 1)), score_first_column, rng, most_rows=90
    )
    assert (found.n_reference, found.n_current) == (90, 80)


def test_separation_is_the_same_when_the_seed_is():
    rows = np.random.default_rng(5).normal(size=(2, 300, 3))
    first, second = (
        measure_separation(*rows, score_by_neighbourhood, np.random.default_rng(7), most_rows=100) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("reference", "current", "parameters", "message"),
    [
        (np.zeros(9), np.zeros((9, 1)), {}, r"rows have shape \(9,\)"),
        (np.zeros((9, 1)), np.zeros((9, 2)), {}, "the same columns"),
        (np.zeros((9, 1)), np.zeros((4, 1)), {}, "5 rows or more"),
        (np.zeros((9, 1)), np.zeros((9, 1)), {"n_folds": 1}, "n_folds is 1"),
        (np.zeros((9, 1)), np.zeros((9, 1)), {"confidence": 0.0}, "confidence is 0.0"),
        (np.zeros((9, 1)), np.full((9, 1), np.nan), {}, "a score is nan"),
    ],
)
def test_separation_is_refused_when_an_argument_is_outside_its_domain(reference, current, parameters, message):
    with pytest.raises(ValueError, match=message):
        measure_separation(reference, current, score_first_column, np.random.default_rng(0), **parameters)


def test_limits_match_the_hand_value():
    low, high = limit_chunks([1.0, 2.0, 3.0, np.nan], least_chunks=3)
    assert (low, high) == pytest.approx((-1, 5))


def test_limits_hold_nearly_every_chunk_when_nothing_changed():
    rng = np.random.default_rng(6)
    held = []
    for _ in range(500):
        low, high = limit_chunks(rng.normal(1.2, 0.05, 60))
        held.append(low <= rng.normal(1.2, 0.05) <= high)
    assert np.mean(held) > 0.985


def test_there_are_no_limits_when_chunks_are_too_few():
    assert limit_chunks([1.0] * 13 + [np.nan]) is None


@pytest.mark.parametrize("parameters", [{"n_deviations": 0}, {"least_chunks": 1}])
def test_limits_are_refused_when_a_parameter_is_outside_its_domain(parameters):
    with pytest.raises(ValueError, match="accepted is a number above 0, and 2 or more chunks"):
        limit_chunks([1.0] * 20, **parameters)
