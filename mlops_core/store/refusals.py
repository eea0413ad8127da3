"""Refused deliveries: decides how many are kept, and how much of each."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from mlops_core.contracts import Refusal
from mlops_core.entities import Window
from mlops_core.store.connection import Database

MOST_REFUSALS = 500
"""Of one model; the oldest are forgotten."""
MOST_EXAMPLES = 5
LONGEST_VALUE, LONGEST_REASON, MOST_COLUMNS = 200, 2000, 200
"""Characters, characters, and columns of an example."""


def add_refusal(
    database: Database,
    model: str,
    kind: str,
    reason: str,
    n: int,
    examples: Sequence[Mapping[str, object]],
    at: datetime,
) -> None:
    """Keep a refused delivery with a few of its rows, cut to a bounded size."""
    rows = [_shorten(row) for row in examples[:MOST_EXAMPLES]]
    fields = {"model": model, "kind": kind, "reason": _clean(reason, LONGEST_REASON), "n": n, "at": at}
    with database.transaction() as transaction:
        transaction.run("insert_refusal", fields | {"examples": json.dumps(rows)})
        transaction.run("forget_old_refusals", {"model": model, "most": MOST_REFUSALS})


def list_refusals(database: Database, model: str, window: Window, limit: int = MOST_REFUSALS) -> list[Refusal]:
    """Give the refused deliveries that came in a window, newest first."""
    key = {"model": model, "start": window.start, "end": window.end, "limit": limit}
    return [
        Refusal(**(row | {"examples": tuple(json.loads(row["examples"]))}))
        for row in database.rows("list_refusals", key)
    ]


def _shorten(row: Mapping[str, object]) -> dict[str, str | None]:
    names = list(row)[:MOST_COLUMNS]
    return {
        _clean(name, LONGEST_VALUE): None if row[name] is None else _clean(str(row[name]), LONGEST_VALUE)
        for name in names
    }


def _clean(text: str, longest: int) -> str:
    """Cut a text, and leave out what cannot be stored: null characters and halves of characters."""
    storable = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return storable if len(storable) <= longest else storable[: longest - 1] + "…"
