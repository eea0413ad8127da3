"""Divergences of counts: hand values, agreement with SciPy, properties, and the effect when nothing changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from mlops_core.stats.divergence import (
    compute_effect,
    compute_hellinger,
    compute_jensen_shannon,
    compute_psi,
    compute_total_variation,
    expect_psi,
    smooth_counts,
)

DIVERGENCES = (compute_psi, compute_jensen_shannon, compute_total_variation, compute_hellinger)
COUNTS = st.lists(st.integers(0, 10**6), min_size=6, max_size=6).filter(any)


def draw_sides(seed, k=5, n_groups=12):
    rng = np.random.default_rng(seed)
    reference = rng.multinomial(3000, rng.dirichlet(np.ones(n_groups)))
    return reference, rng.multinomial(800, rng.dirichlet(np.ones(n_groups)), size=k)


def test_divergences_match_hand_values_when_there_are_two_groups():
    reference, current = [49, 49], [79, 19]
    p, q = np.array([0.5, 0.5]), np.array([79.5, 19.5]) / 99
    assert compute_psi(reference, current) == pytest.approx(float(((p - q) * np.log(p / q)).sum()))
    assert compute_psi([0, 99], [99, 0]) == pytest.approx(2 * 0.99 * np.log(199))
    assert compute_total_variation([50, 50], [80, 20]) == pytest.approx(0.3)
    assert compute_hellinger([100, 0], [50, 50]) == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))
    assert (compute_total_variation([1, 0], [0, 1]), compute_hellinger([1, 0], [0, 1])) == (1, 1)


def test_half_a_row_is_added_to_each_group_and_nothing_to_an_empty_side():
    np.testing.assert_array_equal(smooth_counts([[3, 0], [0, 0]]), [[3.5, 0.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(smooth_counts([3, 0, 9], [True, True, False]), [3.5, 0.5, 0])


@pytest.mark.parametrize("seed", range(3))
def test_divergences_agree_with_scipy(seed):
    reference, chunks = draw_sides(seed)
    for row, chunk in enumerate(chunks):
        p, q = smooth_counts(reference), smooth_counts(chunk)
        p, q = p / p.sum(), q / q.sum()
        assert compute_psi(reference, chunks)[row] == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
        assert compute_jensen_shannon(reference, chunks)[row] == pytest.approx(distance.jensenshannon(p, q, base=2))
        exact = reference / reference.sum(), chunk / chunk.sum()
        assert compute_total_variation(reference, chunks)[row] == pytest.approx(distance.cityblock(*exact) / 2)
        roots = np.sqrt(exact[0]), np.sqrt(exact[1])
        assert compute_hellinger(reference, chunks)[row] == pytest.approx(distance.euclidean(*roots) / np.sqrt(2))


@settings(max_examples=60, deadline=None)
@given(reference=COUNTS, current=COUNTS, order=st.permutations(range(6)))
def test_divergences_are_symmetric_bounded_and_blind_to_the_order_of_groups(reference, current, order):
    for compute in DIVERGENCES:
        value = float(compute(reference, current))
        assert value >= 0
        assert value <= 1 or compute is compute_psi
        assert compute(current, reference) == pytest.approx(value, abs=1e-12)
        shuffled = [np.array(side)[list(order)] for side in (reference, current)]
        assert compute(*shuffled) == pytest.approx(value, abs=1e-9)
        assert compute(reference, reference) == pytest.approx(0, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(reference=COUNTS, current=COUNTS, junk=st.integers(0, 100))
def test_columns_change_nothing_when_they_are_no_groups(reference, current, junk):
    is_group = [True] * 6 + [False]
    for compute in (compute_psi, compute_effect):
        with_junk = compute([*reference, junk], [*current, junk + 7], is_group)
        np.testing.assert_allclose(with_junk, compute(reference, current), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("compute", [*DIVERGENCES, compute_effect])
def test_a_series_of_many_features_is_one_call_and_equals_single_ones(compute):
    pairs = [draw_sides(seed) for seed in range(4)]
    reference, chunks = np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
    together = compute(reference[:, None, :], chunks)
    assert together.shape == (4, 5)
    for feature, chunk in np.ndindex(4, 5):
        assert together[feature, chunk] == compute(reference[feature], chunks[feature, chunk])


@pytest.mark.parametrize("compute", [*DIVERGENCES, compute_effect])
def test_divergence_is_nan_when_a_side_is_empty(compute):
    assert np.isnan(compute([1, 2], [[0, 0], [3, 4]])).tolist() == [True, False]
    assert np.isnan(compute([0, 0], [3, 4]))


def test_chance_gives_what_the_formula_says():
    assert expect_psi(11, 1000, 500) == pytest.approx(0.03)
    np.testing.assert_array_equal(expect_psi(10, [0, 10], 10), [np.nan, 1.8])


@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (100_000, 500), (1_000_000, 20_000)])
@pytest.mark.parametrize("n_groups", [2, 11])
def test_mean_effect_is_zero_when_nothing_changed(n_groups, n, m):
    rng = np.random.default_rng(n_groups)
    share = np.full(n_groups, 1 / n_groups)
    effects = compute_effect(rng.multinomial(n, share, size=4000), rng.multinomial(m, share, size=4000))
    # The expectation of the index is of first order; what is left is of the order of its square.
    allowed = 3 * effects.std() / np.sqrt(4000) + float(expect_psi(n_groups, n, m)) ** 2
    assert abs(effects.mean()) < allowed


@pytest.mark.parametrize("compute", DIVERGENCES)
@pytest.mark.parametrize(
    ("reference", "current", "message"),
    [
        ([1, 2], [1, 2, 3], "accepted is the same number of bins"),
        ([], [], "accepted is the same number of bins"),
        (3, 4, "accepted is the same number of bins"),
        ([1, -1], [1, 2], "a count of the reference is -1"),
        ([1, 2], [[1, 2], [1, np.nan]], "a count of the current is nan"),
        ([1, 2], [np.inf, 2], "a count of the current is inf"),
    ],
)
def test_divergence_is_refused_when_counts_cannot_be_compared(compute, reference, current, message):
    with pytest.raises(ValueError, match=message):
        compute(reference, current)
