"""Decides what two versions decide differently on the same rows, and whether one of them is right more often."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from mlops_core.stats.proportions import tango_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Rows on which the two versions decide differently."""

    n: int
    """Rows flipped."""
    share: float
    """Of all rows, in [0, 1]."""
    to_positive: int
    """Negative by the champion, positive by the candidate."""
    to_negative: int
    """Positive by the champion, negative by the candidate."""
    corrected: int
    """Wrong by the champion, right by the candidate."""
    spoiled: int
    """Right by the champion, wrong by the candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Decisions of one version against the labels, in rows."""

    true_positive: int
    """Label 1, decided positive."""
    false_positive: int
    """Label 0, decided positive."""
    false_negative: int
    """Label 1, decided negative."""
    true_negative: int
    """Label 0, decided negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Whether flipped decisions become right more often than wrong."""

    p_value: float
    """Two-sided, exact, of a flip being as likely to correct as to spoil, in [0, 1]; 1 without a flip."""
    difference: float
    """Accuracy of the candidate less that of the champion, in [-1, 1]."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end."""


def mcnemar_test(corrected: int, spoiled: int, n: int, confidence: float = 0.95) -> McNemar:
    """Test whether two versions are right equally often on the same rows.

    Only flips tell: of ``corrected + spoiled`` flips, as many correct as a fair coin gives heads if the versions are
    equally good, whatever the number of rows on which both are right. The p-value is that of the exact binomial
    test, ``min(1, 2 P(X <= min(corrected, spoiled)))``, at every size, without switching to an approximation; it is
    at most as small as it claims to be. The interval is the score interval of Tango, which holds 0 exactly when
    McNemar's chi-square does not exceed its quantile; with few flips it may exclude 0 where the exact test, more
    careful, is not yet below 1 - confidence.

    Parameters
    ----------
    corrected, spoiled : int
        Rows that only the candidate, or only the champion, decides rightly; at least 0.
    n : int
        All rows, at least ``corrected + spoiled`` and 1.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    McNemar

    Raises
    ------
    ValueError
        As for ``tango_interval``.

    References
    ----------
    McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages;
    Tango (1998).

    Examples
    --------
    >>> found = mcnemar_test(corrected=12, spoiled=2, n=50)
    >>> round(found.p_value, 4), found.difference, round(found.low, 3), round(found.high, 3)
    (0.0129, 0.2, 0.061, 0.345)
    """
    low, high = tango_interval(corrected, spoiled, n, confidence)
    p_value = min(1.0, 2 * float(bdtr(min(corrected, spoiled), corrected + spoiled, 0.5)))
    return McNemar(p_value=p_value, difference=(corrected - spoiled) / n, low=low, high=high)


def count_flips(cells: NDArray[np.int64]) -> Flips:
    """Count flips in the counts of label × decision of the champion × decision of the candidate, shape (2, 2, 2).

    Examples
    --------
    >>> flips = count_flips(np.array([[[5, 1], [2, 0]], [[0, 1], [0, 3]]]))
    >>> flips.n, flips.to_positive, flips.corrected, flips.spoiled
    (4, 2, 3, 1)
    """
    n = int(cells[:, 0, 1].sum() + cells[:, 1, 0].sum())
    return Flips(
        n=n,
        share=n / int(cells.sum()),
        to_positive=int(cells[:, 0, 1].sum()),
        to_negative=int(cells[:, 1, 0].sum()),
        corrected=int(cells[1, 0, 1] + cells[0, 1, 0]),
        spoiled=int(cells[1, 1, 0] + cells[0, 0, 1]),
    )


def tabulate_decisions(cells: NDArray[np.int64]) -> tuple[Confusion, Confusion]:
    """Give the confusion of champion and candidate from counts of shape (2, 2, 2), as for ``count_flips``.

    Examples
    --------
    >>> champion, candidate = tabulate_decisions(np.array([[[5, 1], [2, 0]], [[0, 1], [0, 3]]]))
    >>> champion.true_positive, champion.false_positive, candidate.true_positive, candidate.false_positive
    (3, 2, 4, 1)
    """
    return _tabulate(cells.sum(axis=2)), _tabulate(cells.sum(axis=1))


def _tabulate(table: NDArray[np.int64]) -> Confusion:
    (true_negative, false_positive), (false_negative, true_positive) = table.tolist()
    return Confusion(
        true_positive=true_positive,
        false_positive=false_positive,
        false_negative=false_negative,
        true_negative=true_negative,
    )
