"""The routes of snapshots: what is erased is told in the public form."""

import hashlib
import json
import re

from mlops_core.config import PROJECT
from tests.api.conftest import Caller, check_error

ERASE = "/api/v1/models/car-loan/erase"


def test_erasure_answers_as_documented_and_again_with_nothing(api: Caller):
    body = {"prediction_id": "100-00003", "reason": "she asked"}
    dry = api.post(ERASE, body | {"dry_run": True}).json()["data"]
    done = api.post(ERASE, body).json()["data"]
    again = api.post(ERASE, body).json()["data"]
    section = (PROJECT / "docs" / "http.md").read_text(encoding="utf-8").partition("## POST /models/{model}/erase")[2]
    example = json.loads(re.search(r"```json\n(.*?)```", section, re.DOTALL)[1])["data"]
    assert list(done) == list(example)
    assert list(done["snapshots"][0]) == list(example["snapshots"][0])
    assert done["prediction_sha256"] == hashlib.sha256(b"100-00003").hexdigest()
    assert (dry["erased_at"], dry | {"erased_at": done["erased_at"]}) == (None, done)
    assert (again["erased_at"], again["snapshots"]) == (done["erased_at"], [])


def test_erasure_of_an_unknown_prediction_is_not_found(shared_api: Caller):
    error = check_error(shared_api.post(ERASE, {"prediction_id": "nope", "reason": "x"}), 404, "not_found")
    assert "has no prediction 'nope'" in error["message"]
