"""One feature's drift in detail: decides which bins its distributions are drawn in, and which series stand beside."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlops_core.charts.drift_detail import Distribution, MissingSeries, ShiftSeries
from mlops_core.services.drift_outcomes import Outcome
from mlops_core.services.drift_view import DriftView
from mlops_core.stats.bands import no_drift_band
from mlops_core.stats.densities import find_bin_edges, spread_density
from mlops_core.stats.divergence import compute_hellinger, compute_jensen_shannon, compute_total_variation
from mlops_core.stats.features import OTHER_BIN, FeatureBinning, FeatureCounts, align_bins, merge_chunks, sum_up
from mlops_core.stats.grids import NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN, NumericGrid
from mlops_core.stats.groups import MOST_SEPARATE, count_groups
from mlops_core.stats.two_sample import chi_square_test, compute_ks, compute_wasserstein
from mlops_core.words import write_chunk

MOST_PARTS = 30
"""Parts that a number's distribution is drawn in."""
MOST_CATEGORIES = 15
"""The most frequent categories that are drawn; the rest is one bar."""
CENTRAL_SHARE = 0.99
"""Of both sides together, within the drawn part of a number."""

INFINITIES = {NEGATIVE_INFINITY_BIN: "−∞", POSITIVE_INFINITY_BIN: "∞"}

Sides = tuple[tuple[float, ...], tuple[float, ...]]


class Statistic(StrEnum):
    """By what the distance of two distributions is told."""

    PSI = "psi"
    JENSEN_SHANNON = "jensen_shannon"
    KS = "ks"
    WASSERSTEIN = "wasserstein"
    TOTAL_VARIATION = "total_variation"
    HELLINGER = "hellinger"
    CHI_SQUARE = "chi_square"

    @property
    def label(self) -> str:
        """Its name as a person reads it."""
        return {
            Statistic.PSI: "PSI",
            Statistic.JENSEN_SHANNON: "Jensen–Shannon",
            Statistic.KS: "KS",
            Statistic.WASSERSTEIN: "Wasserstein",
            Statistic.TOTAL_VARIATION: "Total variation",
            Statistic.HELLINGER: "Hellinger",
            Statistic.CHI_SQUARE: "Chi-square",
        }[self]

    @property
    def is_ordered(self) -> bool:
        """Whether it needs values in an order, and so does not apply to categories."""
        return self in (Statistic.KS, Statistic.WASSERSTEIN)


def list_statistics(view: DriftView, feature: str) -> list[Statistic]:
    """Give the statistics that apply to a feature."""
    return [one for one in Statistic if not (one.is_ordered and is_categorical(view, feature))]


def is_categorical(view: DriftView, feature: str) -> bool:
    """Say whether a feature holds categories."""
    return feature in view.spec.columns.categorical


def read_distribution(view: DriftView, feature: str, position: int) -> Distribution:
    """Give a feature's distribution in the reference and in one chunk."""
    before, binning = view.table.known[feature].counts, view.binnings.get(feature)
    after = take_chunk(view.table.counts[feature], position)
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    sides: Sides = ((), ())
    if binning is not None and binning.grid is None:
        labels, sides = _share_categories(before, after, binning)
    elif binning is not None and binning.grid is not None:
        edges, labels, sides = _share_numbers(before, after, binning.grid)
    return Distribution(
        feature=feature,
        edges=edges,
        labels=labels,
        reference=sides[0],
        current=sides[1],
        n_reference=int(before.n[0]),
        n_current=int(after.n[0]),
        current_name=write_chunk(view.spec, view.table.chunks[position]),
    )


def take_chunk(counts: FeatureCounts, position: int) -> FeatureCounts:
    """Give the counts of one chunk alone."""
    places = np.full(counts.n.size, -1, dtype=np.int64)
    places[position] = 0
    return sum_up(merge_chunks(counts, places, 1))


