"""Two binned samples: hand values, agreement with SciPy on the rows, properties, and uniform p-values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlops_core.stats.two_sample import chi_square_test, compute_ks, compute_wasserstein, pool_rare

COUNTS = st.lists(st.integers(0, 1000), min_size=5, max_size=5).filter(any)


def count_rows(values, edges):
    """Give count and mean of the rows of each bin; the mean of an empty bin is NaN."""
    bins = np.searchsorted(edges, values, side="right")
    counts = np.bincount(bins, minlength=edges.size + 1)
    sums = np.bincount(bins, weights=values, minlength=edges.size + 1)
    return counts, np.divide(sums, counts, out=np.full(counts.size, np.nan), where=counts > 0)


def zipf(levels, exponent=1.5):
    share = np.arange(1, levels + 1) ** -exponent
    return share / share.sum()


def test_distances_match_hand_values():
    assert compute_ks([1, 1, 2], [2, 1, 1]) == pytest.approx(0.25)
    assert compute_ks([1, 0], [0, 1]) == 1
    assert compute_wasserstein([1, 1], [0, 2], [2, 0], [1, np.nan], 2.0) == pytest.approx(0.5)
    np.testing.assert_allclose(compute_wasserstein([4], [1.0], [9], [[3.5], [1.0]], 1.0), [2.5, 0])


@pytest.mark.parametrize("seed", range(3))
def test_ks_agrees_with_scipy_when_bins_are_values(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.poisson(6, 900), rng.poisson(7, 400)
    counts = [np.bincount(values, minlength=40) for values in (before, after)]
    assert compute_ks(*counts) == pytest.approx(stats.ks_2samp(before, after).statistic, abs=1e-12)


def test_ks_is_within_a_hundredth_when_the_reference_has_a_hundred_even_bins():
    rng = np.random.default_rng(3)
    before, after = rng.normal(size=20_000), rng.normal(0.2, 1.1, size=3000)
    edges = np.quantile(before, np.linspace(0, 1, 101)[1:-1])
    found = compute_ks(count_rows(before, edges)[0], count_rows(after, edges)[0])
    exact = stats.ks_2samp(before, after).statistic
    assert exact - 0.01 <= found <= exact + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_wasserstein_agrees_with_scipy_on_the_atoms_when_some_bins_are_empty(seed):
    rng = np.random.default_rng(seed)
    edges = np.linspace(-3, 4, 30)
    counts, means = count_rows(rng.normal(size=300), edges)
    chunks = [count_rows(rng.normal(shift, 1.2, size=80), edges) for shift in (0, 1, -2)]
    current_counts, current_means = (np.stack(part) for part in zip(*chunks, strict=True))
    found = compute_wasserstein(counts, means, current_counts, current_means, 1.5)
    for row in range(3):
        atoms = np.nan_to_num(means), np.nan_to_num(current_means[row])
        expected = stats.wasserstein_distance(*atoms, counts, current_counts[row]) / 1.5
        assert found[row] == pytest.approx(expected, rel=1e-10)


def test_wasserstein_is_near_that_of_the_rows_when_bins_are_fine():
    rng = np.random.default_rng(4)
    before, after = rng.gamma(2, size=20_000), rng.gamma(2.4, size=3000)
    edges = np.linspace(0.1, 10, 100)
    found = compute_wasserstein(*count_rows(before, edges), *count_rows(after, edges), before.std())
    assert found == pytest.approx(stats.wasserstein_distance(before, after) / before.std(), abs=0.005)


@settings(max_examples=40, deadline=None)
@given(reference=COUNTS, current=COUNTS, shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
def test_wasserstein_moves_with_units_and_is_blind_to_where_zero_is(reference, current, shift, scale):
    means = np.array([0.0, 1.0, 1.5, 4.0, 9.0])
    plain = compute_wasserstein(reference, means, current, means + 0.25, 2.0)
    moved = compute_wasserstein(reference, means * scale + shift, current, (means + 0.25) * scale + shift, 2.0 * scale)
    assert moved == pytest.approx(float(plain), rel=1e-6, abs=1e-9)
    assert compute_wasserstein(reference, means, reference, means + 3, 1.0) == pytest.approx(3)


def test_wasserstein_is_nan_when_it_is_undefined():
    def compute(counts=(1, 1), means=(0, 1), std=1.0):
        return compute_wasserstein([1, 1], [0, 1], counts, means, std)

    assert compute() == 0
    assert np.isnan([compute(counts=(0, 0)), compute(means=(0, np.nan)), compute(means=(0, np.inf))]).all()
    assert np.isnan([compute(std=0.0), compute(std=np.nan)]).all()
    assert np.isnan(compute_wasserstein([0, 0], [0, 1], [1, 1], [0, 1], 1.0))


@pytest.mark.parametrize("seed", range(3))
def test_chi_square_agrees_with_scipy_when_some_groups_are_empty(seed):
    rng = np.random.default_rng(seed)
    reference, chunks = rng.multinomial(700, zipf(8)), rng.multinomial(300, zipf(8, 1.2), size=4)
    reference[3], chunks[:, 3] = 0, 0
    found = chi_square_test(reference, chunks)
    for row, chunk in enumerate(chunks):
        table = np.stack([reference, chunk])
        expected = stats.chi2_contingency(table[:, table.any(axis=0)], correction=False)
        assert found.statistic[row] == pytest.approx(expected.statistic)
        assert found.dof[row] == expected.dof
        assert found.p_value[row] == pytest.approx(expected.pvalue)


def test_chi_square_finds_no_difference_when_there_is_one_group_and_nothing_when_a_side_is_empty():
    found = chi_square_test([5, 0], [[9, 0], [0, 0]])
    np.testing.assert_array_equal(found.statistic, [0, np.nan])
    np.testing.assert_array_equal(found.p_value, [1, np.nan])
    assert found.dof.tolist() == [0, 0]
    assert np.isnan(chi_square_test([0, 0], [1, 2]).p_value)


@settings(max_examples=40, deadline=None)
@given(reference=COUNTS, current=COUNTS, least=st.integers(0, 50))
def test_pooling_moves_rows_and_loses_none(reference, current, least):
    found = pool_rare(reference, current, least)
    assert found.reference.sum() == sum(reference)
    assert found.current.sum() == sum(current)
    assert 0 <= found.pooled_share <= 1
    is_alone = found.is_group[:-1]
    np.testing.assert_array_equal(found.reference[:-1], np.where(is_alone, reference, 0))
    np.testing.assert_array_equal(found.current[:-1], np.where(is_alone, current, 0))
    total = found.reference + found.current
    assert (total[~found.is_group] == 0).all()
    expected = total * min(sum(reference), sum(current)) / total.sum()
    assert (expected[:-1][is_alone] >= least).all()


def test_categories_are_pooled_by_the_rows_of_both_sides_when_they_are_few():
    found = pool_rare([900, 80, 12, 8], [[80, 8, 6, 6], [90, 10, 0, 0]])
    np.testing.assert_array_equal(found.current, [[80, 8, 0, 0, 12], [90, 0, 0, 0, 10]])
    np.testing.assert_array_equal(found.reference[0], [900, 80, 0, 0, 20])
    np.testing.assert_allclose(found.pooled_share, 0.02)


def test_new_category_stays_apart_when_all_current_rows_are_in_it():
    found = pool_rare([60_000, 40_000, 0], [0, 0, 500])
    assert found.is_group.tolist() == [True, True, False, True]
    assert (found.current[-1], found.reference[-1], found.pooled_share) == (500, 0, 0)


def test_category_is_pooled_whatever_its_size_when_asked_for():
    found = pool_rare([50, 50, 900], [50, 50, 900], always=[False, False, True])
    assert found.is_group.tolist() == [True, True, False, True]
    assert found.pooled_share == 0.9


def test_nothing_is_pooled_when_no_category_is_rare():
    found = pool_rare([50, 50], [40, 60])
    assert found.is_group.tolist() == [True, True, False]
    assert found.pooled_share == 0


def test_pooled_share_is_nan_when_the_reference_is_empty():
    assert np.isnan(pool_rare([0, 0], [40, 60]).pooled_share)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (1000, 1000), (100_000, 500), (500, 100_000)])
@pytest.mark.parametrize("share", [np.full(12, 1 / 12), zipf(12), zipf(50), zipf(300)], ids=["even", "12", "50", "300"])
def test_p_values_are_uniform_when_nothing_changed_and_rare_categories_are_pooled(share, n, m):
    rng = np.random.default_rng(5)
    draws = 4000
    pooled = pool_rare(rng.multinomial(n, share, size=draws), rng.multinomial(m, share, size=draws))
    p = chi_square_test(pooled.reference, pooled.current).p_value
    for level in (0.5, 0.2, 0.05):
        assert (p < level).mean() == pytest.approx(level, abs=0.01 + 3 * np.sqrt(level * (1 - level) / draws))
    assert (p < 0.01).mean() < 0.018


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute_ks([1, 2], [1]), "accepted is the same number of bins"),
        (lambda: chi_square_test([1, np.nan], [1, 2]), "a count of the reference is nan"),
        (lambda: pool_rare([1, 2], [1, -2]), "a count of the current is -2"),
        (lambda: pool_rare([1, 2], [1, 2], least_expected=-1), "least_expected is -1"),
        (lambda: pool_rare([1, 2], [1, 2], least_expected=np.nan), "least_expected is nan"),
        (lambda: compute_wasserstein([1, 2], [1, 2, 3], [1, 2], [1, 2], 1.0), "accepted is one mean per bin"),
    ],
)
def test_two_samples_are_refused_when_an_argument_is_outside_its_domain(call, message):
    with pytest.raises(ValueError, match=message):
        call()
