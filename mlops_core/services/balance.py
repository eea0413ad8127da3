"""How different two sets of rows are: decides how features are compared when neither set is a standing reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_core.entities import ModelSpec
from mlops_core.services.drift_report import none_if_nan
from mlops_core.stats.balance import compute_standardised_difference
from mlops_core.stats.features import FeatureCounts, align_bins
from mlops_core.stats.groups import choose_groups, count_groups
from mlops_core.stats.shift import measure_shifts
from mlops_core.words import write_difference, write_number

NOTABLE, LARGE = 0.1, 0.2
"""Effects from which on two sets are told to differ, and to differ much."""
LIMITS = (NOTABLE, LARGE)
COLUMNS = ("Feature", "PSI", "Effect", "Mean moved by", "Empty")
EXPORTED = ("feature", "psi", "effect", "standardised_difference", "null_fraction_1", "null_fraction_2", "n_1", "n_2")
"""Columns of the features as CSV; 1 is the version that the other is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureBalance:
    """One feature in two sets of rows."""

    feature: str
    psi: float
    """As it is shown, without pooling."""
    effect: float
    """The PSI of pooled counts less what chance alone gives; around 0 without a difference."""
    standardised: float | None
    """Second mean less the first, in standard deviations; None for a category, and where it is undefined."""
    null_fractions: tuple[float, float]
    n: tuple[int, int]


def measure_balance(
    spec: ModelSpec, first: Mapping[str, FeatureCounts], second: Mapping[str, FeatureCounts]
) -> list[FeatureBalance]:
    """Compare the features that two sets of rows both have, the one that differs most first.

    Parameters
    ----------
    first, second : mapping of str to FeatureCounts
        By feature, all chunks as one, counted by the same binning.
    """
    shared = [name for name in first if name in second and first[name].n[0] and second[name].n[0]]
    groups = [choose_groups(first[name], is_categorical=name in spec.columns.categorical) for name in shared]
    shifts = measure_shifts(
        [count_groups(first[name], own)[0] for name, own in zip(shared, groups, strict=True)],
        [count_groups(second[name], own) for name, own in zip(shared, groups, strict=True)],
        [own.always_pooled for own in groups],
    )
    found = [
        FeatureBalance(
            feature=name,
            psi=float(shifts.psi[i, 0]),
            effect=float(shifts.effect[i, 0]),
            standardised=_compare_means(spec, name, first[name], second[name]),
            null_fractions=(_find_null_fraction(first[name]), _find_null_fraction(second[name])),
            n=(int(first[name].n[0]), int(second[name].n[0])),
        )
        for i, name in enumerate(shared)
    ]
    return sorted(found, key=lambda one: -one.effect if math.isfinite(one.effect) else math.inf)


def _compare_means(spec: ModelSpec, name: str, first: FeatureCounts, second: FeatureCounts) -> float | None:
    if name in spec.columns.categorical:
        return None
    return none_if_nan(compute_standardised_difference(*align_bins(first, second)))


def _find_null_fraction(counts: FeatureCounts) -> float:
    return float(counts.n_null[0] / counts.n[0])


def list_balance(found: Sequence[FeatureBalance]) -> list[tuple[str, ...]]:
    """Give the features as text, in the order of `COLUMNS`."""
    return [
        (
            one.feature,
            f"{one.psi:.3f}",
            write_difference(one.effect, 3),
            "–" if one.standardised is None else f"{write_difference(one.standardised)} σ",
            " → ".join(f"{share:.1%}" for share in one.null_fractions),
        )
        for one in found
    ]


def export_balance(found: Sequence[FeatureBalance]) -> list[tuple[str, ...]]:
    """Give the features as numbers, in the order of `EXPORTED`; empty where there is none."""
    return [
        (
            one.feature,
            *(write_number(value) for value in (one.psi, one.effect, one.standardised, *one.null_fractions)),
            *(str(n) for n in one.n),
        )
        for one in found
    ]


def tell_balance(found: Sequence[FeatureBalance], what: str) -> str:
    """Say how many features differ, and which most.

    Parameters
    ----------
    what : str
        Which two sets these are, as in "the training rows of v4 and v3".
    """
    if not found:
        return f"No feature of {what} can be compared."
    differing = [one for one in found if one.effect >= NOTABLE]
    if not differing:
        return f"All {len(found)} features of {what} are alike: no effect reaches {NOTABLE:g}."
    names = ", ".join(f"{one.feature} ({one.effect:.2f})" for one in differing[:3])
    much = sum(one.effect >= LARGE for one in differing)
    return (
        f"{len(differing)} of {len(found)} features of {what} differ by an effect of {NOTABLE:g} or more, "
        f"{much} of them by {LARGE:g} or more; most of all {names}."
    )
