"""Training–serving skew: decides when a feature's live values cannot be those that the version was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_core.checks.findings import LEAST_ROWS, Check, Finding, lack_rows
from mlops_core.checks.quality import tell_outside
from mlops_core.checks.ranges import count_outside
from mlops_core.entities import Status
from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN, FeatureCounts
from mlops_core.stats.grids import HIGHEST_BIN, LOWEST_BIN, NEGATIVE_INFINITY_BIN, NumericGrid
from mlops_core.stats.groups import FeatureGroups, count_groups
from mlops_core.stats.shift import measure_shift
from mlops_core.words import write_share

__all__ = ["ALERT_DIFFERENCE", "LEAST_ROWS", "Training", "check_constant", "check_null_skew", "check_range_skew"]

ALERT_DIFFERENCE = 0.5
"""Rise of the null share, live over training, that is an alert; weather and gaps stay below it."""
CONSTANT_SHARE = 0.99
"""Share of one value from which a feature counts as constant."""
MOST_TRAINED_SHARE = 0.5
"""A value that had more of training than this is no surprise when it has all."""
BEYOND_NATURAL = 1.2
"""How far beyond the natural variation of training a constant must lie: a day holds one weekday by its nature."""
WARNING_OUTSIDE, ALERT_OUTSIDE = 0.2, 0.5
"""Share of live values outside the range of training, once that is widened; seasons move a few of them."""
RANGE_MARGIN = 0.25
"""Of the width of training's range, on both sides: a reference seldom saw every season."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """One feature as it was in training."""

    counts: FeatureCounts
    """Of one chunk."""
    groups: FeatureGroups
    natural_variation: float
    """Largest effect of one chunk of training against the rest; NaN when it has too few chunks."""


def check_null_skew(feature: str, trained: float, counts: FeatureCounts) -> list[Finding]:
    """Compare the share of empty values in each chunk with that in training, 0–1."""
    found, before = [], write_share(trained)
    for n, n_null in zip(counts.n.tolist(), counts.n_null.tolist(), strict=True):
        if n < LEAST_ROWS:
            found.append(lack_rows(Check.NULL_SKEW, feature, n))
            continue
        share, limit = n_null / n, trained + ALERT_DIFFERENCE
        finding = Finding(
            check=Check.NULL_SKEW,
            feature=feature,
            n=n,
            value=share,
            limit=limit if limit <= 1 else None,
            status=Status.ALERT if share - trained >= ALERT_DIFFERENCE else Status.OK,
            reason=f"{feature} is empty in {write_share(share)} of live traffic, in training in {before}.",
        )
        found.append(finding)
    return found


def check_range_skew(
    feature: str, training: Training, counts: FeatureCounts, grid: NumericGrid | None
) -> list[Finding]:
    """Compare the share of live values that are surely far outside the range of training with what seasons explain."""
    low, high = float(training.counts.minimum[0]), float(training.counts.maximum[0])
    is_known = np.isfinite(low) and np.isfinite(high)
    margin = RANGE_MARGIN * (high - low)
    outside = count_outside(counts, grid, *((low - margin, high + margin) if is_known else (None, None)))
    smallest, largest, least = (own.tolist() for own in (counts.minimum, counts.maximum, outside.least))
    found = []
    for i, (n, n_null) in enumerate(zip(counts.n.tolist(), counts.n_null.tolist(), strict=True)):
        values = n - n_null
        if values < LEAST_ROWS or not is_known:
            found.append(lack_rows(Check.RANGE_SKEW, feature, values, "values"))
            continue
        share = least[i] / values
        warning = Status.WARNING if share >= WARNING_OUTSIDE else Status.OK
        finding = Finding(
            check=Check.RANGE_SKEW,
            feature=feature,
            n=n,
            value=share,
            limit=ALERT_OUTSIDE,
            status=Status.ALERT if share >= ALERT_OUTSIDE else warning,
            reason=f"{feature} goes from {smallest[i]:g} to {largest[i]:g} in live traffic, in training "
            f"from {low:g} to {high:g}.{tell_outside(outside, i, values)}",
        )
        found.append(finding)
    return found


