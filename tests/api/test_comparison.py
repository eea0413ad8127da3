"""The routes that compare versions."""

import pytest

from tests.api.conftest import Caller, check_error
from tests.api.test_reports import read

COMPARISON, REHEARSAL = "/models/car-loan/comparison", "/models/car-loan/rehearsal"


def test_champion_is_compared_when_no_other_is_named(api: Caller):
    document = read(api, f"{COMPARISON}?challenger=v1")
    assert list(document) == [
        *(
            "model",
            "champion",
            "challenger",
            "n",
            "metrics",
            "window",
            "n_logged",
            "missing",
            "learned",
            "flips",
            "segments",
        )
    ]
    assert (document["champion"], document["challenger"], document["n"]) == ("v2", "v1", 14 * 600)
    f1 = next(one for one in document["metrics"] if one["metric"] == "f1")
    assert f1["difference"] == pytest.approx(f1["challenger"] - f1["champion"])
    assert f1["low"] < f1["difference"] < f1["high"]
    assert {one["segment"] for one in document["segments"]} == {"north", "south"}


def test_differences_turn_round_with_the_versions(api: Caller):
    one, other = (read(api, f"{COMPARISON}?champion={a}&challenger={b}") for a, b in (("v1", "v2"), ("v2", "v1")))
    for found, turned in zip(one["metrics"], other["metrics"], strict=True):
        assert found["challenger"] == turned["champion"]
        assert (found["difference"] or 0) == pytest.approx(-(turned["difference"] or 0))
    assert one["flips"] == other["flips"]


def test_rows_are_those_of_the_window(api: Caller):
    window = "start=2024-03-08&end=2024-03-10"
    assert read(api, f"{COMPARISON}?challenger=v3&{window}")["n"] == 2 * 600


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("", 422, "invalid_input", "'challenger' is missing"),
        ("challenger=v9", 404, "not_found", "no version 'v9'"),
        ("challenger=v1&champion=v9", 404, "not_found", "no version 'v9'"),
        ("challenger=v2", 422, "invalid_input", "v2 cannot be compared with itself; name two versions of car-loan."),
        ("challenger=v1&start=2024-04-01", 409, "conflict", "have 0 labelled loans in common"),
        ("challenger=v1&start=2024-03-08&end=2024-03-08T06:00", 409, "conflict", "have 150 labelled loans in common"),
        ("challenger=v1&start=soon", 422, "invalid_input", "'soon' is not a time"),
    ],
)
def test_comparison_is_refused(api: Caller, query: str, status: int, code: str, message: str):
    error = check_error(api.get(f"/api/v1{COMPARISON}?{query}"), status, code)
    assert message in error["message"]


def test_version_that_cannot_score_the_rows_is_refused_with_what_they_lack(api: Caller):
    with api.runtime.database.transaction() as transaction:
        transaction.run_sql("update predictions_car_loan set debt = null")
    error = check_error(api.get(f"/api/v1{COMPARISON}?champion=v3&challenger=v1"), 409, "preflight_failed")
    assert error["details"] == {"missing": ["debt"]}


def test_rehearsal_says_what_is_to_be_known(api: Caller):
    document = read(api, f"{REHEARSAL}?to=v1")
    assert (document["champion"], document["version"], document["sentence"]) == ("v2", "v1", "v1 would be worse.")
    assert (document["verdict"], document["passed"]) == ("worse", True)
    assert document["comparison"]["n"] == 14 * 600
    assert [check["name"] for check in document["preflight"]] == ["artifact", "schema", "libraries", "categories"]
    assert set(document["latency"]) == {"v1", "v2"}
    assert read(api, "/models/car-loan/production")["version"] == "v2"


def test_rehearsal_of_a_damaged_version_says_so(api: Caller):
    with api.runtime.database.transaction() as transaction:
        transaction.run_sql("update versions set artifact_hash = $hash where name = 'v3'", {"hash": "0" * 64})
    document = read(api, f"{REHEARSAL}?to=v3")
    assert (document["passed"], document["comparison"], document["verdict"]) == (False, None, None)
    assert document["sentence"].startswith("No rehearsal: The artifact 0000")
    assert set(document["latency"]) == {"v2"}


@pytest.mark.parametrize(
    ("query", "status", "code"), [("to=v2", 409, "conflict"), ("to=v9", 404, "not_found"), ("", 422, "invalid_input")]
)
def test_rehearsal_is_refused(api: Caller, query: str, status: int, code: str):
    check_error(api.get(f"/api/v1{REHEARSAL}?{query}"), status, code)
