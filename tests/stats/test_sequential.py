"""Change points: a hand value, a plain second computation, false alarms, and what is found."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from mlops_core.stats.sequential import CLIP, LIMIT, N_BASELINE, SLACK, find_change


def find_alarm_plainly(values):
    """Say whether either sum passes the limit, with each figure's predecessors taken anew."""
    up = down = 0.0
    for i in range(N_BASELINE, len(values)):
        before = values[:i]
        ratio = (values[i] - before.mean()) / (before.std(ddof=1) * math.sqrt(1 + 1 / i))
        step = float(np.clip(norm.ppf(student.cdf(ratio, i - 1)), -CLIP, CLIP))
        up, down = max(0.0, up + step - SLACK), max(0.0, down - step - SLACK)
        if max(up, down) > LIMIT:
            return True
    return False


def test_change_is_the_first_figure_of_the_new_level_when_there_is_no_spread():
    # Each later figure counts 3 - 0.5, so the fourth passes 8.
    assert find_change([1.0] * 20 + [2.0] * 3) is None
    assert find_change([1.0] * 20 + [2.0] * 4) == 20


@pytest.mark.parametrize("seed", range(8))
def test_change_is_found_as_by_a_plain_computation(seed):
    rng = np.random.default_rng(seed)
    values = 0.8 + 0.02 * (rng.normal(size=60) + 0.8 * (np.arange(60) >= 30))
    assert (find_change(values) is not None) == find_alarm_plainly(values)


def test_false_alarms_are_as_rare_as_siegmunds_approximation_says_when_nothing_changed():
    rng = np.random.default_rng(0)
    found = [find_change(rng.normal(0.7, 0.03, 90)) is not None for _ in range(2000)]
    b = LIMIT + 1.166
    expected = 1 - math.exp(-(90 - N_BASELINE) * 4 * SLACK**2 / (math.exp(2 * SLACK * b) - 2 * SLACK * b - 1))
    # The cut figures and the sums that start at 0 make it rarer, never more frequent.
    assert 0 < np.mean(found) < expected + 3 * math.sqrt(expected / len(found))


def test_false_alarms_stay_rare_when_tails_are_heavy():
    rng = np.random.default_rng(1)
    assert np.mean([find_change(rng.standard_t(3, 90)) is not None for _ in range(1000)]) < 0.015


@pytest.mark.parametrize("shift", [-2, 2])
def test_change_is_placed_within_three_figures_when_the_level_moves_by_two_deviations(shift):
    rng = np.random.default_rng(2)
    found = [find_change(rng.normal(size=90) + shift * (np.arange(90) >= 45)) for _ in range(300)]
    assert None not in found
    assert np.mean(np.abs(np.array(found) - 45) <= 3) > 0.9


def test_single_wild_day_is_no_change():
    values = np.random.default_rng(3).normal(size=60)
    values[30] += 50
    assert find_change(values) is None


def test_undefined_figures_are_passed_over_and_the_index_is_that_of_the_series():
    values = np.random.default_rng(4).normal(size=60) + 4 * (np.arange(60) >= 40)
    gaps = np.insert(values, [5, 5, 30], np.nan)
    assert find_change(values) == 40
    assert find_change(gaps) == 43


@given(seed=st.integers(0, 1000), at=st.floats(-100, 100), scale=st.sampled_from([1e-3, 1.0, 1e3]), turn=st.booleans())
def test_change_is_the_same_when_the_unit_changes_or_the_series_is_turned(seed, at, scale, turn):
    values = np.random.default_rng(seed).normal(size=50) + 2 * (np.arange(50) >= 30)
    moved = (values * (-1 if turn else 1) + at) * scale
    assert find_change(moved) == find_change(values)


@pytest.mark.parametrize("values", [[], [1.0] * N_BASELINE, [0.3] * 90, [np.nan] * 50])
def test_there_is_no_change_when_there_is_nothing_to_compare(values):
    assert find_change(values) is None


def test_rounding_is_no_change_when_a_level_has_no_spread():
    assert find_change([0.3] * 30 + [0.1 + 0.2] * 30) is None


@pytest.mark.parametrize(
    ("values", "parameters", "message"),
    [
        ([[1.0]], {}, "values have shape"),
        ([np.inf], {}, "are infinite"),
        ([1.0], {"n_baseline": 1}, "n_baseline is 1"),
        ([1.0], {"slack": 3.0}, "slack is 3.0"),
        ([1.0], {"slack": math.nan}, "slack is nan"),
        ([1.0], {"limit": 0}, "limit is 0"),
    ],
)
def test_series_is_refused_when_an_argument_is_outside_its_domain(values, parameters, message):
    with pytest.raises(ValueError, match=message):
        find_change(values, **parameters)
