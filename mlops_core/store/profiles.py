"""Profiles: decides how counts are stored and read back as arrays; what pages read instead of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlops_core.chunking import find_runs
from mlops_core.entities import ModelSpec, Source, Window
from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.counts import ScoreLabelCounts
from mlops_core.store.chunks import clear_pending
from mlops_core.store.connection import Database, Transaction, list_values, to_array
from mlops_core.store.profile_sql import count_scores_statement
from mlops_core.store.queries import get_query

UNLABELLED = -1
"""Stands for a label that is not there, within this module."""


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
    instants = list_values(table["chunk"])
    chunks = sorted(set(instants))
    position = {chunk: i for i, chunk in enumerate(chunks)}
    row = np.array([position[instant] for instant in instants])
    # Not `fill_null`, which imports pandas.
    labels = np.array([UNLABELLED if label is None else label for label in list_values(table["label"])])
    entries = _Entries(row, table["bins"].combine_chunks(), table["counts"].combine_chunks(), len(chunks))

    def add(name: str) -> NDArray[np.float64]:
        return np.bincount(row, weights=to_array(table[name]), minlength=len(chunks)).astype(np.float64)

    counts = ScoreLabelCounts(
        threshold=threshold,
        unlabelled=entries.spread(labels == UNLABELLED),
        negative=entries.spread(labels == 0),
        positive=entries.spread(labels == 1),
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


class _Entries:
    """The lists of filled bins of all rows, laid end to end."""

    def __init__(self, row: NDArray[np.int64], bins: pa.Array, counts: pa.Array, n_chunks: int) -> None:
        self._lengths = to_array(bins.value_lengths())
        self._row, self._bins, self._counts = np.repeat(row, self._lengths), bins.flatten(), counts.flatten()
        self._n_chunks = n_chunks

    def spread(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Spread the chosen rows over a dense array of shape (n_chunks, N_SCORE_BINS)."""
        dense = np.zeros((self._n_chunks, N_SCORE_BINS), dtype=np.int64)
        held = np.repeat(chosen, self._lengths)
        dense[self._row[held], to_array(self._bins)[held]] = to_array(self._counts)[held]
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


def set_refreshed(transaction: Transaction, model: str, at: datetime) -> None:
    """Record that a model was counted and checked."""
    transaction.run("set_refreshed", {"model": model, "at": at})


def get_refreshed(database: Database, model: str) -> datetime | None:
    """Give when a model was last counted and checked, None when never."""
    found = database.rows("get_refreshed", {"model": model})
    return found[0]["at"] if found else None
