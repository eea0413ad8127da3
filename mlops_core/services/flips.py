"""Rows that two versions decide differently: decides which of them are shown, and what is shown of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from mlops_core.entities import ModelSpec, Window
from mlops_core.services.runtime import Runtime
from mlops_core.store.samples import fetch_named_rows

MOST_EXAMPLES = 20
RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedRow:
    """One labelled row that two versions decide differently."""

    prediction_id: str
    at: datetime
    label: int
    champion_score: float
    candidate_score: float
    becomes: str
    """"right" or "wrong" with the candidate."""
    features: tuple[object, ...]
    """In the order of the names that were asked for; None for a null."""


def find_examples(
    runtime: Runtime,
    spec: ModelSpec,
    rows: pa.Table,
    places: tuple[int, int],
    features: Sequence[str],
    span: Window,
) -> list[FlippedRow]:
    """Give up to 20 rows that flip, those whose scores differ most: half that become right, half that become wrong.

    Parameters
    ----------
    rows : pa.Table
        As `fetch_scored` gives them.
    places : tuple of int
        Which scores are compared: that of the champion, that of the candidate.
    """
    label = rows["label"].to_numpy()
    before, after = (rows[f"score_{place}"].to_numpy() for place in places)
    chosen = _choose(label == 1, before, after, spec.threshold)
    ids = [rows["prediction_id"][i].as_py() for i in chosen]
    known = [name for name in features if name in spec.columns.features]
    inputs = fetch_named_rows(runtime.database, spec, span, ids, known).to_pylist()
    found = {row["prediction_id"]: row for row in inputs}
    return [
        FlippedRow(
            prediction_id=name,
            at=found[name]["scored_at"],
            label=int(label[i]),
            champion_score=float(before[i]),
            candidate_score=float(after[i]),
            becomes=RIGHT if (after[i] >= spec.threshold) == (label[i] == 1) else WRONG,
            features=tuple(found[name].get(feature) for feature in features),
        )
        for i, name in zip(chosen, ids, strict=True)
        if name in found
    ]


def _choose(is_positive: np.ndarray, before: np.ndarray, after: np.ndarray, threshold: float) -> list[int]:
    """Give the places of the examples: half of each kind, and more of one where the other has fewer."""
    is_flipped = (before >= threshold) != (after >= threshold)
    is_right = (after >= threshold) == is_positive
    order = np.argsort(-np.abs(after - before), kind="stable")
    right, wrong = (order[(is_flipped & kind)[order]] for kind in (is_right, ~is_right))
    n_right = min(right.size, max(MOST_EXAMPLES // 2, MOST_EXAMPLES - wrong.size))
    return [*right[:n_right].tolist(), *wrong[: MOST_EXAMPLES - n_right].tolist()]


def name_columns(champion: str, candidate: str, features: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of the examples."""
    return ("Prediction", "Time (UTC)", "Label", champion, candidate, f"With {candidate}", *features)


def list_examples(examples: Sequence[FlippedRow]) -> list[tuple[str, ...]]:
    """Give the examples as text, in the order of `name_columns`."""
    return [
        (
            one.prediction_id,
            f"{one.at:%Y-%m-%d %H:%M}",
            str(one.label),
            f"{one.champion_score:.4f}",
            f"{one.candidate_score:.4f}",
            f"becomes {one.becomes}",
            *(_write_cell(value) for value in one.features),
        )
        for one in examples
    ]


def _write_cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
