"""Counts of features for tests, made from values as the store makes them from rows."""

from collections.abc import Sequence

import numpy as np

from mlops_core.stats.features import UNSEEN_BIN, FeatureCounts
from mlops_core.stats.grids import NumericGrid, Transform, assign_grid_bins

GRID = NumericGrid(transform=Transform.IDENTITY, centre=0.0, scale=1.0)
"""One bin for each whole number."""


def count_numbers(*chunks: Sequence[float], grid: NumericGrid = GRID) -> FeatureCounts:
    """Count the numbers of each chunk; NaN is null."""
    values = [np.asarray(chunk, dtype=float) for chunk in chunks]
    present = [own[~np.isnan(own)] for own in values]
    finite = [own[np.isfinite(own)] for own in values]
    return FeatureCounts(
        n=np.array([own.size for own in values]),
        n_null=np.array([own.size - kept.size for own, kept in zip(values, present, strict=True)]),
        chunk=np.repeat(np.arange(len(values)), [own.size for own in present]),
        bins=np.concatenate([assign_grid_bins(own, grid) for own in present]),
        counts=np.ones(sum(own.size for own in present), dtype=np.int64),
        sums=np.concatenate(present),
        minimum=np.array([own.min() if own.size else np.nan for own in finite]),
        maximum=np.array([own.max() if own.size else np.nan for own in finite]),
    )


def count_categories(*chunks: Sequence[str | None], known: Sequence[str]) -> FeatureCounts:
    """Count the categories of each chunk; those not known are unseen."""
    place = {value: i for i, value in enumerate(known)}
    entries = [
        (i, place.get(value, UNSEEN_BIN)) for i, chunk in enumerate(chunks) for value in chunk if value is not None
    ]
    nothing = np.full(len(chunks), np.nan)
    return FeatureCounts(
        n=np.array([len(chunk) for chunk in chunks]),
        n_null=np.array([sum(value is None for value in chunk) for chunk in chunks]),
        chunk=np.array([i for i, _ in entries], dtype=np.int64),
        bins=np.array([place for _, place in entries], dtype=np.int64),
        counts=np.ones(len(entries), dtype=np.int64),
        sums=np.full(len(entries), np.nan),
        minimum=nothing,
        maximum=nothing,
    )
