"""Verdicts and comparisons: decides that a verdict is stored when it changes, so that its time says since when."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from mlops_core.entities import Status, Verdict, Window
from mlops_core.store.connection import Database, Row, Transaction


def store_changed_verdicts(transaction: Transaction, verdicts: Sequence[Verdict], since: datetime) -> list[Verdict]:
    """Store the verdicts of a model that differ in status from the last of their kind; give these.

    Parameters
    ----------
    since : datetime
        When the champion was put into production; what was said in an earlier time in production is over.
    """
    if not verdicts:
        return []
    last = list_last_statuses(transaction, verdicts[0].model, since)
    changed = [v for v in verdicts if last.get((v.version, v.code, v.subject)) != v.status]
    for verdict in changed:
        fields = {name: getattr(verdict, name) for name in ("model", "version", "code", "subject", "reason", "at")}
        evidence = json.dumps(dict(verdict.evidence))
        transaction.run("insert_verdict", fields | {"status": verdict.status.value, "evidence": evidence})
    return changed


def list_last_statuses(
    source: Database | Transaction, model: str, since: datetime
) -> dict[tuple[str, str, str], Status]:
    """Give what each check said last since an instant, by version, code, and subject."""
    rows = source.rows("list_last_verdicts", {"model": model, "since": since})
    return {(row["version"], row["code"], row["subject"]): Status(row["status"]) for row in rows}


def list_verdicts(database: Database, model: str, limit: int = 200) -> list[Verdict]:
    """Give the changes of verdict, newest first."""
    return [_read_verdict(row) for row in database.rows("list_verdicts", {"model": model, "limit": limit})]


def list_standing_verdicts(
    database: Database, model: str, since: datetime, before: datetime | None = None
) -> list[Verdict]:
    """Give the newest verdict of each check since an instant, by version, code, and subject.

    Parameters
    ----------
    before : datetime, optional
        As things stood then; as they stand now when None.
    """
    rows = database.rows("list_standing_verdicts", {"model": model, "since": since, "before": before})
    return [_read_verdict(row) for row in rows]


def _read_verdict(row: Row) -> Verdict:
    return Verdict(**(dict(row) | {"status": Status(row["status"]), "evidence": json.loads(row["evidence"])}))


def store_comparison(
    database: Database,
    model: str,
    champion: str,
    candidate: str,
    window: Window,
    result: Mapping[str, object],
    at: datetime,
) -> None:
    """Keep the result of a comparison on the same rows."""
    with database.transaction() as transaction:
        transaction.run(
            "insert_comparison",
            {
                "model": model,
                "champion": champion,
                "candidate": candidate,
                "start": window.start,
                "end": window.end,
                "result": json.dumps(dict(result)),
                "at": at,
            },
        )


def list_comparisons(database: Database, model: str, champion: str) -> list[Row]:
    """Give the newest comparison with each candidate: candidate, at, and result."""
    rows = database.rows("list_comparisons", {"model": model, "champion": champion})
    return [row | {"result": json.loads(row["result"])} for row in rows]


def list_kept_comparisons(database: Database, model: str) -> list[Row]:
    """Give every comparison that checks have kept, oldest first: at, champion, candidate, and result."""
    rows = database.rows("list_kept_comparisons", {"model": model})
    return [row | {"result": json.loads(row["result"])} for row in rows]


def get_newest_records(database: Database, model: str) -> str:
    """Give a mark of what was written last; while it is the same, what is said of a model rests on the same facts."""
    return str(database.rows("get_newest_records", {"model": model})[0]["newest"])
