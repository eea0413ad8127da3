"""The commands that change production."""

import pytest

from mlops_core.api.changes import name_local_user


def test_rollback_changes_production_and_tells_the_undo(run):
    ended = run("rollback", "car-loan", "--to", "v1", "--reason", "v2 is worse")
    assert ended.exit_code == 0
    assert ended.output == (
        "v1 is in production of car-loan instead of v2, deployment 3.\nTo undo: rollback car-loan --to v2 --reason …\n"
    )
    event = run("audit", "--limit", "1", "--json").document["events"][0]
    assert (event["action"], event["actor"], event["channel"]) == ("roll back", name_local_user(), "command")


def test_promote_is_carried_out_once_when_the_key_is_the_same(run):
    arguments = ("promote", "car-loan", "--to", "v3", "--reason", "newer", "--key", "release-7", "--json")
    first, again = run(*arguments), run(*arguments)
    assert first.exit_code == again.exit_code == 0
    assert first.document == again.document
    assert first.document["action"] == "promote"


def test_changes_end_with_1_when_production_does_not_allow_them(run):
    for action, to, said in (("promote", "v2", "already"), ("rollback", "v3", "never in production")):
        ended = run(action, "car-loan", "--to", to, "--reason", "x")
        assert (ended.exit_code, ended.output) == (1, "")
        assert said in ended.errors


def test_changes_end_with_1_when_another_champion_was_expected(run):
    ended = run("rollback", "car-loan", "--to", "v1", "--reason", "x", "--expected-champion", "v3", "--json")
    assert ended.exit_code == 1
    assert ended.document["error"]["code"] == "conflict"


@pytest.mark.parametrize("action", ["rollback", "promote"])
def test_changes_name_the_models_when_there_is_no_such_model(run, action):
    ended = run(action, "nope", "--to", "v9", "--reason", "x")
    assert (ended.exit_code, ended.errors) == (2, "There is no model 'nope'; the models are: car-loan.\n")


def test_changes_end_with_2_when_the_input_is_bad(run):
    for arguments in (
        ("--to", "v9", "--reason", "x"),
        ("--to", "v1", "--reason", "  "),
        ("--to", "v1", "--reason", "x", "--key", "schlüssel"),
    ):
        ended = run("rollback", "car-loan", *arguments)
        assert ended.exit_code == 2
        assert len(ended.errors.splitlines()) == 1
