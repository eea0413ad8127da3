"""A home that cannot be used is told in one sentence, with exit code 2, and nothing in it is overwritten."""

import hashlib
import os
import re
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mlops_core.api.tokens import ensure_token
from mlops_core.config import PROJECT, Home
from mlops_core.demo.clock import read_position, write_position
from mlops_core.demo.files import locate_traffic
from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime
from mlops_core.shared import announce
from mlops_core.store.audit import find_broken_line
from mlops_core.store.connection import Database
from mlops_core.store.migrations import load_migrations, migrate
from tests.small_home import copy_small_home

NOON = datetime(2013, 10, 31, 12, tzinfo=UTC)
WRITES = "insert into refreshes select 'm' || (range + $first), now() from range(20000)"


def hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlops_core", "--home", str(home), *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)


def assert_refused(home: Home, message: str) -> None:
    """Check that opening is refused with one sentence and that the file stays as it is."""
    before = hash_file(home.database)
    with pytest.raises(HomeError, match=message) as caught:
        Runtime.open(home)
    assert "\n" not in caught.value.message
    assert hash_file(home.database) == before


@contextmanager
def mounted(folder: Path, size: str):
    """Mount a small disk, or skip the test where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs root and mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_command_is_refused_in_one_sentence_when_another_process_has_the_home_open(tmp_path):
    home = copy_small_home(tmp_path / "home")
    runtime = Runtime.open(home)
    try:
        ended = run_command(home.path, "versions", "car-loan")
    finally:
        runtime.close()
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == f"The home {home.path} is open in another process. Use that one, or stop it.\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", np.random.default_rng(0).bytes(100_000), b"\0" * 100_000],
    ids=["empty", "text", "random", "zeros"],
)
def test_home_is_refused_and_kept_when_its_database_is_something_else(tmp_path, content):
    home = Home(tmp_path)
    home.database.write_bytes(content)
    assert_refused(home, r"cannot be opened as a database .*It may be damaged: put a backup in its place")


@pytest.mark.parametrize("size", [100, 5000, 20_000])
def test_home_is_refused_and_kept_when_its_database_is_cut_off_early(tmp_path, size):
    home = copy_small_home(tmp_path / "home")
    home.database.write_bytes(home.database.read_bytes()[:size])
    assert_refused(home, "It may be damaged|cannot be read|cannot be written")


def test_query_is_refused_when_the_rows_of_the_database_are_cut_off(tmp_path):
    home = copy_small_home(tmp_path / "home")
    content = home.database.read_bytes()
    home.database.write_bytes(content[: len(content) // 5])
    with pytest.raises(HomeError, match=r"It may be damaged|cannot be read: .*put a backup in its place"):
        read_everything(home)


def read_everything(home: Home) -> None:
    runtime = Runtime.open(home)
    try:
        for name in runtime.database.table("select table_name from duckdb_tables()")["table_name"].to_pylist():
            runtime.database.table(f'from "{name}"')
    finally:
        runtime.close()


@pytest.mark.parametrize("seed", range(3))
def test_home_is_refused_and_kept_when_bytes_of_its_database_are_changed(tmp_path, seed):
    home = copy_small_home(tmp_path / "home")
    content = np.frombuffer(home.database.read_bytes(), np.uint8).copy()
    content[np.random.default_rng(seed).integers(0, content.size, 1000)] ^= 255
    home.database.write_bytes(content.tobytes())
    assert_refused(home, "It may be damaged")


@pytest.mark.parametrize("statement", ["select max(text) as t from t", "update t set text = text || 'x'"])
def test_damage_is_told_as_damage_when_a_change_reads_it(tmp_path, statement):
    database = Database.open(tmp_path / "a.duckdb")
    with database.transaction() as transaction:
        transaction.run_sql("create table t as select md5(range::varchar) as text from range(300000)")
    database.close()
    content = bytearray(database.path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300_000] = np.random.default_rng(0).bytes(300_000)
    database.path.write_bytes(content)
    database = Database.open(database.path)
    try:
        expected = pytest.raises(HomeError, match=r"cannot be read: .*orrupt.* put a backup in its place\.$")
        with expected as caught, database.transaction() as transaction:
            transaction.table(statement)
        assert "free some space" not in caught.value.message
    finally:
        database.close()


def test_command_ends_with_2_and_one_sentence_when_the_database_is_damaged(tmp_path):
    Home(tmp_path).database.write_bytes(b"hello")
    ended = run_command(tmp_path, "versions", "car-loan")
    assert ended.returncode == 2
    assert "cannot be opened as a database" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_home_is_refused_when_its_schema_is_newer(tmp_path):
    home = Home(tmp_path)
    runtime = Runtime.open(home)
    with runtime.database.transaction() as transaction:
        transaction.run("record_migration", {"number": 9999})
    runtime.close()
    assert_refused(home, f"has schema 9999, this Driftdeck knows up to {max(load_migrations())}. Update Driftdeck")
    assert not list(tmp_path.glob("*.wal"))


def test_home_is_refused_when_its_path_is_a_file(tmp_path):
    path = tmp_path / "home"
    path.write_text("mine")
    with pytest.raises(HomeError, match=r"cannot be made: File exists\. Choose another home"):
        Runtime.open(Home(path))
    with pytest.raises(HomeError, match="cannot be made: Not a directory"):
        Runtime.open(Home(path / "below"))
    assert path.read_text() == "mine"


def fill(database: Database) -> tuple[int, str]:
    """Write until the disk is full; give the number of rows that were committed, and what was said then."""
    for committed in range(0, 10_000_000, 20_000):
        try:
            with database.transaction() as transaction:
                transaction.run_sql(WRITES, {"first": committed})
        except HomeError as error:
            return committed, error.message
    pytest.fail("the disk never filled")


def test_transactions_are_whole_when_the_disk_is_full(tmp_path):
    with mounted(tmp_path / "disk", "6m") as folder:
        home = Home(folder)
        database = Database.open(home.database)
        migrate(database)
        committed, message = fill(database)
        assert re.search("cannot be written: .*Nothing was changed; free some space or mend its permissions", message)
        assert database.table("select count(*) as n from refreshes")["n"].to_pylist() == [committed]
        database.close()
        database = Database.open(home.database)
        assert database.table("select count(*) as n from refreshes")["n"].to_pylist() == [committed]
        assert find_broken_line(database) is None
        database.close()


def test_new_home_is_refused_and_nothing_is_left_when_the_disk_is_full(tmp_path):
    with mounted(tmp_path / "disk", "8k") as folder:
        with pytest.raises(HomeError, match=r"cannot be written .*Free some space"):
            Runtime.open(Home(folder))
        assert not Home(folder).database.exists()


@pytest.mark.parametrize("arguments", [("demo",), ("up", "--demo", "--port", "0")], ids=["demo", "up"])
def test_seeding_ends_with_2_and_one_line_when_the_disk_is_full(tmp_path, arguments):
    with mounted(tmp_path / "disk", "2m") as folder:
        ended = run_command(folder, *arguments)
        traffic = locate_traffic(Home(folder))
        assert ended.returncode == 2
        told = [line for line in ended.stderr.splitlines() if not re.match(r" *\d+ %  ", line)]
        (line,) = told
        assert line.startswith(f"{traffic} cannot be written: No space left on device, ")
        assert line.endswith(" MB are free and it needs more. Free some space or mend its permissions.")
        assert not [file.name for file in folder.iterdir() if "traffic" in file.name]


def test_clock_of_the_demo_stays_when_the_disk_is_full(tmp_path):
    with mounted(tmp_path / "disk", "64k") as folder:
        file = folder / "demo-clock.json"
        write_position(file, NOON)
        fill_with_zeros(folder)
        with pytest.raises(HomeError, match=r"No space left on device, 0\.0 kB are free and it needs more\. Free"):
            write_position(file, NOON + timedelta(days=1))
        assert read_position(file) == NOON
        assert sorted(file.name for file in folder.iterdir()) == ["demo-clock.json", "zeros"]


@pytest.mark.parametrize("write", [lambda home: announce(home, "http://127.0.0.1:8501"), ensure_token])
def test_start_says_what_to_do_when_its_small_files_find_the_disk_full(tmp_path, write):
    with mounted(tmp_path / "disk", "64k") as folder:
        fill_with_zeros(folder)
        with pytest.raises(HomeError, match=r"No space left on device.*\. Free some space or mend its permissions\.$"):
            write(Home(folder))
        assert [file.name for file in folder.iterdir()] == ["zeros"]


def fill_with_zeros(folder: Path) -> None:
    """Take all the room that a disk has."""
    with suppress(OSError), (folder / "zeros").open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass


def test_home_is_refused_and_kept_when_its_disk_is_read_only(tmp_path):
    with mounted(tmp_path / "disk", "64m") as folder:
        home = copy_small_home(folder / "home")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert_refused(home, "cannot be written .*Change its permissions, or choose another home")
        with pytest.raises(HomeError, match="cannot be made: Read-only file system"):
            Runtime.open(Home(folder / "new"))


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_home_is_refused_and_kept_when_its_file_is_read_only(tmp_path):
    home = copy_small_home(tmp_path / "home")
    home.database.chmod(0o400)
    assert_refused(home, "cannot be written .*Change its permissions")


def test_command_ends_with_2_when_files_may_not_grow(tmp_path):
    limit = 8 * 1024

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "tests.faults.open_home", str(tmp_path / "home")]
    ended = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, preexec_fn=limit_files, timeout=60
    )
    assert ended.returncode == HomeError.exit_code, ended.stderr
    assert "cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("update audit set reason = 'better' where id = 3", 3),
        ("update audit set evidence = '{}' where id = 4", 4),
        ("update audit set actor = 'somebody' where id = 1", 1),
        ("update audit set made_at = made_at + interval 1 second where id = 2", 2),
        ("delete from audit where id = 2", 3),
        ("update audit set hash = repeat('0', 64) where id = 5", 5),
    ],
)
def test_changed_audit_line_is_found_when_somebody_edits_the_database(tmp_path, change, line):
    home = copy_small_home(tmp_path / "home")
    database = Database.open(home.database)
    try:
        assert find_broken_line(database) is None
        with database.transaction() as transaction:
            transaction.run_sql(change)
        assert find_broken_line(database) == line
    finally:
        database.close()
