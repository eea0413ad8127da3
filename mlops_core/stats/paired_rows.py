"""Decides what two versions on the same labelled rows are: accepted rows, their strata, and cells of decisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlops_core.stats.binning import check_scores, check_threshold

MIN_STRATUM_ROWS = 20
"""Smaller strata are pooled: resampling within a stratum of m rows shows only (m - 1) / m of its variance."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedRows:
    """Labelled rows with what both versions made of them; the last axis is champion, candidate."""

    labels: NDArray[np.int64]
    """0 or 1, shape (n,)."""
    scores: Values
    """In [0, 1], shape (n, 2)."""
    decisions: NDArray[np.bool_]
    """True for a score at or above the version's threshold, shape (n, 2)."""
    strata: NDArray[np.int64]
    """Chunk of each row, shape (n,)."""

    @property
    def are_same(self) -> bool:
        """Whether both versions score and decide every row alike, so that no metric can differ."""
        return np.array_equal(*self.scores.T) and np.array_equal(*self.decisions.T)

    def select(self, rows: NDArray[np.bool_]) -> "PairedRows":
        """Keep the rows of a mask of shape (n,)."""
        return PairedRows(
            labels=self.labels[rows],
            scores=self.scores[rows],
            decisions=self.decisions[rows],
            strata=self.strata[rows],
        )


def pair_rows(
    labels: ArrayLike,
    champion_scores: ArrayLike,
    candidate_scores: ArrayLike,
    threshold_champion: float,
    threshold_candidate: float,
    strata: ArrayLike,
) -> PairedRows:
    """Check labels, scores, thresholds, and strata, and put them side by side.

    Parameters
    ----------
    labels : array_like of shape (n,)
        0 or 1.
    champion_scores, candidate_scores : array_like of shape (n,)
        Scores in [0, 1] of both versions for the same rows.
    threshold_champion, threshold_candidate : float
        Deployed thresholds in [0, 1].
    strata : array_like of shape (n,)
        Chunk of each row, integers.

    Raises
    ------
    ValueError
        When there are no rows, lengths differ, or a label, score, or threshold is outside its domain.

    Examples
    --------
    >>> pair_rows([0, 1], [0.2, 0.5], [0.7, 0.6], 0.5, 0.65, [0, 0]).decisions.tolist()
    [[False, True], [True, False]]
    """
    parts = [np.asarray(part) for part in (labels, champion_scores, candidate_scores, strata)]
    shapes = [part.shape for part in parts]
    if len(set(shapes)) > 1:
        raise ValueError(f"labels, both scores, and strata have shapes {shapes}; accepted is one length for all")
    truth, chunks = parts[0], parts[3]
    scores = np.column_stack([check_scores(parts[1]), check_scores(parts[2])])
    if truth.size == 0:
        raise ValueError("there are 0 rows; accepted is 1 or more")
    refused = ~((truth == 0) | (truth == 1))
    if refused.any():
        raise ValueError(f"label of row {int(refused.argmax())} is {truth[refused][0]}; accepted are 0 and 1")
    thresholds = np.array([check_threshold(threshold_champion), check_threshold(threshold_candidate)])
    return PairedRows(labels=truth.astype(np.int64), scores=scores, decisions=scores >= thresholds, strata=chunks)


def pool_strata(strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the strata from 0, all those below ``MIN_STRATUM_ROWS`` rows as one.

    Examples
    --------
    >>> np.unique(pool_strata(np.repeat([3, 5, 9, 11], [30, 1, 2, 25])), return_counts=True)[1].tolist()
    [3, 30, 25]
    """
    _, index, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    merged = np.where(sizes[index] < MIN_STRATUM_ROWS, -1, index)
    return np.unique(merged, return_inverse=True)[1]


def count_cells(rows: PairedRows) -> NDArray[np.int64]:
    """Count the rows of each pooled stratum by label, champion's decision, and candidate's decision.

    Returns an array of shape (strata, 2, 2, 2).

    Examples
    --------
    >>> rows = pair_rows([0, 1, 1], [0.1, 0.8, 0.2], [0.9, 0.7, 0.6], 0.5, 0.5, [0, 0, 0])
    >>> count_cells(rows).tolist()
    [[[[0, 1], [0, 0]], [[0, 1], [0, 1]]]]
    """
    strata = pool_strata(rows.strata)
    cells = strata * 8 + rows.labels * 4 + rows.decisions[:, 0] * 2 + rows.decisions[:, 1]
    n_strata = int(strata.max()) + 1
    return np.bincount(cells, minlength=8 * n_strata).reshape(n_strata, 2, 2, 2)
