"""Rows from elsewhere: decides what an entry point's rows must have, and that no label of the future takes part."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from mlops_core.errors import InputError
from mlops_core.frozen_rows import FrozenRows, freeze_rows, mark_held_out
from mlops_core.training.plan import Plan, RowsRequest

KEYS = ("prediction_id", "scored_at", "label")


def bring_rows(plan: Plan, request: RowsRequest, numeric: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """Let an entry point bring its rows; those outside the request are left out, unlabelled ones kept.

    Raises
    ------
    InputError
        When it raises, or its rows are not of the accepted form.
    """
    assert plan.load_rows
    try:
        given = plan.load_rows(request)
    except Exception as error:
        raise InputError(f"load_rows has raised {type(error).__name__}: {error}.") from error
    if not isinstance(given, pd.DataFrame):
        raise InputError(f"load_rows has returned {type(given).__name__}; accepted is a pandas data frame.")
    used = {name for candidate in plan.candidates for name in candidate.features}
    features = [name for name in (*numeric, *categorical) if name in used]
    missing = [name for name in (*KEYS, *features) if name not in given.columns]
    if missing:
        raise InputError(
            f"The rows of load_rows lack the column {missing[0]!r}; needed are {', '.join(KEYS)}, features."
        )
    for name in {"scored_at", "label_at"} & set(given.columns):
        if not isinstance(given[name].dtype, pd.DatetimeTZDtype):
            raise InputError(f"The column {name!r} of load_rows is {given[name].dtype}; accepted are aware times.")
    return _select(given, request, [*KEYS, *features], [name for name in features if name in numeric])


def _select(rows: pd.DataFrame, request: RowsRequest, columns: list[str], numeric: list[str]) -> pd.DataFrame:
    keep = rows["scored_at"] < request.end
    if request.start is not None:
        keep &= rows["scored_at"] >= request.start
    labels = rows["label"].astype("float64")
    if "label_at" in rows.columns:
        labels = labels.where(rows["label_at"] <= request.labels_until)
    chosen = rows.assign(label=labels)[keep][columns]
    strange = sorted(set(chosen["label"].dropna().unique()) - {0.0, 1.0})
    if strange:
        raise InputError(f"A label of load_rows is {strange[0]!r}; accepted are 0 and 1.")
    kinds = dict.fromkeys((name for name in columns if isinstance(chosen[name].dtype, pd.CategoricalDtype)), "str")
    try:
        return chosen.astype(kinds | dict.fromkeys(numeric, "float64"))
    except (TypeError, ValueError) as error:
        raise InputError(f"A number of load_rows cannot be read: {error}.") from error


def freeze_brought(folder: Path, rows: pd.DataFrame) -> FrozenRows:
    """Keep the labelled ones of brought rows as a snapshot.

    Raises
    ------
    InputError
        When none is labelled.
    """
    labelled = rows[rows["label"].notna()]
    if labelled.empty:
        raise InputError(f"None of the {len(rows):,} rows has a label by then; a run needs labelled rows.")
    table = pa.Table.from_pandas(labelled.reset_index(drop=True), preserve_index=False).replace_schema_metadata(None)
    times = table["scored_at"].cast(pa.timestamp("us", tz="UTC"))
    table = table.set_column(table.column_names.index("scored_at"), "scored_at", times)
    features = [name for name in table.column_names if name not in KEYS]
    return freeze_rows(folder, mark_held_out(table), features)
