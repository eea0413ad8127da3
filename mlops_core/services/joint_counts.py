"""Labelled rows over features and scores: decides what is counted of them, under which bins, and when anew."""

from datetime import datetime

import numpy as np
import pyarrow as pa

from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.services.labelled_rows import LabelledRows
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import count_scores
from mlops_core.stats.features import FeatureBinning
from mlops_core.stats.joint import JointCounts, bin_rows, count_over_groups
from mlops_core.stats.score_groups import assign_score_groups, choose_group_starts, group_scores
from mlops_core.store.binnings import Binning
from mlops_core.store.joint_counts import JointReference, count_joint_rows, store_joint_reference


def is_counted(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    binning: int,
    window: Window | None = None,
    n_available: int | None = None,
) -> bool:
    """Say whether a version's labelled rows were counted under a binning.

    Parameters
    ----------
    window : Window, optional
        Of the traffic whose rows they are; the version's training rows when None.
    n_available : int, optional
        Labelled rows there are by now; what was counted when there were others does not do.
    """
    counted = count_joint_rows(runtime.database, spec, version, binning, window)
    return counted is not None and n_available in (None, counted)


def keep_joint_counts(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    binning: Binning,
    labelled: LabelledRows,
    now: datetime,
    window: Window | None = None,
) -> None:
    """Count labelled rows over every feature that the version reads, and keep the counts; nothing without rows."""
    if labelled.labels.size == 0:
        return
    counts = count_scores(
        labelled.scores, labelled.labels, np.zeros(labelled.labels.size, dtype=np.int64), 1, spec.threshold
    )
    starts = choose_group_starts(counts)
    score_groups = assign_score_groups(labelled.scores, spec.threshold, starts)

    def count(feature: FeatureBinning) -> JointCounts:
        rows = bin_rows(_take_values(labelled.rows[feature.feature], feature), feature)
        return count_over_groups(
            rows, score_groups, starts.size, labelled.labels, is_categorical=feature.is_categorical
        )

    known = [binning.features[name] for name in version.features if name in binning.features]
    joint = JointReference(
        binning=binning.id,
        window=window,
        origin=labelled.origin,
        n_available=labelled.n_available,
        score_groups=group_scores(counts, starts),
        features={one.feature: count(one) for one in known if one.is_categorical or one.grid is not None},
    )
    store_joint_reference(runtime.database, spec, version, joint, now)


def _take_values(column: pa.ChunkedArray, binning: FeatureBinning) -> "list[str | None] | np.ndarray":
    if binning.is_categorical:
        texts: list[str | None] = column.to_pylist()
        return texts
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
