"""Decides what chance of a positive a score stands for, learned from a labelled reference by isotonic regression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.binning import N_SCORE_BINS, check_threshold, score_bin_midpoints
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.stats.ratios import divide_or_nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What a score is worth, by bin."""

    threshold: float
    """Deployed threshold in [0, 1], an edge of the bins."""
    probability: NDArray[np.float64]
    """Chance of label 1 in each bin, in [0, 1] and non-decreasing, shape (N_SCORE_BINS,)."""
    n: int
    """Labelled rows of the reference."""

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if self.probability.shape != (N_SCORE_BINS,):
            raise ValueError(f"probability has shape {self.probability.shape}; accepted is ({N_SCORE_BINS},)")
        refused = ~((self.probability >= 0) & (self.probability <= 1))
        if refused.any():
            raise ValueError(f"a probability is {self.probability[refused][0]}; accepted is 0 to 1")


def calibrate(counts: ScoreLabelCounts) -> Calibration:
    """Fit the chance of a positive to the score.

    The non-decreasing p that minimises ``Σ_b n_b (p_b - positive_b / n_b)²`` over the bins that the reference
    filled; see ``fit_probabilities`` for the others.

    Parameters
    ----------
    counts : ScoreLabelCounts
        A labelled reference; its chunks are taken together.

    Returns
    -------
    Calibration
        For scores binned with the threshold of the counts.

    Raises
    ------
    ValueError
        When the reference has no positives or no negatives.

    References
    ----------
    Barlow et al. (1972), Statistical inference under order restrictions; Zadrozny & Elkan (2002),
    Transforming classifier scores into accurate multiclass probability estimates.

    Examples
    --------
    >>> from mlops_core.stats.binning import assign_score_bins
    >>> from mlops_core.stats.counts import count_scores
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(20_000)
    >>> labels = rng.random(20_000) < scores**2
    >>> calibration = calibrate(count_scores(scores, labels, np.zeros(20_000, int), 1, threshold=0.5))
    >>> calibration.probability[assign_score_bins([0.3, 0.6, 0.9], threshold=0.5)].round(2).tolist()
    [0.09, 0.35, 0.83]
    """
    negative, positive = counts.negative.sum(axis=0), counts.positive.sum(axis=0)
    return Calibration(
        threshold=counts.threshold,
        probability=fit_probabilities(negative, positive, counts.threshold),
        n=int(negative.sum() + positive.sum()),
    )


def fit_probabilities(
    negative: NDArray[np.int64], positive: NDArray[np.int64], threshold: float
) -> NDArray[np.float64]:
    """Fit a non-decreasing chance of a positive to the bins of the score.

    Pool-adjacent-violators over the filled bins, each weighted by its rows. A bin that the reference never
    filled lies on the line between its neighbours, at the midpoint of its edges; below the lowest and above
    the highest filled bin the chance stays as it is there.

    Parameters
    ----------
    negative, positive : ndarray of shape (N_SCORE_BINS,)
        Counts of the labelled rows by class and bin.
    threshold : float
        Threshold in [0, 1] that the scores were binned with.

    Returns
    -------
    ndarray of shape (N_SCORE_BINS,)
        In [0, 1], non-decreasing.

    Raises
    ------
    ValueError
        When a class has no rows, or the threshold is outside [0, 1].

    References
    ----------
    Barlow et al. (1972), Statistical inference under order restrictions.

    Examples
    --------
    >>> negative, positive = np.zeros((2, N_SCORE_BINS), int)
    >>> negative[[0, 1024]], positive[[1024, 2049]] = 1, 1
    >>> fit_probabilities(negative, positive, threshold=0.5)[[0, 1024, 2049]].tolist()
    [0.0, 0.5, 1.0]
    """
    if not (positive.any() and negative.any()):
        raise ValueError(f"{positive.sum()} positives, {negative.sum()} negatives; accepted is at least one of each")
    # Slow to import, and the first page does not fit anything.
    from scipy.optimize import isotonic_regression

    n = negative + positive
    filled = np.flatnonzero(n)
    shares = divide_or_nan(positive[filled], n[filled])
    # Weighted means of shares may leave [0, 1] by a rounding error.
    fitted = np.clip(isotonic_regression(shares, weights=n[filled]).x, 0.0, 1.0)
    middle = score_bin_midpoints(threshold)
    return np.asarray(np.interp(middle, middle[filled], fitted))
