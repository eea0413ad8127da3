"""Decides how well a classifier tells current rows from the reference, and what is unusual for a chunk as a whole.

It sees what no single feature shows, such as columns that no longer go together. The classifier itself is an
argument, so that this floor needs none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from mlops_core.entities import Estimate
from mlops_core.stats.proportions import check_confidence
from mlops_core.stats.ranking import compute_roc_auc, estimate_roc_auc_variance

Matrix = NDArray[np.float64]

ScoreRows = Callable[[Matrix, NDArray[np.bool_], Matrix], NDArray[np.float64]]
"""Learns from rows and whether each is current, and gives other rows a score that is higher for current ones."""

N_FOLDS = 5
"""Parts of the rows; each is scored by a classifier that has learnt from the others."""

MOST_ROWS = 10_000
"""Rows that are drawn from each side: more take longer and hardly narrow the interval."""

PAIRS_COUNTED = 2.0
"""Times that two rows of different folds meet, each learnt from once to score the other."""

LEAST_CHUNKS = 14
"""Chunks of the reference below which their spread sets no limits."""

LIMIT_DEVIATIONS = 3.0
"""Standard deviations of the reference's chunks between their mean and a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well a classifier tells current rows from rows of the reference."""

    auc: Estimate
    """ROC AUC, 0–1, of scores by classifiers that had not seen the row; 0.5 when nothing differs."""
    n_reference: int
    """Rows of the reference that took part."""
    n_current: int
    """Current rows that took part."""


def measure_separation(
    reference: ArrayLike,
    current: ArrayLike,
    score: ScoreRows,
    rng: np.random.Generator,
    *,
    n_folds: int = N_FOLDS,
    most_rows: int = MOST_ROWS,
    confidence: float = 0.95,
) -> Separation:
    """Measure how well a classifier tells the sides apart, each row scored by one that has not seen it.

    The ROC AUC is that of the scores of all folds together; sides are spread evenly over the folds. DeLong's
    variance takes the scores as given, but the rows that scored a fold are scored by it in turn. Where nothing
    differs a score is a sum of what single rows taught, and each pair of rows enters twice with the same
    chance agreement: the variance is twice DeLong's (measured with boosted trees: 1.7 times), so that is what
    the interval takes. Where the sides differ it is wider than need be. It is never narrower than one row of the
    smaller side, where DeLong's variance vanishes.

    Parameters
    ----------
    reference : array_like of shape (m, d)
        Rows of the reference, NaN for null.
    current : array_like of shape (n, d)
        Current rows, in the same columns.
    score : ScoreRows
        Called once per fold with rows of shape (r, d), whether each is current, shape (r,), and the rows to
        score, shape (s, d); gives finite scores of shape (s,).
    rng : numpy.random.Generator
        Draws the rows and the folds.
    n_folds : int
        2 or more.
    most_rows : int
        Rows drawn from each side, without replacement; all, where there are fewer. n_folds or more.
    confidence : float
        In (0, 1).

    Returns
    -------
    Separation
        An AUC below 0.5 is chance: the classifier learnt something that does not hold.

    Raises
    ------
    ValueError
        When columns differ, a side has fewer rows than folds, a score is not finite, or a parameter is
        outside its domain.

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests; DeLong et al. (1988).

    Examples
    --------
    >>> def lean_on_the_mean(rows, is_current, others):
    ...     return others @ (rows[is_current].mean(axis=0) - rows[~is_current].mean(axis=0))
    >>> rng = np.random.default_rng(0)
    >>> found = measure_separation(rng.normal(size=(500, 3)), rng.normal(0.5, 1, (400, 3)), lean_on_the_mean, rng)
    >>> round(found.auc.value, 3), round(found.auc.low, 3), round(found.auc.high, 3)
    (0.714, 0.667, 0.762)
    """
    check_confidence(confidence)
    if not 2 <= n_folds <= most_rows:
        raise ValueError(f"n_folds is {n_folds!r} of at most {most_rows!r} rows; accepted is 2 to most_rows")
    sides = [check_rows(reference), check_rows(current)]
    if sides[0].shape[1] != sides[1].shape[1] or min(map(len, sides)) < n_folds:
        shapes = f"{sides[0].shape} and {sides[1].shape}"
        raise ValueError(f"sides have shapes {shapes}; accepted are the same columns and {n_folds} rows or more")
    sides = [side[rng.permutation(len(side))[:most_rows]] for side in sides]
    rows = np.concatenate(sides)
    is_current = np.repeat([False, True], [len(side) for side in sides])
    # The rows of each side stand in random order, so counting them off deals them evenly and at random.
    folds = np.concatenate([np.arange(len(side)) % n_folds for side in sides])
    scores = np.empty(len(rows))
    for fold in range(n_folds):
        held_out = folds == fold
        scores[held_out] = score(rows[~held_out], is_current[~held_out], rows[held_out])
    if not np.isfinite(scores).all():
        raise ValueError(f"a score is {scores[~np.isfinite(scores)][0]}; accepted are finite scores")
    return Separation(
        auc=_estimate_auc(scores, is_current, confidence), n_reference=len(sides[0]), n_current=len(sides[1])
    )


