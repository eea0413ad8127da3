"""The drift of one window against another: decides what the public document says of each feature."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import SupportsFloat

import numpy as np

from mlops_core.checks.drift import STATUSES, warn_of_losses
from mlops_core.checks.drift_summary import explain
from mlops_core.chunking import next_chunk
from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.errors import ConflictError
from mlops_core.services.drift import DriftTable, judge_counts
from mlops_core.services.exact_drift import ORIGIN, compare_rows
from mlops_core.services.impacts import DRIFTED, expect_impacts, get_change, rank_features, warn_of_costs
from mlops_core.services.references import (
    count_window,
    ensure_reference,
    ensure_snapshot_reference,
    read_reference,
    sum_up_reference,
)
from mlops_core.services.runtime import Runtime
from mlops_core.stats.divergence import compute_hellinger, compute_jensen_shannon, compute_total_variation
from mlops_core.stats.features import align_bins, sum_up
from mlops_core.stats.groups import count_groups
from mlops_core.stats.impact import Impact, measure_harm
from mlops_core.stats.two_sample import chi_square_test, compute_ks, compute_wasserstein
from mlops_core.stats.values import ValueDistances
from mlops_core.store.binnings import Binning, get_binning
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.models import get_champion_version
from mlops_core.store.profiles import read_coverage
from mlops_core.store.references import WINDOW, Reference, ReferenceProfile
from mlops_core.words import write_difference

NEWEST_CHUNKS = 7
"""What is looked at when no window is named."""


def report_drift(
    runtime: Runtime,
    spec: ModelSpec,
    reference: Window | Version | None,
    current: Window,
    now: datetime,
    segment: Segment = ALL_TRAFFIC,
    *,
    exact: bool = False,
) -> dict[str, object]:
    """Give the drift document of the public contract: all traffic of a window, whatever version answered.

    Parameters
    ----------
    reference : Window or Version, optional
        Traffic to compare with, or the version whose training rows are; the champion's standing reference when None.
    exact : bool
        Read the rows of both sides, instead of what was counted of them; the impacts come from counts all the same,
        since the outcomes that tell them are counted by the model's bins.

    Raises
    ------
    ConflictError
        When nothing was counted yet, there is no reference to compare with, or rows that are to be read were deleted.
    HomeError
        When training rows that are to be read cannot be.
    """
    compared, binning = compare_windows(runtime, spec, reference, current, now, segment)
    version = get_champion_version(runtime.database, spec.name)
    table = warn_of_costs(runtime, spec, version, compared, segment)
    impacts = expect_impacts(runtime, spec, version, table, segment)
    origin, distances = f"{binning.id}, made from {binning.origin}", _estimate_distances(spec, table)
    if exact:
        read, distances = compare_rows(runtime, spec, table, current, segment)
        table, origin = _warn_by_impacts(spec, read, impacts), ORIGIN
    ranked = rank_features(table, impacts, spec.primary_metric)
    features = [_report_feature(spec, table, name, impacts[name], distances.get(name)) for name in ranked]
    return {**_describe_sides(spec, table, current), "binning": origin, "features": features}


def _describe_sides(spec: ModelSpec, table: DriftTable, current: Window) -> dict[str, object]:
    return {
        "model": spec.name,
        "reference": describe_reference(table.reference),
        "current": {
            "start": current.start.isoformat(),
            "end": current.end.isoformat(),
            "n": max(int(counts.n[0]) for counts in table.counts.values()),
        },
    }


def _warn_by_impacts(spec: ModelSpec, table: DriftTable, impacts: Mapping[str, Impact]) -> DriftTable:
    """Turn small shifts into warnings by what they are expected to cost, which comes from counts."""
    if spec.drift_cost is None:
        return table
    harms = [measure_harm(impacts[name], spec.primary_metric) for name in table.features]
    losses = np.array([[np.nan if harm is None else harm] for harm in harms])
    return replace(table, judgement=warn_of_losses(table.judgement, losses, spec.drift_cost))


def find_newest_chunks(runtime: Runtime, spec: ModelSpec, now: datetime) -> Window:
    """Give the newest chunks of live traffic that are over.

    Raises
    ------
    ConflictError
        When there are none.
    """
    seen = sorted({row.chunk for row in read_coverage(runtime.database, spec.name)})
    over = [chunk for chunk in seen if next_chunk(spec, chunk) <= now][-NEWEST_CHUNKS:]
    if not over:
        raise ConflictError(f"{spec.name} has no {spec.chunk.value} of traffic that is over; name a window.")
    return Window(over[0], next_chunk(spec, over[-1]))


def describe_reference(reference: Reference) -> dict[str, object]:
    """Give the part of the document that says what was compared with."""
    return {"start": reference.start.isoformat(), "end": reference.end.isoformat(), "n": reference.n}


def compare_windows(
    runtime: Runtime,
    spec: ModelSpec,
    reference: Window | Version | None,
    current: Window,
    now: datetime,
    segment: Segment,
) -> tuple[DriftTable, Binning]:
    """Compare all traffic of a window with a reference; see `find_known`."""
    binning = get_binning(runtime.database, spec.name)
    if binning is None:
        raise ConflictError(
            f"The features of {spec.name} were not counted yet: it has neither a reference nor traffic."
        )
    chosen, known = find_known(runtime, spec, binning, reference, now, segment)
    found = count_window(runtime, spec, chosen.binning, current, segment)
    counts = {name: sum_up(found[name]) for name in spec.columns.features if name in found}
    n_chunks = max((one.n.size for one in found.values()), default=1)
    table = judge_counts(chosen, [current.start], counts, known, n_chunks=n_chunks)
    if table is None:
        raise ConflictError(
            f"There is no traffic of {spec.name} between {current.start.isoformat()} and {current.end.isoformat()}; "
            "name a window with predictions."
        )
    # A reference that is counted for the first time may have brought new bins.
    return table, get_binning(runtime.database, spec.name) or binning


def find_known(
    runtime: Runtime,
    spec: ModelSpec,
    binning: Binning,
    asked: Window | Version | None,
    now: datetime,
    segment: Segment,
) -> tuple[Reference, Mapping[str, ReferenceProfile]]:
    """Give what traffic is compared with, and its counts by feature.

    Parameters
    ----------
    asked : Window or Version, optional
        Traffic, or a version's training rows; the champion's standing reference when None.

    Raises
    ------
    ConflictError
        When there is none, the window has no traffic, or the training rows do not fit the bins of the model's traffic.
    """
    if isinstance(asked, Window):
        return _count_reference(runtime, spec, binning, asked, now, segment)
    version = get_champion_version(runtime.database, spec.name)
    if asked:
        # Only what stands may make new bins: they would be those of all traffic.
        is_standing = version is not None and version.name == asked.name
        standing: Reference | None = ensure_snapshot_reference(runtime, spec, asked, now, may_replace=is_standing)
    else:
        standing = ensure_reference(runtime, spec, version, now)
    if standing is None:
        raise ConflictError(f"{spec.name} has no reference yet; name a window to compare with.")
    return standing, read_reference(runtime, spec, standing, segment)


def _count_reference(
    runtime: Runtime, spec: ModelSpec, binning: Binning, window: Window, now: datetime, segment: Segment
) -> tuple[Reference, Mapping[str, ReferenceProfile]]:
    """Count a window of traffic as a reference that is not kept."""
    counted = count_window(runtime, spec, binning.id, window, segment)
    known = {
        name: sum_up_reference(counts, is_categorical=name in spec.columns.categorical)
        for name, counts in counted.items()
    }
    if not known:
        raise ConflictError(
            f"There is no traffic of {spec.name} between {window.start.isoformat()} and {window.end.isoformat()} "
            "to compare with; name a window with predictions."
        )
    reference = Reference(
        id=None,
        model=spec.name,
        kind=WINDOW,
        version=None,
        snapshot_id=None,
        binning=binning.id,
        start=window.start,
        end=window.end,
        n=max(int(profile.counts.n[0]) for profile in known.values()),
        n_chunks=max(counts.n.size for counts in counted.values()),
        made_at=now,
    )
    return reference, known


def _report_feature(
    spec: ModelSpec, table: DriftTable, name: str, impact: Impact, distances: ValueDistances | None
) -> dict[str, object]:
    i, judgement = table.features.index(name), table.judgement
    change = get_change(impact, spec)
    before, after = table.known[name].counts, table.counts[name]
    is_categorical = name in spec.columns.categorical
    return {
        "feature": name,
        "kind": "categorical" if is_categorical else "numeric",
        "n_reference": int(before.n[0]),
        "n_current": int(after.n[0]),
        "psi": none_if_nan(table.shifts.psi[i, 0]),
        "effect": none_if_nan(table.shifts.effect[i, 0]),
        "limit": none_if_nan(judgement.alert_limits[i]),
        "impact": change.value,
        **_compute_distances(table, name, distances),
        "p_adjusted": none_if_nan(judgement.p_adjusted[i, 0]),
        "null_fraction_reference": _divide(int(before.n_null[0]), int(before.n[0])),
        "null_fraction_current": _divide(int(after.n_null[0]), int(after.n[0])),
        "unseen_fraction": _divide(_count_unseen(table, name), int(after.n[0])) if is_categorical else None,
        "status": STATUSES[judgement.codes[i, 0]].value,
        "reason": f"{explain(judgement, name, i, 0)}{_note_length(table, i)}{_note_impact(spec, table, i, impact)}",
    }


def _note_impact(spec: ModelSpec, table: DriftTable, i: int, impact: Impact) -> str:
    """Say what the drift of a feature is expected to change, or why that is unknown; nothing when it did not drift."""
    if STATUSES[table.judgement.codes[i, 0]] not in DRIFTED:
        return ""
    change, metric = get_change(impact, spec), spec.primary_metric.label
    if change.value is None:
        return f" Its impact on {metric} is unknown: {impact.reason or f'{metric} is undefined on the weighted rows'}."
    interval = ""
    if change.low is not None and change.high is not None:
        interval = f" [{write_difference(change.low, 3)}, {write_difference(change.high, 3)}]"
    return f" Expected change of {metric}: {write_difference(change.value, 3)}{interval}."


def _note_length(table: DriftTable, i: int) -> str:
    """Say when the reference is too short to know how far the feature moves by itself."""
    is_unknown = np.isnan(table.natural[i])
    return f" The reference is too short to know how far {table.features[i]} moves by itself." if is_unknown else ""


def _compute_distances(table: DriftTable, name: str, values: ValueDistances | None) -> dict[str, float | None]:
    """Compute what the verdict does not rest on: distances between the groups, with those of a number's values."""
    profile, after = table.known[name], table.counts[name]
    p, q = count_groups(profile.counts, profile.groups)[0], count_groups(after, profile.groups)[0]
    test = chi_square_test(p, q)
    found: dict[str, SupportsFloat] = {
        "jensen_shannon": compute_jensen_shannon(p, q),
        "ks": values.ks if values else np.nan,
        "wasserstein": values.wasserstein if values else np.nan,
        "chi_square": test.statistic,
        "p_value": test.p_value,
        "total_variation": compute_total_variation(p, q),
        "hellinger": compute_hellinger(p, q),
    }
    return {key: none_if_nan(value) for key, value in found.items()}


def _estimate_distances(spec: ModelSpec, table: DriftTable) -> dict[str, ValueDistances]:
    """Estimate how far apart the values of each number lie, from counts and means of bins; without any, not at all."""
    found = {}
    for name in table.features:
        left, right = align_bins(table.known[name].counts, table.counts[name])
        if name in spec.columns.numeric and left.counts.size:
            found[name] = ValueDistances(
                ks=float(compute_ks(left.counts, right.counts)),
                wasserstein=float(
                    compute_wasserstein(left.counts, left.means, right.counts, right.means, left.standard_deviation)
                ),
            )
    return found


def _count_unseen(table: DriftTable, name: str) -> int:
    """Count the current rows whose category the reference lacks."""
    return int(count_groups(table.counts[name], table.known[name].groups)[0, -2])


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def none_if_nan(value: SupportsFloat) -> float | None:
    """Give a figure as JSON has it: null when it is not a number."""
    number = float(value)
    return number if np.isfinite(number) else None
