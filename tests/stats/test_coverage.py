"""How often the intervals of a paired comparison hold the true difference: 95 % ± 1.5, by simulation.

Two versions score the same rows with errors that correlate by .8, in five strata whose base rates differ; the shifted
candidate errs less. `make soak` draws enough of them for every size, base rate, and metric, and prints the table.
"""

import sys
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from mlops_core.entities import Metric
from mlops_core.stats.comparison import COMPARABLE_METRICS, compare_paired
from mlops_core.stats.delong import compare_roc_auc
from mlops_core.stats.judgement import Judgement
from mlops_core.stats.multiplicity import share_confidence
from mlops_core.stats.paired_rows import count_cells, pair_rows
from mlops_core.stats.resampling import CELL_METRICS, compute_cell_metric, compute_row_metric

N_STRATA, CORRELATION, N_RESAMPLES = 5, 0.8, 200
INTERCEPTS, THRESHOLDS = {0.05: -3.9, 0.3: -1.15}, {0.05: 0.2, 0.3: 0.4}
"""By base rate."""
SOAK_ROUNDS = {500: 2000, 3000: 2000, 20_000: 1000}
"""By number of rows."""
TRUE_ROWS, TRUE_BLOCKS, SAMPLED_BLOCKS = 500_000, 8, 1


def draw_pair(rng, n, rate, shifted):
    labels, (champion, candidate), strata = draw_versions(rng, n, rate, [1.0, 0.6 if shifted else 1.0])
    return labels, champion, candidate, THRESHOLDS[rate], THRESHOLDS[rate], strata


def draw_versions(rng, n, rate, scales):
    """Draw rows with the scores of a version for each scale of its errors."""
    strata = np.arange(n) % N_STRATA
    level = INTERCEPTS[rate] + np.linspace(-0.6, 0.6, N_STRATA)[strata]
    signal, shared = rng.normal(size=(2, n))
    labels = (rng.random(n) < expit(level + 1.6 * signal)).astype(int)
    errors = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * rng.normal(size=(len(scales), n))
    return labels, expit(level + 1.3 * (signal + np.array(scales)[:, None] * errors)), strata


@cache
def find_truth(rate, shifted, n_blocks):
    """Give the true difference of each metric, turned: 0 without a shift, else that of so many rows that it stands."""
    if not shifted:
        return dict.fromkeys(COMPARABLE_METRICS, 0.0)
    rng = np.random.default_rng(0)
    blocks = [measure_block(pair_rows(*draw_pair(rng, TRUE_ROWS, rate, shifted))) for _ in range(n_blocks)]
    return {metric: float(np.mean([block[metric] for block in blocks])) for metric in COMPARABLE_METRICS}


def measure_block(rows):
    cells = count_cells(rows).sum(axis=0)
    values = {metric: compute_cell_metric(metric, cells) for metric in CELL_METRICS}
    roc_auc = compare_roc_auc(rows.labels, *rows.scores.T)
    values[Metric.ROC_AUC] = roc_auc.champion, roc_auc.candidate
    values |= {each: compute_row_metric(each, rows) for each in COMPARABLE_METRICS if each not in values}
    return {each: (one - other) * (1 if each.higher_is_better else -1) for each, (other, one) in values.items()}


def cover(n, rate, shifted, n_rounds, metrics, n_blocks=TRUE_BLOCKS):
    """Give the share of intervals that hold the true difference, by metric, and the mean number of flips.

    In a few rounds a metric has no interval, for example when next to nothing is decided positive.
    """
    truth, rng = find_truth(rate, shifted, n_blocks), np.random.default_rng(n)
    covered, flips = {metric: [] for metric in metrics}, []
    for _ in range(n_rounds):
        found = compare_paired(*draw_pair(rng, n, rate, shifted), rng, N_RESAMPLES, metrics=metrics)
        flips.append(found.flips.n)
        for metric in metrics:
            one = found.metrics[metric]
            if one.low is not None:
                covered[metric].append(one.low <= truth[metric] <= one.high)
    assert min(map(len, covered.values())) >= 0.95 * n_rounds
    return {metric: float(np.mean(held)) for metric, held in covered.items()}, float(np.mean(flips))


@pytest.mark.parametrize(("rate", "shifted"), [(0.05, True), (0.3, False)])
def test_intervals_hold_the_true_difference_in_a_sample_of_the_soak(rate, shifted):
    metrics = [metric for metric in COMPARABLE_METRICS if metric is not Metric.AVERAGE_PRECISION]
    shares, _ = cover(500, rate, shifted, 150, metrics, SAMPLED_BLOCKS)
    for metric, share in shares.items():
        assert share >= 0.95 - 2.5 * np.sqrt(0.95 * 0.05 / 150), metric


def test_none_of_three_equal_candidates_is_called_better_or_worse_more_often_than_one_would_be():
    rng, metrics, n_rounds = np.random.default_rng(5), (Metric.ROC_AUC, Metric.F1), 300
    called = {confidence: dict.fromkeys(metrics, 0) for confidence in (share_confidence(3), 0.95)}
    for _ in range(n_rounds):
        labels, (champion, *candidates), strata = draw_versions(rng, 600, 0.3, [1.0] * 4)
        for confidence, counted in called.items():
            found = [
                compare_paired(
                    labels, champion, one, 0.4, 0.4, strata, rng, N_RESAMPLES, confidence=confidence, metrics=metrics
                )
                for one in candidates
            ]
            for metric in metrics:
                judged = {one.metrics[metric].judgement for one in found}
                counted[metric] += bool(judged & {Judgement.BETTER, Judgement.WORSE})
    for metric in metrics:
        shared, alone = (counted[metric] / n_rounds for counted in called.values())
        assert shared <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_rounds), metric
        assert alone > shared, metric


@pytest.mark.soak
@pytest.mark.parametrize("n", SOAK_ROUNDS)
@pytest.mark.parametrize("rate", INTERCEPTS)
@pytest.mark.parametrize("shifted", [False, True])
def test_intervals_hold_the_true_difference_in_95_percent(n, rate, shifted, capsys):
    n_rounds = SOAK_ROUNDS[n]
    shares, flips = cover(n, rate, shifted, n_rounds, COMPARABLE_METRICS)
    with capsys.disabled():
        told = " ".join(f"{metric.value} {share * 100:.1f}" for metric, share in shares.items())
        sys.stdout.write(f"\nn {n} base rate {rate} {'shifted' if shifted else 'equal'} flips {flips:.0f}: {told}\n")
    noise = 2 * np.sqrt(0.95 * 0.05 / n_rounds)
    for metric, share in shares.items():
        assert abs(share - 0.95) <= 0.015 + noise, metric
