"""The difference of two ROC AUCs: hand values, the definition by all pairs, properties, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from mlops_core.stats.delong import compare_roc_auc


def draw_rows(seed, n=120, decimals=1):
    rng = np.random.default_rng(seed)
    labels = np.append((rng.random(n - 4) < 0.3).astype(int), [0, 0, 1, 1])
    champion, candidate = (labels * 0.5 + rng.normal(size=(2, n))).round(decimals)
    return labels, champion, candidate


def compare_directly(labels, champion, candidate):
    """Compare every positive with every negative, as DeLong, DeLong & Clarke-Pearson define it."""
    pairs = [(scores[labels == 1][:, None], scores[labels == 0][None, :]) for scores in (champion, candidate)]
    wins = np.array([(high > low) + 0.5 * (high == low) for high, low in pairs])
    of_positive, of_negative = np.cov(wins.mean(axis=2)), np.cov(wins.mean(axis=1))
    contrast = np.array([-1, 1])
    covariance = of_positive / wins.shape[1] + of_negative / wins.shape[2]
    return wins.mean(axis=(1, 2)), float(contrast @ covariance @ contrast)


def test_difference_matches_hand_values_when_there_are_four_rows():
    found = compare_roc_auc([1, 1, 0, 0], [4, 2, 3, 1], [4, 3, 2, 1])
    # The champion loses one of four pairs: its placements are 1 and 1/2 in both classes, the candidate's all 1.
    assert (found.champion, found.candidate) == (0.75, 1.0)
    assert found.standard_error == pytest.approx(np.sqrt(2 * (0.125 / 2)))
    step = stats.t.ppf(0.975, 2) * np.sqrt(0.125)
    assert (found.low, found.high) == pytest.approx((0.25 - step, 0.25 + step))
    assert found.p_value == pytest.approx(2 * stats.t.sf(0.25 / np.sqrt(0.125), 2))


@pytest.mark.parametrize("seed", range(6))
def test_difference_agrees_with_the_definition_by_pairs_when_scores_are_tied(seed):
    labels, champion, candidate = draw_rows(seed)
    found = compare_roc_auc(labels, champion, candidate)
    values, variance = compare_directly(labels, champion, candidate)
    assert (found.champion, found.candidate) == pytest.approx(tuple(values))
    assert found.champion == pytest.approx(roc_auc_score(labels, champion))
    assert found.standard_error == pytest.approx(np.sqrt(variance))


def test_interval_is_the_normal_one_when_there_are_many_rows():
    labels, champion, candidate = draw_rows(7, n=20_000, decimals=6)
    found = compare_roc_auc(labels, champion, candidate)
    middle, error = found.candidate - found.champion, found.standard_error
    assert found.low == pytest.approx(middle - stats.norm.ppf(0.975) * error, abs=error / 1000)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(middle) / error), rel=0.01)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), confidence=st.floats(0.5, 0.999))
def test_difference_is_turned_round_when_versions_swap_and_kept_when_scores_are_stretched(seed, confidence):
    labels, champion, candidate = draw_rows(seed)
    forth = compare_roc_auc(labels, champion, candidate, confidence)
    back = compare_roc_auc(labels, candidate, champion, confidence)
    assert (forth.low, forth.high, forth.p_value) == pytest.approx((-back.high, -back.low, back.p_value))
    assert compare_roc_auc(labels, np.exp(champion), 3 * candidate - 7, confidence) == forth
    assert (forth.p_value < 1 - confidence) == (forth.low > 0 or forth.high < 0)


@pytest.mark.parametrize("stretch", [lambda scores: scores, np.exp, lambda scores: np.round(10 * scores)])
def test_difference_is_0_for_certain_when_every_row_is_placed_alike(stretch):
    labels, champion, _ = draw_rows(1)
    found = compare_roc_auc(labels, champion, stretch(champion))
    assert (found.standard_error, found.low, found.high, found.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize("labels", [[1, 1, 1, 1], [0, 0, 0, 0]])
def test_nothing_is_known_when_there_is_one_class(labels):
    found = compare_roc_auc(labels, [1, 2, 3, 4], [4, 3, 2, 1])
    assert (found.champion, found.candidate, found.low, found.p_value) == (None, None, None, None)


@pytest.mark.parametrize(
    ("labels", "champion", "candidate"),
    [([1, 0, 0, 0], [4, 3, 2, 1], [2, 1, 3, 4]), ([1, 1, 0, 0], [1, 2, 3, 4], [4, 3, 2, 1])],
    ids=["one positive", "an order reversed"],
)
def test_values_come_without_an_interval_when_the_variance_cannot_be_estimated(labels, champion, candidate):
    found = compare_roc_auc(labels, champion, candidate)
    assert found.champion is not None
    assert found.candidate is not None
    assert (found.standard_error, found.low, found.high, found.p_value) == (None, None, None, None)


def test_difference_of_50_000_rows_needs_no_table_of_pairs():
    labels, champion, candidate = draw_rows(2, n=50_000, decimals=9)
    found = compare_roc_auc(labels, champion, candidate)
    assert found.champion == pytest.approx(roc_auc_score(labels, champion))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0.1, 0.2], [0.1]), "have shapes"),
        (([[0, 1]], [[0.1, 0.2]], [[0.1, 0.2]]), "have shapes"),
        (([0, 2], [0.1, 0.2], [0.1, 0.2]), "label of row 1 is 2"),
        (([0, 1], [0.1, np.nan], [0.1, 0.2]), "score of row 1 is nan"),
        (([0, 1], [0.1, 0.2], [np.inf, 0.2]), "score of row 0 is inf"),
        (([0, 1], [0.1, 0.2], [0.1, 0.2], 1), "confidence is 1"),
    ],
)
def test_difference_is_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare_roc_auc(*arguments)
