"""Adjusted p-values and intervals: hand values, agreement with SciPy, properties, and the false discovery rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlops_core.stats.multiplicity import adjust_benjamini_hochberg, adjust_confidence, share_confidence

P_VALUES = st.lists(st.floats(0, 1) | st.just(np.nan), min_size=1, max_size=12)


def test_adjusted_values_match_hand_values_when_one_was_not_tested():
    np.testing.assert_allclose(adjust_benjamini_hochberg([0.04, np.nan, 0.01, 0.9]), [0.06, np.nan, 0.03, 0.9])


@settings(max_examples=60, deadline=None)
@given(p_values=P_VALUES)
def test_adjusted_values_agree_with_scipy_on_those_tested(p_values):
    p = np.array(p_values)
    is_tested = ~np.isnan(p)
    adjusted = adjust_benjamini_hochberg(p)
    assert np.isnan(adjusted[~is_tested]).all()
    if is_tested.any():
        np.testing.assert_allclose(adjusted[is_tested], stats.false_discovery_control(p[is_tested]), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(p_values=P_VALUES)
def test_adjusting_keeps_the_order_and_lowers_nothing(p_values):
    p = np.array(p_values)
    p = p[~np.isnan(p)]
    adjusted = adjust_benjamini_hochberg(p)
    assert (adjusted >= p * (1 - 1e-12)).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_each_row_is_a_family_of_its_own_when_there_are_many():
    p = np.random.default_rng(0).random((3, 4, 7))
    p[0, 1] = np.nan
    p[1, 2, 3] = np.nan
    together = adjust_benjamini_hochberg(p)
    for chunk in np.ndindex(3, 4):
        np.testing.assert_array_equal(together[chunk], adjust_benjamini_hochberg(p[chunk]))
    assert adjust_benjamini_hochberg(np.empty((2, 0))).shape == (2, 0)


def test_families_are_seldom_rejected_when_nothing_changed():
    p = np.random.default_rng(1).random((20_000, 20))
    rejected = (adjust_benjamini_hochberg(p) < 0.05).any(axis=1).mean()
    assert rejected == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 20_000))


@pytest.mark.parametrize(
    ("p_values", "message"),
    [([0.1, 1.2], "p-value is 1.2"), ([-0.1], "p-value is -0.1"), (0.5, "p_values has no axis")],
)
def test_adjusting_is_refused_when_a_p_value_is_outside_its_domain(p_values, message):
    with pytest.raises(ValueError, match=message):
        adjust_benjamini_hochberg(p_values)


def test_confidence_matches_hand_values_when_two_of_four_are_found():
    assert adjust_confidence([0.01, 0.04, 0.06, 0.9]) == pytest.approx(1 - 0.05 * 2 / 4)
    assert adjust_confidence([0.3, np.nan, 0.9, 0.9, 0.9]) == pytest.approx(1 - 0.05 / 4)
    assert adjust_confidence([0.001] * 3) == pytest.approx(0.95)
    assert adjust_confidence([np.nan]) == adjust_confidence([]) == 0.95


@settings(max_examples=100, deadline=None)
@given(statistics=st.lists(st.floats(-6, 6), min_size=1, max_size=12), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_excludes_0_exactly_where_the_adjusted_p_value_is_small(statistics, confidence):
    z = np.array(statistics)
    adjusted = adjust_benjamini_hochberg(2 * stats.norm.sf(np.abs(z)))
    quantile = stats.norm.ppf((1 + adjust_confidence(adjusted, confidence)) / 2)
    is_near = np.isclose(np.abs(z), quantile, rtol=1e-9)
    np.testing.assert_array_equal((np.abs(z) > quantile)[~is_near], (adjusted < 1 - confidence)[~is_near])


def test_intervals_of_what_was_found_seldom_miss_when_half_of_it_is_real():
    rng = np.random.default_rng(2)
    truth = np.repeat([0.0, 2.5], 10)
    missed = []
    for _ in range(4000):
        z = truth + rng.normal(size=20)
        adjusted = adjust_benjamini_hochberg(2 * stats.norm.sf(np.abs(z)))
        is_found = adjusted < 0.05
        quantile = stats.norm.ppf((1 + adjust_confidence(adjusted)) / 2)
        missed.append(np.mean(np.abs(z - truth)[is_found] > quantile) if is_found.any() else 0.0)
    assert np.mean(missed) <= 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([0.1, 1.2],), "adjusted p-value is 1.2"), (([-0.1],), "adjusted p-value is -0.1"), (([0.1], 1.0), "confidence")],
)
def test_confidence_is_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        adjust_confidence(*arguments)


def test_shared_confidence_matches_hand_values():
    assert share_confidence(1) == pytest.approx(0.95)
    assert share_confidence(3, 0.9) == pytest.approx(1 - 0.1 / 3)


def test_intervals_of_a_shared_confidence_miss_together_as_seldom_as_one_alone():
    """Three differences from the same champion correlate by one half."""
    z = np.random.default_rng(4).normal(size=(20_000, 4))
    differences = np.abs(z[:, 1:] - z[:, :1]).max(axis=1) / np.sqrt(2)
    missed, missed_unadjusted = (
        float(np.mean(differences > stats.norm.ppf((1 + confidence) / 2))) for confidence in (share_confidence(3), 0.95)
    )
    assert 0.04 <= missed <= 0.05
    assert missed_unadjusted > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"), [((0,), "n_intervals is 0; accepted is 1 or more"), ((2, 1.0), "confidence is 1.0")]
)
def test_shared_confidence_is_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        share_confidence(*arguments)
