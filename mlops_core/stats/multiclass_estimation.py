"""Decides how well a classifier of more than two classes is expected to do while its labels are missing.

The confidence-based estimation of ``estimation``, one class against the rest: each class has its own calibration,
and the decision is the prediction in place of a threshold. Concept drift is as invisible to it as there.
"""

import numpy as np
from numpy.typing import NDArray

from mlops_core.stats.binning import N_SCORE_BINS, score_bin_midpoints
from mlops_core.stats.calibration import fit_probabilities
from mlops_core.stats.losses import compute_log_losses
from mlops_core.stats.multiclass import GRID_THRESHOLD, ClassCounts, MulticlassMetric, average_classes
from mlops_core.stats.ranking import compute_roc_auc
from mlops_core.stats.ratios import divide_or_nan

Values = NDArray[np.float64]


def calibrate_classes(counts: ClassCounts) -> Values:
    """Fit the chance of each class to its own score, as ``fit_probabilities`` does.

    Parameters
    ----------
    counts : ClassCounts
        A labelled reference; its chunks are taken together.

    Returns
    -------
    ndarray of shape (C, N_SCORE_BINS)
        Chance of the class in each bin of its score, in [0, 1], non-decreasing.

    Raises
    ------
    ValueError
        When a class has no labelled rows, or no other class has.

    References
    ----------
    Zadrozny & Elkan (2002), Transforming classifier scores into accurate multiclass probability estimates.

    Examples
    --------
    >>> from mlops_core.stats.multiclass import count_classes
    >>> counts = count_classes(np.eye(3), [0, 1, 2], [0, 1, 2], [0, 0, 0], n_chunks=1)
    >>> calibrate_classes(counts)[:, [0, -1]].tolist()
    [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    pairs = zip(counts.other.sum(axis=0), counts.own.sum(axis=0), strict=True)
    chances = []
    for index, (other, own) in enumerate(pairs):
        if not (other.any() and own.any()):
            raise ValueError(
                f"class {index} has {own.sum()} rows of {own.sum() + other.sum()}; accepted is some of each"
            )
        chances.append(fit_probabilities(other, own, GRID_THRESHOLD))
    return np.stack(chances)


def estimate_class_performance(counts: ClassCounts, probability: Values) -> dict[MulticlassMetric, Values]:
    """Estimate the metrics of each chunk without its labels.

    A row predicted as class c counts as p hits and 1 - p false alarms of c, with p the chance of c at its score
    of c; the accuracy is the share of hits, and F1, ROC AUC, and log loss are those of the expected counts. Each
    chance comes from one score only, so the chances of a row need not sum to 1 as those of NannyML do.

    Parameters
    ----------
    counts : ClassCounts
        Of k chunks; labels, where there are any, are not looked at.
    probability : ndarray of shape (C, N_SCORE_BINS)
        From ``calibrate_classes`` of a labelled reference of the same version.

    Returns
    -------
    dict of MulticlassMetric to ndarray of shape (k,)
        All of ``MulticlassMetric``; NaN for a chunk without rows. Means over classes are plain, over those with
        expected rows.

    Raises
    ------
    ValueError
        When the probability has another shape.

    References
    ----------
    Białek et al. (2024), Estimating model performance under covariate shift without labels.

    Examples
    --------
    >>> from mlops_core.stats.multiclass import count_classes
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.dirichlet([1, 1, 1], 20_000)
    >>> labels = (rng.random((20_000, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    >>> counts = count_classes(scores, labels, scores.argmax(axis=1), np.zeros(20_000, int), n_chunks=1)
    >>> estimated = estimate_class_performance(counts, calibrate_classes(counts))
    >>> estimated[MulticlassMetric.ACCURACY].round(3)
    array([0.612])
    """
    k, n_classes = counts.chosen.shape[:2]
    if probability.shape != (n_classes, N_SCORE_BINS):
        raise ValueError(f"probability has shape {probability.shape}; accepted is ({n_classes}, {N_SCORE_BINS})")
    rows = counts.chosen + counts.passed_over
    hits = np.einsum("kcb,cb->kc", counts.chosen, probability)
    own = rows * probability
    expected = own.sum(axis=2)
    middle = score_bin_midpoints(GRID_THRESHOLD)
    losses = (own @ compute_log_losses(middle, np.ones_like(middle))).sum(axis=1)
    areas = compute_roc_auc((rows - own).reshape(-1, N_SCORE_BINS), own.reshape(-1, N_SCORE_BINS))
    return {
        MulticlassMetric.ACCURACY: divide_or_nan(hits.sum(axis=1), counts.n),
        MulticlassMetric.MACRO_F1: average_classes(divide_or_nan(2 * hits, expected + counts.chosen.sum(axis=2))),
        MulticlassMetric.LOG_LOSS: divide_or_nan(losses, counts.n),
        MulticlassMetric.ROC_AUC: average_classes(areas.reshape(k, n_classes)),
    }
