"""The standardised difference of means: by hand, against its parts, and where it is undefined."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_core.stats.balance import compute_standardised_difference
from mlops_core.stats.features import BinnedSample

PLACES = np.array([0.0, 1.0, 2.0])
Counts = st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any)


def make(counts, means=PLACES):
    return BinnedSample(counts=np.array(counts), means=np.array(means, dtype=float))


def test_difference_equals_the_hand_value():
    # Means 1 and 1.5, variances 0.5 and 0.25.
    assert compute_standardised_difference(make([1, 2, 1]), make([0, 1, 1])) == pytest.approx(0.5 / math.sqrt(0.375))


@given(Counts, Counts)
def test_difference_turns_its_sign_with_its_sides(left, right):
    there = compute_standardised_difference(make(left), make(right))
    back = compute_standardised_difference(make(right), make(left))
    assert (math.isnan(there) and math.isnan(back)) or there == pytest.approx(-back)


@given(Counts)
def test_difference_of_a_side_with_itself_is_zero_however_many_rows(counts):
    assert compute_standardised_difference(make(counts), make([10 * n for n in counts])) == pytest.approx(0, abs=1e-9)


def test_difference_is_undefined_without_values_and_without_spread():
    assert math.isnan(compute_standardised_difference(make([0, 0, 0]), make([1, 1, 1])))
    assert math.isnan(compute_standardised_difference(make([4, 0, 0]), make([0, 4, 0])))
    assert math.isnan(compute_standardised_difference(make([1, 1, 1]), make([1, 1, 1], [0, 1, np.inf])))
