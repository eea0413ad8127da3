"""Replays: decides which logged rows a version scores again, and what is said of features that they lack."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlops_core.entities import ModelSpec, Version, Window
from mlops_core.errors import PreflightError
from mlops_core.services.background import Progress
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_version
from mlops_core.store.replays import Sample, append_replay, choose_sample, fetch_unreplayed, find_empty_features

MOST_ROWS = 50_000
"""Rows of a window that are scored again; of more, a sample that is stratified by chunk."""
SAMPLING_SEED = 0
BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of letting a version score the logged inputs of a window."""

    version: str
    sample: Sample
    n_scored: int
    """Rows that were scored now; the others it had answered or scored before."""
    missing: tuple[str, ...]
    """Features that it was trained with and that no row of the window has; they were scored as null."""


def sample_window(runtime: Runtime, spec: ModelSpec, window: Window) -> Sample:
    """Choose the rows of a window that versions are compared on: all, or 50,000 of them, by chunk."""
    return choose_sample(runtime.database, spec, window, MOST_ROWS, SAMPLING_SEED)


def replay_version(
    runtime: Runtime, spec: ModelSpec, name: str, window: Window, progress: Progress | None = None
) -> Replay:
    """Let a version score those logged inputs of a window that it has not seen.

    A version is its artifact, so what it has scored once is never scored again. Nothing is stored before all rows
    are scored.

    Raises
    ------
    NotFoundError
        When the version is unknown, or its artifact is gone.
    PreflightError
        When its artifact does not load, does not score, takes too long or too much memory, or lacks features
        that the window does not have and cannot do without.
    CancelledError
        When the replay was cancelled.
    """
    version, sample = get_version(runtime.database, spec.name, name), sample_window(runtime, spec, window)
    rows = fetch_unreplayed(runtime.database, spec, name, version.features, sample)
    missing = tuple(find_missing(runtime, spec, version, sample))
    if rows.num_rows:
        scores = _score(runtime, spec, version, rows, missing, progress or Progress())
        scored = rows.select(["prediction_id", "scored_at"]).append_column("score", pa.array(scores))
        append_replay(runtime.database, spec, name, version.artifact_hash, scored)
    return Replay(version=name, sample=sample, n_scored=rows.num_rows, missing=missing)


def find_missing(runtime: Runtime, spec: ModelSpec, version: Version, sample: Sample) -> list[str]:
    """Name the features of a version that were not all empty in training, and are in a sample."""
    empty = find_empty_features(runtime.database, spec, version.features, sample)
    return [name for name in empty if version.snapshot.null_fractions.get(name, 0.0) < 1.0]


def _score(
    runtime: Runtime, spec: ModelSpec, version: Version, rows: pa.Table, missing: tuple[str, ...], progress: Progress
) -> np.ndarray:
    parts = []
    for start in range(0, rows.num_rows, BATCH_ROWS):
        progress.report(
            start / rows.num_rows, f"{version.name} scores {start:,} of {rows.num_rows:,} {spec.words.rows}"
        )
        batch = rows.slice(start, BATCH_ROWS).select(list(version.features))
        try:
            parts.append(runtime.replays.score(version.artifact_hash, batch, progress.is_cancelled))
        except PreflightError as error:
            if not missing or parts:
                raise
            raise PreflightError(
                f"{version.name} cannot be replayed. It was trained with {', '.join(missing)}, which no "
                f"{spec.words.row} of this window has, and it does not accept empty values. {error.message}",
                {"missing": list(missing)},
            ) from error
    return np.concatenate(parts)
