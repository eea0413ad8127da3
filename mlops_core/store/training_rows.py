"""Logged rows to train on: decides that only labels that had arrived by then take part."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from mlops_core.entities import ModelSpec, Window
from mlops_core.store.connection import Database
from mlops_core.store.tables import name_table, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSpan:
    """Which rows had a label by an instant."""

    n: int
    """Rows of the window."""
    n_labelled: int
    """Those of them that had a label by then."""
    start: datetime | None
    """Time of the oldest row with a label; None when there is none."""
    end: datetime | None
    """Time of the newest row with a label."""


def fetch_training_rows(database: Database, spec: ModelSpec, window: Window, labels_until: datetime) -> pa.Table:
    """Give the rows of a window whose label had arrived, by their newest label of that time.

    The columns are prediction_id, scored_at, label (0 or 1), and all features.
    """
    features = "".join(f", p.{quote(name)}" for name in spec.columns.features)
    return database.table(
        f"with {_labels_by_then(spec)} select p.prediction_id, p.scored_at, l.label{features} "
        "from rows_of_window as p join labels_by_then as l using (prediction_id) order by p.prediction_id",
        _bind(window, labels_until),
    )


def describe_query(spec: ModelSpec, window: Window, labels_until: datetime) -> str:
    """Write down which rows `fetch_training_rows` gives, for people."""
    return (
        f"logged predictions of {spec.name} with {window.start.isoformat()} <= scored_at < {window.end.isoformat()} "
        f"whose label had arrived by {labels_until.isoformat()}, the newest label of each"
    )


def measure_span(database: Database, spec: ModelSpec, window: Window, labels_until: datetime) -> LabelledSpan:
    """Count the rows of a window and the labels that had arrived."""
    row = database.table(
        f"with {_labels_by_then(spec)} select count(*) as n, count(l.label) as n_labelled, "
        "min(p.scored_at) filter (where l.label is not null) as start, "
        "max(p.scored_at) filter (where l.label is not null) as end "
        "from rows_of_window as p left join labels_by_then as l using (prediction_id)",
        _bind(window, labels_until),
    ).to_pylist()[0]
    return LabelledSpan(**row)


def measure_served_nulls(database: Database, spec: ModelSpec, window: Window) -> dict[str, float]:
    """Give the share of rows of a window in which each feature has no value, 0–1; empty without rows."""
    shares = [f"avg({_is_empty(spec, name)}) as {quote(name)}" for name in spec.columns.features]
    if not shares:
        return {}
    found = database.table(
        f"select count(*) as n, {', '.join(shares)} from {name_table('predictions', spec.name)} "
        "where scored_at >= $start and scored_at < $end",
        {"start": window.start, "end": window.end},
    ).to_pylist()[0]
    return {name: found[name] for name in spec.columns.features} if found["n"] else {}


def _is_empty(spec: ModelSpec, name: str) -> str:
    column = quote(name)
    empty = f"{column} is null or isnan({column})" if name in spec.columns.numeric else f"{column} is null"
    return f"case when {empty} then 1.0 else 0.0 end"


def _labels_by_then(spec: ModelSpec) -> str:
    return (
        f"rows_of_window as (from {name_table('predictions', spec.name)} "
        "where scored_at >= $start and scored_at < $end), "
        "labels_by_then as (select prediction_id, arg_max(label, (label_at, batch, label)) as label "
        f"from {name_table('labels', spec.name)} semi join rows_of_window using (prediction_id) "
        "where label_at <= $labels_until group by prediction_id)"
    )


def _bind(window: Window, labels_until: datetime) -> dict[str, object]:
    return {"start": window.start, "end": window.end, "labels_until": labels_until}
