"""Reconstruction by principal components: scikit-learn, hand values, and drift that no single column shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from mlops_core.stats.multivariate import limit_chunks
from mlops_core.stats.reconstruction import fit_reconstruction, reconstruction_error


def draw_rows(rng, n, d=6):
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.6 * rng.normal(size=(n, d))


@pytest.mark.parametrize("seed", range(4))
def test_error_agrees_with_scikit_learn_when_rows_are_complete(seed):
    rng = np.random.default_rng(seed)
    rows, others = 40 + 7 * draw_rows(rng, 400), 40 + 7 * draw_rows(rng, 150)
    scaler = StandardScaler().fit(rows)
    pca = PCA(0.65).fit(scaler.transform(rows))
    scaled = scaler.transform(others)
    distances = np.linalg.norm(scaled - pca.inverse_transform(pca.transform(scaled)), axis=1)
    model = fit_reconstruction(rows)
    found = reconstruction_error(model, others)
    assert len(model.components) == pca.n_components_
    assert model.variance_kept == pytest.approx(pca.explained_variance_ratio_.sum())
    assert found.mean == pytest.approx(distances.mean())
    assert found.standard_error == pytest.approx(distances.std(ddof=1) / np.sqrt(150))
    assert found.n == 150


def test_error_matches_the_hand_value_when_two_columns_are_one():
    model = fit_reconstruction([[-1.0, -2.0], [1.0, 2.0]])
    # Standardised, the row is (1, -1): all of it lies across the diagonal.
    assert reconstruction_error(model, [[1.0, -2.0]]).mean == pytest.approx(np.sqrt(2))
    assert reconstruction_error(model, [[3.0, 6.0]]).mean == pytest.approx(0, abs=1e-12)


def test_error_rises_beyond_the_limits_when_only_the_correlation_turned():
    rng = np.random.default_rng(0)
    cloud = np.array([[1, 0.8], [0.8, 1]])
    reference = rng.multivariate_normal([0, 0], cloud, 20 * 500)
    turned = rng.multivariate_normal([0, 0], cloud * [[1, -1], [-1, 1]], 500)
    kept = rng.multivariate_normal([0, 0], cloud, 500)
    model = fit_reconstruction(reference)
    low, high = limit_chunks([reconstruction_error(model, chunk).mean for chunk in reference.reshape(20, 500, 2)])
    assert min(ks_2samp(reference[:, j], turned[:, j]).pvalue for j in (0, 1)) > 0.01
    assert low < reconstruction_error(model, kept).mean < high
    assert reconstruction_error(model, turned).mean > 2 * high


def test_error_lies_within_its_standard_errors_when_nothing_changed():
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(2, 6))

    def draw(n):
        return rng.normal(size=(n, 2)) @ mixing + 0.6 * rng.normal(size=(n, 6))

    model = fit_reconstruction(draw(20_000))
    expected = reconstruction_error(model, draw(100_000)).mean
    chunks = [reconstruction_error(model, draw(200)) for _ in range(400)]
    inside = [abs(chunk.mean - expected) < 1.96 * chunk.standard_error for chunk in chunks]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.035)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), moved=st.floats(-10, 10))
def test_error_is_the_same_when_a_unit_changes(seed, scale, moved):
    rows = draw_rows(np.random.default_rng(seed), 60)
    unit = np.array([scale, 1, 1, 1, 1, 1])
    plain = reconstruction_error(fit_reconstruction(rows), rows[:20])
    other = reconstruction_error(fit_reconstruction(rows * unit + moved), rows[:20] * unit + moved)
    assert other.mean == pytest.approx(plain.mean, rel=1e-6)


def test_category_counts_as_its_share_when_the_reference_has_it():
    rng = np.random.default_rng(2)
    codes = rng.choice([4.0, 7.0, np.nan], p=[0.5, 0.3, 0.2], size=1000)
    rows = np.column_stack([codes, rng.normal(size=(1000, 2))])
    shares = np.array([np.mean(codes == 4), np.mean(codes == 7), np.mean(np.isnan(codes)), 0.0])
    by_share = rows.copy()
    by_share[:, 0] = np.select([codes == 4, codes == 7], shares[:2], shares[2])
    model, plain = fit_reconstruction(rows, categorical=[0]), fit_reconstruction(by_share)
    for code, share in zip([4.0, 7.0, np.nan, 5.0], shares, strict=True):
        found = reconstruction_error(model, [[code, 0.5, -1.0]]).mean
        assert found == pytest.approx(reconstruction_error(plain, [[share, 0.5, -1.0]]).mean)


def test_null_counts_as_the_median_and_infinity_as_the_extreme():
    rows = draw_rows(np.random.default_rng(3), 101)
    model = fit_reconstruction(rows)
    for given_value, meant in (
        (np.nan, np.median(rows[:, 2])),
        (np.inf, rows[:, 2].max()),
        (-np.inf, rows[:, 2].min()),
    ):
        broken, whole = rows[:1].copy(), rows[:1].copy()
        broken[0, 2], whole[0, 2] = given_value, meant
        assert reconstruction_error(model, broken).mean == reconstruction_error(model, whole).mean


def test_column_is_left_out_when_it_never_varied():
    rows = draw_rows(np.random.default_rng(4), 100)
    still = np.column_stack([rows, np.full(100, 3.0), np.full(100, np.nan)])
    moved = np.column_stack([rows, np.full(100, 9.0), np.ones(100)])
    found = reconstruction_error(fit_reconstruction(still), moved)
    assert found == reconstruction_error(fit_reconstruction(rows), rows)


def test_plane_is_smaller_than_the_space_when_columns_have_nothing_in_common():
    rows = np.random.default_rng(5).normal(size=(500, 2))
    model = fit_reconstruction(rows)
    assert model.components.shape == (1, 2)
    assert reconstruction_error(model, rows).mean > 0.5


def test_error_is_none_when_rows_are_too_few():
    model = fit_reconstruction(draw_rows(np.random.default_rng(6), 50))
    none, one = reconstruction_error(model, np.empty((0, 6))), reconstruction_error(model, np.ones((1, 6)))
    assert (none.mean, none.standard_error, none.n) == (None, None, 0)
    assert one.mean is not None
    assert one.standard_error is None


@pytest.mark.parametrize(
    ("rows", "parameters", "message"),
    [
        ([1.0, 2.0], {}, "rows have shape"),
        (np.empty((0, 3)), {}, "0 columns vary"),
        ([[1.0, 2.0], [1.0, 3.0]], {}, "1 columns vary"),
        (np.eye(3), {"categorical": [3]}, r"categorical is \[3\]"),
        (np.eye(3), {"variance_kept": 1.0}, "variance_kept is 1.0"),
    ],
)
def test_reference_is_refused_when_no_plane_can_be_fitted(rows, parameters, message):
    with pytest.raises(ValueError, match=message):
        fit_reconstruction(rows, **parameters)


def test_rows_are_refused_when_their_columns_are_not_those_of_the_reference():
    with pytest.raises(ValueError, match="rows have 2 columns; accepted is 3"):
        reconstruction_error(fit_reconstruction(np.eye(3)), np.eye(2))
