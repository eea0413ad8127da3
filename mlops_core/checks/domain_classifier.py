"""Decides which classifier tells current rows from the reference: small boosted trees over the features as they are.

The measure of how well it does stands in the statistics, which know no scikit-learn.
"""

from collections.abc import Collection
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.multivariate import MOST_ROWS, Matrix, Separation, check_rows, measure_separation

N_TREES = 50
"""Trees of each classifier: enough for pairs of features, few enough for seconds."""

MOST_LEAVES = 15
"""Leaves of a tree."""

MOST_CATEGORIES = 250
"""Categories told apart, the most frequent ones; the trees take up to 255."""


def separate(
    reference: ArrayLike,
    current: ArrayLike,
    rng: np.random.Generator,
    *,
    categorical: Collection[int] = (),
    most_rows: int = MOST_ROWS,
) -> Separation:
    """Measure how well boosted trees tell current rows from rows of the reference.

    Parameters
    ----------
    reference, current : array_like of shape (m, d) and (n, d)
        Rows in the same columns, NaN for null, which the trees take as a value of its own.
    rng : numpy.random.Generator
        Draws rows, folds, and the seed of the trees.
    categorical : collection of int
        Positions of the columns that hold codes of categories.
    most_rows : int
        Rows drawn from each side.

    Raises
    ------
    ValueError
        When columns differ, a side has too few rows, or a position is no column.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = separate(rng.normal(size=(400, 2)), rng.normal(1, 1, (400, 2)), rng)
    >>> found.auc.value > 0.75
    True
    """
    sides = _check_sides(reference, current, categorical)
    score = partial(_score, sorted(categorical), int(rng.integers(2**31)))
    return measure_separation(sides[0], sides[1], score, rng, most_rows=most_rows)


def _score(
    categorical: list[int], seed: int, rows: Matrix, is_current: NDArray[np.bool_], others: Matrix
) -> NDArray[np.float64]:
    """Learn from rows which side they are of, and score others by it."""
    # Importing scikit-learn takes seconds, which only this measure should cost.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    trees = HistGradientBoostingClassifier(
        max_iter=N_TREES,
        max_leaf_nodes=MOST_LEAVES,
        early_stopping=False,
        categorical_features=categorical or None,
        random_state=seed,
    )
    # Small trees gain little from a second thread, and lose much where other work keeps the cores busy.
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(trees.fit(rows, is_current).decision_function(others), np.float64)


def _check_sides(reference: ArrayLike, current: ArrayLike, categorical: Collection[int]) -> list[Matrix]:
    sides = [check_rows(reference), check_rows(current)]
    n_columns = sides[0].shape[1]
    if not set(categorical) <= set(range(n_columns)):
        raise ValueError(f"categorical is {sorted(categorical)}; accepted are positions of {n_columns} columns")
    return _number_categories(sides, categorical) if sides[1].shape[1] == n_columns else sides


def _number_categories(sides: list[Matrix], categorical: Collection[int]) -> list[Matrix]:
    """Number the categories by their frequency on both sides together, those past the most frequent as one."""
    rows = np.concatenate(sides)
    for column in categorical:
        known = ~np.isnan(rows[:, column])
        _, index, counts = np.unique(rows[known, column], return_inverse=True, return_counts=True)
        rank = np.empty(counts.size)
        rank[np.argsort(-counts, kind="stable")] = np.arange(counts.size)
        rows[known, column] = np.minimum(rank[index], MOST_CATEGORIES)
    return [rows[: len(sides[0])], rows[len(sides[0]) :]]
