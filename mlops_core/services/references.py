"""References: decides what a model's traffic is compared with, and keeps it once it is complete."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.services.binnings import adapt_binning
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import read_snapshot
from mlops_core.stats.features import FeatureCounts, make_empty_counts, merge_chunks, stack_features, sum_up
from mlops_core.stats.groups import choose_groups, count_groups
from mlops_core.stats.natural import find_natural_variations
from mlops_core.store.binnings import Binning, get_binning
from mlops_core.store.count_tables import assemble_counts
from mlops_core.store.features import ALL_TRAFFIC, FeatureProfile, Segment, read_feature_profiles
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.profiles import list_segments
from mlops_core.store.reference_choices import get_reference_choice
from mlops_core.store.references import (
    SNAPSHOT,
    WINDOW,
    Reference,
    ReferenceProfile,
    add_reference,
    count_rows,
    find_reference,
    read_reference_profiles,
)

Profiles = Mapping[tuple[Segment, str], ReferenceProfile]


def find_window(runtime: Runtime, spec: ModelSpec) -> Window | None:
    """Give the window of traffic that later traffic is compared with; None when training rows are.

    What somebody has chosen comes before what the model file names.
    """
    choice = get_reference_choice(runtime.database, spec.name)
    return choice.window if choice else spec.reference


def ensure_reference(runtime: Runtime, spec: ModelSpec, version: Version | None, now: datetime) -> Reference | None:
    """Give what the traffic of a version is compared with; None while there is nothing.

    It is the window or the version that somebody has chosen, else the window that the model file names, else the
    training rows of the version itself.
    """
    window = find_window(runtime, spec)
    if window:
        return ensure_window_reference(runtime, spec, window, now)
    choice = get_reference_choice(runtime.database, spec.name)
    if choice and choice.version:
        chosen = get_version(runtime.database, spec.name, choice.version)
        return ensure_snapshot_reference(runtime, spec, chosen, now, may_replace=chosen == version)
    return ensure_snapshot_reference(runtime, spec, version, now) if version else None


def ensure_snapshot_reference(
    runtime: Runtime, spec: ModelSpec, version: Version, now: datetime, *, may_replace: bool = True
) -> Reference:
    """Give the training rows of a version as a reference; they are counted the first time.

    Parameters
    ----------
    may_replace : bool
        Whether new bins are made where the known ones are too coarse for them; else that is refused.

    Raises
    ------
    HomeError
        When the snapshot's file is gone or damaged.
    ConflictError
        When new bins are needed, and may not be made.
    """
    binning = get_binning(runtime.database, spec.name)
    snapshot = version.snapshot
    found = find_reference(runtime.database, spec.name, binning.id, snapshot_id=snapshot.id) if binning else None
    if found:
        return found
    rows = read_snapshot(runtime, snapshot.id)
    origin = f"the training rows of {version.name}"
    binning = adapt_binning(runtime, spec, rows, spec.columns.features, origin, now, may_replace=may_replace)
    reference = Reference(
        id=None,
        model=spec.name,
        kind=SNAPSHOT,
        version=version.name,
        snapshot_id=snapshot.id,
        binning=binning.id,
        start=snapshot.start,
        end=snapshot.end,
        n=snapshot.rows,
        n_chunks=0,
        made_at=now,
    )
    return _keep(runtime, spec, reference, _count_snapshot(runtime, spec, binning, rows, reference))


def _count_snapshot(
    runtime: Runtime, spec: ModelSpec, binning: Binning, rows: pa.Table, reference: Reference
) -> dict[tuple[Segment, str], tuple[int, ReferenceProfile]]:
    table = count_rows(runtime.database, spec, binning, rows, reference.start, reference.end)
    return {
        key: (counts.n.size, sum_up_reference(counts, is_categorical=key[1] in spec.columns.categorical))
        for key, counts in _split_table(table)
    }


def count_frozen_rows(runtime: Runtime, spec: ModelSpec, rows: pa.Table) -> dict[str, FeatureCounts] | None:
    """Count rows that are not traffic by feature, all their chunks as one; None while the model has no bins.

    Nothing is kept. The rows have scored_at and features.
    """
    binning = get_binning(runtime.database, spec.name)
    if binning is None:
        return None
    if rows.num_rows == 0:
        return {}
    times = pc.min_max(rows["scored_at"]).as_py()
    table = count_rows(runtime.database, spec, binning, rows, times["min"], times["max"])
    return {name: sum_up(counts) for (segment, name), counts in _split_table(table) if segment == ALL_TRAFFIC}


def _split_table(table: pa.Table) -> Iterable[tuple[tuple[Segment, str], FeatureCounts]]:
    """Split a table of counts ordered by segment and feature; each part has the chunks of one of them."""
    columns = [table[name].to_pylist() for name in ("segment_column", "segment", "feature")]
    keys = [((column, segment), feature) for column, segment, feature in zip(*columns, strict=True)]
    firsts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    spans = list(zip(firsts, [*firsts[1:], len(keys)], strict=True))
    return zip([keys[first] for first in firsts], assemble_counts(table, spans), strict=True)


def sum_up_reference(counts: FeatureCounts, *, is_categorical: bool) -> ReferenceProfile:
    """Add the chunks of a feature's reference up, and find how far they differ among themselves."""
    merged = sum_up(counts)
    groups = choose_groups(merged, is_categorical=is_categorical)
    natural = find_natural_variations(count_groups(counts, groups), groups.always_pooled)
    return ReferenceProfile(counts=merged, groups=groups, natural_variations=tuple(natural))


