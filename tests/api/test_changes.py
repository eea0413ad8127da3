"""The routes that change production."""

import asyncio
from itertools import pairwise

import pytest

from mlops_core.api.changes import name_local_user
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.deployment import get_history
from mlops_core.store.audit import find_broken_line
from tests.api.conftest import Caller, check_error

ROLLBACK = "/api/v1/models/car-loan/rollback"
PROMOTE = "/api/v1/models/car-loan/promote"
BACK = {"to": "v1", "reason": "v2 is worse"}


def count_deployments(api: Caller) -> int:
    return len(get_history(api.runtime, "car-loan"))


def test_rollback_answers_with_the_deployment_and_its_undo(api: Caller):
    answer = api.post(ROLLBACK, BACK)
    assert answer.status_code == 200
    document = answer.json()["data"]
    assert document.pop("at")
    assert document == {
        "deployment": 3,
        "model": "car-loan",
        "version": "v1",
        "previous": "v2",
        "action": "rollback",
        "actor": name_local_user(),
        "channel": "api",
        "reason": "v2 is worse",
        "key": None,
        "undo": {"action": "rollback", "to": "v2"},
    }
    event = api.get("/api/v1/audit?limit=1").json()["data"]["events"][0]
    assert (event["action"], event["subject"], event["reason"]) == ("roll back", "v1", "v2 is worse")


def test_undo_restores_what_was_in_production(api: Caller):
    undo = api.post(PROMOTE, {"to": "v3", "reason": "try it"}).json()["data"]["undo"]
    api.post(f"/api/v1/models/car-loan/{undo['action']}", {"to": undo["to"], "reason": "undo"})
    assert api.get("/api/v1/models/car-loan/production").json()["data"]["version"] == "v2"


@pytest.mark.parametrize("action", ["rollback", "promote"])
@pytest.mark.parametrize("belief", [{}, {"expected_champion": "v2"}])
def test_change_is_not_found_when_there_is_no_such_model(api: Caller, action: str, belief: dict[str, str]):
    error = check_error(api.post(f"/api/v1/models/nope/{action}", BACK | belief), 404, "not_found")
    assert error["message"] == "There is no model 'nope'; the models are: car-loan."
    assert count_deployments(api) == 2


def test_channel_is_command_when_our_command_says_so(api: Caller):
    answer = api.post(ROLLBACK, BACK, headers={"X-Driftdeck-Channel": "command"})
    assert answer.json()["data"]["channel"] == "command"
    refused = api.post(PROMOTE, {"to": "v3", "reason": "x"}, headers={"X-Driftdeck-Channel": "page"})
    check_error(refused, 422, "invalid_input")


def test_change_is_refused_when_production_does_not_allow_it(api: Caller):
    check_error(api.post(ROLLBACK, {"to": "v3", "reason": "x"}), 409, "conflict")
    check_error(api.post(PROMOTE, {"to": "v2", "reason": "x"}), 409, "conflict")
    assert count_deployments(api) == 2


@pytest.mark.parametrize("expected", ["v3", "v1", None])
def test_change_is_refused_when_another_champion_was_expected(api: Caller, expected: str | None):
    check_error(api.post(ROLLBACK, BACK | {"expected_champion": expected}), 409, "conflict")
    assert count_deployments(api) == 2


def test_change_is_carried_out_when_the_champion_is_as_expected(api: Caller):
    body = BACK | {"expected_champion": "v2"}
    first = api.post(ROLLBACK, body, headers={"Idempotency-Key": "k"})
    again = api.post(ROLLBACK, body, headers={"Idempotency-Key": "k"})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()


def test_change_is_refused_when_the_artifact_is_damaged(api: Caller):
    api.runtime.artifacts = ArtifactHost(api.runtime.home.artifacts)
    version = api.get("/api/v1/models/car-loan/versions").json()["data"]["versions"][0]
    path = api.runtime.home.artifacts / f"{version['artifact_hash']}.skops"
    path.write_bytes(path.read_bytes()[:-1])
    error = check_error(api.post(ROLLBACK, BACK), 409, "preflight_failed")
    assert [check["passed"] for check in error["details"]["checks"]] == [False, True]
    api.runtime.artifacts.close()
    assert count_deployments(api) == 2


def test_key_makes_a_repeated_request_one_deployment(api: Caller):
    answers = [api.post(ROLLBACK, BACK, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.json()["data"]["deployment"] for answer in answers] == [3, 3]
    assert answers[0].json()["data"]["key"] == "once"
    assert count_deployments(api) == 3


def test_key_is_refused_when_it_was_used_for_another_request(api: Caller):
    api.post(ROLLBACK, BACK, headers={"Idempotency-Key": "once"})
    for path, body in ((ROLLBACK, BACK | {"to": "v2"}), (PROMOTE, BACK)):
        error = check_error(api.post(path, body, headers={"Idempotency-Key": "once"}), 422, "invalid_input")
        assert error["details"] == {"deployment": 3}


def test_twenty_requests_at_once_leave_one_consistent_ledger(api: Caller):
    async def post_all() -> list[int]:
        requests = [
            api.send("POST", PROMOTE, json={"to": f"v{1 + i % 3}", "reason": f"request {i}"}) for i in range(20)
        ]
        return [answer.status_code for answer in await asyncio.gather(*requests)]

    statuses = api.runner.run(post_all())
    assert set(statuses) <= {200, 409}
    history = get_history(api.runtime, "car-loan")
    assert len(history) == 2 + statuses.count(200)
    assert [deployment.id for deployment in history] == list(range(1, len(history) + 1))
    for before, after in pairwise(history):
        assert after.previous == before.version != after.version
    assert find_broken_line(api.runtime.database) is None


def test_twenty_requests_with_one_key_make_one_deployment(api: Caller):
    async def post_all() -> set[int]:
        requests = [api.send("POST", ROLLBACK, json=BACK, headers={"Idempotency-Key": "k"}) for _ in range(20)]
        return {answer.json()["data"]["deployment"] for answer in await asyncio.gather(*requests)}

    assert api.runner.run(post_all()) == {3}
    assert count_deployments(api) == 3


def test_demo_is_refused_when_the_home_holds_a_model(api: Caller):
    assert "car-loan" in check_error(api.post("/api/v1/demo", {}), 409, "conflict")["message"]
    check_error(api.post("/api/v1/demo", {"model": "x"}), 422, "invalid_input")
    state = api.get("/api/v1/demo").json()["data"]
    assert set(state) == {"state", "fraction", "words", "error"}
