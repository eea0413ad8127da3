"""The commands of training runs, on a home that no app has open."""

import json
import signal

import pytest

from mlops_core.config import Home
from mlops_core.store.connection import Database
from mlops_core.store.models import list_versions
from tests.cli.conftest import Ended, main_in, start
from tests.small_home import MODEL, MODEL_FILE, copy_small_home
from tests.test_docs import compare_shape, list_fences, list_route_sections

ORDER = ("retrain", MODEL, "--reason", "the labels of March are in")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    """One home for all tests of this file, whose gate is held on traffic that is years old."""
    home = copy_small_home(tmp_path_factory.mktemp("runs") / "home")
    use_entry_point(home, "candidates")
    return home


@pytest.fixture
def run(home, capsys):
    return main_in(home, capsys)


def use_entry_point(home: Home, name: str) -> None:
    """Change the entry point by the stored model file, as its owner would with `init`."""
    text = MODEL_FILE.replace("small_training:candidates", f"small_training:{name}")
    database = Database.open(home.database)
    with database.transaction() as transaction:
        transaction.run_sql("update models set spec = $text", {"text": text})
    database.close()


def list_names(home: Home) -> list[str]:
    database = Database.open(home.database)
    try:
        return [version.name for version in list_versions(database, MODEL)]
    finally:
        database.close()


@pytest.fixture(scope="module")
def passed(home: Home) -> Ended:
    """A run that was waited for and has passed the gate."""
    with start("--home", str(home.path), *ORDER, "--wait", "--json") as command:
        output, errors = command.communicate(timeout=120)
    return Ended(command.returncode, output, errors)


def get_example(route: str) -> dict[str, object]:
    return json.loads(list_fences(list_route_sections()[route], "json")[0])["data"]


def test_run_is_waited_for_and_ends_with_0_when_its_version_has_passed_the_gate(passed, home):
    assert passed.exit_code == 0, passed.errors
    document = passed.document
    assert (document["status"], document["version"], document["gate"]["passed"]) == ("succeeded", "v4", True)
    assert [trial["candidate"] for trial in document["leaderboard"]] == ["logistic regression", "boosted trees"]
    assert all(reason["passed"] for reason in document["gate"]["reasons"])
    compare_shape(get_example("GET /models/{model}/runs/{run}"), document)
    lines = [line.split() for line in passed.errors.splitlines()]
    assert lines[0] == ["Run", "1", "of", "car-loan", "is", "ordered."]
    assert {"collect", "train", "gate"} <= {line[0] for line in lines}
    assert ["register", "done", "v4,", "snapshot"] in [line[:4] for line in lines]
    assert list_names(home) == ["v1", "v2", "v3", "v4"]


def test_run_is_shown_with_its_candidates_the_gate_and_its_log(passed, run):
    listed = run("runs", MODEL, "--json").document
    compare_shape(get_example("GET /models/{model}/runs"), listed)
    shown = run("runs", MODEL, "--run", "1").output
    assert "\nlogistic regression *" in shown
    assert "\nok       ROC AUC: " in shown
    assert shown.endswith("Run 1 has succeeded: v4 has passed the gate.\n")
    log = [line.split() for line in run("runs", MODEL, "--run", "1", "--log").output.splitlines()]
    assert log[0] == ["Time", "(UTC)", "Step", "Status", "Done", "Words"]
    assert {line[2] for line in log[1:]} == {step["step"] for step in passed.document["steps"]}


def test_run_ends_with_1_when_it_fails_and_says_why(home, run):
    use_entry_point(home, "raising")
    ended = run(*ORDER, "--wait")
    assert ended.exit_code == 1
    assert "has raised RuntimeError: the warehouse is away" in ended.output.splitlines()[-1]
    assert "collect" in ended.errors


def test_run_is_cancelled_when_the_command_that_carries_it_out_is_interrupted(home, run):
    use_entry_point(home, "hanging")
    names = list_names(home)
    with start("--home", str(home.path), *ORDER, "--wait") as command:
        for line in command.stderr:
            if line.startswith("train"):
                break
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=60)
    number = run("runs", MODEL, "--json").document["runs"][0]["run"]
    assert (command.returncode, output) == (130, "")
    assert f"Run {number} is cancelled." in errors
    assert "Traceback" not in errors
    shown = run("runs", MODEL, "--run", str(number), "--json").document
    assert (shown["status"], shown["version"]) == ("cancelled", None)
    assert list_names(home) == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs", MODEL, "--cancel", "1"), "To cancel a run needs --reason"),
        (("runs", MODEL, "--reason", "x"), "--reason goes with --cancel N"),
        (("runs", MODEL, "--log"), "--log goes with --run N"),
        (("runs", MODEL, "--run", "x"), "'x' is not the number of a run"),
        (("runs", MODEL, "--run", "99"), "There is no run 99"),
        (("retrain", MODEL), "--reason"),
        ((*ORDER, "--window", "2024-03-01"), "lacks an end; accepted is A..B"),
        ((*ORDER, "--window", "2024-03-05..2024-03-01"), "its start must lie before its end"),
        ((*ORDER, "--snapshot", "abc"), "has no snapshot 'abc'"),
    ],
)
def test_command_is_refused_with_what_is_accepted(run, arguments, message):
    ended = run(*arguments)
    assert (ended.exit_code, message in ended.errors) == (2, True), ended.errors
