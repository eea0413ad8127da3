"""Labelled rows with a version's scores: decides which of them tell what a score is worth, and how many are enough."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.errors import HomeError
from mlops_core.frozen_rows import HELD_OUT
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import read_snapshot
from mlops_core.store.reference_scores import ReferenceOrigin
from mlops_core.store.traffic import fetch_labelled

MOST_ROWS = 50_000
"""Rows taken of a snapshot or a window; more would make figures hardly steadier."""
BATCH_ROWS = 10_000
SAMPLING_SEED = 0
"""A training row that says true here was kept from the version while it learned; the column is optional."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledRows:
    """How a version scored n rows whose outcome is known."""

    rows: pa.Table
    """The features that the version reads, n rows."""
    scores: NDArray[np.float64]
    """0–1, shape (n,)."""
    labels: NDArray[np.int64]
    """0 or 1, shape (n,)."""
    origin: ReferenceOrigin
    n_available: int
    """Labelled rows there are; more than n when a sample was taken."""


def score_snapshot(runtime: Runtime, version: Version) -> LabelledRows:
    """Let a version score its training rows, a sample when there are many; those it did not learn from if known.

    Raises
    ------
    HomeError
        When the snapshot's file is gone or damaged, or has no labels.
    PreflightError
        When the artifact does not load or does not score.
    """
    rows, is_held_out = _choose_rows(runtime, version)
    chosen = rows
    if rows.num_rows > MOST_ROWS:
        rng = np.random.default_rng(SAMPLING_SEED)
        chosen = rows.take(pa.array(np.sort(rng.choice(rows.num_rows, MOST_ROWS, replace=False))))
    features = chosen.select(list(version.features))
    return LabelledRows(
        rows=features,
        scores=_score_batches(runtime, version, features),
        labels=_take_labels(chosen),
        origin=ReferenceOrigin.HELD_OUT if is_held_out else ReferenceOrigin.TRAINING,
        n_available=rows.num_rows,
    )


def fetch_window(
    runtime: Runtime, spec: ModelSpec, version: Version, window: Window, n_available: int
) -> LabelledRows | None:
    """Give the labelled traffic of a window that a version scored, a sample when there is much; None without any.

    Parameters
    ----------
    n_available : int
        Labelled rows that were counted there.
    """
    found = fetch_labelled(runtime.database, spec, version, window, MOST_ROWS)
    if found.num_rows == 0:
        return None
    return LabelledRows(
        rows=found.select(list(version.features)),
        scores=np.asarray(found["score"].to_numpy(), dtype=np.float64),
        labels=_take_labels(found),
        origin=ReferenceOrigin.WINDOW,
        n_available=n_available,
    )


def _take_labels(rows: pa.Table) -> NDArray[np.int64]:
    return np.asarray(rows["label"].cast(pa.float64()).to_numpy(), dtype=np.int64)


def _score_batches(runtime: Runtime, version: Version, rows: pa.Table) -> NDArray[np.float64]:
    starts = range(0, rows.num_rows, BATCH_ROWS)
    parts = [runtime.replays.score(version.artifact_hash, rows.slice(start, BATCH_ROWS)) for start in starts]
    return np.concatenate([np.zeros(0), *parts])


def _choose_rows(runtime: Runtime, version: Version) -> tuple[pa.Table, bool]:
    """Give the training rows that have a label, and whether they are those that the version did not learn from."""
    rows = read_snapshot(runtime, version.snapshot.id)
    if "label" not in rows.column_names:
        raise HomeError(f"The training rows of {version.name} have no column 'label'.")
    rows = rows.filter(pc.is_valid(rows["label"]))
    if HELD_OUT in rows.column_names and HELD_OUT not in version.features:
        held_out = rows.filter(pc.fill_null(rows[HELD_OUT], False))
        if held_out.num_rows:
            return held_out, True
    return rows, False
