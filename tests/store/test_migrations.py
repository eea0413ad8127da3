"""The schema is the sum of its migrations, each applied once, whole or not at all."""

import pytest

from mlops_core.errors import HomeError
from mlops_core.store import migrations
from mlops_core.store.connection import Database
from mlops_core.store.migrations import load_migrations, migrate

COLUMNS = (
    "select table_name, column_name, data_type, is_nullable from duckdb_columns() "
    "where not internal order by table_name, column_index"
)


def list_applied(database: Database) -> list[int]:
    return [row["number"] for row in database.rows("list_migrations")]


def list_tables(database: Database) -> set[str]:
    return set(database.table("select table_name from duckdb_tables()")["table_name"].to_pylist())


@pytest.fixture
def empty(tmp_path):
    opened = Database.open(tmp_path / "empty.duckdb")
    yield opened
    opened.close()


def test_migrations_are_numbered_from_one_without_gaps():
    assert list(load_migrations()) == list(range(1, len(load_migrations()) + 1))


def test_each_migration_is_applied_once_with_its_record_when_migrating_twice(empty):
    assert migrate(empty) == list(load_migrations())
    assert migrate(empty) == []
    assert list_applied(empty) == list(load_migrations())


def test_failing_migration_leaves_nothing_when_its_second_statement_is_wrong(empty, monkeypatch):
    known = load_migrations()
    broken = known | {len(known) + 1: "create table half (a integer); insert into nowhere values (1)"}
    monkeypatch.setattr(migrations, "load_migrations", lambda: broken)
    with pytest.raises(Exception, match="nowhere"):
        migrate(empty)
    assert "half" not in list_tables(empty)
    assert list_applied(empty) == list(known)
    monkeypatch.setattr(migrations, "load_migrations", lambda: known | {len(known) + 1: "create table half (a int)"})
    assert migrate(empty) == [len(known) + 1]


def test_home_is_refused_and_unchanged_when_its_schema_is_newer(empty):
    migrate(empty)
    with empty.transaction() as transaction:
        transaction.run("record_migration", {"number": 9999})
    before = empty.table(COLUMNS)
    with pytest.raises(HomeError, match=r"has schema 9999, this Driftdeck knows up to \d+"):
        migrate(empty)
    assert empty.table(COLUMNS).equals(before)
    assert list_applied(empty) == [*load_migrations(), 9999]


def test_schema_is_the_sum_of_the_migrations_when_they_are_run_by_hand(empty, tmp_path):
    migrate(empty)
    by_hand = Database.open(tmp_path / "by-hand.duckdb")
    try:
        with by_hand.transaction() as transaction:
            transaction.run("create_migrations_table")
            for statements in load_migrations().values():
                transaction.run_sql(statements)
        assert by_hand.table(COLUMNS).equals(empty.table(COLUMNS))
    finally:
        by_hand.close()
