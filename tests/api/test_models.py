"""The route of model files."""

import pytest

from mlops_core.store.models import get_model
from tests.api.conftest import Caller, check_error
from tests.small_home import MODEL, MODEL_FILE

MODELS = "/api/v1/models"
BAKING = "[baking]\nauto_revert = true\n[standards]"
TURNED_ON = MODEL_FILE.replace("[standards]", BAKING).replace("folds = 2", "folds = 4")


def put(api: Caller, text: str, **body: object):
    return api.post(MODELS, {"file": text, "reason": "ready for it"} | body)


def test_model_is_registered_from_its_file(api: Caller):
    answer = api.post(MODELS, {"file": MODEL_FILE.replace(MODEL, "boat-loan")})
    assert answer.json()["data"] == {"model": "boat-loan", "is_new": True, "changes": []}
    assert {one["name"] for one in api.get(MODELS).json()["data"]["models"]} == {"boat-loan", MODEL}
    assert api.get(f"{MODELS}/boat-loan/audit").json()["data"]["events"][0]["action"] == "add model"


def test_model_that_exists_is_as_its_file_says_and_the_log_has_what_changed(api: Caller):
    answer = put(api, TURNED_ON)
    assert answer.status_code == 200, answer.text
    changes = [
        {"key": "baking.auto_revert", "old": None, "new": True},
        {"key": "training.folds", "old": 2, "new": 4},
    ]
    assert answer.json()["data"] == {"model": MODEL, "is_new": False, "changes": changes}
    spec = get_model(api.runtime.database, MODEL)
    assert (spec.baking.auto_revert, spec.training.folds) == (True, 4)
    event = api.get(f"{MODELS}/{MODEL}/audit?limit=1").json()["data"]["events"][0]
    assert (event["action"], event["reason"], event["evidence"]["changes"]) == (
        "change model file",
        "ready for it",
        changes,
    )
    # What is already so is no change, whatever comments say.
    before = api.get("/api/v1/audit/verify").json()["data"]
    assert put(api, f"# again\n{TURNED_ON}", reason="").json()["data"]["changes"] == []
    assert api.get("/api/v1/audit/verify").json()["data"] == before


def test_traffic_is_judged_by_the_new_standard_at_once(api: Caller):
    put(api, MODEL_FILE.replace("min = 0.6", "min = 0.99"))
    chunks = api.get(f"{MODELS}/{MODEL}/performance").json()["data"]["chunks"]
    assert "ALERT" in {chunk["status"] for chunk in chunks}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"income", "debt"]', '"income", "debt", "age"]', "'columns.numeric' of car-loan is"),
        ('label = "defaulted"', 'label = "repaid"', "'columns.label' of car-loan is \"defaulted\" and cannot become"),
        ('chunk = "day"', 'chunk = "week"', '\'monitoring.chunk\' of car-loan is "day" and cannot become "week"'),
        ("threshold = 0.5", "threshold = 0.4", "its traffic is counted by it"),
        ("folds = 2", "foldes = 2", "The section [training] has the unknown key 'foldes'"),
        ("folds = 2", "folds = = 2", "is not valid TOML"),
    ],
)
def test_change_is_refused_by_name_and_nothing_is_stored(api: Caller, old: str, new: str, message: str):
    assert old in MODEL_FILE
    assert message in check_error(put(api, MODEL_FILE.replace(old, new)), 422, "invalid_input")["message"]
    assert put(api, MODEL_FILE).json()["data"]["changes"] == []


def test_change_is_refused_without_a_reason_and_names_what_would_change(api: Caller):
    message = check_error(put(api, TURNED_ON, reason=" "), 422, "invalid_input")["message"]
    assert message == (
        "A reason of 1 to 2,000 characters is needed, because baking.auto_revert and training.folds would change; this "
        "one has 0."
    )
