"""Decides what the interval of a difference says about the candidate, and how many labels would say more."""

import math
from enum import StrEnum

from scipy.special import ndtri

from mlops_core.stats.proportions import check_confidence

POWER = 0.8
"""Chance that the further labels decide, if the difference is as observed."""

MOST_FURTHER_LABELS = 1_000_000
"""Further labels that are not told apart from more: nobody waits for them."""


class Judgement(StrEnum):
    """What the interval of a difference says about the candidate."""

    BETTER = "better"
    """The whole interval is above 0."""
    NOT_WORSE = "not_worse"
    """The interval holds 0 but nothing at or below minus the margin: not worse by more than the margin."""
    UNDECIDED = "undecided"
    """The interval holds 0 and, if there is a margin, minus the margin; or there is none."""
    WORSE = "worse"
    """The whole interval is below 0, however near, also when it is above minus the margin."""

    @property
    def label(self) -> str:
        """The judgement in running text: "not worse"."""
        return self.value.replace("_", " ")


def check_margin(margin: float | None) -> float | None:
    """Return the margin, None for 0, or raise ValueError when it is negative or not finite.

    Examples
    --------
    >>> check_margin(0.01), check_margin(0)
    (0.01, None)
    """
    if margin is not None and not 0 <= margin < math.inf:
        raise ValueError(f"margin is {margin!r}; accepted is a number from 0 on, or None")
    return margin or None


def judge_interval(low: float, high: float, margin: float | None = None) -> Judgement:
    """Judge a candidate by the interval of its difference, positive being better.

    A test of non-inferiority: that the lower end of the 95 % interval is above minus the margin rejects, at 2.5 %,
    that the candidate is worse by the margin or more.

    Parameters
    ----------
    low, high : float
        Ends of the interval, in units of the metric.
    margin : float, optional
        Loss that is accepted, in units of the metric, at least 0; None and 0 for none.

    Raises
    ------
    ValueError
        When an end is NaN, the ends are in the wrong order, or the margin is negative or not finite.

    References
    ----------
    Wellek (2010), Testing statistical hypotheses of equivalence and noninferiority, chapter 2.

    Examples
    --------
    >>> judge_interval(-0.004, 0.02, margin=0.01), judge_interval(-0.004, 0.02).label
    (<Judgement.NOT_WORSE: 'not_worse'>, 'undecided')
    """
    accepted = check_margin(margin)
    if not low <= high:
        raise ValueError(f"interval is {low!r} to {high!r}; accepted is low <= high")
    if low > 0:
        return Judgement.BETTER
    if high < 0:
        return Judgement.WORSE
    return Judgement.NOT_WORSE if accepted is not None and low > -accepted else Judgement.UNDECIDED


def count_further_labels(
    difference: float,
    standard_error: float,
    n: int,
    margin: float | None = None,
    confidence: float = 0.95,
    power: float = POWER,
) -> int | None:
    """Count the labels still needed until the interval is expected to decide.

    A standard error shrinks with the root of the rows, so at ``N = n ((z₁ + z₂) se / |difference|)²`` rows, z₁ and
    z₂ the normal quantiles at ``(1 + confidence) / 2`` and at the power, the interval excludes 0 with that power if
    the true difference is the one observed. (With a power of one half N would be the size at which the interval
    just excludes 0 if nothing moves, and the next look would as likely as not be undecided again.) With a margin,
    the interval may also come to lie above minus the margin, at the N that has ``difference + margin`` instead;
    the smaller N is taken. The answer is ``N - n``, rounded up to two significant digits.

    Parameters
    ----------
    difference : float
        As observed, in units of the metric.
    standard_error : float
        Of it, above 0.
    n : int
        Rows it was observed on, at least 1.
    margin : float, optional
        As for ``judge_interval``.
    confidence : float
        Of the interval, in (0, 1).
    power : float
        Chance that the interval decides, in (0, 1).

    Returns
    -------
    int or None
        At least 1; ``MOST_FURTHER_LABELS`` stands for that many or more; None when no number would do, as with a
        difference of 0 and no margin.

    Raises
    ------
    ValueError
        When an argument is outside its domain.

    References
    ----------
    Lachin (1981), Introduction to sample size determination and power analysis for clinical trials.

    Examples
    --------
    >>> count_further_labels(0.01, 0.008, n=1000), count_further_labels(0.01, 0.008, n=1000, margin=0.01)
    (4100, 260)
    """
    check_confidence(confidence)
    accepted = check_margin(margin)
    if not standard_error > 0 or n < 1 or not 0 < power < 1 or not math.isfinite(difference):
        raise ValueError(
            f"difference is {difference!r}, standard_error {standard_error!r}, n {n!r}, power {power!r}; accepted are "
            "a number, one above 0, 1 or more, and one strictly between 0 and 1"
        )
    reach = max(abs(difference), difference + accepted if accepted is not None else 0.0)
    if reach == 0:
        return None
    quantiles = float(ndtri((1 + confidence) / 2) + ndtri(power))
    further = n * ((quantiles * standard_error / reach) ** 2 - 1)
    return _round_up(min(max(further, 1.0), float(MOST_FURTHER_LABELS)))


def _round_up(value: float) -> int:
    """Round up to two significant digits."""
    step = int(10 ** max(0, math.floor(math.log10(value)) - 1))
    return math.ceil(value / step) * step
