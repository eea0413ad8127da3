"""McNemar's test and Tango's interval: published and hand values, SciPy, properties, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from mlops_core.stats.decisions import Confusion, count_flips, mcnemar_test, tabulate_decisions
from mlops_core.stats.proportions import tango_interval

COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 400))


def test_p_value_matches_hand_values_when_there_are_six_flips():
    # One head or fewer in six throws: (1 + 6) / 64, on both sides.
    assert mcnemar_test(5, 1, 100).p_value == pytest.approx(2 * 7 / 64)
    assert mcnemar_test(3, 3, 100).p_value == 1
    assert mcnemar_test(0, 0, 100).p_value == 1


@pytest.mark.parametrize(("corrected", "spoiled"), [(0, 1), (7, 1), (12, 2), (40, 20), (3100, 2900), (500, 40_000)])
def test_p_value_agrees_with_the_exact_binomial_test(corrected, spoiled):
    expected = stats.binomtest(corrected, corrected + spoiled).pvalue
    assert mcnemar_test(corrected, spoiled, 100_000).p_value == pytest.approx(expected, rel=1e-9)


def test_interval_matches_published_values():
    # Airway hyper-responsiveness before and after: Fagerland, Lydersen & Laake (2014).
    assert tango_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)
    # Without a flip the ends are ± z² / (n + z²).
    square = stats.norm.ppf(0.975) ** 2
    assert tango_interval(0, 0, 500) == pytest.approx((-square / (500 + square), square / (500 + square)))


def score_directly(gained, lost, n, difference):
    """Give the score statistic with the probability of a loss that maximises the likelihood, found by search."""

    def measure(loss):
        cells = np.array([loss + difference, loss, 1 - 2 * loss - difference])
        return -np.sum(np.array([gained, lost, n - gained - lost]) * np.log(np.maximum(cells, 1e-300)))

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    loss = optimize.minimize_scalar(measure, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - n * difference) / np.sqrt(n * (2 * loss + difference - difference**2))


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 50), (40, 20, 160), (3, 9, 30), (25, 28, 618)])
def test_ends_of_the_interval_are_where_the_score_statistic_reaches_its_quantile(gained, lost, n):
    low, high = tango_interval(gained, lost, n)
    assert score_directly(gained, lost, n, low) == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)
    assert score_directly(gained, lost, n, high) == pytest.approx(-stats.norm.ppf(0.975), abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_holds_0_exactly_when_the_chi_square_is_small_and_turns_round_with_the_versions(counts, confidence):
    gained, lost, spare = counts
    n = gained + lost + spare
    low, high = tango_interval(gained, lost, n, confidence)
    assert -1 <= low < (gained - lost) / n < high <= 1
    assert tango_interval(lost, gained, n, confidence) == (-high, -low)
    chi_square = (gained - lost) ** 2 / max(1, gained + lost)
    assert (low <= 0 <= high) == (chi_square <= stats.norm.ppf((1 + confidence) / 2) ** 2)


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS)
def test_test_does_not_ask_which_version_is_the_champion_nor_how_many_rows_agree(counts):
    gained, lost, spare = counts
    n = gained + lost + spare
    found, back = mcnemar_test(gained, lost, n), mcnemar_test(lost, gained, n)
    assert (found.p_value, found.difference) == (back.p_value, -back.difference)
    assert mcnemar_test(gained, lost, n + 1000).p_value == found.p_value
    assert 0 < found.p_value <= 1


def test_test_is_seldom_false_and_interval_covers_when_flips_are_few():
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(300, [0.02, 0.02, 0.96], size=3000)
    found = [mcnemar_test(int(gained), int(lost), 300) for gained, lost, _ in drawn]
    assert np.mean([one.p_value < 0.05 for one in found]) <= 0.05
    assert np.mean([one.low <= 0 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)


def test_flips_and_confusions_are_read_from_the_cells():
    cells = np.array([[[50, 4], [3, 6]], [[7, 5], [2, 23]]])
    flips = count_flips(cells)
    assert (flips.n, flips.share, flips.to_positive, flips.to_negative) == (14, 0.14, 9, 5)
    assert (flips.corrected, flips.spoiled) == (8, 6)
    champion, candidate = tabulate_decisions(cells)
    assert champion == Confusion(true_positive=25, false_positive=9, false_negative=12, true_negative=54)
    assert candidate == Confusion(true_positive=28, false_positive=10, false_negative=9, true_negative=53)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 10), "-1 gained and 0 lost of 10"),
        ((6, 5, 10), "6 gained and 5 lost of 10"),
        ((0, 0, 0), "0 gained and 0 lost of 0"),
        ((1, 2, 10, 0), "confidence is 0"),
    ],
)
def test_test_is_refused_when_a_count_is_outside_its_domain(arguments, message):
    for refuse in (mcnemar_test, tango_interval):
        with pytest.raises(ValueError, match=message):
            refuse(*arguments)