def _share_numbers(
    before: FeatureCounts, after: FeatureCounts, grid: NumericGrid
) -> tuple[tuple[float, ...], tuple[str, ...], Sides]:
    """Give densities between even edges, or the shares of single values when there are few."""
    left, right = align_bins(before, after)
    bins = np.union1d(before.bins, after.bins)
    is_finite = (bins > NEGATIVE_INFINITY_BIN) & (bins < POSITIVE_INFINITY_BIN)
    together = left.counts + right.counts
    if not is_finite.any():
        return (), (), ((), ())
    if is_finite.sum() <= MOST_SEPARATE:
        means = np.where(left.counts > 0, left.means, right.means)
        labels = tuple(_name_bin(int(one), float(mean), grid) for one, mean in zip(bins, means, strict=True))
        return (), labels, (_share(left.counts, before), _share(right.counts, after))
    bins, together = bins[is_finite], together[is_finite]
    # A side with few rows must still be seen beside one with many, so both have the same say in what is drawn.
    weights = sum(
        (side[is_finite] / max(int(side.sum()), 1) for side in (left.counts, right.counts)), np.zeros(bins.size)
    )
    tail = (1 - CENTRAL_SHARE) / 2 * weights.sum()
    first, last = np.searchsorted(weights.cumsum(), [tail, weights.sum() - tail])
    last = min(int(last), bins.size - 1)
    low, high = (float(find_bin_edges([one], grid)[0]) for one in (bins[first], bins[last] + 1))
    if not (np.isfinite([low, high]).all() and high > low):
        return (), (), ((), ())
    edges = np.linspace(low, high, MOST_PARTS + 1)
    sides = tuple(
        tuple(spread_density(bins, side[is_finite], grid, edges).tolist()) if side[is_finite].any() else ()
        for side in (left.counts, right.counts)
    )
    return tuple(edges.tolist()), (), (sides[0], sides[1])


def _name_bin(one: int, mean: float, grid: NumericGrid) -> str:
    """Name a bin by what its rows are on average; by where it begins where their sum is beyond every float."""
    if one in INFINITIES:
        return INFINITIES[one]
    return f"{mean:.4g}" if np.isfinite(mean) else f"from {float(find_bin_edges([one], grid)[0]):.4g}"


def _share(rows: NDArray[np.int64], counts: FeatureCounts) -> tuple[float, ...]:
    """Give shares of all rows, nulls included; nothing without rows."""
    n = int(counts.n[0])
    return tuple((rows / n).tolist()) if n else ()


def _share_categories(
    before: FeatureCounts, after: FeatureCounts, binning: FeatureBinning
) -> tuple[tuple[str, ...], Sides]:
    """Give the most frequent categories of both sides, then the rest, the unseen ones, and null."""
    sides = (before, after)
    known = np.unique(before.bins[before.bins >= 0])
    bins = np.unique(np.concatenate([before.bins, after.bins]))
    held = np.stack([[int(side.counts[side.bins == one].sum()) for one in bins] for side in sides])
    held = held.reshape(2, bins.size).astype(np.int64)
    shares = held / np.maximum([[int(side.n[0])] for side in sides], 1)
    is_known = np.isin(bins, known)
    order = [i for i in np.argsort(-shares.sum(axis=0), kind="stable") if is_known[i]]
    shown, rest = order[:MOST_CATEGORIES], order[MOST_CATEGORIES:]
    other = np.flatnonzero(bins == OTHER_BIN).tolist() + rest
    unseen = [i for i in range(bins.size) if not is_known[i] and bins[i] != OTHER_BIN]
    names = binning.categories or ()
    labels = [names[bins[i]] for i in shown]
    columns = [held[:, [i]].sum(axis=1) for i in shown]
    for label, places in (("(other)", other), ("(unseen)", unseen)):
        if places:
            labels.append(label)
            columns.append(held[:, places].sum(axis=1))
    nulls = np.array([int(side.n_null[0]) for side in sides])
    if nulls.any():
        labels.append("(null)")
        columns.append(nulls)
    table = np.array(columns).reshape(len(labels), 2)
    return tuple(labels), (_share(table[:, 0], before), _share(table[:, 1], after))


def read_shift(view: DriftView, feature: str, statistic: Statistic) -> ShiftSeries:
    """Give a statistic of a feature over the chunks shown, for PSI with limit, chance, and natural variation."""
    table, i, first = view.table, view.table.features.index(feature), view.first
    judgement, n = table.judgement, table.counts[feature].n[first:]
    values = _compute(view, feature, statistic)[first:]
    limits = band = natural = np.array([])
    if statistic is Statistic.PSI:
        # The verdict rests on the index less what chance gives it, which has its own value in every chunk.
        chance = table.shifts.psi[i, first:] - table.shifts.effect[i, first:]
        limits = judgement.alert_limits[i] + chance
        band = _bound_chance(chance, n, int(table.known[feature].counts.n[0]))
        natural = table.natural[i] + chance if table.natural[i] > 0 else natural
    return ShiftSeries(
        label=statistic.label,
        chunks=view.chunks,
        values=tuple(values.tolist()),
        statuses=tuple(judgement.get_status(i, place) for place in range(first, len(table.chunks))),
        n=tuple(n.tolist()),
        limits=tuple(limits.tolist()),
        band=tuple(band.tolist()),
        natural=tuple(natural.tolist()),
    )


