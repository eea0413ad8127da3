"""The command of the contract."""

import json

import pytest

WHY = ("--reason", "seen in production")


@pytest.fixture
def write(tmp_path):
    def write(document):
        file = tmp_path / "contract.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(file)

    return write


def test_contract_says_what_is_asked_of_each_feature_and_of_all_rows(run):
    ended = run("contract", "car-loan")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0] == "The contract of car-loan v2, proposed from the training rows of v2: 500 rows"
    assert lines[2].split() == ["Feature", "Kind", "Empty", "at", "most", "Values", "Others", "at", "most", "Set", "by"]
    assert [line.split()[0] for line in lines[3:5]] == ["income", "debt"]
    assert "Of all rows, proposed:" in lines
    assert "  Rows of a day: 50 % to 200 % of the usual" in lines


def test_printed_contract_is_changed_in_a_file_and_set(run, write):
    document = run("contract", "car-loan", "--json").document
    document["features"][0]["maximum"] = 99.0
    document["traffic"]["most_duplicates"] = 0.2
    changed = run("contract", "car-loan", "--set", write(document), *WHY, "--json").document
    assert (changed["features"], changed["traffic"]) == (document["features"], document["traffic"])
    assert [one["channel"] for one in changed["edited"]] == ["command"] * 2
    assert "Of all rows, set by " in run("contract", "car-loan").output
    # The file is as of before that change, and is not set a second time over a newer one.
    document["traffic"]["most_duplicates"] = 0.3
    ended = run("contract", "car-loan", "--set", write(document), *WHY)
    assert (ended.exit_code, "changed the contract meanwhile" in ended.errors) == (1, True)


def test_file_may_name_only_what_changes(run, write):
    file = write({"features": [{"feature": "debt", "most_null": 0.4}]})
    document = run("contract", "car-loan", "--set", file, *WHY, "--json").document
    assert [(one["feature"], one["proposed"]) for one in document["edited"]] == [("debt", {"most_null": 0.1})]
    document = run("contract", "car-loan", "--propose", *WHY, "--json").document
    assert document["edited"] == []


def test_contract_of_a_version_is_changed(run, write):
    file = write({"traffic": {"most_volume": 3}})
    assert run("contract", "car-loan", "--version", "v1", "--set", file, *WHY, "--json").document["version"] == "v1"
    assert run("contract", "car-loan", "--json").document["traffic"]["most_volume"] == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON in UTF-8"),
        ("[1]", "holds no JSON object"),
        ({"model": "other"}, "is the contract of another model than car-loan"),
        ({"volume": 1}, "The body key 'volume' is unknown; accepted are: reason, features, traffic"),
        ({"features": [{"feature": "debt", "empty": 1}]}, "The body key 'features.0.empty' is unknown"),
        ({"features": 3}, "'features' is 3"),
        ({}, "Nothing was changed"),
    ],
)
def test_file_is_refused_with_what_is_accepted(run, write, content, message):
    ended = run("contract", "car-loan", "--set", write(content), *WHY)
    assert (ended.exit_code, message in ended.errors) == (2, True), ended.errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--propose",), "A change needs --reason"),
        (WHY, "Name --set FILE or --propose"),
        (("--set", "missing.json", *WHY), "The file missing.json cannot be read: No such file"),
        (("--set", "a.json", "--propose", *WHY), "not allowed with argument"),
    ],
)
def test_command_is_refused_with_what_is_accepted(run, arguments, message):
    ended = run("contract", "car-loan", *arguments)
    assert (ended.exit_code, message in ended.errors) == (2, True), ended.errors
