"""Labelled rows over groups: rows get the bins of the counts, groups are fine, and null is a group of its own."""

import numpy as np
import pytest

from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN, FeatureBinning
from mlops_core.stats.grids import assign_grid_bins, choose_grid
from mlops_core.stats.joint import N_JOINT_GROUPS, BinnedRows, bin_rows, count_over_groups


def test_number_has_the_bin_of_its_grid_and_nan_is_null():
    values = np.array([0.3, np.nan, -1.2, np.inf])
    grid = choose_grid(np.random.default_rng(0).normal(size=2000))
    found = bin_rows(values, FeatureBinning(feature="x", grid=grid))
    assert found.is_null.tolist() == [False, True, False, False]
    assert (found.bins[~found.is_null] == assign_grid_bins(values[[0, 2, 3]], grid)).all()


@pytest.mark.parametrize(("is_full", "unknown"), [(False, UNSEEN_BIN), (True, OTHER_BIN)])
def test_category_without_a_bin_is_unseen_or_other(is_full, unknown):
    binning = FeatureBinning(feature="x", categories=("a", "b"), is_full=is_full)
    assert bin_rows(["b", "z", "a"], binning).bins.tolist() == [1, unknown, 0]


def test_number_without_a_grid_is_refused():
    with pytest.raises(ValueError, match="x has no grid; accepted are features that a reference has binned"):
        bin_rows([1.0], FeatureBinning(feature="x"))


def test_groups_hold_about_a_fortieth_each_when_values_do_not_repeat():
    rng = np.random.default_rng(1)
    values = rng.normal(size=20_000)
    binning = FeatureBinning(feature="x", grid=choose_grid(values))
    labels = rng.integers(0, 2, values.size)
    found = count_over_groups(bin_rows(values, binning), labels, 2, labels, is_categorical=False)
    by_group = found.counts.sum(axis=(1, 2))
    assert by_group.sum() == values.size
    assert by_group[-1] == 0
    assert len(by_group) - 1 == N_JOINT_GROUPS
    assert (by_group[:-1] / values.size < 2 / N_JOINT_GROUPS).all()
    assert found.counts[:, 0, 1].sum() == found.counts[:, 1, 0].sum() == 0


def test_each_category_and_null_is_a_group():
    rows = BinnedRows(bins=np.array([0, 4, 4, -1, 0]), is_null=np.array([False, False, False, False, True]))
    found = count_over_groups(rows, np.zeros(5, int), 1, [0, 0, 1, 1, 1], is_categorical=True)
    # Two categories, other, unseen, null.
    assert found.counts[:, 0].tolist() == [[1, 0], [1, 1], [0, 0], [0, 1], [0, 1]]
