"""The routes that read."""

import json
import logging

import pytest

from tests.api.conftest import Caller, check_error
from tests.small_home import DAYS, ROWS_PER_DAY


def read(api: Caller, path: str) -> dict:
    answer = api.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    document = json.loads(answer.content)
    assert set(document) == {"data"}
    return document["data"]


def test_health_tells_facts_of_the_home(shared_api: Caller):
    document = read(shared_api, "/health")
    assert document["status"] == "ok"
    assert document["models"] == 1
    assert document["schema"] >= 1
    assert document["database_bytes"] > 0
    assert document["version"].count(".") == 2


def test_models_lists_what_is_in_production(shared_api: Caller):
    (model,) = read(shared_api, "/models")["models"]
    assert (model["name"], model["champion"], model["versions"]) == ("car-loan", "v2", 3)
    assert model["since"] == "2024-03-08T00:00:00+00:00"


def test_versions_tell_state_and_spans(shared_api: Caller):
    document = read(shared_api, "/models/car-loan/versions")
    assert document["champion"] == "v2"
    states = {entry["version"]: (entry["state"], entry["in_production"]) for entry in document["versions"]}
    bakes = {name: [span.pop("baking") for span in spans] for name, (_, spans) in states.items()}
    assert states["v1"] == (
        "retired",
        [{"start": "2024-03-01T00:00:00+00:00", "end": "2024-03-08T00:00:00+00:00", "deployment": 1}],
    )
    assert states["v2"] == (
        "champion",
        [{"start": "2024-03-08T00:00:00+00:00", "end": None, "deployment": 2}],
    )
    assert states["v3"] == ("never", [])
    (bake,) = bakes["v2"]
    assert (bake["until"], bake["outcome"], bake["revert"]) == ("2024-03-11T00:00:00+00:00", "kept", None)
    assert bake["promise"] == {"metric": "roc_auc", "origin": "standard", "value": None, "low": 0.6, "high": None}
    assert "keeps what was promised (at least 0.6)." in bake["reason"]
    first = document["versions"][0]
    assert first["offline_metrics"] == {"roc_auc": 0.7}
    assert first["snapshot"]["rows"] == 500
    assert len(first["artifact_hash"]) == 64
    assert first["created_by"] == "tester"


def test_performance_is_of_the_champion_and_all_time_when_nothing_is_said(shared_api: Caller):
    document = read(shared_api, "/models/car-loan/performance")
    assert document["version"] == "v2"
    assert len(document["chunks"]) == DAYS - 7
    for chunk in document["chunks"]:
        assert chunk["n"] == chunk["n_labelled"] == ROWS_PER_DAY
        assert chunk["coverage"] == 1.0
        assert chunk["status"] == "OK"
        estimate = chunk["metrics"]["roc_auc"]
        assert estimate["low"] < estimate["value"] < estimate["high"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-03-02", "2024-03-04"),
        ("2024-03-02T00:00:00Z", "2024-03-04T00:00:00Z"),
        ("2024-03-02T05:00:00%2B05:00", "2024-03-04T05:00:00%2B05:00"),
    ],
)
def test_performance_window_ends_before_its_end_in_utc(shared_api: Caller, start: str, end: str):
    document = read(shared_api, f"/models/car-loan/performance?version=v1&start={start}&end={end}&chunk=day")
    assert [chunk["start"][:10] for chunk in document["chunks"]] == ["2024-03-02", "2024-03-03"]


def test_audit_lists_the_newest_first(shared_api: Caller):
    events = read(shared_api, "/audit?limit=3")["events"]
    assert [event["id"] for event in events] == [8, 7, 6]
    assert [event["action"] for event in events] == ["baking kept", "baking kept", "promote"]
    assert (events[2]["actor"], events[2]["channel"]) == ("tester", "system")
    assert events[2]["evidence"]["deployment"] == 2
    assert read(shared_api, "/models/car-loan/audit?limit=3")["events"] == events
    assert read(shared_api, "/audit?model=car-loan&limit=3")["events"] == events


def test_audit_verification_names_the_line_that_was_changed(api: Caller):
    assert read(api, "/audit/verify") == {"intact": True, "broken_line": None, "lines": 8}
    with api.runtime.database.transaction() as transaction:
        transaction.run_sql("update audit set reason = 'another' where id = 5")
    assert read(api, "/audit/verify") == {"intact": False, "broken_line": 5, "lines": 8}


def test_production_is_not_modified_until_it_changes(api: Caller):
    path = "/api/v1/models/car-loan/production"
    first = api.get(path)
    assert first.json()["data"]["version"] == "v2"
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    api.post("/api/v1/models/car-loan/rollback", {"to": "v1", "reason": "back"})
    changed = api.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert changed.json()["data"]["version"] == "v1"


def test_production_tag_differs_when_the_same_version_returns(api: Caller):
    path = "/api/v1/models/car-loan/production"
    tag = api.get(path).headers["etag"]
    for to in ("v1", "v2"):
        api.post("/api/v1/models/car-loan/rollback", {"to": to, "reason": "there and back"})
    assert api.get(path).headers["etag"] != tag


def test_production_is_null_when_nothing_was_deployed(api: Caller):
    with api.runtime.database.transaction() as transaction:
        transaction.run_sql("delete from deployments")
    answer = api.get("/api/v1/models/car-loan/production")
    assert answer.json()["data"] == {
        "model": "car-loan",
        "version": None,
        "artifact_hash": None,
        "since": None,
        "deployment": None,
    }
    assert answer.headers["etag"] == '"never"'
    assert api.get("/api/v1/models/car-loan/performance").status_code == 404


def test_unexpected_errors_are_logged_and_not_told(api: Caller, caplog: pytest.LogCaptureFixture):
    api.runtime.database.close()
    with caplog.at_level(logging.ERROR):
        error = check_error(api.get("/api/v1/models"), 500, "internal_error")
    assert "onnection" not in error["message"]
    assert error["details"]["reference"] in caplog.text
    assert "Traceback" in caplog.text


def test_prediction_tells_who_served_it_and_who_was_to(shared_api: Caller):
    document = read(shared_api, "/models/car-loan/predictions/8-00300")
    assert (document["model"], document["prediction_id"]) == ("car-loan", "8-00300")
    (answer,) = document["answers"]
    score = answer.pop("score")
    assert 0 < score < 1
    assert answer == {
        "version": "v2",
        "at": "2024-03-09T12:00:00+00:00",
        "label": answer["label"],
        "in_production": "v2",
        "agrees": True,
    }
    assert answer["label"] in (0.0, 1.0)


@pytest.mark.parametrize("prediction", ["nobody", "8-0030", "%25", "' or 1=1"])
def test_prediction_that_no_row_has_is_not_found(shared_api: Caller, prediction: str):
    answer = shared_api.get(f"/api/v1/models/car-loan/predictions/{prediction}")
    error = check_error(answer, 404, "not_found")
    assert "among the rows that are kept" in error["message"]