def check_constant(feature: str, training: Training, counts: FeatureCounts, *, is_categorical: bool) -> list[Finding]:
    """Find chunks in which one value, or one bin of numbers, has nearly all rows that training spread over many.

    Some features are constant in a chunk by their nature, as the weekday is in a day: what training's own chunks
    do is no skew, and where they are too few to tell, the check says so.
    """
    values = counts.n - counts.n_null
    bins, top = _find_top(counts, is_categorical=is_categorical)
    shares = [0.0 if n < LEAST_ROWS else held / n for held, n in zip(top.tolist(), values.tolist(), strict=True)]
    known = {chosen: _find_share(training.counts, chosen) for chosen in set(bins.tolist())}
    trained = [known[chosen] for chosen in bins.tolist()]
    alike = [i for i, share in enumerate(shares) if share >= CONSTANT_SHARE and trained[i] <= MOST_TRAINED_SHARE]
    judged = _judge_constant(training, counts, alike) if alike else {}
    found = []
    for i, (n, n_values) in enumerate(zip(counts.n.tolist(), values.tolist(), strict=True)):
        if n_values < LEAST_ROWS:
            found.append(lack_rows(Check.CONSTANT_SKEW, feature, n_values, "values"))
            continue
        status, why = judged.get(i, (Status.OK, ""))
        finding = Finding(
            check=Check.CONSTANT_SKEW,
            feature=feature,
            n=n,
            value=shares[i],
            limit=CONSTANT_SHARE,
            status=status,
            reason=f"The commonest value of {feature} has {write_share(shares[i])} of its live values, in training "
            f"{write_share(trained[i])}{why}.",
        )
        found.append(finding)
    return found


def _judge_constant(training: Training, counts: FeatureCounts, chunks: Sequence[int]) -> dict[int, tuple[Status, str]]:
    """Judge the chunks, named by position, in which a feature is constant."""
    natural = training.natural_variation
    if not np.isfinite(natural):
        why = "; training has too few chunks to say whether that is usual"
        return dict.fromkeys(chunks, (Status.INSUFFICIENT_DATA, why))
    before = count_groups(training.counts, training.groups)[0]
    after = count_groups(counts, training.groups)[list(chunks)]
    effects = measure_shift(before, after, always=training.groups.always_pooled).effect
    is_skew = (effects > BEYOND_NATURAL * max(natural, 0.0)).tolist()
    usual = (Status.OK, ", as in single chunks of training")
    return {i: (Status.ALERT, "") if own else usual for i, own in zip(chunks, is_skew, strict=True)}


def _find_top(counts: FeatureCounts, *, is_categorical: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the fullest bin of each chunk and its rows, shape (k,) each; what is unseen or other is no one value."""
    # The outermost bins of numbers are open: whatever lies far outside of training is in one.
    chosen = (counts.bins > LOWEST_BIN) & (counts.bins < HIGHEST_BIN)
    if is_categorical:
        chosen = (counts.bins != UNSEEN_BIN) & (counts.bins != OTHER_BIN)
    width = -2 * NEGATIVE_INFINITY_BIN
    keys = counts.chunk[chosen] * width + (counts.bins[chosen] - NEGATIVE_INFINITY_BIN)
    distinct, place = np.unique(keys, return_inverse=True)
    held = np.bincount(place, weights=counts.counts[chosen], minlength=distinct.size).astype(np.int64)
    order = np.lexsort((held, distinct // width))
    bins, top = np.zeros(counts.n.size, dtype=np.int64), np.zeros(counts.n.size, dtype=np.int64)
    # In this order the fullest bin of a chunk comes last, and the last assignment stays.
    bins[distinct[order] // width] = distinct[order] % width + NEGATIVE_INFINITY_BIN
    top[distinct[order] // width] = held[order]
    return bins, top


def _find_share(counts: FeatureCounts, chosen: int) -> float:
    """Give the share of a bin among the values of training."""
    values = int(counts.n[0] - counts.n_null[0])
    return float(counts.counts[counts.bins == chosen].sum() / values) if values else 0.0
