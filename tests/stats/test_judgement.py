"""Judgements and the labels still needed: a full table, the closed form, and the power that is promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement, count_further_labels, judge_interval

BETTER, NOT_WORSE, UNDECIDED, WORSE = Judgement.BETTER, Judgement.NOT_WORSE, Judgement.UNDECIDED, Judgement.WORSE


@pytest.mark.parametrize(
    ("low", "high", "without", "with_margin"),
    [
        (0.001, 0.02, BETTER, BETTER),
        (0.0, 0.02, UNDECIDED, NOT_WORSE),
        (0.0, 0.0, UNDECIDED, NOT_WORSE),
        (-0.009, 0.02, UNDECIDED, NOT_WORSE),
        (-0.009, 0.0, UNDECIDED, NOT_WORSE),
        (-0.01, 0.02, UNDECIDED, UNDECIDED),
        (-0.05, 0.02, UNDECIDED, UNDECIDED),
        (-0.009, -0.001, WORSE, WORSE),
        (-0.05, -0.02, WORSE, WORSE),
    ],
)
def test_judgement_is_read_from_the_interval(low, high, without, with_margin):
    assert judge_interval(low, high) is judge_interval(low, high, 0) is without
    assert judge_interval(low, high, 0.01) is with_margin


def test_every_judgement_reads_as_a_word():
    assert [each.label for each in Judgement] == ["better", "not worse", "undecided", "worse"]


@settings(max_examples=60, deadline=None)
@given(low=st.floats(-1, 1), width=st.floats(0, 1), margins=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_larger_margin_never_turns_a_judgement_against_the_candidate(low, width, margins):
    small, large = sorted(margins)
    one, other = (judge_interval(low, low + width, margin) for margin in (small, large))
    assert one is other or (one, other) == (UNDECIDED, NOT_WORSE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, -0.1), "interval is 0.1 to -0.1"),
        ((float("nan"), 0.1), "interval is nan to 0.1"),
        ((-0.1, 0.1, -0.01), "margin is -0.01"),
        ((-0.1, 0.1, float("nan")), "margin is nan"),
        ((-0.1, 0.1, float("inf")), "margin is inf"),
    ],
)
def test_judgement_is_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        judge_interval(*arguments)


@pytest.mark.parametrize(
    ("difference", "error", "margin", "expected"),
    [
        # 1,000 rows times ((1.960 + 0.842) · 2)² = 31,395 in all.
        (0.01, 0.02, None, 31_000),
        (-0.01, 0.02, None, 31_000),
        (0.01, 0.02, 0.01, 6_900),
        (-0.004, 0.02, 0.01, 87_000),
        (-0.05, 0.04, 0.01, 4_100),
        (0.0, 0.02, None, None),
        (0.0, 0.02, 0.01, 31_000),
        (1e-6, 0.02, None, MOST_FURTHER_LABELS),
        (0.05, 0.0179, None, 6),
    ],
)
def test_further_labels_match_the_closed_form(difference, error, margin, expected):
    assert count_further_labels(difference, error, 1000, margin) == expected


@settings(max_examples=80, deadline=None)
@given(ratio=st.floats(0.05, 1.9), n=st.integers(10, 100_000), power=st.floats(0.5, 0.95), margin=st.floats(0.0, 0.05))
def test_further_labels_are_rounded_up_by_less_than_a_tenth_and_fall_with_a_margin(ratio, n, power, margin):
    exact = n * (((stats.norm.ppf(0.975) + stats.norm.ppf(power)) / ratio) ** 2 - 1)
    found = count_further_labels(0.01 * ratio, 0.01, n, power=power)
    if exact >= MOST_FURTHER_LABELS:
        assert found == MOST_FURTHER_LABELS
    else:
        assert exact * (1 - 1e-9) <= found <= max(exact * 1.1 + 1e-6, exact + 1)
        assert len(str(found).rstrip("0")) <= 2
    assert count_further_labels(0.01 * ratio, 0.01, n, margin, power=power) <= found


@pytest.mark.parametrize(("difference", "margin"), [(0.03, None), (-0.03, None), (0.0, 0.03)])
def test_interval_decides_with_the_power_that_is_promised(difference, margin):
    rng, spread, n = np.random.default_rng(0), 0.6, 400
    further = count_further_labels(difference, spread / np.sqrt(n), n, margin)
    total = n + further
    means = difference + rng.normal(size=20_000) * spread / np.sqrt(total)
    step = stats.norm.ppf(0.975) * spread / np.sqrt(total)
    decided = np.mean([judge_interval(mean - step, mean + step, margin) is not UNDECIDED for mean in means.tolist()])
    # Rounded up, so a little more; against a margin a mean above 0 for certain decides as well.
    assert 0.795 <= decided <= 0.84


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, 0.0, 100), "standard_error 0.0"),
        ((0.1, float("nan"), 100), "standard_error nan"),
        ((float("nan"), 0.1, 100), "difference is nan"),
        ((0.1, 0.1, 0), "n 0"),
        ((0.1, 0.1, 100, None, 1.0), "confidence is 1.0"),
        ((0.1, 0.1, 100, None, 0.95, 1.0), "power 1.0"),
        ((0.1, 0.1, 100, -1), "margin is -1"),
    ],
)
def test_further_labels_are_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_further_labels(*arguments)
