"""Scores on labelled reference rows: decides that they are kept as counts by bin and label, once per version."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlops_core.entities import ModelSpec, Version
from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.store.connection import Database


class ReferenceOrigin(StrEnum):
    """Which labelled rows tell what a score is worth."""

    HELD_OUT = "held-out training rows"
    """The version did not learn from them."""
    TRAINING = "training rows"
    """The version learned from at least some of them, which makes it look surer than it is."""
    WINDOW = "labelled traffic of the reference window"

    @property
    def caution(self) -> str:
        """What makes an estimate from these rows less than it seems; empty when nothing does."""
        if self is ReferenceOrigin.TRAINING:
            return "It learned from these rows, so its estimates are too good."
        return ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceScores:
    """How a version scored labelled rows whose outcome is known."""

    origin: ReferenceOrigin
    threshold: float
    """Deployed threshold, 0–1, an edge of the bins."""
    negative: NDArray[np.int64]
    """Rows with label 0 by score bin, shape (N_SCORE_BINS,)."""
    positive: NDArray[np.int64]
    """Rows with label 1 by score bin, shape (N_SCORE_BINS,)."""
    n_available: int
    """Labelled rows there are; more than were counted when a sample was scored."""

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.negative.sum() + self.positive.sum())


def find_reference_scores(database: Database, spec: ModelSpec, version: Version) -> ReferenceScores | None:
    """Give the kept counts of a version's training rows; None before they are counted."""
    key = {"model": spec.name, "version": version.name, "threshold": spec.threshold}
    found = database.rows("find_reference_scores", key | {"snapshot_id": version.snapshot.id})
    if not found:
        return None
    row = found[0]
    return ReferenceScores(
        origin=ReferenceOrigin.HELD_OUT if row["is_held_out"] else ReferenceOrigin.TRAINING,
        threshold=spec.threshold,
        negative=_spread(row["bins"], row["negative"]),
        positive=_spread(row["bins"], row["positive"]),
        n_available=row["available_rows"],
    )


def store_reference_scores(database: Database, version: Version, scores: ReferenceScores, at: datetime) -> None:
    """Keep the counts of a version's training rows."""
    filled = np.flatnonzero(scores.negative + scores.positive)
    with database.transaction() as transaction:
        transaction.run(
            "insert_reference_scores",
            {
                "model": version.model,
                "version": version.name,
                "snapshot_id": version.snapshot.id,
                "threshold": scores.threshold,
                "is_held_out": scores.origin is ReferenceOrigin.HELD_OUT,
                "available_rows": scores.n_available,
                "bins": filled.tolist(),
                "negative": scores.negative[filled].tolist(),
                "positive": scores.positive[filled].tolist(),
                "at": at,
            },
        )


def _spread(bins: list[int], counts: list[int]) -> NDArray[np.int64]:
    dense = np.zeros(N_SCORE_BINS, dtype=np.int64)
    dense[np.asarray(bins, dtype=np.int64)] = counts
    return dense
