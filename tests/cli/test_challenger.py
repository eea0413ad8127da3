"""The command of the challenger: it tells, makes, and ends, and says what is accepted."""

import pytest


def test_challenger_is_made_told_and_ended(run):
    assert run("challenger", "car-loan").output == "No version is tried on live traffic.\n"
    made = run("challenger", "car-loan", "--set", "v3", "--reason", "tried first").output.splitlines()
    assert made[0] == "v3 scores in the shadow of v2 from the next loan on."
    assert made[2].endswith("(command): tried first.")
    assert run("challenger", "car-loan", "--json").document["challenger"] == "v3"
    assert run("challenger", "car-loan", "--stop", "--reason", "enough").exit_code == 0
    assert [event["action"] for event in run("audit", "car-loan", "--limit", "2", "--json").document["events"]] == [
        "end challenger",
        "make challenger",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "v3"), "A change needs --reason."),
        (("--reason", "x"), "Name --set V or --stop."),
        (("--set", "v2", "--reason", "x"), "v2 is in production"),
    ],
)
def test_wrong_usage_says_what_is_accepted(run, options, message):
    ended = run("challenger", "car-loan", *options)
    assert message in ended.errors
    assert ended.exit_code == (1 if "in production" in message else 2)
