"""Decides what a single scored and labelled row costs."""

import numpy as np
from numpy.typing import NDArray

LOG_LOSS_CLIP = 1e-15
"""Scores are kept this far from 0 and 1, so that one certain, wrong row does not make the loss infinite."""


def compute_squared_errors(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute ``(s - y)²`` of each row, in [0, 1] (Brier, 1950).

    Examples
    --------
    >>> compute_squared_errors(np.array([0.5, 0.0]), np.array([1.0, 1.0]))
    array([0.25, 1.  ])
    """
    return (scores - labels) ** 2


def compute_log_losses(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute ``-ln p(y)`` of each row in nats, scores kept ``LOG_LOSS_CLIP`` away from 0 and 1.

    Examples
    --------
    >>> compute_log_losses(np.array([0.5, 0.0]), np.array([1.0, 1.0])).round(2)
    array([ 0.69, 34.54])
    """
    chance = np.clip(scores, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    return -np.where(labels == 1, np.log(chance), np.log1p(-chance))
