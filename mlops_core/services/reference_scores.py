"""What a version's score is worth: decides which labelled rows tell it, and that they are scored once."""

import logging
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mlops_core.entities import ModelSpec, Version
from mlops_core.errors import HomeError, MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import count_scores, merge_counts, stack_counts
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import read_coverage, read_score_profiles
from mlops_core.store.reference_scores import (
    ReferenceOrigin,
    ReferenceScores,
    find_reference_scores,
    store_reference_scores,
)

MOST_ROWS = 50_000
"""Rows scored of a snapshot; more would make the calibration hardly steadier."""
BATCH_ROWS = 10_000
SAMPLING_SEED = 0
HELD_OUT_COLUMN = "held_out"
"""A training row that says true here was kept from the version while it learned; the column is optional."""

_log = logging.getLogger(__name__)


def read_reference_scores(runtime: Runtime, spec: ModelSpec, version: Version) -> ReferenceScores | None:
    """Give what is known of a version's score: from the model's reference window, else from its training rows.

    None while neither has labelled rows of both classes.
    """
    scores = _find_counted(runtime, spec, version)
    return scores if scores and scores.negative.any() and scores.positive.any() else None


def ensure_reference_scores(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Score the training rows of each version that answered live traffic and has no reference scores yet.

    A version that cannot be scored is left out, which the log says; it is tried again the next time.
    """
    served = {row.version for row in read_coverage(runtime.database, spec.name)}
    for version in list_versions(runtime.database, spec.name):
        if version.name not in served or _find_counted(runtime, spec, version):
            continue
        try:
            store_reference_scores(runtime.database, version, _score_snapshot(runtime, spec, version), now)
        except MLOpsError as error:
            _log.warning("%s %s has no estimates: %s", spec.name, version.name, error.message)


def _find_counted(runtime: Runtime, spec: ModelSpec, version: Version) -> ReferenceScores | None:
    return _count_window(runtime, spec, version.name) or find_reference_scores(runtime.database, spec, version)


def _count_window(runtime: Runtime, spec: ModelSpec, version: str) -> ReferenceScores | None:
    """Give the version's labelled traffic of the reference window, live and replayed; None without any."""
    if spec.reference is None:
        return None
    profiles = read_score_profiles(runtime.database, spec, spec.reference)
    own = [profile.counts for profile in profiles if profile.version == version]
    if not own:
        return None
    counts = merge_counts(stack_counts(own))
    n_labelled = int(counts.n_labelled[0])
    if n_labelled == 0:
        return None
    return ReferenceScores(
        origin=ReferenceOrigin.WINDOW,
        threshold=spec.threshold,
        negative=counts.negative[0],
        positive=counts.positive[0],
        n_available=n_labelled,
    )


def _score_snapshot(runtime: Runtime, spec: ModelSpec, version: Version) -> ReferenceScores:
    """Let a version score its training rows, a sample when there are many; those it did not learn from if known."""
    rows, is_held_out = _read_labelled(runtime, version)
    chosen = rows
    if rows.num_rows > MOST_ROWS:
        rng = np.random.default_rng(SAMPLING_SEED)
        chosen = rows.take(pa.array(np.sort(rng.choice(rows.num_rows, MOST_ROWS, replace=False))))
    labels = chosen["label"].cast(pa.float64()).to_numpy()
    scores = _score_batches(runtime, version, chosen.select(list(version.features)))
    counts = count_scores(scores, labels, np.zeros(len(labels), np.int64), 1, spec.threshold)
    return ReferenceScores(
        origin=ReferenceOrigin.HELD_OUT if is_held_out else ReferenceOrigin.TRAINING,
        threshold=spec.threshold,
        negative=counts.negative[0],
        positive=counts.positive[0],
        n_available=rows.num_rows,
    )


def _score_batches(runtime: Runtime, version: Version, rows: pa.Table) -> NDArray[np.float64]:
    starts = range(0, rows.num_rows, BATCH_ROWS)
    parts = [runtime.artifacts.score(version.artifact_hash, rows.slice(start, BATCH_ROWS)) for start in starts]
    return np.concatenate([np.zeros(0), *parts])


def _read_labelled(runtime: Runtime, version: Version) -> tuple[pa.Table, bool]:
    """Give the training rows that have a label, and whether they are those that the version did not learn from."""
    path = runtime.home.snapshots / f"{version.snapshot.id}.parquet"
    try:
        rows = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise HomeError(
            f"The training rows {path} cannot be read ({error}). Put the file back from a backup."
        ) from error
    if "label" not in rows.column_names:
        raise HomeError(f"The training rows {path} have no column 'label'.")
    rows = rows.filter(pc.is_valid(rows["label"]))
    if HELD_OUT_COLUMN in rows.column_names and HELD_OUT_COLUMN not in version.features:
        held_out = rows.filter(pc.fill_null(rows[HELD_OUT_COLUMN], False))
        if held_out.num_rows:
            return held_out, True
    return rows, False
