"""Scores by segment: decides that all segments of a version are read at once, as blocks of consecutive chunks."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mlops_core.entities import ModelSpec, Window
from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.counts import ScoreLabelCounts, select_chunks
from mlops_core.store.connection import Database, list_values, to_array
from mlops_core.store.queries import get_query


def read_segment_scores(
    database: Database, spec: ModelSpec, version: str, window: Window, most_blocks: int
) -> dict[tuple[str, str], ScoreLabelCounts]:
    """Read the labelled counts of a version in a window by segment, live and replayed rows together.

    Parameters
    ----------
    most_blocks : int
        The chunks of the window are added up to at most so many blocks of consecutive ones.

    Returns
    -------
    dict
        By (column, value), one row of counts per block; segments without labels are absent.
    """
    key = {"model": spec.name, "version": version, "start": window.start, "end": window.end}
    table = database.table(get_query("read_segment_scores"), key)
    if not table.num_rows:
        return {}
    instants = list_values(table["chunk"])
    chunks = sorted(set(instants))
    n_blocks = min(most_blocks, len(chunks))
    block_of = {chunk: i * n_blocks // len(chunks) for i, chunk in enumerate(chunks)}
    names = list(zip(list_values(table["segment_column"]), list_values(table["segment"]), strict=True))
    segments = list(dict.fromkeys(names))
    place = {segment: i for i, segment in enumerate(segments)}
    row = np.array([place[name] * n_blocks + block_of[at] for name, at in zip(names, instants, strict=True)])
    counts = _add_up(table, row, len(segments) * n_blocks, spec.threshold)
    blocks = np.arange(n_blocks)
    return {segment: select_chunks(counts, place[segment] * n_blocks + blocks) for segment in segments}


def _add_up(table: pa.Table, row: np.ndarray, n_rows: int, threshold: float) -> ScoreLabelCounts:
    labels = to_array(table["label"])
    bins, counts = table["bins"].combine_chunks(), table["counts"].combine_chunks()
    lengths = to_array(bins.value_lengths())
    cell = np.repeat(row, lengths) * N_SCORE_BINS + to_array(bins.flatten())
    is_positive, amounts = np.repeat(labels == 1, lengths), to_array(counts.flatten())

    def spread(chosen: np.ndarray) -> np.ndarray:
        added = np.bincount(cell[chosen], weights=amounts[chosen], minlength=n_rows * N_SCORE_BINS)
        return added.astype(np.int64).reshape(n_rows, N_SCORE_BINS)

    def add(names: Sequence[str]) -> dict[str, np.ndarray]:
        return {name: np.bincount(row, weights=to_array(table[name]), minlength=n_rows) for name in names}

    return ScoreLabelCounts(
        threshold=threshold,
        unlabelled=np.zeros((n_rows, N_SCORE_BINS), dtype=np.int64),
        negative=spread(~is_positive),
        positive=spread(is_positive),
        **add(("squared_error", "squared_error_squares", "log_loss", "log_loss_squares")),
    )
