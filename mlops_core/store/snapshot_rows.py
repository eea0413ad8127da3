"""Rows of two snapshots side by side: decides that a row is the same when its prediction id is, the newest counting."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from mlops_core.store.connection import Database
from mlops_core.store.tables import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """How two sets of rows differ."""

    only_first: int
    only_second: int
    both: int
    changed: int
    """Rows in both of which the label or a value is another."""
    by_column: dict[str, int]
    """Of these by column, the most first; columns without a change left out."""


def compare_rows(database: Database, first: pa.Table, second: pa.Table, columns: Sequence[str]) -> RowDifference:
    """Compare two sets of rows by prediction_id, as far as the columns go that both have."""
    differs = [f"a.{quote(name)} is distinct from b.{quote(name)}" for name in columns]
    in_both = "a.prediction_id is not null and b.prediction_id is not null"
    counts = [f"count(*) filter (where {in_both} and {one}) as c{i}" for i, one in enumerate(differs)]
    statement = (
        f"with {_newest('first_rows', 'a')}, {_newest('second_rows', 'b')} "
        "select count(*) filter (where b.prediction_id is null) as only_first, "
        "count(*) filter (where a.prediction_id is null) as only_second, "
        f"count(*) filter (where {in_both}) as both, "
        f"count(*) filter (where {in_both} and ({' or '.join(differs) or 'false'})) as changed"
        f"{''.join(', ' + one for one in counts)} from a full join b on a.prediction_id = b.prediction_id"
    )
    with (
        database.reading() as reading,
        reading.attached("first_rows", _take(first, columns)),
        reading.attached("second_rows", _take(second, columns)),
    ):
        found = reading.table(statement).to_pylist()[0]
    changes = {name: found[f"c{i}"] for i, name in enumerate(columns) if found[f"c{i}"]}
    return RowDifference(
        only_first=found["only_first"],
        only_second=found["only_second"],
        both=found["both"],
        changed=found["changed"],
        by_column=dict(sorted(changes.items(), key=lambda one: -one[1])),
    )


def _newest(table: str, name: str) -> str:
    return (
        f"{name} as (from {table} qualify row_number() over (partition by prediction_id order by scored_at desc) = 1)"
    )


def _take(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    names = list(dict.fromkeys(("prediction_id", "scored_at", *columns)))
    place = names.index("prediction_id")
    ids = rows["prediction_id"].cast(pa.string())
    return rows.select(names).set_column(place, "prediction_id", ids)
