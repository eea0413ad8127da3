"""The routes of retention."""

import pytest

from tests.api.conftest import Caller, check_error
from tests.small_home import DAYS, ROWS_PER_DAY

RETENTION = "/api/v1/models/car-loan/retention"
NOTHING = {"rows": 0, "labels": 0, "replays": 0, "profile_chunks": 0, "snapshots": 0}
FOREVER = {"row_days": None, "profile_days": None}


def ask(api: Caller, **changes: object):
    return api.post(RETENTION, FOREVER | {"reason": "the law"} | changes)


def test_everything_is_kept_at_first(api: Caller):
    document = api.get(RETENTION).json()["data"]
    assert document == {
        "model": "car-loan", **FOREVER, "snapshot_days": None, "rows_from": None, "profiles_from": None, "old": NOTHING,
        "snapshots": [], "deleted": False
    }  # fmt: skip


def test_dry_run_counts_and_deletes_nothing(api: Caller):
    for _ in range(2):
        document = ask(api, row_days=30, dry_run=True).json()["data"]
        assert (document["row_days"], document["deleted"]) == (30, False)
        assert document["old"]["rows"] == DAYS * ROWS_PER_DAY
    assert api.get(RETENTION).json()["data"]["row_days"] is None


def test_change_deletes_and_is_in_the_audit_log(api: Caller):
    document = ask(api, row_days=30).json()["data"]
    assert (document["deleted"], document["old"]["rows"]) == (True, DAYS * ROWS_PER_DAY)
    document = api.get(RETENTION).json()["data"]
    assert (document["row_days"], document["old"]) == (30, NOTHING)
    event = api.get("/api/v1/audit?limit=2").json()["data"]["events"][1]
    assert (event["action"], event["reason"]) == ("set retention", "the law")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row_days": 1}, "row_days is 1; accepted are"),
        ({"row_days": 30, "profile_days": 20}, "counts must be kept at least as long"),
        ({"reason": " "}, "A reason of 1 to 2,000 characters is needed"),
        ({}, "keeps its data that long already"),
    ],
)
def test_change_is_refused_with_the_reason(api: Caller, changes, message):
    assert message in check_error(ask(api, **changes), 422, "invalid_input")["message"]
    assert api.get(RETENTION).json()["data"]["row_days"] is None


def test_unknown_model_is_not_found(api: Caller):
    assert api.get("/api/v1/models/nope/retention").status_code == 404
