"""Traffic against its contract: decides when a feature's values, chunk by chunk, are not what was agreed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlops_core.checks.findings import LEAST_ROWS, Check, Finding, judge_shares, lack_rows
from mlops_core.checks.ranges import Outside, count_outside
from mlops_core.contracts import FeatureTerms
from mlops_core.entities import Status
from mlops_core.stats.features import OTHER_BIN, FeatureCounts
from mlops_core.stats.grids import NumericGrid
from mlops_core.words import write_share

ALERT_OUTSIDE = 0.1
"""Share of values outside the range that is an alert; a few rows outside it are a warning."""
ALERT_INFINITE = 0.01


def check_feature(
    terms: FeatureTerms,
    counts: FeatureCounts,
    *,
    grid: NumericGrid | None = None,
    accepted: NDArray[np.int64] | None = None,
) -> list[list[Finding]]:
    """Check one feature in k chunks.

    Parameters
    ----------
    grid : NumericGrid, optional
        How its numbers are binned.
    accepted : ndarray of int, optional
        Bins of the categories that its contract accepts.

    Returns
    -------
    list of k lists
        Findings of each chunk, those of its kind.
    """
    columns = [check_nulls(terms, counts)]
    if terms.categories is None:
        columns += [check_range(terms, counts, grid), check_infinite(terms.feature, counts)]
    else:
        columns += [check_unseen(terms, counts, np.zeros(0, np.int64) if accepted is None else accepted)]
    return [list(row) for row in zip(*columns, strict=True)]


def check_nulls(terms: FeatureTerms, counts: FeatureCounts) -> list[Finding]:
    """Compare the share of empty values with the highest accepted."""
    statuses = judge_shares(counts.n_null, counts.n, terms.most_null)
    nulls, accepted = counts.n_null.tolist(), write_share(terms.most_null)

    def find(i: int, n: int) -> Finding:
        share = nulls[i] / n
        return Finding(
            check=Check.NULLS,
            feature=terms.feature,
            n=n,
            value=share,
            limit=terms.most_null,
            status=statuses[i],
            reason=f"{terms.feature} is empty in {write_share(share)} of {n:,} rows; the contract accepts {accepted}.",
        )

    return _judge_each(Check.NULLS, terms.feature, counts, find)


def check_unseen(terms: FeatureTerms, counts: FeatureCounts, accepted: NDArray[np.int64]) -> list[Finding]:
    """Compare the share of categories that the contract does not name with the highest accepted."""
    is_unseen = ~np.isin(counts.bins, accepted) & (counts.bins != OTHER_BIN)
    weights = np.where(is_unseen, counts.counts, 0)
    unseen = np.bincount(counts.chunk, weights=weights, minlength=counts.n.size).astype(np.int64)
    limit = terms.most_unseen or 0.0
    statuses = judge_shares(unseen, counts.n, limit)
    strange = unseen.tolist()

    def find(i: int, n: int) -> Finding:
        share = strange[i] / n
        return Finding(
            check=Check.UNSEEN,
            feature=terms.feature,
            n=n,
            value=share,
            limit=limit,
            status=statuses[i],
            reason=f"{terms.feature} has a category that the contract does not name in {write_share(share)} of "
            f"{n:,} rows; accepted are {write_share(limit)}.",
        )

    return _judge_each(Check.UNSEEN, terms.feature, counts, find, needs_values=True)


def check_infinite(feature: str, counts: FeatureCounts) -> list[Finding]:
    """Find infinite values; none is accepted, and many are an alert."""
    infinite = counts.n_infinite.tolist()

    def find(i: int, n: int) -> Finding:
        found = infinite[i]
        alert = Status.ALERT if found >= ALERT_INFINITE * n else Status.WARNING
        return Finding(
            check=Check.INFINITE,
            feature=feature,
            n=n,
            value=found / n,
            limit=0.0,
            status=alert if found else Status.OK,
            reason=f"{feature} is infinite in {found:,} of {n:,} rows; none is accepted.",
        )

    return _judge_each(Check.INFINITE, feature, counts, find, needs_values=True)


def check_range(terms: FeatureTerms, counts: FeatureCounts, grid: NumericGrid | None) -> list[Finding]:
    """Compare the extremes with the range; how many values are outside is known to the width of a bin."""
    low, high = terms.minimum, terms.maximum
    outside = count_outside(counts, grid, low, high)
    nulls, smallest, largest = (own.tolist() for own in (counts.n_null, counts.minimum, counts.maximum))
    accepted = _write_range(low, high)

    def find(i: int, n: int) -> Finding:
        values = n - nulls[i]
        is_low = low is not None and smallest[i] < low
        is_high = high is not None and largest[i] > high
        at_low = is_low or (high is None and not is_high)
        alert = Status.ALERT if outside.least[i] >= ALERT_OUTSIDE * values else Status.WARNING
        return Finding(
            check=Check.RANGE,
            feature=terms.feature,
            n=n,
            value=smallest[i] if at_low else largest[i],
            limit=low if at_low else high,
            status=alert if is_low or is_high else Status.OK,
            reason=f"{terms.feature} goes from {smallest[i]:g} to {largest[i]:g}; the contract accepts "
            f"{accepted}.{tell_outside(outside, i, values)}",
        )

    return _judge_each(Check.RANGE, terms.feature, counts, find, needs_values=True)


def tell_outside(outside: Outside, i: int, values: int) -> str:
    """Say how many of a chunk's values are outside, as far as bins tell; nothing when none is."""
    least, most = int(outside.least[i]), int(outside.most[i])
    if not least:
        return ""
    if least == most:
        return f" Outside are {write_share(least / values)} of the values."
    return (
        f" Outside are at least {write_share(least / values)} and at most {write_share(most / values)} of the values."
    )


def _write_range(low: float | None, high: float | None) -> str:
    if low is None:
        return "every number" if high is None else f"up to {high:g}"
    return f"{low:g} and above" if high is None else f"{low:g} to {high:g}"


def _judge_each(
    check: Check,
    feature: str,
    counts: FeatureCounts,
    find: Callable[[int, int], Finding],
    *,
    needs_values: bool = False,
) -> list[Finding]:
    """Give what is found in each chunk, by position and rows, or that it has too few rows, or only empty values."""
    lacks = counts.n_null == counts.n
    if check is Check.RANGE:
        lacks |= ~np.isfinite(counts.minimum)
    found = []
    for i, (n, is_empty) in enumerate(zip(counts.n.tolist(), lacks.tolist(), strict=True)):
        if n < LEAST_ROWS:
            found.append(lack_rows(check, feature, n))
        elif needs_values and is_empty:
            reason = f"{feature} has no value in {n:,} rows."
            empty = Finding(check=check, feature=feature, n=n, status=Status.INSUFFICIENT_DATA, reason=reason)
            found.append(empty)
        else:
            found.append(find(i, n))
    return found
