"""The doctor finds what is broken and says what to do."""

import socket

import pytest

from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home
from mlops_core.services.health import examine_jobs, examine_policies


def list_problems(ended) -> dict[str, str]:
    return {check["name"]: check["remedy"] for check in ended.document["checks"] if not check["passed"]}


def test_doctor_finds_nothing_when_all_is_well(run):
    ended = run("doctor", "--port", "0")
    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines()[-1] == "Everything is in order."
    assert "PROBLEM" not in ended.output


@pytest.mark.parametrize("kind", ["artifacts", "snapshots"])
def test_doctor_finds_files_that_are_gone(run, home: Home, kind: str):
    next(iter((home.path / kind).iterdir())).unlink()
    ended = run("doctor", "--port", "0", "--json")
    assert ended.exit_code == 1
    assert set(list_problems(ended)) == {kind.capitalize()}
    assert "backup" in list_problems(ended)[kind.capitalize()]


def test_doctor_finds_an_artifact_that_was_changed(run, home: Home):
    path = next(iter(home.artifacts.iterdir()))
    path.write_bytes(path.read_bytes() + b"x")
    assert set(list_problems(run("doctor", "--port", "0", "--json"))) == {"Artifacts"}


def test_doctor_finds_a_token_that_others_can_read(run, home: Home):
    ensure_token(home)
    home.token.chmod(0o644)
    ended = run("doctor", "--port", "0")
    assert ended.exit_code == 1
    assert "has mode 644" in ended.output
    assert "To do:" in ended.output


def test_doctor_finds_a_damaged_database(run, home: Home):
    home.database.write_bytes(b"no database" * 1000)
    assert set(list_problems(run("doctor", "--port", "0", "--json"))) == {"Database"}


def test_doctor_ends_a_sentence_with_one_stop(run, home: Home):
    home.database.write_bytes(b"no database" * 1000)
    line = next(line for line in run("doctor", "--port", "0").output.splitlines() if "Database:" in line)
    assert line.endswith("nothing was changed. To do: see the message.")


def test_doctor_finds_a_home_that_is_missing_and_makes_none(run, home: Home):
    ended = run("doctor", "--port", "0", "--home", str(home.path / "missing"), "--json")
    assert ended.exit_code == 1
    assert set(list_problems(ended)) == {"Home"}
    assert not (home.path / "missing").exists()


def test_doctor_finds_a_port_that_is_taken(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("doctor", "--port", str(taken.getsockname()[1]), "--json")
    assert set(list_problems(ended)) == {"Port"}


def test_doctor_finds_a_job_that_fails():
    well = {"job": "check", "model": "car-loan", "failures": 0, "message": ""}
    failing = well | {"failures": 2, "message": "The disk is full."}
    assert examine_jobs([]).passed
    assert examine_jobs([well]).detail == "1 run by themselves"
    found = examine_jobs([well, failing])
    assert (found.passed, found.detail) == (False, "check of car-loan: The disk is full.")


def test_doctor_finds_what_a_policy_could_not_carry_out():
    assert examine_policies([]).passed
    found = examine_policies(
        [{"model": "car-loan", "problem": "A rollback could not be carried out: it cannot serve."}]
    )
    told = "car-loan: A rollback could not be carried out: it cannot serve."
    assert (found.passed, found.detail, found.remedy) == (False, told, "mend what the message names")


def test_doctor_finds_records_of_runs_that_are_damaged(run, home: Home):
    home.run_records.write_bytes(b"no database" * 1000)
    ended = run("doctor", "--port", "0", "--json")
    assert set(list_problems(ended)) == {"Runs"}
    assert f"move {home.run_records} away" in list_problems(ended)["Runs"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://there/runs", "DRIFTDECK_RUNS_URL begins with 'mysql'; accepted is an address as"),
        ("postgresql://ann:secret@127.0.0.1:1/runs", "The database of DRIFTDECK_RUNS_URL cannot be reached: "),
    ],
)
def test_doctor_finds_a_database_of_runs_that_cannot_be_used(run, monkeypatch, url: str, said: str):
    monkeypatch.setenv("DRIFTDECK_RUNS_URL", url)
    ended = run("doctor", "--port", "0")
    line = next(line for line in ended.output.splitlines() if "Runs:" in line)
    assert (ended.exit_code, said in line, "secret" in line) == (1, True, False), line
