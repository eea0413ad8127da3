"""The route that compares features."""

import pytest

from tests.api.conftest import Caller, check_error
from tests.api.test_reports import read

PATH = "/models/car-loan/drift"


def test_drift_is_of_the_newest_chunks_against_training_when_nothing_is_said(shared_api: Caller):
    document = read(shared_api, PATH)
    assert document["reference"]["n"] == 500
    assert document["current"] == {"start": "2024-03-08T00:00:00+00:00", "end": "2024-03-15T00:00:00+00:00", "n": 4200}
    assert [feature["feature"] for feature in document["features"]] == ["income", "debt", "region"]


def test_drift_compares_any_windows_and_segments(shared_api: Caller):
    query = "reference_start=2024-03-01&reference_end=2024-03-03&start=2024-03-03&end=2024-03-04&segment=region%3Dnorth"
    document = read(shared_api, f"{PATH}?{query}")
    assert document["reference"]["start"] == "2024-03-01T00:00:00+00:00"
    assert 0 < document["current"]["n"] < 600


def test_drift_compares_with_the_training_rows_of_a_version(shared_api: Caller):
    first, second = (read(shared_api, f"{PATH}?reference_version={name}") for name in ("v1", "v2"))
    assert (first["reference"]["n"], second["features"]) == (500, read(shared_api, PATH)["features"])
    assert first["features"] != second["features"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("segment=nope", 422, "invalid_input"),
        ("segment=income%3D3", 422, "invalid_input"),
        ("start=2024-03-05&end=2024-03-01", 422, "invalid_input"),
        ("start=2020-01-01&end=2020-01-02", 409, "conflict"),
        ("reference_end=2001-01-01", 409, "conflict"),
        ("reference_end=2024-03-05&reference_version=v1", 422, "invalid_input"),
        ("reference_version=v9", 404, "not_found"),
    ],
)
def test_drift_refuses_what_it_cannot_compare(shared_api: Caller, query: str, status: int, code: str):
    check_error(shared_api.get(f"/api/v1{PATH}?{query}"), status, code)
