"""Profiles: decides how counts are stored and read back as arrays; what pages read instead of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from mlops_core.chunking import find_runs
from mlops_core.entities import ModelSpec, Source, Window
from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.store.chunks import clear_pending
from mlops_core.store.connection import Database
from mlops_core.store.profile_sql import count_scores_statement
from mlops_core.store.queries import get_query


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreProfile:
    """Score × label counts of one version over consecutive chunks of traffic."""

    version: str
    source: Source
    chunks: tuple[datetime, ...]
    """Start of each chunk, ascending; chunks without rows are absent."""
    counts: ScoreLabelCounts
    """One row per chunk, in the same order."""


def count_chunks(database: Database, spec: ModelSpec, chunks: Sequence[datetime]) -> None:
    """Count scores and labels of the given chunks anew and take them off the waiting list, in one transaction."""
    if not chunks:
        return
    runs = find_runs(spec, min(chunks), max(chunks))
    parameters = {
        "model": spec.name,
        "chunks": list(chunks),
        "start": runs[0].start,
        "end": runs[-1].end,
        "threshold": spec.threshold,
    }
    with database.transaction() as transaction:
        transaction.run("delete_score_profiles", {"model": spec.name, "chunks": list(chunks)})
        transaction.run_sql(f"insert into score_profiles by name {count_scores_statement(spec, runs)}", parameters)
        clear_pending(transaction, spec.name, chunks)


def read_score_profiles(
    database: Database, spec: ModelSpec, window: Window, segment: tuple[str, str] = ("", "")
) -> list[ScoreProfile]:
    """Read the score × label counts of a window for each version and source.

    Parameters
    ----------
    segment : (column, value)
        Empty texts for all traffic.
    """
    table = database.table(
        get_query("read_score_profiles"),
        {
            "model": spec.name,
            "start": window.start,
            "end": window.end,
            "segment_column": segment[0],
            "segment": segment[1],
        },
    )
    keys = list(zip(table["version"].to_pylist(), table["source"].to_pylist(), strict=True))
    boundaries = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]] + [len(keys)]
    return [_assemble(table.slice(first, last - first), spec.threshold) for first, last in pairwise(boundaries)]


def _assemble(table: pa.Table, threshold: float) -> ScoreProfile:
    """Turn the rows of one version and source, ordered by chunk, into arrays."""
    instants = table["chunk"].to_pylist()
    chunks = sorted(set(instants))
    position = {chunk: i for i, chunk in enumerate(chunks)}
    row = np.array([position[instant] for instant in instants])
    labels = table["label"].to_pylist()

    def scatter(label: int | None) -> np.ndarray:
        chosen = np.array([i for i, value in enumerate(labels) if value == label], dtype=np.int64)
        return _scatter(table.take(pa.array(chosen)), row[chosen], len(chunks))

    def add(name: str) -> np.ndarray:
        return np.bincount(row, weights=table[name].to_numpy(), minlength=len(chunks))

    counts = ScoreLabelCounts(
        threshold=threshold,
        unlabelled=scatter(None),
        negative=scatter(0),
        positive=scatter(1),
        squared_error=add("squared_error"),
        squared_error_squares=add("squared_error_squares"),
        log_loss=add("log_loss"),
        log_loss_squares=add("log_loss_squares"),
    )
    return ScoreProfile(
        version=table["version"][0].as_py(),
        source=Source(table["source"][0].as_py()),
        chunks=tuple(chunks),
        counts=counts,
    )


def _scatter(table: pa.Table, row: np.ndarray, n_chunks: int) -> np.ndarray:
    """Spread the lists of filled bins over a dense array of shape (n_chunks, N_SCORE_BINS)."""
    dense = np.zeros((n_chunks, N_SCORE_BINS), dtype=np.int64)
    bins, counts = table["bins"].combine_chunks(), table["counts"].combine_chunks()
    if len(row):
        dense[np.repeat(row, bins.value_lengths().to_numpy()), bins.flatten().to_numpy()] = counts.flatten().to_numpy()
    return dense


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Rows and labels of one version's live traffic in one chunk."""

    version: str
    chunk: datetime
    n: int
    n_labelled: int


def read_coverage(database: Database, model: str) -> list[Coverage]:
    """Read the label coverage of all live traffic, by chunk and version."""
    return [Coverage(**row) for row in database.rows("read_coverage", {"model": model})]


def list_segments(database: Database, model: str) -> list[tuple[str, str]]:
    """Give the segments seen in live traffic as (column, value), the largest first."""
    return [(row["segment_column"], row["segment"]) for row in database.rows("list_segments", {"model": model})]


def set_refreshed(database: Database, model: str, at: datetime) -> None:
    """Record that a model was counted and checked."""
    with database.transaction() as transaction:
        transaction.run("set_refreshed", {"model": model, "at": at})


def get_refreshed(database: Database, model: str) -> datetime | None:
    """Give when a model was last counted and checked, None when never."""
    found = database.rows("get_refreshed", {"model": model})
    return found[0]["at"] if found else None
