"""Compaction: the file shrinks, nothing is lost, and the old file stays until the new one is whole."""

import subprocess
import sys
import time

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.errors import HomeError
from mlops_core.shared import open_runtime
from mlops_core.store.compaction import compact, is_wasteful
from mlops_core.store.connection import Database

ROWS = 2_000_000
"""So many that a file is larger than what is left alone."""


def fill(path, rows=ROWS, kept=1000):
    """Make a database most of whose rows were deleted again; a wide text does not compress."""
    database = Database.open(path)
    with database.transaction() as transaction:
        transaction.run_sql(
            "create table t as select i::bigint as i, "
            "md5(i::varchar) || md5((-i)::varchar) || md5((i + 1e9)::varchar) as text "
            f"from range({rows}) as r(i)"
        )
    with database.transaction() as transaction:
        transaction.run_sql(f"delete from t where i >= {kept}")
    return database


def read(path):
    database = Database.open(path)
    try:
        return database.table("select i, text from t order by i")
    finally:
        database.close()


def test_file_shrinks_and_keeps_its_rows_and_mode(tmp_path):
    path = tmp_path / "a.duckdb"
    fill(path).close()
    path.chmod(0o600)
    before, after = compact(path)
    assert after < before / 10
    assert after == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    assert read(path).num_rows == 1000
    assert [file.name for file in tmp_path.iterdir()] == ["a.duckdb"]


def test_start_compacts_a_home_that_is_mostly_empty_and_no_other(tmp_path):
    home = Home(tmp_path / "home")
    open_runtime(home).close()
    small = home.database.stat().st_size
    database = fill(home.database)
    database.close()
    runtime = open_runtime(home)
    assert is_wasteful(runtime.database)
    runtime.close()
    assert home.database.stat().st_size > 64 * 2**20
    runtime = open_runtime(home, compacts=True)
    try:
        assert not is_wasteful(runtime.database)
        assert runtime.database.table("select count(*) as n from t")["n"][0].as_py() == 1000
    finally:
        runtime.close()
    assert home.database.stat().st_size < small + 2**20


def test_open_database_is_left_alone(tmp_path):
    path = tmp_path / "a.duckdb"
    database = fill(path, rows=1000, kept=10)
    program = f"from pathlib import Path; from mlops_core.store.compaction import compact; compact(Path({str(path)!r}))"
    try:
        ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
        assert "HomeError" in ended.stderr
        assert "open" in ended.stderr.splitlines()[-1]
    finally:
        database.close()
    assert read(path).num_rows == 10


def test_damaged_file_stays_as_it_was(tmp_path):
    path = tmp_path / "a.duckdb"
    path.write_bytes(b"this is not a database" * 500)
    with pytest.raises(HomeError):
        compact(path)
    assert path.read_bytes() == b"this is not a database" * 500


def test_home_of_a_newer_schema_is_refused_and_kept(tmp_path):
    home = Home(tmp_path / "home")
    runtime = open_runtime(home)
    with runtime.database.transaction() as transaction:
        transaction.run("record_migration", {"number": 99})
    runtime.close()
    before = home.database.read_bytes()
    with pytest.raises(HomeError, match=r"has schema 99, this Driftdeck knows up to \d+\. Update Driftdeck"):
        compact(home.database)
    assert home.database.read_bytes() == before


def test_newer_home_and_its_log_are_kept_when_the_app_that_wrote_them_was_killed(tmp_path):
    home = Home(tmp_path / "home")
    open_runtime(home).close()
    program = (
        "import os, duckdb; "
        f"connection = duckdb.connect({str(home.database)!r}); "
        "connection.execute('insert into migrations values (99, now())'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    log = home.database.with_name("driftdeck.duckdb.wal")
    before = home.database.read_bytes(), log.read_bytes()
    with pytest.raises(HomeError, match="has schema 99"):
        compact(home.database)
    assert (home.database.read_bytes(), log.read_bytes()) == before


def test_database_is_whole_when_compaction_is_killed(tmp_path):
    path = tmp_path / "a.duckdb"
    fill(path, kept=1_200_000).close()
    partial = path.with_name("a.duckdb.compacting")
    program = f"from pathlib import Path; from mlops_core.store.compaction import compact; compact(Path({str(path)!r}))"
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT) as killed:
        ending = time.monotonic() + 60
        while not partial.exists() and time.monotonic() < ending:
            time.sleep(0.001)
        killed.kill()
    assert partial.exists()
    assert read(path).num_rows == 1_200_000
    compact(path)
    assert read(path).num_rows == 1_200_000
    assert not partial.exists()
