"""Curves from counts: by hand, against scikit-learn, and what holds for all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    auc,
    confusion_matrix,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)

from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.classification import count_decisions
from mlops_core.stats.costs import cost_thresholds, decide_at, find_cheapest
from mlops_core.stats.counts import count_scores
from mlops_core.stats.curves import distribute_scores, sweep_thresholds, trace_precision_recall, trace_roc


def draw(n=20_000, seed=0, threshold=0.3, chunks=1):
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 3, n)
    labels = (rng.random(n) < scores).astype(float)
    return scores, labels, count_scores(scores, labels, np.arange(n) % chunks, chunks, threshold)


def test_sweep_counts_by_hand():
    counts = count_scores([0.1, 0.5, 0.5, 0.9], [0, 1, 0, 1], [0] * 4, 1, threshold=0.5)
    sweep = sweep_thresholds(counts)
    at = int(np.flatnonzero(sweep.threshold == 0.5)[0])
    assert (sweep.true_positive[at], sweep.false_positive[at]) == (2, 1)
    assert (sweep.true_positive[0], sweep.false_positive[0]) == (2, 2)
    assert (sweep.n_positive, sweep.n_negative) == (2, 2)


def test_sweep_agrees_with_rows_at_every_edge():
    scores, labels, counts = draw(3000)
    sweep = sweep_thresholds(counts)
    for at in range(0, sweep.threshold.size, 37):
        flagged = scores >= sweep.threshold[at]
        assert sweep.true_positive[at] == (flagged & (labels == 1)).sum()
        assert sweep.false_positive[at] == (flagged & (labels == 0)).sum()


@given(threshold=st.floats(0, 1), seed=st.integers(0, 20))
def test_sweep_decides_as_the_deployed_threshold_does(threshold, seed):
    _, _, counts = draw(200, seed, threshold)
    found, exact = decide_at(counts, threshold), count_decisions(counts)
    assert found.threshold == threshold
    assert (found.true_positive, found.false_positive) == (exact.true_positive[0], exact.false_positive[0])
    assert (found.false_negative, found.true_negative) == (exact.false_negative[0], exact.true_negative[0])


@pytest.mark.parametrize("most_points", [60, 250, 5000])
def test_area_under_the_roc_points_agrees_with_scikit_learn(most_points):
    scores, labels, counts = draw()
    curve = trace_roc(sweep_thresholds(counts), most_points)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert (np.diff(curve.x) >= 0).all()
    assert (np.diff(curve.y) >= 0).all()
    assert curve.x.size <= most_points + 1
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(labels, scores), abs=0.002)


def test_precision_recall_points_lie_on_the_curve_of_scikit_learn():
    scores, labels, counts = draw()
    curve = trace_precision_recall(sweep_thresholds(counts))
    precision, recall, _ = precision_recall_curve(labels, scores)
    expected = np.interp(curve.x, recall[::-1], precision[::-1])
    assert np.abs(curve.y - expected)[curve.x > 0.05].max() < 0.01


def test_curve_is_empty_when_a_class_is_missing():
    sweep = sweep_thresholds(count_scores([0.1, 0.9], [0, 0], [0, 0], 1, threshold=0.5))
    assert trace_roc(sweep).x.size == 0
    assert trace_precision_recall(sweep).x.size == 0


def test_distribution_keeps_every_row():
    counts = count_scores([0.0, 0.31, 1.0], [0, 1, np.nan], [0, 0, 0], 1, threshold=0.3)
    spread = distribute_scores(counts, 10)
    assert (spread.negative.sum(), spread.positive.sum(), spread.unlabelled.sum()) == (1, 1, 1)
    assert (spread.negative[0], spread.positive[3], spread.unlabelled[9]) == (1, 1, 1)


def test_sweep_is_refused_when_chunks_are_not_merged():
    with pytest.raises(ValueError, match="counts have 2 chunks; accepted is 1"):
        sweep_thresholds(draw(100, chunks=2)[2])


def test_decisions_use_the_nearest_edge():
    counts = draw()[2]
    sweep = sweep_thresholds(counts)
    for asked in np.linspace(0, 1, 101):
        found = decide_at(counts, asked)
        assert abs(found.threshold - asked) == np.abs(sweep.threshold - asked).min() <= 1 / 2048


def test_cheapest_threshold_of_a_calibrated_score_is_the_ratio_of_the_costs():
    # Elkan: flag where the chance of a positive exceeds false_alarm / (false_alarm + miss).
    sweep = sweep_thresholds(draw(400_000, seed=3)[2])
    for miss in (1.0, 4.0):
        cheapest = find_cheapest(sweep, cost_thresholds(sweep, false_alarm=1.0, miss=miss), 0.3)
        assert cheapest == pytest.approx(1 / (1 + miss), abs=0.04)


def test_costs_by_hand():
    sweep = sweep_thresholds(count_scores([0.1, 0.4, 0.8, 0.9], [0, 1, 0, 1], [0] * 4, 1, threshold=0.5))
    costs = cost_thresholds(sweep, false_alarm=2, miss=10)
    at = int(np.flatnonzero(sweep.threshold == 0.5)[0])
    assert costs[at] == 1000 * (2 * 1 + 10 * 1) / 4
    assert find_cheapest(sweep, costs, 0.5) == pytest.approx(0.4, abs=1 / 1024)


@pytest.mark.parametrize("cost", [-1.0, float("nan"), float("inf")])
def test_cost_is_refused_when_it_is_no_amount(cost):
    sweep = sweep_thresholds(draw(100)[2])
    with pytest.raises(ValueError, match="accepted is a finite number of 0 or more"):
        cost_thresholds(sweep, false_alarm=1, miss=cost)


def test_shares_are_undefined_when_nothing_is_labelled():
    counts = count_scores([0.1, 0.9], [np.nan, np.nan], [0, 0], 1, threshold=0.5)
    sweep, found = sweep_thresholds(counts), decide_at(counts, 0.5)
    assert {found.precision.value, found.recall.value, found.f1.value, found.accuracy.value} == {None}
    assert find_cheapest(sweep, cost_thresholds(sweep, false_alarm=1, miss=1), 0.5) is None
    assert sweep.threshold.size <= N_SCORE_BINS


def test_decisions_agree_with_scikit_learn_at_any_edge():
    scores, labels, counts = draw(4000, seed=5, chunks=8)
    for asked in (0.0, 0.1, 0.25, 0.5, 0.75):
        found = decide_at(counts, asked)
        flagged = scores >= found.threshold
        expected = confusion_matrix(labels, flagged, labels=[0, 1]).ravel().tolist()
        cells = [found.true_negative, found.false_positive, found.false_negative, found.true_positive]
        assert cells == expected
        assert found.precision.value == pytest.approx(precision_score(labels, flagged))
        assert found.recall.value == pytest.approx(recall_score(labels, flagged))
        assert found.f1.value == pytest.approx(f1_score(labels, flagged))
        assert found.accuracy.value == pytest.approx(accuracy_score(labels, flagged))


@pytest.mark.parametrize("first", [-1, N_SCORE_BINS])
def test_decisions_are_refused_when_there_is_no_such_bin(first):
    with pytest.raises(ValueError, match=f"first bin is {first}; accepted is 0 to {N_SCORE_BINS - 1}"):
        count_decisions(draw(10)[2], first)


@pytest.mark.parametrize("asked", [-0.1, 1.1, float("nan")])
def test_decisions_are_refused_when_the_threshold_is_no_share(asked):
    with pytest.raises(ValueError, match="threshold"):
        decide_at(draw(10)[2], asked)


def test_intervals_of_decisions_widen_when_days_differ():
    rng = np.random.default_rng(8)
    chunks = np.repeat(np.arange(30), 300)
    scores = rng.beta(1, 3, chunks.size)
    shift = rng.normal(0, 0.15, 30)[chunks]
    labels = (rng.random(chunks.size) < (scores + shift).clip(0, 1)).astype(float)
    by_day = decide_at(count_scores(scores, labels, chunks, 30, threshold=0.3), 0.4)
    at_once = decide_at(count_scores(scores, labels, chunks * 0, 1, threshold=0.3), 0.4)
    assert by_day.precision.value == at_once.precision.value
    assert by_day.precision.high - by_day.precision.low > 1.5 * (at_once.precision.high - at_once.precision.low)
