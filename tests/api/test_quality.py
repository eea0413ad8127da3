"""The route that checks traffic."""

import pytest

from mlops_core.checks.findings import Check
from tests.api.conftest import Caller, check_error
from tests.api.test_reports import read

PATH = "/models/car-loan/quality"


def test_quality_is_of_the_champion_up_to_the_open_chunk_when_nothing_is_said(shared_api: Caller):
    document = read(shared_api, PATH)
    assert list(document) == ["model", "version", "chunks"]
    assert document["version"] == "v2"
    newest = document["chunks"][-1]
    assert list(newest) == ["start", "end", "n", "checks"]
    assert {check["code"] for check in newest["checks"]} >= {Check.VOLUME, Check.FRESHNESS}
    assert [list(check) for check in newest["checks"]] == [
        ["code", "feature", "value", "limit", "status", "reason"]
    ] * len(newest["checks"])


def test_quality_of_a_window_has_its_chunks_with_every_check(shared_api: Caller):
    document = read(shared_api, f"{PATH}?start=2024-03-12&end=2024-03-14")
    assert [chunk["start"] for chunk in document["chunks"]] == [f"2024-03-{day}T00:00:00+00:00" for day in (12, 13)]
    checks = {(check["code"], check["feature"]): check for check in document["chunks"][0]["checks"]}
    assert {feature for _, feature in checks} == {"income", "debt", None}
    assert checks[(Check.NULLS, "debt")] == {
        "code": "quality.null_fraction",
        "feature": "debt",
        "value": 0.0,
        "limit": 0.1,
        "status": "OK",
        "reason": "debt is empty in 0 % of 600 rows; the contract accepts 10 %.",
    }


def test_quality_of_a_segment_has_fewer_rows(shared_api: Caller):
    document = read(shared_api, f"{PATH}?start=2024-03-12&end=2024-03-15&segment=region%3Dnorth")
    assert 200 < document["chunks"][0]["n"] < 400


def test_quality_of_a_version_without_traffic_is_empty(shared_api: Caller):
    assert read(shared_api, f"{PATH}?version=v3")["chunks"] == []


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("version=v9", 404, "v9"),
        ("segment=income%3D3", 422, "segment"),
        ("start=2024-03-05&end=2024-03-01", 422, "before its end"),
        ("start=2001-01-01", 422, "more than 400 days"),
    ],
)
def test_quality_refuses_what_it_cannot_check(shared_api: Caller, query: str, status: int, said: str):
    code = "not_found" if status == 404 else "invalid_input"
    assert said in check_error(shared_api.get(f"/api/v1{PATH}?{query}"), status, code)["message"]
