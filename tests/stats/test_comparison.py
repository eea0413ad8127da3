"""Paired comparison: hand values, agreement with scikit-learn, antisymmetry, judgements, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlops_core.entities import Metric
from mlops_core.stats.comparison import COMPARABLE_METRICS, compare_paired
from mlops_core.stats.decisions import Confusion, mcnemar_test
from mlops_core.stats.delong import compare_roc_auc
from mlops_core.stats.judgement import Judgement, count_further_labels


def draw_rows(rng, n, champion_noise=0.2, candidate_noise=0.2):
    chance = rng.random(n)
    labels = (rng.random(n) < chance).astype(int)
    champion = np.clip(chance + champion_noise * rng.normal(size=n), 0, 1)
    candidate = np.clip(chance + candidate_noise * rng.normal(size=n), 0, 1)
    return labels, champion, candidate


def compare(rows, seed=0, **options):
    strata = np.arange(rows[0].size) % 5
    return compare_paired(*rows, 0.5, 0.5, strata, np.random.default_rng(seed), **options)


def test_comparison_matches_hand_values_when_there_are_six_rows():
    labels = np.array([1, 1, 1, 0, 0, 0])
    champion = np.array([0.9, 0.4, 0.3, 0.6, 0.2, 0.1])
    candidate = np.array([0.9, 0.7, 0.3, 0.2, 0.8, 0.1])
    result = compare((labels, champion, candidate))
    assert result.champion_confusion == Confusion(true_positive=1, false_positive=1, false_negative=2, true_negative=2)
    assert result.candidate_confusion == Confusion(true_positive=2, false_positive=1, false_negative=1, true_negative=2)
    flips = result.flips
    assert (flips.n, flips.share) == (3, 0.5)
    assert (flips.to_positive, flips.to_negative, flips.corrected, flips.spoiled) == (2, 1, 2, 1)
    assert result.metrics[Metric.F1].difference == pytest.approx(4 / 6 - 2 / 5)
    assert result.metrics[Metric.BRIER].difference == pytest.approx(
        np.mean((champion - labels) ** 2) - np.mean((candidate - labels) ** 2)
    )


def test_values_agree_with_scikit_learn_when_scores_are_tied():
    labels, champion, candidate = draw_rows(np.random.default_rng(1), 3000)
    champion, candidate = champion.round(2), candidate.round(2)
    found = compare((labels, champion, candidate), metrics=COMPARABLE_METRICS).metrics
    for scores, side in ((champion, "champion"), (candidate, "candidate")):
        decided = scores >= 0.5
        expected = {
            Metric.F1: reference.f1_score(labels, decided),
            Metric.RECALL: reference.recall_score(labels, decided),
            Metric.PRECISION: reference.precision_score(labels, decided),
            Metric.ACCURACY: reference.accuracy_score(labels, decided),
            Metric.ROC_AUC: reference.roc_auc_score(labels, scores),
            Metric.BRIER: reference.brier_score_loss(labels, scores),
            Metric.AVERAGE_PRECISION: reference.average_precision_score(labels, scores),
            Metric.LOG_LOSS: (loss := reference.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15))),
            Metric.LOG_LOSS_SKILL: 1 - loss / reference.log_loss(labels, np.full(3000, labels.mean())),
        }
        assert set(expected) == set(COMPARABLE_METRICS)
        for metric, value in expected.items():
            assert getattr(found[metric], side) == pytest.approx(value, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_comparison_is_turned_round_when_versions_swap(seed):
    labels, champion, candidate = draw_rows(np.random.default_rng(seed), 300, champion_noise=0.4)
    forth = compare((labels, champion, candidate), seed, n_resamples=200, metrics=COMPARABLE_METRICS)
    back = compare((labels, candidate, champion), seed, n_resamples=200, metrics=COMPARABLE_METRICS)
    for metric in COMPARABLE_METRICS:
        one, other = forth.metrics[metric], back.metrics[metric]
        assert one.difference == pytest.approx(-other.difference)
        assert (one.champion, one.candidate) == (other.candidate, other.champion)
        if metric not in (Metric.F1, Metric.RECALL, Metric.PRECISION):
            assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert forth.flips.corrected == back.flips.spoiled
    assert forth.flips.to_positive == back.flips.to_negative


def test_candidate_is_undecided_with_zero_difference_when_it_is_the_champion():
    labels, champion, _ = draw_rows(np.random.default_rng(4), 500)
    for found in compare((labels, champion, champion), metrics=COMPARABLE_METRICS).metrics.values():
        assert (found.difference, found.low, found.high) == (0, 0, 0)
        assert found.judgement is Judgement.UNDECIDED
        assert found.reason is None


@pytest.mark.parametrize(
    ("champion_noise", "candidate_noise", "judgement"),
    [(0.8, 0.05, Judgement.BETTER), (0.05, 0.8, Judgement.WORSE)],
)
def test_candidate_is_judged_on_every_metric_when_the_gap_is_large(champion_noise, candidate_noise, judgement):
    rows = draw_rows(np.random.default_rng(5), 3000, champion_noise, candidate_noise)
    judgements = {found.judgement for found in compare(rows, metrics=COMPARABLE_METRICS).metrics.values()}
    assert judgements == {judgement}


def test_candidate_is_worse_when_it_loses_a_little_on_every_row():
    labels, champion, _ = draw_rows(np.random.default_rng(6), 1000)
    champion = champion.clip(0.01, 0.99)
    candidate = champion + np.where(labels == 1, -1e-6, 1e-6)
    assert compare((labels, champion, candidate)).metrics[Metric.BRIER].judgement is Judgement.WORSE


def test_metric_is_undecided_with_a_reason_when_only_one_class_is_there():
    labels, scores = np.zeros(50, int), np.linspace(0, 0.4, 50)
    found = compare((labels, scores, scores[::-1]), metrics=COMPARABLE_METRICS).metrics
    for metric in set(COMPARABLE_METRICS) - {Metric.ACCURACY, Metric.BRIER, Metric.LOG_LOSS}:
        assert (found[metric].champion, found[metric].difference, found[metric].low) == (None, None, None)
        assert found[metric].judgement is Judgement.UNDECIDED
        assert "undefined" in found[metric].reason
    assert found[Metric.BRIER].reason is None


def test_metric_has_no_interval_when_it_is_undefined_in_some_resamples():
    labels = np.repeat([1, 0], [2, 98])
    scores = np.linspace(1, 0, 100)
    rng, thresholds = np.random.default_rng(0), (0.5, 0.4)
    found = compare_paired(labels, scores, scores, *thresholds, np.zeros(100, int), rng).metrics[Metric.RECALL]
    assert found.difference == 0
    assert (found.low, found.judgement) == (None, Judgement.UNDECIDED)
    assert "resamples" in found.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 2]}, "label of row 1 is 2"),
        ({"labels": [0, np.nan]}, "label of row 1 is nan"),
        ({"labels": [0]}, "accepted is one length for all"),
        ({"champion_scores": [0.1, 1.2]}, "score of row 1 is 1.2"),
        ({"threshold_candidate": 2}, "threshold is 2"),
        ({"n_resamples": 10}, "n_resamples is 10"),
        ({"confidence": 1}, "confidence is 1"),
        ({"metrics": (Metric.POSITIVE_RATE,)}, "metric positive_rate has no paired comparison"),
        ({"metrics": (Metric.CALIBRATION_ERROR,)}, "metric expected_calibration_error has no paired comparison"),
        ({"margin": -0.01}, "margin is -0.01"),
        (
            {"labels": [], "champion_scores": [], "candidate_scores": [], "strata": []},
            "there are 0 rows",
        ),
    ],
)
def test_comparison_is_refused_when_an_argument_is_outside_its_domain(change, message):
    arguments = {
        "labels": [0, 1],
        "champion_scores": [0.1, 0.2],
        "candidate_scores": [0.1, 0.2],
        "threshold_champion": 0.5,
        "threshold_candidate": 0.5,
        "strata": [0, 0],
    }
    with pytest.raises(ValueError, match=message):
        compare_paired(**(arguments | change), rng=np.random.default_rng(0))


def test_roc_auc_and_accuracy_have_the_intervals_of_their_tests():
    labels, champion, candidate = draw_rows(np.random.default_rng(7), 800)
    result = compare((labels, champion, candidate), metrics=COMPARABLE_METRICS)
    by_rank, by_flip = compare_roc_auc(labels, champion, candidate), result.mcnemar
    found = result.metrics[Metric.ROC_AUC]
    assert (found.low, found.high, found.p_value) == (by_rank.low, by_rank.high, by_rank.p_value)
    assert by_flip == mcnemar_test(result.flips.corrected, result.flips.spoiled, 800)
    assert (result.metrics[Metric.ACCURACY].low, result.metrics[Metric.ACCURACY].high) == (by_flip.low, by_flip.high)


def test_no_metric_is_certain_when_scores_differ_and_no_decision_does():
    labels, champion, _ = draw_rows(np.random.default_rng(8), 500)
    found = compare((labels, champion, np.where(champion < 0.5, champion / 2, champion)), metrics=COMPARABLE_METRICS)
    assert found.flips.n == 0
    for metric in (Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.ACCURACY):
        assert found.metrics[metric].difference == 0
        assert found.metrics[metric].low < 0 < found.metrics[metric].high


def test_candidate_is_not_worse_when_it_is_the_champion_and_a_loss_is_accepted():
    labels, champion, _ = draw_rows(np.random.default_rng(4), 500)
    result = compare((labels, champion, champion), metrics=COMPARABLE_METRICS, margin=0.01)
    assert result.margin == 0.01
    assert {found.judgement for found in result.metrics.values()} == {Judgement.NOT_WORSE}
    assert compare((labels, champion, champion), margin=0).margin is None


def test_further_labels_are_told_of_what_is_undecided_alone():
    labels, champion, candidate = draw_rows(np.random.default_rng(6), 2000, 0.28)
    found = compare((labels, champion, candidate), metrics=COMPARABLE_METRICS).metrics
    assert {each.judgement for each in found.values()} == {Judgement.BETTER, Judgement.UNDECIDED}
    for each in found.values():
        expected = None
        if each.judgement is Judgement.UNDECIDED:
            error = (each.high - each.low) / 2 / 1.959963984540054
            expected = count_further_labels(each.difference, error, 2000)
        assert each.further_labels == expected


def test_difference_says_why_it_is_missing_when_the_metric_was_not_compared():
    result = compare(draw_rows(np.random.default_rng(1), 200), metrics=(Metric.F1,))
    assert result.get_difference(Metric.F1) is result.metrics[Metric.F1]
    found = result.get_difference(Metric.POSITIVE_RATE)
    assert (found.difference, found.judgement) == (None, Judgement.UNDECIDED)
    assert found.reason == "positive_rate has no paired comparison"


def test_candidate_is_seldom_better_when_versions_are_equal():
    rng = np.random.default_rng(10)
    metrics = (Metric.F1, Metric.RECALL, Metric.PRECISION)
    found = [compare(draw_rows(rng, 600), seed, n_resamples=500, metrics=metrics).metrics for seed in range(300)]
    for metric in metrics:
        better = np.mean([each[metric].judgement is Judgement.BETTER for each in found])
        assert better <= 0.05, metric


def test_decisions_say_nothing_where_no_row_is_positive():
    rng = np.random.default_rng(0)
    scores = rng.random((600, 2))
    found = compare_paired(np.zeros(600, int), *scores.T, 0.5, 0.9, np.arange(600) % 5, rng, margin=0.01).metrics
    for metric in (Metric.F1, Metric.PRECISION, Metric.RECALL):
        assert (found[metric].low, found[metric].judgement) == (None, Judgement.UNDECIDED), metric
    assert "no row has label 1" in found[Metric.F1].reason
    assert found[Metric.BRIER].low is not None
