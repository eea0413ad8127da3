"""The routes of the contract."""

import pytest

from mlops_core.entities import Actor
from mlops_core.services.contracts import read_contract, save_contract
from mlops_core.store.models import get_model, get_version
from tests.api.conftest import Caller, check_error

CONTRACT = "/api/v1/models/car-loan/contract"


def read(api: Caller):
    return api.get(CONTRACT).json()["data"]


def change(api: Caller, **body: object):
    return api.post(CONTRACT, {"reason": "seen in production"} | body)


def change_income(api: Caller, **body: object):
    return change(api, features=[{"feature": "income", "maximum": 99.0}], **body)


def test_contract_is_proposed_from_training_at_first(api: Caller):
    document = read(api)
    assert (document["version"], document["revision"], document["edited"]) == ("v2", None, [])
    assert [one["feature"] for one in document["features"]] == ["income", "debt"]
    assert (document["features"][0]["kind"], document["features"][0]["categories"]) == ("number", None)
    assert (document["traffic"]["least_volume"], document["traffic"]["most_volume"]) == (0.5, 2.0)
    assert (document["reference"]["kind"], document["reference"]["version"]) == ("snapshot", "v2")
    assert document["reference"]["n"] == 500


def test_contract_of_another_version_has_its_reference(api: Caller):
    document = api.get(CONTRACT, params={"version": "v1"}).json()["data"]
    assert (document["version"], document["reference"]["version"]) == ("v1", "v1")


def test_change_keeps_what_it_does_not_name_and_says_who_made_it(api: Caller):
    before = read(api)
    answer = change_income(api, traffic={"most_duplicates": 0.2}, expected_revision=None)
    assert answer.status_code == 200, answer.text
    document = answer.json()["data"]
    assert document == read(api)
    assert document["features"] == [before["features"][0] | {"maximum": 99.0}, before["features"][1]]
    assert document["traffic"] == before["traffic"] | {"most_duplicates": 0.2}
    assert [one["feature"] for one in document["edited"]] == ["income", None]
    edited = document["edited"][0]
    assert edited["proposed"] == {"maximum": before["features"][0]["maximum"]}
    assert (edited["revision"], edited["channel"], edited["reason"]) == (1, "api", "seen in production")
    assert document["edited"][1]["proposed"] == {"most_duplicates": 0.05}


def test_change_is_the_one_that_the_page_makes(api: Caller):
    change_income(api)
    runtime = api.runtime
    spec, version, now = (
        get_model(runtime.database, "car-loan"),
        get_version(runtime.database, "car-loan", "v2"),
        runtime.now("car-loan"),
    )
    state = read_contract(runtime, spec, version, now)
    assert state.contract.get_terms("income").maximum == 99.0
    event = api.get("/api/v1/audit?limit=1").json()["data"]["events"][0]
    assert (event["action"], event["channel"], event["reason"]) == ("edit contract", "api", "seen in production")
    assert [(one["subject"], one["term"], one["new"]) for one in event["evidence"]["changes"]] == [
        ("income", "maximum", 99.0)
    ]
    actor = Actor("ana", "page")
    save_contract(runtime, spec, version, state.proposed, expected=1, actor=actor, reason="back", now=now)
    check_error(change_income(api, expected_revision=1), 409, "conflict")


def test_proposal_comes_back_but_for_what_is_named_with_it(api: Caller):
    change_income(api, traffic={"most_duplicates": 0.2})
    document = change(api, propose=True, features=[{"feature": "debt", "most_null": 0.5}]).json()["data"]
    assert [(one["feature"], one["revision"]) for one in document["edited"]] == [("debt", 2)]
    assert change(api, propose=True).json()["data"]["edited"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"features": [{"feature": "income", "maximal": 3}]},
            "'features.0.maximal' is unknown; accepted are: feature, kind",
        ),
        ({"traffic": {"volume": 3}}, "'traffic.volume' is unknown; accepted are: least_volume, most_volume"),
        ({"terms": {}}, "The body key 'terms' is unknown; accepted are: reason, features, traffic, propose"),
        ({"features": [{"feature": "age"}]}, "The contract has no feature 'age'; its features are: income, debt"),
        ({"features": [{"feature": "income"}, {"feature": "income"}]}, "named twice"),
        ({"features": [{"feature": "income", "most_null": None}]}, "'features.0.most_null' is None"),
        ({"features": [{"feature": "income", "most_null": 2}]}, "most_null of income is 2"),
        ({"features": [{"feature": "income", "kind": "text"}]}, "'number' or 'category'"),
        ({"features": [{"feature": "income", "kind": "category"}]}, "'income' is no category"),
        ({"features": [{"feature": "income", "categories": ["a"]}]}, "accepted of a number is null"),
        ({"traffic": {"most_volume": 0.5}}, "most_volume is 0.5; accepted are 1 to 1,000"),
        ({"reason": " ", "traffic": {"most_volume": 3}}, "A reason of 1 to 2,000 characters is needed; this one has 0"),
        ({}, "Nothing was changed"),
    ],
)
def test_change_is_refused_by_name_and_value(api: Caller, body, message):
    before = read(api)
    assert message in check_error(change(api, **body), 422, "invalid_input")["message"]
    assert read(api) == before


def test_change_is_refused_when_it_was_made_on_an_older_contract(api: Caller):
    change_income(api, expected_revision=None)
    for expected in (None, 7):
        answer = change(api, traffic={"most_duplicates": 0.3}, expected_revision=expected)
        assert "changed the contract meanwhile" in check_error(answer, 409, "conflict")["message"]
    assert change(api, traffic={"most_duplicates": 0.3}, expected_revision=1).status_code == 200


def test_change_needs_the_token(api: Caller):
    body = {"reason": "seen", "traffic": {"most_duplicates": 0.3}}
    check_error(api.post(CONTRACT, body, token=None), 401, "unauthorized")
    assert read(api)["edited"] == []


def test_unknown_model_and_version_are_not_found(api: Caller):
    check_error(api.get("/api/v1/models/nope/contract"), 404, "not_found")
    check_error(api.get(CONTRACT, params={"version": "v9"}), 404, "not_found")
    check_error(change_income(api, version="v9"), 404, "not_found")


def test_terms_of_features_are_not_proposed_when_training_rows_are_gone(api: Caller):
    with api.runtime.database.transaction() as transaction:
        transaction.run_sql("delete from reference_profiles")
        transaction.run_sql("delete from standing_references")
    for path in api.runtime.home.snapshots.iterdir():
        path.unlink()
    document = read(api)
    assert (document["reference"], document["features"]) == (None, [])
    message = check_error(change_income(api), 422, "invalid_input")["message"]
    assert "its features are: none, as there is no reference" in message
