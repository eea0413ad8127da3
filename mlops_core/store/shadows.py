"""Shadows: decides that a challenger's record is one line, and how its scores are counted beside the served ones."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mlops_core.entities import ModelSpec, Window
from mlops_core.store.connection import Database
from mlops_core.store.tables import name_table


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCounts:
    """Rows that others answered while a challenger was one."""

    n_logged: int
    n_scored: int
    """Of them by the challenger, too."""
    n_flipped: int
    """Of these it would have decided otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRecord:
    """How the shadow of a challenger stood when it was last looked at."""

    challenge: int
    champion: str
    """The version in production then."""
    start: datetime
    """Since when both had been what they were."""
    counts: ShadowCounts
    result: Mapping[str, Any] | None
    """The comparison with the champion as JSON; None while there is none."""
    remark: str | None
    """Why there is none."""
    compared_at: datetime
    """Until when labels were counted then; those of later are not in the comparison."""
    made_at: datetime


def count_shadow(database: Database, spec: ModelSpec, version: str, window: Window) -> ShadowCounts:
    """Count the rows of a window that other versions answered, and what a version would have made of them."""
    table = database.table(
        "select count(*) as n_logged, count(r.score) as n_scored, "
        "count(*) filter (where (r.score >= $threshold) <> (p.score >= $threshold)) as n_flipped "
        f"from {name_table('predictions', spec.name)} as p left join (from {name_table('replays', spec.name)} "
        "where version = $version and scored_at >= $start and scored_at < $end) as r "
        "using (prediction_id, scored_at) where p.scored_at >= $start and p.scored_at < $end and p.version <> $version",
        {"version": version, "threshold": spec.threshold, "start": window.start, "end": window.end},
    )
    return ShadowCounts(**table.to_pylist()[0])


def store_shadow(database: Database, record: ShadowRecord) -> None:
    """Keep how the shadow of a challenger stands, in place of what was kept before."""
    fields = asdict(record)
    counts = fields.pop("counts")
    result = None if record.result is None else json.dumps(dict(record.result))
    with database.transaction() as transaction:
        transaction.run("store_shadow", fields | counts | {"result": result})


def get_shadow(database: Database, challenge: int) -> ShadowRecord | None:
    """Give what is kept of a challenge; None before it was first looked at."""
    rows = database.rows("get_shadow", {"challenge": challenge})
    if not rows:
        return None
    fields = dict(rows[0])
    counts = ShadowCounts(**{name: fields.pop(name) for name in ("n_logged", "n_scored", "n_flipped")})
    result = fields.pop("result")
    return ShadowRecord(**fields, counts=counts, result=None if result is None else json.loads(result))
