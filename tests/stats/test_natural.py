"""Natural variation and the shift it is made of: hand values, agreement with single computations, and chance."""

from itertools import pairwise

import numpy as np
import pytest

from mlops_core.stats.divergence import compute_effect, compute_psi
from mlops_core.stats.natural import find_natural_variation, find_natural_variations
from mlops_core.stats.shift import FEW_GROUPS, measure_shift, measure_shifts

EVEN = np.full(5, 0.2)


def draw_chunks(seed=0, k=20, m=1000, share=EVEN):
    return np.random.default_rng(seed).multinomial(m, share, size=k)


def test_natural_variation_matches_a_hand_value_when_one_chunk_differs():
    counts = np.tile([500, 500], (14, 1))
    counts[3] = [800, 200]
    p, q = np.array([6500.5, 6500.5]) / 13_001, np.array([800.5, 200.5]) / 1001
    expected = ((p - q) * np.log(p / q)).sum() - (1 / 13_000 + 1 / 1000)
    assert find_natural_variation(counts) == pytest.approx(expected)


def test_natural_variation_is_the_largest_effect_when_chunks_are_taken_one_by_one():
    counts = draw_chunks()
    alone = [compute_effect(np.delete(counts, i, axis=0).sum(axis=0), counts[i]) for i in range(20)]
    assert find_natural_variation(counts) == pytest.approx(max(alone))


@pytest.mark.parametrize(("n_large", "is_known"), [(13, False), (14, True)])
def test_natural_variation_is_unknown_when_fewer_than_14_chunks_are_large_enough(n_large, is_known):
    counts = np.concatenate([draw_chunks(k=n_large, m=200), draw_chunks(k=30, m=199)])
    assert (find_natural_variation(counts) is not None) is is_known


def test_small_chunk_is_part_of_the_rest_and_not_looked_at_when_it_differs():
    usual = draw_chunks(k=20)
    odd = np.array([[190, 0, 0, 0, 0]])
    found = find_natural_variation(np.concatenate([usual, odd]))
    assert found < 0.05
    assert found != find_natural_variation(usual)


def test_natural_variation_is_the_same_when_chunks_are_shuffled():
    counts = draw_chunks(3)
    order = np.random.default_rng(1).permutation(20)
    assert find_natural_variation(counts[order]) == pytest.approx(find_natural_variation(counts))


def test_natural_variation_is_small_when_chunks_differ_by_chance_only():
    shares = [EVEN, np.arange(1, 301) ** -1.5 / (np.arange(1, 301) ** -1.5).sum()]
    found = [find_natural_variation(draw_chunks(seed, k=90, share=share)) for seed in range(10) for share in shares]
    assert max(found) < 0.1


def test_natural_variation_passes_the_limit_of_an_alert_when_weekends_differ():
    weekend = draw_chunks(1, k=8, share=[0.1, 0.1, 0.1, 0.2, 0.5])
    assert find_natural_variation(np.concatenate([draw_chunks(k=20), weekend])) > 0.2


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([1, 2], {}, "chunk_counts have shape"),
        (np.full((14, 2), 300), {"least_chunks": 1}, "least_chunks is 1"),
        (np.full((14, 2), -300), {"least_rows": -1000}, "accepted is 0 or more rows"),
    ],
)
def test_natural_variation_is_refused_when_an_argument_is_outside_its_domain(counts, options, message):
    with pytest.raises(ValueError, match=message):
        find_natural_variation(counts, **options)


def test_shift_agrees_with_its_parts_when_nothing_is_rare():
    reference, chunks = draw_chunks(k=20).sum(axis=0), draw_chunks(7, k=3)
    found = measure_shift(reference, chunks)
    np.testing.assert_allclose(found.effect, compute_effect(reference, chunks))
    np.testing.assert_array_equal(found.pooled_share, 0)


def test_shift_is_plain_when_a_feature_becomes_empty_that_never_was():
    found = measure_shift([10_000] * 10 + [0], [0] * 10 + [500])
    assert found.effect > 5
    assert found.p_value < 1e-6


def test_shift_is_none_when_a_feature_has_one_value_and_keeps_it():
    found = measure_shift([10_000, 0], [500, 0])
    assert (found.effect, found.p_value, found.pooled_share) == (0, 1, 0)


@pytest.mark.parametrize("levels", [3, 12, 50, 300])
def test_mean_effect_is_zero_when_nothing_changed_and_most_categories_are_rare(levels):
    share = np.arange(1, levels + 1) ** -1.5
    rng = np.random.default_rng(levels)
    draws = [rng.multinomial(n, share / share.sum(), size=4000) for n in (20_000, 500)]
    effects = measure_shift(*draws).effect
    assert abs(effects.mean()) < 3 * effects.std() / np.sqrt(4000) + 0.001


@pytest.mark.parametrize("n", [1000, 20_000])
def test_effect_is_a_warning_in_99_percent_when_a_mean_moves_by_half_a_standard_deviation(n):
    rng = np.random.default_rng(n)
    edges = np.quantile(rng.normal(size=100_000), np.linspace(0, 1, 11)[1:-1])
    draws = [
        np.stack([np.bincount(np.searchsorted(edges, rng.normal(mean, size=n)), minlength=10) for _ in range(300)])
        for mean in (0.0, 0.5)
    ]
    found = measure_shift(*draws)
    assert ((found.effect >= 0.1) & (found.p_value < 0.01 / 20)).mean() >= 0.99


def test_each_length_has_the_variation_of_windows_that_long():
    counts = np.random.default_rng(4).multinomial(700, [0.5, 0.3, 0.19, 0.01], size=45)
    found = find_natural_variations(counts)
    for length, variation in enumerate(found, start=1):
        ends = [*range(length, 45 - length + 1, length), 45]
        windows = [counts[first:last].sum(axis=0) for first, last in pairwise([0, *ends])]
        assert variation == pytest.approx(find_natural_variation(windows))
    assert len(found) == 3


def test_features_measured_together_get_what_each_gets_alone():
    rng = np.random.default_rng(8)
    sizes = [2, 6, 13, 13, FEW_GROUPS + 4]
    references = [rng.multinomial(3000, rng.dirichlet(np.ones(g))) for g in sizes]
    chunks = [rng.multinomial(400, rng.dirichlet(np.ones(g)), size=5) for g in sizes]
    always = [np.arange(g) == g - 2 for g in sizes]
    together = measure_shifts(references, chunks, always)
    for i, (before, after, mask) in enumerate(zip(references, chunks, always, strict=True)):
        alone = measure_shift(before, after, always=mask)
        assert together.effect[i] == pytest.approx(alone.effect)
        assert together.p_value[i] == pytest.approx(alone.p_value)
        assert together.pooled_share[i] == pytest.approx(alone.pooled_share)
        assert together.psi[i] == pytest.approx(compute_psi(before, after))
