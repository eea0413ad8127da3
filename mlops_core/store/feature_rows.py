"""Rows of live traffic as they are stored: decides which of them a window has, and reads them feature by feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from mlops_core.chunking import MICROSECOND, find_chunk, find_runs, next_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.store.connection import Transaction, list_values
from mlops_core.store.feature_sql import position_expression
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.tables import name_table, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficRows:
    """Which rows are read: those of the chunks that begin in a window, as counts of a window have them."""

    spec: ModelSpec
    window: Window
    """From the first of these chunks to the end of the last."""
    segment: Segment
    versions: Mapping[str, Sequence[str]]
    """By feature, the versions whose rows have it: they read it, or their rows have a value all the same."""

    @property
    def condition(self) -> str:
        """Give the SQL by which a row is one of them; null is the segment without a name."""
        part = "" if self.segment == ALL_TRAFFIC else f" and {_write_segment(self.segment[0])} = $segment"
        return f"scored_at >= $start and scored_at < $end{part}"

    @property
    def parameters(self) -> dict[str, object]:
        """Give what the condition names."""
        span: dict[str, object] = {"start": self.window.start, "end": self.window.end}
        return span if self.segment == ALL_TRAFFIC else span | {"segment": self.segment[1]}


def find_traffic(
    transaction: Transaction,
    spec: ModelSpec,
    window: Window,
    segment: Segment,
    reads: Mapping[str, Sequence[str]],
) -> TrafficRows | None:
    """Find the rows of a window, and which versions' rows have which feature; None when no chunk begins there.

    Parameters
    ----------
    reads : mapping of str to sequence of str
        What each version reads; one that is not named reads everything.
    """
    span = _find_span(transaction, spec, window)
    if span is None:
        return None
    rows = TrafficRows(spec=spec, window=span, segment=segment, versions={})
    features = spec.columns.features
    filled = ", ".join(f"bool_or({_write_filled(spec, name)}) as c{i}" for i, name in enumerate(features))
    found = transaction.table(
        f"select version, {filled} from {name_table('predictions', spec.name)} where {rows.condition} "
        "group by version order by version",
        rows.parameters,
    )
    names = found["version"].to_pylist()
    versions = {
        feature: [
            name
            for name, is_filled in zip(names, found[f"c{i}"].to_pylist(), strict=True)
            if is_filled or feature in reads.get(name, (feature,))
        ]
        for i, feature in enumerate(features)
    }
    return replace(rows, versions=versions)


def read_column(transaction: Transaction, rows: TrafficRows, feature: str) -> pa.Table:
    """Read one feature of rows, in no order.

    Returns
    -------
    pa.Table
        chunk, a whole number by which rows of the same chunk can be told, and value, which may be null.
    """
    spec = rows.spec
    runs = find_runs(spec, rows.window.start, rows.window.end - MICROSECOND)
    return transaction.table(
        f"select {position_expression(runs)} as chunk, {quote(feature)} as value "
        f"from {name_table('predictions', spec.name)} "
        f"where {rows.condition} and list_contains($versions::varchar[], version)",
        rows.parameters | {"versions": list(rows.versions[feature])},
    )


def _write_filled(spec: ModelSpec, name: str) -> str:
    column = quote(name)
    return f"{column} is not null" if name in spec.columns.categorical else f"not isnan({column})"


def _write_segment(column: str) -> str:
    """Give the SQL of a row's segment, which is the empty text where it has none."""
    return f"coalesce({quote(column)}, '')"


def _find_span(transaction: Transaction, spec: ModelSpec, window: Window) -> Window | None:
    """Give the chunks that begin in a window as far as there is traffic; None when there are none."""
    found = transaction.table(
        f"select min(scored_at) as first, max(scored_at) as last from {name_table('predictions', spec.name)}"
    )
    (first,), (last,) = (list_values(found[name]) for name in ("first", "last"))
    if first is None or window.start > last or window.end <= first:
        return None
    start = find_chunk(spec, max(window.start, first))
    start = start if start >= window.start else next_chunk(spec, start)
    newest = find_chunk(spec, min(window.end - MICROSECOND, last))
    return Window(start, next_chunk(spec, newest)) if start <= newest else None
