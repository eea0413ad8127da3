"""The route that compares features."""

import pytest

from mlops_core.entities import Actor, Retention
from mlops_core.services.retention import set_retention
from mlops_core.store.models import get_model
from tests.api.conftest import Caller, check_error
from tests.api.test_reports import read
from tests.small_home import PRESENT

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


def test_drift_reads_the_rows_when_it_is_to_be_exact(shared_api: Caller):
    query = "reference_start=2024-03-01&reference_end=2024-03-08&start=2024-03-08&end=2024-03-15"
    counted, exact = (read(shared_api, f"{PATH}?{query}&exact={way}") for way in ("false", "true"))
    assert counted == read(shared_api, f"{PATH}?{query}")
    assert exact["binning"] == "exact, made from the rows of the reference"
    assert list(exact) == list(counted)
    for feature in exact["features"]:
        other = next(one for one in counted["features"] if one["feature"] == feature["feature"])
        assert list(feature) == list(other)
        assert (feature["n_reference"], feature["n_current"]) == (4200, 4200)
    counted, exact = (read(shared_api, f"{PATH}?exact={way}&segment=region%3Dnorth") for way in ("false", "true"))
    assert (exact["reference"], exact["current"]) == (counted["reference"], counted["current"])


def test_exact_drift_is_refused_when_the_rows_were_deleted(api: Caller):
    set_retention(
        api.runtime,
        get_model(api.runtime.database, "car-loan"),
        Retention(row_days=10),
        actor=Actor("ana", "page"),
        reason="the law",
        now=PRESENT,
    )
    query = "reference_version=v1&start=2024-03-08&end=2024-03-15"
    error = check_error(api.get(f"/api/v1{PATH}?{query}&exact=true"), 409, "conflict")
    assert "from 2024-03-08T00:00:00+00:00 to 2024-03-10T00:00:00+00:00" in error["message"]
    assert "rows are there from 2024-03-10T00:00:00+00:00 on" in error["message"]
    assert "leave out exact: that answer comes from counts" in error["message"]
    assert read(api, f"{PATH}?{query}")["current"]["n"] == 4200
    assert read(api, f"{PATH}?reference_version=v1&start=2024-03-10&end=2024-03-15&exact=true")["current"]["n"] == 3000


def test_exact_drift_is_refused_when_the_training_rows_are_gone(api: Caller):
    read(api, PATH)
    for path in api.runtime.home.snapshots.iterdir():
        path.unlink()
    assert read(api, PATH)["features"]
    error = check_error(api.get(f"/api/v1{PATH}?exact=true"), 503, "home_unusable")
    assert "Put the file back from a backup" in error["message"]


@pytest.mark.parametrize("value", ["maybe", "1", ""])
def test_exact_is_true_or_false(shared_api: Caller, value: str):
    error = check_error(shared_api.get(f"/api/v1{PATH}?exact={value}"), 422, "invalid_input")
    assert error["message"] == f"The query parameter 'exact' is {value!r}; it should be 'true' or 'false'."


@pytest.mark.parametrize("exact", ["false", "true"])
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
def test_drift_refuses_what_it_cannot_compare(shared_api: Caller, query: str, status: int, code: str, exact: str):
    check_error(shared_api.get(f"/api/v1{PATH}?{query}&exact={exact}"), status, code)
