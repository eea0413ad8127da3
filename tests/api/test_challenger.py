"""The routes of the challenger: what is asked for is told in the public form."""

import json
import re

import pytest

from mlops_core.config import PROJECT
from tests.api.conftest import Caller, check_error

CHALLENGER = "/api/v1/models/car-loan/challenger"


def test_challenger_is_made_told_and_ended_as_documented(api: Caller):
    none = api.get(CHALLENGER).json()["data"]
    assert {key: value for key, value in none.items() if value is not None} == {
        "model": "car-loan",
        "sentence": "No version is tried on live traffic.",
    }
    made = api.post(CHALLENGER, {"version": "v3", "reason": "tried first"}).json()["data"]
    section = (
        (PROJECT / "docs" / "http.md").read_text(encoding="utf-8").partition("## GET /models/{model}/challenger")[2]
    )
    example = json.loads(re.search(r"```json\n(.*?)```", section, re.DOTALL)[1])["data"]
    assert list(made) == list(example)
    assert (made["challenger"], made["champion"], made["reason"]) == ("v3", "v2", "tried first")
    assert api.get(CHALLENGER).json()["data"] == made
    assert api.post(CHALLENGER, {"version": None, "reason": "enough"}).json()["data"] == none


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({"version": "v2", "reason": "x"}, 409, "conflict", "v2 is in production"),
        ({"version": "v9", "reason": "x"}, 404, "not_found", "v9"),
        ({"version": None, "reason": "x"}, 409, "conflict", "car-loan has no challenger"),
        ({"version": "v3"}, 422, "invalid_input", "reason"),
    ],
)
def test_challenger_that_cannot_be_is_refused(shared_api: Caller, body, status, code, words):
    assert words in check_error(shared_api.post(CHALLENGER, body), status, code)["message"]