def limit_chunks(
    figures: ArrayLike, *, n_deviations: float = LIMIT_DEVIATIONS, least_chunks: int = LEAST_CHUNKS
) -> tuple[float, float] | None:
    """Set the limits of a chunk's figure, ``mean ± n_deviations · sd`` over the reference's own chunks.

    Serves separation and reconstruction alike; the chunks must be as long as those to be judged.

    Parameters
    ----------
    figures : array_like of shape (k,)
        One per chunk of the reference; NaN where it is undefined.
    n_deviations : float
        Above 0.
    least_chunks : int
        2 or more.

    Returns
    -------
    (low, high) or None
        None with fewer than least_chunks defined figures.

    Raises
    ------
    ValueError
        When a parameter is outside its domain.

    References
    ----------
    Shewhart (1931), Economic control of quality of manufactured product.

    Examples
    --------
    >>> limit_chunks([1.0, 1.2] * 7)
    (0.788..., 1.411...)
    """
    if not n_deviations > 0 or least_chunks < 2:
        given = f"n_deviations is {n_deviations!r} and least_chunks {least_chunks!r}"
        raise ValueError(f"{given}; accepted is a number above 0, and 2 or more chunks")
    values = np.asarray(figures, np.float64)
    values = values[~np.isnan(values)]
    if values.size < least_chunks:
        return None
    reach = n_deviations * values.std(ddof=1)
    return float(values.mean() - reach), float(values.mean() + reach)


def check_rows(rows: ArrayLike) -> Matrix:
    """Return the rows as a matrix of floats, or raise ValueError when they are none.

    Examples
    --------
    >>> check_rows([[1, 2]])
    array([[1., 2.]])
    """
    values = np.asarray(rows, np.float64)
    if values.ndim != 2:
        raise ValueError(f"rows have shape {values.shape}; accepted is (rows, columns)")
    return values


def _estimate_auc(scores: Matrix, is_current: NDArray[np.bool_], confidence: float) -> Estimate:
    distinct, rank = np.unique(scores, return_inverse=True)
    sides = [np.bincount(rank[chosen], minlength=distinct.size)[None] for chosen in (~is_current, is_current)]
    auc = float(compute_roc_auc(*sides)[0])
    variance = PAIRS_COUNTED * float(estimate_roc_auc_variance(*sides)[0])
    smaller = min(int(side.sum()) for side in sides)
    step = float(ndtri((1 + confidence) / 2)) * max(np.sqrt(variance), 1 / smaller)
    return Estimate(value=auc, low=float(max(auc - step, 0.0)), high=float(min(auc + step, 1.0)))
