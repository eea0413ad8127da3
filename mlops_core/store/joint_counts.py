"""Labelled rows over features and scores: decides that they are kept as counts, once per version and binning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.stats.groups import FeatureGroups
from mlops_core.stats.joint import JointCounts
from mlops_core.stats.score_groups import ScoreGroups
from mlops_core.store.connection import Database, list_values, to_array
from mlops_core.store.queries import get_query
from mlops_core.store.reference_scores import ReferenceOrigin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointReference:
    """How a version scored labelled rows, by group of each feature that it reads."""

    binning: int
    """Of the bins that the groups are made of."""
    window: Window | None
    """Traffic whose rows they are; None for the version's training rows."""
    origin: ReferenceOrigin
    n_available: int
    """Labelled rows there are; more than were counted when a sample was taken."""
    score_groups: ScoreGroups
    features: Mapping[str, JointCounts]


def find_joint_reference(
    database: Database, spec: ModelSpec, version: Version, binning: int, window: Window | None
) -> JointReference | None:
    """Give the kept counts of a version's labelled rows in a window, or of its training rows; None before."""
    found = database.rows("find_joint_reference", _make_key(spec, version, binning, window))
    if not found:
        return None
    row = found[0]
    score_groups = ScoreGroups(
        first_positive=row["first_positive"],
        squared_error=np.array(row["squared_error"]).reshape(-1, 2),
        log_loss=np.array(row["log_loss"]).reshape(-1, 2),
    )
    n_groups = len(score_groups.squared_error)
    origin = ReferenceOrigin.HELD_OUT if row["is_held_out"] else ReferenceOrigin.TRAINING
    return JointReference(
        binning=binning,
        window=window,
        origin=ReferenceOrigin.WINDOW if window else origin,
        n_available=row["available_rows"],
        score_groups=score_groups,
        features=_read_features(database.table(get_query("read_joint_counts"), {"reference": row["id"]}), n_groups),
    )


def count_joint_rows(
    database: Database, spec: ModelSpec, version: Version, binning: int, window: Window | None
) -> int | None:
    """Give how many labelled rows there were when the kept counts were made; None before."""
    found = database.rows("find_joint_reference", _make_key(spec, version, binning, window))
    return found[0]["available_rows"] if found else None


def store_joint_reference(
    database: Database, spec: ModelSpec, version: Version, joint: JointReference, at: datetime
) -> None:
    """Keep the counts of a version's labelled rows in the place of those that had fewer labels."""
    key = _make_key(spec, version, joint.binning, joint.window)
    groups = joint.score_groups
    with database.transaction() as transaction:
        for known in transaction.rows("find_joint_reference", key):
            transaction.run("delete_joint_counts", {"reference": known["id"]})
            transaction.run("delete_joint_reference", {"reference": known["id"]})
        number = transaction.run(
            "insert_joint_reference",
            key
            | {
                "is_held_out": joint.origin is ReferenceOrigin.HELD_OUT,
                "available_rows": joint.n_available,
                "first_positive": groups.first_positive,
                "squared_error": groups.squared_error.ravel().tolist(),
                "log_loss": groups.log_loss.ravel().tolist(),
                "at": at,
            },
        )
        for feature, counts in joint.features.items():
            flat = counts.counts.ravel()
            cells = np.flatnonzero(flat)
            lists = {"cells": cells.tolist(), "counts": flat[cells].tolist(), **_write_groups(counts.groups)}
            transaction.run("insert_joint_counts", {"reference": number, "feature": feature, **lists})


def _make_key(spec: ModelSpec, version: Version, binning: int, window: Window | None) -> dict[str, object]:
    return {
        "model": spec.name,
        "version": version.name,
        "binning": binning,
        "threshold": spec.threshold,
        "snapshot_id": None if window else version.snapshot.id,
        "start": window.start if window else None,
        "end": window.end if window else None,
    }


def _write_groups(groups: FeatureGroups) -> dict[str, list[int] | None]:
    return {
        "group_starts": None if groups.starts is None else groups.starts.tolist(),
        "categories": None if groups.categories is None else groups.categories.tolist(),
    }


def _read_features(table: pa.Table, n_score_groups: int) -> dict[str, JointCounts]:
    """Spread the filled cells of each feature over a dense array; the lists of all features become arrays at once."""
    if table.num_rows == 0:
        return {}
    lengths = to_array(pc.list_value_length(table["cells"].combine_chunks()))
    ends = np.cumsum(lengths)
    cells, counts = (to_array(table[name].combine_chunks().flatten()) for name in ("cells", "counts"))
    found = {}
    for row, end, length in zip(_list_groups(table), ends.tolist(), lengths.tolist(), strict=True):
        name, groups = row
        dense = np.zeros(groups.n_groups * n_score_groups * 2, dtype=np.int64)
        dense[cells[end - length : end]] = counts[end - length : end]
        found[name] = JointCounts(groups=groups, counts=dense.reshape(groups.n_groups, n_score_groups, 2))
    return found


def _list_groups(table: pa.Table) -> list[tuple[str, FeatureGroups]]:
    names, starts, categories = (list_values(table[name]) for name in ("feature", "group_starts", "categories"))
    return [
        (
            name,
            FeatureGroups(
                starts=None if own is None else np.array(own, dtype=np.int64),
                categories=None if known is None else np.array(known, dtype=np.int64),
            ),
        )
        for name, own, known in zip(names, starts, categories, strict=True)
    ]
