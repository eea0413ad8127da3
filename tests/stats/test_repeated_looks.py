"""Intervals that are looked at again: hand values, the false alarms of many looks, and what is still found."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from mlops_core.stats.repeated_looks import FALSE_ALARMS, find_widening

N_FIRST = 500


def draw_standings(rng, n_series, looks, shift=0.0):
    """Give means of normal figures over their standard error at each of the looks, which are numbers of rows."""
    steps = np.diff(looks, prepend=0)
    sums = np.cumsum(rng.normal(shift * steps, np.sqrt(steps), (n_series, looks.size)), axis=1)
    return sums / np.sqrt(looks)


def share_beyond(standings, looks, widened):
    widening = np.array([find_widening(int(n), N_FIRST) if widened else 1.0 for n in looks])
    return (standings > norm.ppf(0.975) * widening).any(axis=1).mean()


def test_widening_is_the_mixture_boundary_over_the_quantile():
    # τ at the first look is 4.605 + log 5.605.
    tau = 6.3289
    boundary = math.sqrt((1 + 1 / tau) * 2 * math.log(1 + math.sqrt(tau + 1) / 0.1))
    assert find_widening(N_FIRST, N_FIRST) == pytest.approx(boundary / 1.959964, abs=1e-4)


def test_widening_is_least_at_the_first_look_and_grows_slowly():
    found = [find_widening(n, N_FIRST) for n in (100, 250, 500, 1000, 2000, 50_000, 5_000_000)]
    assert min(found) == pytest.approx(found[2], abs=0.01)
    assert found[2:] == sorted(found[2:])
    assert found[-1] < 2.1


@pytest.mark.parametrize("n_looks", [3, 14, 390])
def test_false_alarms_of_all_looks_together_stay_below_five_percent_when_nothing_differs(n_looks):
    looks = np.linspace(N_FIRST, 20_000, n_looks).astype(int)
    standings = draw_standings(np.random.default_rng(n_looks), 4000, looks)
    assert share_beyond(standings, looks, widened=True) < FALSE_ALARMS
    if n_looks > 3:
        # More than twice what is accepted, when each look takes the interval of one.
        assert share_beyond(standings, looks, widened=False) > 2 * FALSE_ALARMS


def test_difference_of_four_standard_errors_is_found_when_it_is_looked_for_often():
    looks = np.linspace(N_FIRST, 20_000, 100).astype(int)
    standings = draw_standings(np.random.default_rng(0), 1000, looks, shift=4 / math.sqrt(20_000))
    assert share_beyond(standings, looks, widened=True) > 0.75


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n_first": 0}, {"false_alarms": 0.5}, {"confidence": 1.0}])
def test_widening_is_refused_when_an_argument_is_outside_its_domain(wrong):
    with pytest.raises(ValueError, match="accepted"):
        find_widening(**({"n": 500, "n_first": 500} | wrong))
