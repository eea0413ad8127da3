"""The commands that keep a home small."""

import pytest

from mlops_core.store.connection import Database
from tests.small_home import DAYS, ROWS_PER_DAY

SET = ("retention", "car-loan", "--row-days", "30")


def test_retention_says_how_long_data_is_kept(run):
    ended = run("retention", "car-loan")
    assert (ended.exit_code, ended.output) == (
        0, "car-loan keeps rows forever, counts forever, training rows forever.\nNothing is older.\n"
    )  # fmt: skip


def test_dry_run_says_what_would_go(run):
    ended = run(*SET, "--dry-run")
    assert ended.output.startswith(
        "car-loan keeps rows 30 days, counts forever, training rows forever.\nOlder, and not deleted: 8,400 predictions"
    )
    assert "rows forever" in run("retention", "car-loan").output


def test_rows_go_and_the_file_gets_smaller(run, home):
    ended = run(*SET, "--reason", "the law", "--json")
    assert ended.document["old"]["rows"] == DAYS * ROWS_PER_DAY
    before = home.database.stat().st_size
    document = run("compact", "--json").document
    assert (document["bytes_before"], document["bytes_after"]) == (before, home.database.stat().st_size)
    assert document["bytes_after"] < before
    assert run("retention", "car-loan", "--json").document["row_days"] == 30


def test_compact_refuses_a_home_of_a_newer_schema(run, home):
    database = Database.open(home.database)
    with database.transaction() as transaction:
        transaction.run("record_migration", {"number": 99})
    database.close()
    before = home.database.read_bytes()
    ended = run("compact")
    assert (ended.exit_code, ended.output) == (2, "")
    assert ended.errors == run("versions", "car-loan").errors
    assert "has schema 99" in ended.errors
    assert home.database.read_bytes() == before


def test_one_of_both_stays_when_the_other_is_set(run):
    run(*SET, "--profile-days", "400", "--reason", "the law")
    document = run("retention", "car-loan", "--row-days", "20", "--reason", "a stricter law", "--json").document
    assert (document["row_days"], document["profile_days"]) == (20, 400)
    document = run("retention", "car-loan", "--profile-days", "forever", "--reason", "for history", "--json").document
    assert (document["row_days"], document["profile_days"]) == (20, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (SET, "A change needs --reason"),
        (
            ("retention", "car-loan", "--dry-run"),
            "Name --row-days, --profile-days, --snapshot-days, or several of them",
        ),
        (
            ("retention", "car-loan", "--reason", "x"),
            "Name --row-days, --profile-days, --snapshot-days, or several of them",
        ),
        ((*SET[:3], "a month", "--reason", "x"), "--row-days is 'a month'; accepted are whole days, or 'forever'"),
        ((*SET[:3], "1", "--reason", "x"), "row_days is 1; accepted are"),
    ],
)
def test_command_is_refused_with_what_is_accepted(run, arguments, message):
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert message in ended.errors
    assert "rows forever" in run("retention", "car-loan").output