def read_reference(
    runtime: Runtime, spec: ModelSpec, reference: Reference, segment: Segment = ALL_TRAFFIC
) -> dict[str, ReferenceProfile]:
    """Read the counts of a kept reference by feature.

    A feature that the version of training rows does not read, and that is empty in all of them, has no rows: it is
    absent there, not null.
    """
    assert reference.id is not None
    known = read_reference_profiles(runtime.database, reference.id, segment)
    if reference.version is None:
        return known
    read = get_version(runtime.database, spec.name, reference.version).features
    for name, profile in known.items():
        if name not in read and profile.counts.n_null[0] == profile.counts.n[0]:
            known[name] = sum_up_reference(make_empty_counts(), is_categorical=name in spec.columns.categorical)
    return known


def _keep(
    runtime: Runtime,
    spec: ModelSpec,
    reference: Reference,
    counted: Mapping[tuple[Segment, str], tuple[int, ReferenceProfile]],
) -> Reference:
    total = [n for (segment, _), (n, _) in counted.items() if segment == ALL_TRAFFIC]
    complete = replace(reference, n_chunks=max(total, default=0))
    with runtime.database.transaction() as transaction:
        return add_reference(transaction, complete, {key: profile for key, (_, profile) in counted.items()})


def count_window(
    runtime: Runtime, spec: ModelSpec, binning: int, window: Window, segment: Segment = ALL_TRAFFIC
) -> dict[str, FeatureCounts]:
    """Give the counts of each feature by chunk in a window, whatever versions answered.

    A feature that a version does not read, and that its traffic never had, is absent from that traffic, not null.
    One that no version in the window read has no rows.
    """
    reads = {version.name: version.features for version in list_versions(runtime.database, spec.name)}
    parts: dict[str, list[FeatureProfile]] = {}
    for profile in read_feature_profiles(runtime.database, spec.name, binning, window, segment):
        known = parts.setdefault(profile.feature, [])
        counts = profile.counts
        if profile.feature in reads.get(profile.version, (profile.feature,)) or (counts.n_null < counts.n).any():
            known.append(profile)
    return {
        feature: _join_versions(profiles) if profiles else make_empty_counts() for feature, profiles in parts.items()
    }


def _join_versions(profiles: list[FeatureProfile]) -> FeatureCounts:
    """Add what several versions answered in the same chunk."""
    chunks = sorted({chunk for profile in profiles for chunk in profile.chunks})
    if len(profiles) == 1:
        return profiles[0].counts
    place = {chunk: i for i, chunk in enumerate(chunks)}
    position = np.array([place[chunk] for profile in profiles for chunk in profile.chunks])
    return merge_chunks(stack_features([profile.counts for profile in profiles]), position, len(chunks))


def ensure_window_reference(runtime: Runtime, spec: ModelSpec, window: Window, now: datetime) -> Reference | None:
    """Give the standing reference of a window of traffic; kept once the window is over. None without traffic."""
    binning = get_binning(runtime.database, spec.name)
    if binning is None:
        return None
    found = find_reference(runtime.database, spec.name, binning.id, start=window.start, end=window.end)
    if found or window.end > now:
        return found
    counted = {
        (segment, feature): (
            counts.n.size,
            sum_up_reference(counts, is_categorical=feature in spec.columns.categorical),
        )
        for segment in (ALL_TRAFFIC, *list_segments(runtime.database, spec.name))
        for feature, counts in count_window(runtime, spec, binning.id, window, segment).items()
    }
    if not counted:
        return None
    reference = Reference(
        id=None,
        model=spec.name,
        kind=WINDOW,
        version=None,
        snapshot_id=None,
        binning=binning.id,
        start=window.start,
        end=window.end,
        n=max(int(profile.counts.n[0]) for _, profile in counted.values()),
        n_chunks=0,
        made_at=now,
    )
    return _keep(runtime, spec, reference, counted)
