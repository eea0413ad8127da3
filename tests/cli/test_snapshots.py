"""The commands of training rows: they list, compare, and erase, and say what is accepted."""

import pyarrow.parquet as pq
import pytest

ERASE = ("erase", "car-loan", "100-00003")


def test_snapshots_are_listed_with_what_rests_on_them(run):
    head, *rows = run("snapshots", "car-loan").output.splitlines()
    assert head.split() == [
        "Snapshot",
        "Rows",
        "From",
        "To",
        "Labelled",
        "Columns",
        "Size",
        "Runs",
        "Versions",
        "State",
    ]
    assert sorted(row.split()[-3] for row in rows[:3]) == ["v1", "v2", "v3"]
    assert all(row.endswith("as frozen") for row in rows[:3])


def test_difference_of_two_versions_is_told(run):
    ended = run("snapshots", "car-loan", "--diff", "v1", "v2")
    assert ended.output.startswith("v1 and v2 share 0 rows. 500 are only in v1, 500 only in v2.")
    assert "Feature" in ended.output


def test_erasure_is_told_and_said_to_be_done_the_second_time(run, home):
    dry = run(*ERASE, "--dry-run").output
    assert dry.startswith("Not erased yet: 0 predictions, 0 labels, 0 replays, and rows of 1 snapshots.")
    assert run(*ERASE, "--reason", "she asked").output == dry.replace("Not erased yet", "Erased")
    assert "was erased on" in run(*ERASE, "--reason", "she asked").output
    ids = [one for file in home.snapshots.glob("*.parquet") for one in pq.read_table(file)["prediction_id"].to_pylist()]
    assert len(ids) == 3 * 500 - 1
    assert "1 erased" in run("snapshots", "car-loan").output
    assert run("audit", "verify").exit_code == 0
    assert "100-00003" not in run("audit", "car-loan").output
    event = run("audit", "car-loan", "--limit", "1", "--json").document["events"][0]
    assert (event["action"], event["channel"], event["reason"]) == ("erase prediction", "command", "she asked")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (ERASE, "An erasure needs --reason"),
        (("erase", "car-loan", "nope", "--reason", "x"), "has no prediction 'nope'"),
        ((*ERASE, "--reason", " "), "A reason of 1 to 2,000 characters"),
        (("snapshots", "car-loan", "--diff", "v1", "v9"), "has no snapshot 'v9'"),
        (("snapshots", "nope"), "There is no model 'nope'"),
    ],
)
def test_command_is_refused_with_what_is_accepted(run, arguments, message):
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert message in ended.errors
