"""Artifacts: decides that a fitted estimator is kept only when it can be read back and scores the same."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from mlops_core.artifacts import load_estimator, store_file
from mlops_core.errors import InputError
from mlops_core.training.fitting import score
from mlops_core.training.plan import Candidate, Estimator

CHECKED_ROWS, TIMES = 1000, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An artifact in its place."""

    artifact_hash: str
    artifact_bytes: int
    one_row_ms: float
    """Time to score one row, at the median of twenty."""


def dump_estimator(estimator: Estimator) -> bytes:
    """Write an estimator as a skops file, and see that it can be read back.

    Raises
    ------
    PreflightError
        When it holds a type that is not on the allow-list.
    InputError
        When it cannot be written.
    """
    from skops.io import dumps

    try:
        content: bytes = dumps(estimator)
    except Exception as error:
        raise InputError(f"The estimator cannot be written as a file: {type(error).__name__}: {error}.") from error
    load_estimator(content)
    return content


def pack(folder: Path, content: bytes, candidate: Candidate, rows: pd.DataFrame, expected: np.ndarray) -> Package:
    """Keep an artifact, named by its hash, once it scores some rows as the fitted estimator has.

    Raises
    ------
    InputError
        When it scores them otherwise.
    """
    loaded: Estimator = load_estimator(content)
    found = score(loaded, rows, candidate.features)
    if not np.allclose(found, expected, rtol=0, atol=1e-12):
        apart = float(np.abs(found - expected).max())
        raise InputError(f"The artifact scores otherwise than the estimator that it was made of, by up to {apart:.3g}.")
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        score(loaded, rows.iloc[:1], candidate.features)
        taken.append((time.perf_counter() - started) * 1000)
    return Package(
        artifact_hash=store_file(folder, content, ".skops"), artifact_bytes=len(content), one_row_ms=median(taken)
    )


def list_parameters(estimator: Estimator) -> Mapping[str, object]:
    """Give the parameters of an estimator that JSON can hold; others, such as NaN for a gap, by their names."""
    given = estimator.get_params(deep=True)
    return {name: _write(value) for name, value in given.items() if value is not None}


def _write(value: object) -> object:
    is_plain = isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else repr(value)[:200]
