"""The tables made per model: decides their names and columns, how SQL is quoted, and which label counts."""

import pyarrow as pa

from mlops_core.entities import ModelSpec
from mlops_core.store.connection import Transaction


def quote(identifier: str) -> str:
    """Quote a name for use in generated SQL; the only place that does."""
    if "\0" in identifier:
        raise ValueError(f"The name {identifier!r} contains a null character, which no identifier may.")
    return '"' + identifier.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Quote a text for use in generated SQL; the only place that does."""
    return "'" + value.replace("'", "''") + "'"


def name_table(kind: str, model: str) -> str:
    """Name a model's table, quoted; `kind` is "predictions", "labels", or "replays"."""
    return quote(f"{kind}_{model.replace('-', '_')}")


def create_tables(transaction: Transaction, spec: ModelSpec) -> None:
    """Make the append-only tables of one model: a feature is a column, without keys or indexes."""
    numeric = [f"{quote(name)} double" for name in spec.columns.numeric]
    categorical = [f"{quote(name)} varchar" for name in spec.columns.categorical]
    features = ", ".join([*numeric, *categorical])
    transaction.run_sql(
        f"create table {name_table('predictions', spec.name)} "
        f"(prediction_id varchar, scored_at timestamptz, version varchar, score double, batch bigint, {features})"
    )
    transaction.run_sql(
        f"create table {name_table('labels', spec.name)} "
        "(prediction_id varchar, label double, label_at timestamptz, batch bigint)"
    )
    transaction.run_sql(
        f"create table {name_table('replays', spec.name)} "
        "(prediction_id varchar, scored_at timestamptz, version varchar, artifact_hash varchar, score double)"
    )


def newest_labels_cte(spec: ModelSpec, rows: str) -> str:
    """Give the part of a query, named newest_labels, that finds the label that counts for each of some rows.

    The newest counts; of labels with the same time the one that was delivered last.
    """
    return (
        "newest_labels as (select prediction_id, arg_max(label, (label_at, batch, label)) as label "
        f"from {name_table('labels', spec.name)} semi join {rows} using (prediction_id) group by prediction_id)"
    )


def traffic_schema(spec: ModelSpec) -> pa.Schema:
    """Give the Arrow schema of a batch of predictions, in the order of the table."""
    return pa.schema(
        [
            ("prediction_id", pa.string()),
            ("scored_at", pa.timestamp("us", tz="UTC")),
            ("version", pa.string()),
            ("score", pa.float64()),
            *((name, pa.float64()) for name in spec.columns.numeric),
            *((name, pa.string()) for name in spec.columns.categorical),
        ]
    )


LABEL_SCHEMA = pa.schema(
    [("prediction_id", pa.string()), ("label", pa.float64()), ("label_at", pa.timestamp("us", tz="UTC"))]
)
