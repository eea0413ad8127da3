"""What is kept for how long: decides that whole chunks go, with everything that hangs on their rows."""

from dataclasses import asdict, dataclass
from datetime import datetime

from mlops_core.entities import ModelSpec, Retention
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.tables import name_table


@dataclass(frozen=True, slots=True, kw_only=True)
class OldData:
    """How much is older than what is kept."""

    rows: int
    """Predictions."""
    labels: int
    replays: int
    profile_chunks: int
    """Chunks whose counts go."""
    snapshots: int = 0
    """Snapshots whose training rows go."""

    @property
    def is_nothing(self) -> bool:
        """Say whether there is nothing to delete."""
        return not (self.rows or self.labels or self.replays or self.profile_chunks or self.snapshots)


def get_retention(database: Database, model: str) -> Retention:
    """Give how long a model's data is kept; for ever when nobody has set it."""
    found = database.rows("get_retention", {"model": model})
    return Retention(**found[0]) if found else Retention()


def add_retention(transaction: Transaction, model: str, retention: Retention, at: datetime) -> None:
    """Set how long a model's data is kept."""
    transaction.run("insert_retention", {"model": model, "at": at, **asdict(retention)})


def get_rows_from(source: Database | Transaction, model: str) -> datetime | None:
    """Give from when on a model's rows are there; None while none were deleted."""
    found = source.rows("get_rows_from", {"model": model})
    return found[0]["rows_from"] if found else None


def count_old(
    source: Database | Transaction, spec: ModelSpec, rows_from: datetime | None, profiles_from: datetime | None
) -> OldData:
    """Count what is older than two instants; None keeps everything."""
    n = dict.fromkeys(("predictions", "labels", "replays"), 0)
    if rows_from:
        for kind, column in (("predictions", "scored_at"), ("replays", "scored_at")):
            statement = f"select count(*) as n from {name_table(kind, spec.name)} where {column} < $before"
            n[kind] = source.table(statement, {"before": rows_from})["n"][0].as_py()
        n["labels"] = source.table(
            f"select count(*) as n from {name_table('labels', spec.name)} {_write_orphans(spec)}", {"before": rows_from}
        )["n"][0].as_py()
    key = {"model": spec.name, "before": profiles_from}
    chunks = source.rows("count_profiles_before", key)[0]["n"] if profiles_from else 0
    return OldData(rows=n["predictions"], labels=n["labels"], replays=n["replays"], profile_chunks=chunks)


def delete_old(
    transaction: Transaction, spec: ModelSpec, rows_from: datetime | None, profiles_from: datetime | None
) -> None:
    """Delete what is older than two instants, which are starts of chunks."""
    if rows_from:
        # Labels first: which of them are old depends on the rows.
        transaction.run_sql(
            f"delete from {name_table('labels', spec.name)} {_write_orphans(spec)}", {"before": rows_from}
        )
        for kind in ("predictions", "replays"):
            table = name_table(kind, spec.name)
            transaction.run_sql(f"delete from {table} where scored_at < $before", {"before": rows_from})
        kept = {"model": spec.name, "rows_from": rows_from, "profiles_from": profiles_from}
        transaction.run("set_kept_from", kept)
    if profiles_from:
        key = {"model": spec.name, "before": profiles_from}
        transaction.run("delete_score_profiles_before", key)
        transaction.run("delete_feature_profiles_before", key)
        transaction.run("delete_segment_profiles_before", key)
        transaction.run("delete_strays_before", key)


def has_pending(transaction: Transaction, model: str, before: datetime) -> bool:
    """Say whether chunks before an instant wait to be counted."""
    return bool(transaction.rows("count_pending_before", {"model": model, "before": before})[0]["n"])


def _write_orphans(spec: ModelSpec) -> str:
    """Give the condition on labels that came before an instant and speak of no row after it.

    A label comes after its prediction, so one of a kept row came after the instant too.
    """
    rows = name_table("predictions", spec.name)
    return (
        "where label_at < $before and prediction_id not in "
        f"(select prediction_id from {rows} where scored_at >= $before)"
    )
