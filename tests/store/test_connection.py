"""The open database: locked down, safe for many threads, and all or nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from mlops_core.errors import HomeError
from mlops_core.store.connection import Database, list_values, to_array

READERS, WRITES = 8, 60


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "copy models to '/tmp/driftdeck-leak.csv'",
        "attach '/tmp/driftdeck-other.duckdb' as other",
        "install httpfs",
        "load httpfs",
    ],
)
def test_access_to_the_outside_is_refused_when_a_statement_asks_for_it(database, statement):
    with pytest.raises(duckdb.Error, match=r"(?i)disabled|permission|not found"), database.transaction() as transaction:
        transaction.run_sql(statement)


@pytest.mark.parametrize(
    "statement",
    ["set enable_external_access = true", "set lock_configuration = false", "set global memory_limit = '99GB'"],
)
def test_settings_are_locked_when_a_statement_changes_them(database, statement):
    with pytest.raises(duckdb.Error, match=r"locked|Cannot"), database.transaction() as transaction:
        transaction.run_sql(statement)


def test_times_are_read_in_utc_whatever_the_machines_zone(database):
    found = database.table("select current_setting('TimeZone') as zone")
    assert found["zone"].to_pylist() == ["UTC"]


def test_instants_are_read_as_aware_utc_whatever_their_unit():
    instants = [datetime(2013, 7, 1, 4, 0, 0, 123000, tzinfo=UTC), None, datetime(1969, 12, 31, tzinfo=UTC)]
    for unit in ("ms", "us", "ns"):
        assert list_values(pa.chunked_array([pa.array(instants, pa.timestamp(unit, "UTC"))])) == instants
    local = pa.chunked_array([pa.array(instants, pa.timestamp("us", "America/New_York"))])
    assert list_values(local) == instants
    assert all(found.tzinfo is UTC for found in list_values(local) if found)


def test_column_becomes_an_array_when_it_has_no_nulls():
    column = pa.chunked_array([[1.5, 2.0], [], [3.0]], pa.float64())
    assert to_array(column).tolist() == [1.5, 2.0, 3.0]
    assert to_array(column.slice(1, 1)).tolist() == [2.0]
    assert to_array(pa.chunked_array([], pa.int64())).tolist() == []
    with pytest.raises(ValueError, match="1 of 2 values are null"):
        to_array(pa.chunked_array([[1, None]]))


def test_first_row_is_empty_when_there_is_none(database):
    wanted = {"model": "loans"}
    assert database.first_row("get_counted_batch", wanted) == ()
    with database.transaction() as transaction:
        assert transaction.first_row("get_counted_batch", wanted) == ()


def test_transaction_keeps_nothing_when_its_body_raises(database):
    def write_and_raise() -> None:
        with database.transaction() as transaction:
            transaction.run_sql("insert into refreshes values ('m', now())")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_raise()
    assert database.table("from refreshes").num_rows == 0


def test_second_opening_is_refused_in_words_when_this_process_has_the_home_open(database):
    with pytest.raises(HomeError, match="is open in this process already"):
        Database.open(database.path)
    assert database.rows("list_models") == []


def test_error_of_a_statement_is_not_blamed_on_the_home(database):
    twice = "insert into models values ('m', '', now()), ('m', '', now())"
    with pytest.raises(duckdb.ConstraintException), database.transaction() as transaction:
        transaction.run_sql(twice)


def test_readers_see_whole_transactions_when_one_thread_writes(database):
    done = threading.Event()

    def read() -> set[int]:
        seen = set()
        while not done.is_set():
            counted = database.table(
                "select (select count(*) from decisions) as a, (select count(*) from pending_chunks) as b"
            ).to_pylist()[0]
            seen.add(counted["a"] - counted["b"])
        return seen

    def write() -> None:
        for number in range(WRITES):
            with database.transaction() as transaction:
                transaction.run_sql(
                    "insert into decisions values ($number, 'm', 'PROMOTE', 'v1', '', '{}', now())", {"number": number}
                )
                transaction.run_sql("insert into pending_chunks values ('m', now())")

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read) for _ in range(READERS)]
        try:
            write()
        finally:
            done.set()
        assert set().union(*(reader.result() for reader in readers)) == {0}


def test_writers_wait_for_each_other_when_many_threads_write(database):
    def add(_: int) -> None:
        with database.transaction() as transaction:
            number = transaction.table("select count(*) + 1 as n from deployments").to_pylist()[0]["n"]
            transaction.run_sql(
                "insert into deployments values ($n, $n, 'm', 'v', null, 'PROMOTE', now(), '', '', '', null, now())",
                {"n": number},
            )

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(add, range(WRITES)))
    numbers = database.table("select id from deployments order by id")["id"].to_pylist()
    assert numbers == list(range(1, WRITES + 1))


def test_reading_sees_the_same_rows_throughout_and_holds_no_writer_up(database):
    count = "select count(*) as n from refreshes"
    with database.reading() as reading:
        before = reading.table(count)["n"].to_pylist()
        # In this thread: a writer that had to wait for the reading would wait for ever.
        with database.transaction() as transaction:
            transaction.run_sql("insert into refreshes values ('m', now())")
        assert reading.table(count)["n"].to_pylist() == before == [0]
    with database.reading() as reading:
        assert reading.table(count)["n"].to_pylist() == [1]


def test_reading_refuses_to_write(database):
    with pytest.raises(duckdb.Error, match="read-only"), database.reading() as reading:
        reading.run_sql("insert into refreshes values ('m', now())")
    assert database.table("from refreshes").num_rows == 0
