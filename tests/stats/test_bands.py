"""The no-drift band: agreement with SciPy, and how often a PSI without drift stays below it."""

import numpy as np
import pytest
from scipy.stats import chi2

from mlops_core.stats.bands import no_drift_band


def draw_psi(rng, shares, n, m, n_draws=4000):
    sides = [rng.multinomial(rows, shares, n_draws) + 0.5 for rows in (m, n)]
    p, q = (side / side.sum(axis=1, keepdims=True) for side in sides)
    return ((p - q) * np.log(p / q)).sum(axis=1)


@pytest.mark.parametrize("n_groups", [2, 3, 11, 300])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_band_agrees_with_scipy_when_it_is_scaled_by_the_rows(n_groups, level):
    expected = chi2.ppf(level, n_groups - 1) * (1 / 500 + 1 / 20_000)
    assert no_drift_band(n_groups, 500, 20_000, level) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [200, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("shares", [np.full(10, 0.1), np.array([0.6, 0.3, 0.1]), np.append(np.full(10, 0.099), 0.01)])
def test_psi_stays_below_at_the_level_when_nothing_changed(n, shares):
    psi = draw_psi(np.random.default_rng(n + shares.size), shares, n, 20_000)
    for level in (0.95, 0.99):
        # Five standard errors of a share of 4,000 draws, and what the approximation may miss.
        allowed = 5 * np.sqrt(level * (1 - level) / psi.size) + 0.003
        assert np.mean(psi < no_drift_band(shares.size, n, 20_000, level)) == pytest.approx(level, abs=allowed)


@pytest.mark.parametrize("n", [200, 1_000, 10_000])
def test_psi_stays_below_more_often_when_groups_are_nearly_empty(n):
    shares = np.arange(1, 301) ** -1.5
    psi = draw_psi(np.random.default_rng(n), shares / shares.sum(), n, 20_000, n_draws=1000)
    assert np.mean(psi < no_drift_band(300, n, 20_000, 0.95)) > 0.98


def test_band_is_one_value_per_chunk_when_given_a_series():
    band = no_drift_band(10, [200, 0, 800], 20_000)
    assert band.shape == (3,)
    assert np.isnan(band[1])
    assert band[0] > band[2]


def test_band_is_zero_when_there_is_one_group():
    assert no_drift_band(1, 200, 20_000) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 200, 200), "n_groups is 0"),
        ((10, -1, 200), "n_current is -1"),
        ((10, 200, np.nan), "n_reference is nan"),
        ((10, 200, 200, 1.0), "confidence is 1.0"),
    ],
)
def test_band_is_refused_when_an_argument_is_outside_its_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        no_drift_band(*arguments)