def _bound_chance(chance: NDArray[np.float64], n: NDArray[np.int64], n_reference: int) -> NDArray[np.float64]:
    """Bound the index that chance gives, in as many groups as were compared: chance is (G − 1)(1/n + 1/m)."""
    band = np.full(n.size, np.nan)
    for place in np.flatnonzero(np.isfinite(chance) & (n > 0)):
        n_groups = round(float(chance[place]) / (1 / int(n[place]) + 1 / max(n_reference, 1))) + 1
        band[place] = float(no_drift_band(max(n_groups, 1), int(n[place]), n_reference))
    return band


def _compute(view: DriftView, feature: str, statistic: Statistic) -> NDArray[np.float64]:
    """Compute a statistic in every chunk of the table."""
    table = view.table
    if statistic is Statistic.PSI:
        return np.asarray(table.shifts.psi[table.features.index(feature)])
    known = table.known[feature]
    if statistic.is_ordered:
        places = range(len(table.chunks))
        return np.array([_order(known.counts, take_chunk(table.counts[feature], i), statistic) for i in places])
    p, q = count_groups(known.counts, known.groups), count_groups(table.counts[feature], known.groups)
    if statistic is Statistic.CHI_SQUARE:
        return np.asarray(chi_square_test(p, q).statistic)
    if statistic is Statistic.JENSEN_SHANNON:
        return compute_jensen_shannon(p, q)
    return compute_hellinger(p, q) if statistic is Statistic.HELLINGER else compute_total_variation(p, q)


def _order(before: FeatureCounts, after: FeatureCounts, statistic: Statistic) -> float:
    left, right = align_bins(before, after)
    if not (left.counts.any() and right.counts.any()):
        return float("nan")
    if statistic is Statistic.KS:
        return float(compute_ks(left.counts, right.counts))
    return float(compute_wasserstein(left.counts, left.means, right.counts, right.means, left.standard_deviation))


def read_missing(view: DriftView, feature: str) -> MissingSeries:
    """Give the nulls of a feature over the chunks shown, and of a category what the reference lacks."""
    counts, known = view.table.counts[feature], view.table.known[feature]
    unseen = np.array([])
    if is_categorical(view, feature):
        unseen = _divide(count_groups(counts, known.groups)[:, -2], counts.n)[view.first :]
    return MissingSeries(
        chunks=view.chunks,
        nulls=tuple(_divide(counts.n_null, counts.n)[view.first :].tolist()),
        unseen=tuple(unseen.tolist()),
        reference_nulls=int(known.counts.n_null[0]) / max(int(known.counts.n[0]), 1),
    )


def read_outcome_distribution(view: DriftView, outcome: Outcome, position: int) -> Distribution:
    """Give the groups of the scores or labels in the reference and in one chunk."""
    judgement, current = outcome.judgement, outcome.shares[position]
    return Distribution(
        feature=outcome.label,
        edges=(),
        labels=outcome.groups,
        reference=tuple(outcome.reference.tolist()),
        current=() if np.isnan(current).any() else tuple(current.tolist()),
        n_reference=int(judgement.n_reference[0]) if judgement else 0,
        n_current=int(judgement.n_current[0, position]) if judgement else 0,
        current_name=write_chunk(view.spec, view.table.chunks[position]),
    )


def read_outcome_shift(view: DriftView, outcome: Outcome) -> ShiftSeries:
    """Give the effect of the scores or labels over the chunks shown, with its limit."""
    judgement, places = outcome.judgement, range(view.first, len(view.table.chunks))
    assert judgement is not None
    return ShiftSeries(
        label="PSI less chance",
        chunks=view.chunks,
        values=tuple(judgement.effects[0, view.first :].tolist()),
        statuses=tuple(judgement.get_status(0, place) for place in places),
        n=tuple(judgement.n_current[0, view.first :].tolist()),
        limits=(float(judgement.alert_limits[0]),) * len(places),
        band=(),
        natural=(),
    )


def _divide(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(whole.size, np.nan), where=whole > 0))
