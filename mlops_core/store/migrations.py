"""How the schema came to be: decides that it is the sum of numbered files, each applied once, with its record."""

import re
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

from mlops_core.errors import HomeError
from mlops_core.store.connection import Database, Transaction
from mlops_core.store.tables import name_table

_FILE = re.compile(r"(?P<number>\d{4})_\w+\.sql")


def load_migrations() -> dict[int, str]:
    """Read the migrations by number, in order."""
    found = {}
    for file in files("mlops_core.store").joinpath("sql/migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            found[int(match["number"])] = file.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def migrate(database: Database) -> list[int]:
    """Apply what is missing and give the numbers applied.

    Raises
    ------
    HomeError
        When the home was written by a newer Driftdeck; nothing is changed.
    """
    known = load_migrations()
    with database.transaction() as transaction:
        transaction.run("create_migrations_table")
        done = {row["number"] for row in transaction.rows("list_migrations")}
    refuse_newer(database.path, done)
    missing = [number for number in known if number not in done]
    for number in missing:
        with database.transaction() as transaction:
            transaction.run_sql(known[number])
            _ALSO.get(number, _do_nothing)(transaction)
            transaction.run("record_migration", {"number": number})
    return missing


def refuse_newer(path: Path, done: Collection[int]) -> None:
    """Refuse a database whose newest migration this Driftdeck does not know.

    Raises
    ------
    HomeError
        Says both numbers.
    """
    newest, known = max(done, default=0), max(load_migrations())
    if newest > known:
        raise HomeError(
            f"{path} has schema {newest}, this Driftdeck knows up to {known}. "
            "Update Driftdeck, or choose another home; nothing was changed."
        )


def _add_batch_column(transaction: Transaction) -> None:
    """Let the rows that are there already belong to a batch before the first."""
    for row in transaction.rows("list_models"):
        table = name_table("predictions", row["name"])
        transaction.run_sql(f"alter table {table} add column batch bigint default 0")
        transaction.run_sql(f"alter table {table} alter column batch drop default")


def _do_nothing(_transaction: Transaction) -> None:
    pass


_ALSO = {2: _add_batch_column}
"""What a migration does to the tables made per model, which no file can name."""
