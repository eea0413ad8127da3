"""Retention of training rows: what is needed stays, the record of the rest says since when its rows are gone."""

from datetime import timedelta

import pytest

from mlops_core.entities import Action, Actor, Retention
from mlops_core.errors import HomeError, InputError
from mlops_core.frozen_rows import locate_rows
from mlops_core.runs import RunOrder
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.health import examine_snapshots
from mlops_core.services.monitoring import refresh
from mlops_core.services.retention import apply_retention, plan_retention, set_retention
from mlops_core.services.snapshot_records import report_snapshots
from mlops_core.services.snapshots import read_snapshot
from mlops_core.store.audit import list_audit_events
from mlops_core.store.challengers import set_challenger
from mlops_core.store.models import add_snapshot, get_version
from mlops_core.store.runs import add_run
from tests.small_home import ACTOR, MODEL, PRESENT

ANA = Actor("ana", "page")
TEN_DAYS = Retention(snapshot_days=10)


def keep_ten_days(runtime, spec):
    return set_retention(runtime, spec, TEN_DAYS, actor=ANA, reason="the law", now=PRESENT)


def locate(runtime, version):
    return locate_rows(runtime.home.snapshots, get_version(runtime.database, MODEL, version).snapshot.id)


def list_kept(runtime):
    return [name for name in ("v1", "v2", "v3") if locate(runtime, name).exists()]


def test_rows_of_the_champion_and_its_predecessor_stay_and_the_record_of_others_says_when_theirs_went(runtime, spec):
    gone = get_version(runtime.database, MODEL, "v3").snapshot.id
    plan = keep_ten_days(runtime, spec)
    assert (plan.snapshots, plan.old.snapshots, list_kept(runtime)) == ((gone,), 1, ["v1", "v2"])
    documents = {one["id"]: one for one in report_snapshots(runtime, spec)["snapshots"]}
    assert (documents[gone]["rows_gone_since"], documents[gone]["content"], documents[gone]["rows"]) == (
        PRESENT, None, 0
    )  # fmt: skip
    assert (documents[gone]["rows_frozen"], documents[gone]["versions"]) == (500, ("v3",))
    event = list_audit_events(runtime.database, MODEL, 1)[0]
    assert (event.action, event.reason) == (
        "delete old data", "rows for ever, counts for ever, training rows 10 days"
    )  # fmt: skip
    assert event.evidence["snapshot_ids"] == [gone]
    assert examine_snapshots(runtime.home, [{"model": MODEL, **one} for one in documents.values()]).passed
    with pytest.raises(HomeError, match="were deleted on 20 Mar 2024, as the retention says"):
        read_snapshot(runtime, gone)


def test_version_whose_rows_are_gone_can_be_put_into_production_and_watched(runtime, spec):
    keep_ten_days(runtime, spec)
    change = ChangeRequest(model=MODEL, to="v3", action=Action.PROMOTE, actor=ACTOR, reason="better")
    change_production(runtime, change, now=PRESENT)
    refresh(runtime, spec, PRESENT + timedelta(days=1))
    # By now v1 is neither in production nor the one before.
    apply_retention(runtime, spec, actor=ANA, now=PRESENT + timedelta(days=1))
    assert list_kept(runtime) == ["v2"]


def test_rows_of_the_challenger_stay(runtime, spec):
    with runtime.database.transaction() as transaction:
        set_challenger(transaction, MODEL, "v3", actor=ACTOR, reason="passed", at=PRESENT)
    assert keep_ten_days(runtime, spec).snapshots == ()
    assert list_kept(runtime) == ["v1", "v2", "v3"]


def test_no_rows_go_while_a_run_is_open(runtime, spec):
    with runtime.database.transaction() as transaction:
        order = RunOrder(model=MODEL, reason="labels are in", actor=ANA)
        add_run(transaction, order, workflow="w", at=PRESENT, recorded_at=PRESENT, held_from=PRESENT)
    assert keep_ten_days(runtime, spec).snapshots == ()
    assert list_kept(runtime) == ["v1", "v2", "v3"]


def test_file_that_a_crash_has_left_goes_the_next_time_and_rows_frozen_again_are_there_again(runtime, spec):
    path = locate(runtime, "v3")
    rows = path.read_bytes()
    keep_ten_days(runtime, spec)
    path.write_bytes(rows)
    apply_retention(runtime, spec, actor=ANA, now=PRESENT)
    assert not path.exists()
    path.write_bytes(rows)
    with runtime.database.transaction() as transaction:
        add_snapshot(transaction, get_version(runtime.database, MODEL, "v3").snapshot)
    (again,) = (one for one in report_snapshots(runtime, spec)["snapshots"] if one["versions"] == ("v3",))
    assert (again["rows"], again["content"], again["rows_gone_since"]) == (500, again["id"], None)


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_days_are_refused_when_they_are_out_of_range(runtime, spec, days):
    with pytest.raises(InputError, match=rf"snapshot_days is {days}; accepted are 1 to"):
        plan_retention(runtime, spec, Retention(snapshot_days=days), PRESENT)
