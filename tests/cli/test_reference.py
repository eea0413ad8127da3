"""The command of the standing reference."""

import pytest

from mlops_core.services.registry import register_model
from mlops_core.services.runtime import Runtime
from tests.small_home import ACTOR, MODEL_FILE, PRESENT

WHY = ("--reason", "the same season")


def test_reference_says_what_traffic_is_compared_with(run):
    ended = run("reference", "car-loan")
    assert ended.exit_code == 0
    assert ended.output.splitlines() == [
        "car-loan is compared with the training rows of v2: 500 rows, 2024-02-10 00:00 to 2024-02-19 23:31 UTC.",
        "The default, as nobody has chosen another. In force since 2024-03-08 00:00 UTC.",
        "Its bins are 1, made from the training rows of v2.",
    ]


def test_window_is_chosen_and_taken_back(run):
    ended = run("reference", "car-loan", "--set", "2024-03-01..2024-03-08", *WHY)
    assert ended.output.startswith(
        "car-loan is compared with its traffic: 4,200 rows, 2024-03-01 00:00 to 2024-03-08 00:00 UTC.\nChosen by "
    )
    assert "(command): the same season. In force since" in ended.output
    assert run("drift", "car-loan").output.startswith("Reference: 2024-03-01 00:00 to 2024-03-08 00:00 UTC, 4,200 rows")
    document = run("reference", "car-loan", "--default", "--reason", "enough", "--json").document
    assert (document["origin"], document["version"]) == ("default", "v2")


def test_version_is_chosen(run):
    document = run("reference", "car-loan", "--set", "v1", *WHY, "--json").document
    assert (document["kind"], document["version"], document["channel"]) == ("snapshot", "v1", "command")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "v1"), "A change needs --reason"),
        (WHY, "Name --set A..B, --set V, or --default"),
        (("--set", "v1", "--default", *WHY), "not allowed with argument"),
        (("--set", "v9", *WHY), "car-loan has no version 'v9'"),
        (("--set", "2024-03-01..2124-03-01", *WHY), "reaches into the future"),
        (("--default", *WHY), "already; nothing was changed"),
    ],
)
def test_command_is_refused_with_what_is_accepted(run, arguments, message):
    ended = run("reference", "car-loan", *arguments)
    assert (ended.exit_code, message in ended.errors) == (2, True), ended.errors


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (None, "is compared with nothing yet."),
        (
            "['2124-01-01', '2124-02-01']",
            "the traffic from 2124-01-01 00:00 to 2124-02-01 00:00 UTC, of which nothing is counted",
        ),
    ],
)
def test_model_without_traffic_says_that_there_is_nothing_to_compare_with(run, home, window, told):
    named = f"[monitoring]\nreference = {window}" if window else "[monitoring]"
    runtime = Runtime.open(home)
    register_model(
        runtime, MODEL_FILE.replace("car-loan", "new").replace("[monitoring]", named), actor=ACTOR, now=PRESENT
    )
    runtime.close()
    ended = run("reference", "new")
    assert (ended.exit_code, told in ended.output) == (0, True), ended.output
