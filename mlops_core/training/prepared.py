"""Rows made ready: decides in which order they are, which are held out, and what is dropped before training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_core.artifacts import writing_whole
from mlops_core.errors import InputError
from mlops_core.frozen_rows import HELD_OUT, choose_held_out

LABEL = "label"
"""Column of the kept rows beside the features and HELD_OUT."""
LEAST_ROWS, LEAST_POSITIVES = 200, 10
"""Labelled rows, and rows of each class among them, below which nothing is trained."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Rows that a candidate can be fitted on, oldest first."""

    rows: pd.DataFrame
    """All features; numbers are float64, categories texts or None."""
    labels: np.ndarray
    """0 or 1, int8, shape (n,)."""
    held_out: np.ndarray
    """bool, shape (n,)."""
    n_repeated: int
    """Rows whose id came again later; the newest of each is kept."""

    @property
    def n_positive(self) -> int:
        """Rows with label 1."""
        return int(self.labels.sum())


def prepare_rows(table: pa.Table, features: Sequence[str]) -> Prepared:
    """Put frozen rows in the order of time, and choose those that are held out by their ids alone.

    Raises
    ------
    InputError
        When there are too few rows, or too few of one class.
    """
    lacking = [name for name in features if name not in table.column_names]
    if lacking:
        raise InputError(f"The training rows lack the feature {lacking[0]!r}, which a candidate reads.")
    frame = table.to_pandas()
    frame = frame[frame["label"].notna() & frame["scored_at"].notna()]
    frame = frame.sort_values(["scored_at", "prediction_id"], kind="stable")
    unique = frame.drop_duplicates("prediction_id", keep="last")
    labels = unique["label"].to_numpy(np.float64).astype(np.int8)
    _check_enough(labels)
    return Prepared(
        rows=unique[list(features)].reset_index(drop=True),
        labels=labels,
        held_out=_find_held_out(unique),
        n_repeated=len(frame) - len(unique),
    )


def split_by_time(n: int, folds: int) -> list[tuple[slice, slice]]:
    """Give the rows of each fold, oldest first: those to learn from, and the next newer ones to measure on.

    Examples
    --------
    >>> split_by_time(9, 2)
    [(slice(0, 3, None), slice(3, 6, None)), (slice(0, 6, None), slice(6, 9, None))]
    """
    edges = np.linspace(0, n, folds + 2).round().astype(int).tolist()
    return [(slice(0, edges[i]), slice(edges[i], edges[i + 1])) for i in range(1, folds + 1)]


def read_rows(path: Path) -> pa.Table:
    """Read frozen rows.

    Raises
    ------
    InputError
        When they are gone or damaged.
    """
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"The training rows {path.name} cannot be read: {error}.") from error


def _check_enough(labels: np.ndarray) -> None:
    positives = int(labels.sum())
    for count, what in ((positives, "with label 1"), (labels.size - positives, "with label 0")):
        if count < LEAST_POSITIVES:
            raise InputError(f"The training rows have {count:,} {what}; {LEAST_POSITIVES} are needed to train.")
    if labels.size < LEAST_ROWS:
        raise InputError(f"There are {labels.size:,} labelled training rows; {LEAST_ROWS} are needed to train.")


def _find_held_out(rows: pd.DataFrame) -> np.ndarray:
    """Give the rows that the snapshot holds out; one without them has them chosen by the same rule."""
    if HELD_OUT in rows.columns:
        return np.asarray(rows[HELD_OUT].fillna(value=False), dtype=np.bool_)
    return choose_held_out(rows["prediction_id"].tolist())


def write_prepared(path: Path, prepared: Prepared) -> None:
    """Keep rows made ready, whole or not at all; see `writing_whole` for the errors."""
    table = pa.Table.from_pandas(prepared.rows, preserve_index=False)
    for name, values in ((LABEL, prepared.labels), (HELD_OUT, prepared.held_out)):
        table = table.append_column(name, pa.array(values))
    with writing_whole(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_prepared(path: Path) -> Prepared:
    """Read rows made ready.

    Raises
    ------
    InputError
        When they are gone or damaged.
    """
    frame = read_rows(path).to_pandas()
    return Prepared(
        rows=frame.drop(columns=[LABEL, HELD_OUT]),
        labels=frame[LABEL].to_numpy(np.int8),
        held_out=frame[HELD_OUT].to_numpy(np.bool_),
        n_repeated=0,
    )
