"""The routes of training runs."""

import pytest

from tests.api.conftest import Caller, artifact_host, check_error, open_api
from tests.small_home import MODEL, copy_small_home

__all__ = ["artifact_host"]
RETRAIN, RUNS = f"/api/v1/models/{MODEL}/retrain", f"/api/v1/models/{MODEL}/runs"
WHY = {"reason": "the labels of March are in"}


@pytest.fixture(scope="module")
def api(tmp_path_factory, artifact_host):
    """One home for all tests of this file; its worker ends with it."""
    with open_api(copy_small_home(tmp_path_factory.mktemp("runs") / "home"), artifact_host) as caller:
        yield caller
        caller.runtime.training.stop()


def test_run_is_ordered_once_by_its_key_and_cancelled(api: Caller):
    answer = api.post(RETRAIN, WHY | {"candidates": ["line"]}, headers={"Idempotency-Key": "march"})
    assert answer.status_code == 202, answer.text
    run = answer.json()["data"]
    assert (run["status"], run["version"], run["leaderboard"]) == ("queued", None, [])
    assert run["gate"] == {"passed": None, "words": None, "window": None, "reasons": []}
    assert (run["candidates"], run["channel"], run["reason"]) == (["line"], "api", WHY["reason"])
    again = api.post(RETRAIN, WHY | {"candidates": ["line"]}, headers={"Idempotency-Key": "march"})
    assert again.json()["data"]["run"] == run["run"]
    other = api.post(RETRAIN, WHY, headers={"Idempotency-Key": "march"})
    assert "was used for run 1, which was ordered otherwise" in check_error(other, 422, "invalid_input")["message"]
    assert "Run 1 of car-loan is" in check_error(api.post(RETRAIN, WHY), 409, "conflict")["message"]

    cancel = f"{RUNS}/{run['run']}/cancel"
    assert "A reason of 1 to" in check_error(api.post(cancel, {"reason": " "}), 422, "invalid_input")["message"]
    cancelled = api.post(cancel, {"reason": "the wrong month"}).json()["data"]
    assert (cancelled["status"], cancelled["outcome"]) == ("cancelled", "the wrong month")
    check_error(api.post(cancel, {"reason": "again"}), 409, "conflict")
    assert [one["status"] for one in api.get(RUNS).json()["data"]["runs"]] == ["cancelled"]
    assert api.get(f"{RUNS}/1?log=true").json()["data"]["log"] is not None
    actions = [event["action"] for event in api.get(f"/api/v1/models/{MODEL}/audit?limit=2").json()["data"]["events"]]
    assert actions == ["cancel training run", "order training run"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The body key 'reason' is missing"),
        (WHY | {"windows": "a"}, "accepted are: reason, window, candidates, snapshot"),
        (WHY | {"window": "2024-03-01..soon"}, "is not a time"),
        (WHY | {"window": "2024-03-01..2924-03-01"}, "the end not after"),
        ({"reason": " "}, "A reason of 1 to 2,000 characters"),
    ],
)
def test_order_is_refused_by_name_and_value(api: Caller, body, message):
    before = api.get(RUNS).json()
    assert message in check_error(api.post(RETRAIN, body), 422, "invalid_input")["message"]
    assert api.get(RUNS).json() == before


def test_run_of_another_number_or_model_is_not_found(api: Caller):
    check_error(api.get(f"{RUNS}/77"), 404, "not_found")
    check_error(api.get(f"{RUNS}/x"), 422, "invalid_input")
    check_error(api.post(f"{RUNS}/77/cancel", WHY), 404, "not_found")
    check_error(api.get("/api/v1/models/nope/runs"), 404, "not_found")
