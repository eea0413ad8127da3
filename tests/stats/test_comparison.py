"""Paired comparison: hand values, agreement with scikit-learn, antisymmetry, and coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlops_core.entities import Metric
from mlops_core.stats.classification import compute_metrics
from mlops_core.stats.comparison import (
    COMPARED_METRICS,
    Confusion,
    Judgement,
    compare_paired,
    compare_segments,
)
from mlops_core.stats.counts import count_scores
from mlops_core.stats.resampling import PairedRows, pool_strata, resample_cells, resample_rows

ALL_METRICS = (*COMPARED_METRICS, Metric.ACCURACY, Metric.LOG_LOSS)


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
    found = compare((labels, champion, candidate), metrics=ALL_METRICS).metrics
    for scores, side in ((champion, "champion"), (candidate, "candidate")):
        decided = scores >= 0.5
        expected = {
            Metric.F1: reference.f1_score(labels, decided),
            Metric.RECALL: reference.recall_score(labels, decided),
            Metric.PRECISION: reference.precision_score(labels, decided),
            Metric.ACCURACY: reference.accuracy_score(labels, decided),
            Metric.ROC_AUC: reference.roc_auc_score(labels, scores),
            Metric.BRIER: reference.brier_score_loss(labels, scores),
            Metric.LOG_LOSS: reference.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15)),
        }
        for metric, value in expected.items():
            assert getattr(found[metric], side) == pytest.approx(value, abs=1e-9)


def test_resampled_roc_auc_agrees_with_scikit_learn_when_rows_repeat():
    rng = np.random.default_rng(2)
    labels, champion, candidate = draw_rows(rng, 200)
    scores = np.column_stack([champion, candidate]).round(1)
    rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=np.zeros(200, int))
    drawn = resample_rows(rows, [Metric.ROC_AUC], np.random.default_rng(5), 100)[Metric.ROC_AUC]
    replay = np.random.default_rng(5)
    for draw in range(100):
        picked = (replay.random(200) * 200).astype(int)
        for version in range(2):
            expected = reference.roc_auc_score(labels[picked], scores[picked, version])
            assert drawn[draw, version] == pytest.approx(expected, abs=1e-12)


def test_cells_drawn_keep_the_size_of_each_stratum_and_the_mean_of_each_cell():
    rng = np.random.default_rng(3)
    labels, champion, candidate = draw_rows(rng, 400)
    scores = np.column_stack([champion, candidate])
    rows = PairedRows(labels=labels, scores=scores, decisions=scores >= 0.5, strata=np.arange(400) % 4)
    drawn = resample_cells(rows, rng, 4000)
    assert (drawn.sum(axis=(1, 2, 3)) == 400).all()
    observed = np.zeros((2, 2, 2))
    np.add.at(observed, (labels, *rows.decisions.astype(int).T), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), observed, atol=1)


def test_small_strata_become_one_when_pooled():
    sizes = np.bincount(pool_strata(np.repeat([7, 1, 2, 9], [40, 3, 4, 20])))
    assert sizes.tolist() == [7, 40, 20]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_comparison_is_turned_round_when_versions_swap(seed):
    labels, champion, candidate = draw_rows(np.random.default_rng(seed), 300, champion_noise=0.4)
    forth = compare((labels, champion, candidate), seed, n_resamples=200, metrics=ALL_METRICS)
    back = compare((labels, candidate, champion), seed, n_resamples=200, metrics=ALL_METRICS)
    for metric in ALL_METRICS:
        one, other = forth.metrics[metric], back.metrics[metric]
        assert one.difference == pytest.approx(-other.difference)
        assert (one.champion, one.candidate) == (other.candidate, other.champion)
        if metric in (Metric.ROC_AUC, Metric.BRIER, Metric.LOG_LOSS):
            assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert forth.flips.corrected == back.flips.spoiled
    assert forth.flips.to_positive == back.flips.to_negative


def test_candidate_is_undecided_with_zero_difference_when_it_is_the_champion():
    labels, champion, _ = draw_rows(np.random.default_rng(4), 500)
    for found in compare((labels, champion, champion), metrics=ALL_METRICS).metrics.values():
        assert (found.difference, found.low, found.high) == (0, 0, 0)
        assert found.judgement is Judgement.UNDECIDED
        assert found.reason is None


@pytest.mark.parametrize(
    ("champion_noise", "candidate_noise", "judgement"),
    [(0.8, 0.05, Judgement.BETTER), (0.05, 0.8, Judgement.WORSE)],
)
def test_candidate_is_judged_on_every_metric_when_the_gap_is_large(champion_noise, candidate_noise, judgement):
    rows = draw_rows(np.random.default_rng(5), 3000, champion_noise, candidate_noise)
    judgements = {found.judgement for found in compare(rows, metrics=ALL_METRICS).metrics.values()}
    assert judgements == {judgement}


def test_candidate_is_worse_when_it_loses_a_little_on_every_row():
    labels, champion, _ = draw_rows(np.random.default_rng(6), 1000)
    champion = champion.clip(0.01, 0.99)
    candidate = champion + np.where(labels == 1, -1e-6, 1e-6)
    assert compare((labels, champion, candidate)).metrics[Metric.BRIER].judgement is Judgement.WORSE


def test_metric_is_undecided_with_a_reason_when_only_one_class_is_there():
    labels, scores = np.zeros(50, int), np.linspace(0, 0.4, 50)
    found = compare((labels, scores, scores)).metrics
    for metric in (Metric.ROC_AUC, Metric.RECALL, Metric.F1, Metric.PRECISION):
        assert (found[metric].champion, found[metric].difference, found[metric].low) == (None, None, None)
        assert found[metric].judgement is Judgement.UNDECIDED
        assert "undefined" in found[metric].reason
    assert found[Metric.BRIER].reason is None


def test_metric_has_no_interval_when_it_is_undefined_in_some_resamples():
    labels = np.repeat([1, 0], [2, 98])
    scores = np.linspace(1, 0, 100)
    found = compare_paired(labels, scores, scores, 0.5, 0.5, np.zeros(100, int), np.random.default_rng(0)).metrics[
        Metric.RECALL
    ]
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


def test_segments_come_worst_first_when_one_of_them_suffers():
    rng = np.random.default_rng(7)
    labels, champion, candidate = draw_rows(rng, 6000, 0.1, 0.1)
    segments = np.array(["a", "b", "c"])[np.arange(6000) % 3]
    candidate = np.where(segments == "b", rng.random(6000), candidate)
    labels[segments == "c"] = 0
    champion, candidate = (np.where(segments == "c", 0.1, scores) for scores in (champion, candidate))
    found = compare_segments(labels, champion, candidate, 0.5, 0.5, np.zeros(6000, int), segments, rng)
    assert [each.segment for each in found] == ["b", "a", "c"]
    assert [each.difference.judgement for each in found] == ["worse", "undecided", "undecided"]
    assert [each.n for each in found] == [2000] * 3
    assert found[2].n_positive == 0
    assert found[2].difference.difference is None


def test_segments_are_refused_when_there_is_not_one_per_row():
    with pytest.raises(ValueError, match="segments have shape"):
        compare_segments([0, 1], [0.1, 0.2], [0.1, 0.2], 0.5, 0.5, [0, 0], ["a"], np.random.default_rng(0))


@pytest.mark.parametrize("champion_noise", [0.2, 0.35])
def test_intervals_cover_the_true_difference_in_95_percent(champion_noise):
    rng = np.random.default_rng(8)
    many = draw_rows(rng, 300_000, champion_noise)
    chunks = np.zeros(300_000, int)
    champion, candidate = (compute_metrics(count_scores(scores, many[0], chunks, 1, 0.5)) for scores in many[1:])
    found = [compare(draw_rows(rng, 600, champion_noise), seed, n_resamples=200).metrics for seed in range(120)]
    for metric in COMPARED_METRICS:
        truth = (candidate[metric][0] - champion[metric][0]) * (1 if metric.higher_is_better else -1)
        covered = np.mean([each[metric].low <= truth <= each[metric].high for each in found])
        assert covered >= 0.95 - 2.5 * np.sqrt(0.95 * 0.05 / 120), metric


def test_candidate_is_seldom_better_when_versions_are_equal():
    rng = np.random.default_rng(10)
    metrics = (Metric.F1, Metric.RECALL, Metric.PRECISION)
    found = [compare(draw_rows(rng, 600), seed, n_resamples=500, metrics=metrics).metrics for seed in range(300)]
    for metric in metrics:
        better = np.mean([each[metric].judgement is Judgement.BETTER for each in found])
        assert better <= 0.05, metric


def test_segment_judgements_are_seldom_false_when_versions_are_equal():
    rng = np.random.default_rng(9)
    segments, strata = np.arange(1500) % 10, np.arange(1500) % 3
    false_alarms = 0
    for _ in range(200):
        labels, champion, candidate = draw_rows(rng, 1500)
        found = compare_segments(labels, champion, candidate, 0.5, 0.5, strata, segments, rng, n_resamples=200)
        false_alarms += any(each.difference.judgement is not Judgement.UNDECIDED for each in found)
    assert false_alarms <= 0.05 * 200 + 2 * np.sqrt(0.05 * 0.95 * 200)
