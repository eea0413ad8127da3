"""The routes of the standing reference."""

import pytest

from tests.api.conftest import Caller, check_error
from tests.small_home import ROWS_PER_DAY

REFERENCE = "/api/v1/models/car-loan/reference"
WEEK_ONE = "2024-03-01..2024-03-08"


def read(api: Caller):
    return api.get(REFERENCE).json()["data"]


def choose(api: Caller, reference: str | None, **body: object):
    return api.post(REFERENCE, {"reference": reference, "reason": "the same season"} | body)


def test_reference_is_training_of_the_champion_at_first(api: Caller):
    document = read(api)
    assert (document["kind"], document["version"], document["n"], document["chunks"]) == ("snapshot", "v2", 500, 10)
    assert (document["origin"], document["since"]) == ("default", "2024-03-08T00:00:00+00:00")
    assert document["binning"] == "1, made from the training rows of v2"
    assert (document["actor"], document["channel"], document["reason"]) == (None, None, None)


def test_window_is_chosen_and_drift_compares_with_it(api: Caller):
    answer = choose(api, WEEK_ONE)
    assert answer.status_code == 200, answer.text
    document = answer.json()["data"]
    assert document == read(api)
    assert (document["kind"], document["version"], document["n"]) == ("window", None, 7 * ROWS_PER_DAY)
    assert (document["start"], document["end"]) == ("2024-03-01T00:00:00+00:00", "2024-03-08T00:00:00+00:00")
    assert (document["origin"], document["channel"], document["reason"]) == ("chosen", "api", "the same season")
    drift = api.get("/api/v1/models/car-loan/drift").json()["data"]
    assert drift["reference"] == {name: document[name] for name in ("start", "end", "n")}
    event = api.get("/api/v1/audit?limit=1").json()["data"]["events"][0]
    assert (event["action"], event["channel"], event["reason"]) == ("set reference", "api", "the same season")


def test_version_is_chosen_and_the_default_comes_back(api: Caller):
    before = read(api)
    document = choose(api, "v3").json()["data"]
    assert (document["kind"], document["version"], document["origin"]) == ("snapshot", "v3", "chosen")
    assert choose(api, None).json()["data"] == before


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("2024-03-08..2024-03-01", "its start must lie before its end"),
        ("2024-03-01..", "The reference '2024-03-01..' lacks an end; accepted is A..B"),
        ("spring..summer", "The reference 'spring' is not a time"),
        ("2024-03-01T05..2024-03-01T06", "is empty: no day in UTC starts in it"),
        ("2024-03-01..2124-03-01", "reaches into the future"),
        ("2023-03-01..2023-04-01", "has 0 rows that were counted; a reference needs 200"),
        (None, "That is the standing reference of car-loan already"),
        (7, "The body key 'reference' is 7"),
    ],
)
def test_choice_is_refused_with_what_is_accepted(api: Caller, reference, message):
    before = read(api)
    assert message in check_error(choose(api, reference), 422, "invalid_input")["message"]
    assert read(api) == before


def test_body_is_refused_by_name(api: Caller):
    message = check_error(api.post(REFERENCE, {"reason": "why"}), 422, "invalid_input")["message"]
    assert message == "The body key 'reference' is missing."
    message = check_error(choose(api, "v1", window="x"), 422, "invalid_input")["message"]
    assert message == "The body key 'window' is unknown; accepted are: reference, reason."
    assert "A reason of 1 to" in check_error(choose(api, "v1", reason=" "), 422, "invalid_input")["message"]


def test_unknown_model_and_version_are_not_found(api: Caller):
    check_error(api.get("/api/v1/models/nope/reference"), 404, "not_found")
    check_error(api.post("/api/v1/models/nope/reference", {"reference": "v1", "reason": "why"}), 404, "not_found")
    assert "its versions are: v1, v2, v3" in check_error(choose(api, "v9"), 404, "not_found")["message"]


def test_choice_needs_the_token(api: Caller):
    check_error(api.post(REFERENCE, {"reference": "v1", "reason": "why"}, token=None), 401, "unauthorized")
    assert read(api)["origin"] == "default"
