"""Baking windows: what a change promised is held against its traffic, once, and taken back at most once."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from mlops_core.artifacts import locate_artifact
from mlops_core.entities import Action, Actor, Status
from mlops_core.production import BAKER, Origin, Outcome, Revert
from mlops_core.services.activity import list_lines
from mlops_core.services.baking import read_bakes
from mlops_core.services.baking_words import note_bake, note_champion
from mlops_core.services.comparison import write_comparison
from mlops_core.services.deployment import ChangeRequest, change_production, get_history
from mlops_core.services.ingestion import ingest_labels
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.services.rehearsal import compare_on_newest
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.bakes import list_bakes
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_model, get_version
from mlops_core.store.verdicts import list_verdicts
from tests.services.test_monitoring import DAY, send
from tests.small_home import MODEL, MODEL_FILE, PRESENT, draw_loans

ANA = Actor("ana", "page")
END = PRESENT + 3 * DAY
MOST_REFRESHES = 6


def change(runtime, to, action=Action.PROMOTE, now=PRESENT, **evidence):
    request = ChangeRequest(model=MODEL, to=to, action=action, actor=ANA, reason="test", evidence=evidence)
    return change_production(runtime, request, now=now)


def set_baking(runtime, lines):
    """Change the model file, as registering it with these lines would have done; give the specification."""
    text = f"{MODEL_FILE}\n[baking]\n{lines}\n"
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = $spec where name = $name", {"spec": text, "name": MODEL})
    return get_model(runtime.database, MODEL)


def send_days(runtime, spec, version, start, n=600, *, right=True, labels=True, days=3):
    """Send days of traffic whose scores are the labels, or their opposite."""
    for day in range(days):
        at, seed = start + day * DAY, 70 + (start + day * DAY - PRESENT).days
        label = draw_loans(n, at, 1, seed=seed)["label"].to_numpy()
        # A few scores are off, so that the metric has an interval.
        score = np.where(np.arange(n) % 10 == 0, 1 - label, label)
        score = score if right else 1 - score
        send(runtime, spec, version, at, n, labels=labels, seed=seed, score=pa.array(score * 0.9 + 0.05))


def list_outcomes(runtime):
    return [(one.version, one.outcome) for one in list_bakes(runtime.database, MODEL)]


def list_told(runtime):
    """Give what baking has written into the audit log, oldest first."""
    events = list_audit_events(runtime.database, MODEL, 1000)
    return [(one.action, one.subject) for one in reversed(events) if one.actor == BAKER]


def get_newest(runtime):
    return list_bakes(runtime.database, MODEL)[-1]


def test_window_begins_with_each_change_and_promises_the_standard(runtime):
    deployment = change(runtime, "v3")
    bake = get_newest(runtime)
    assert (bake.deployment, bake.version, bake.start, bake.until) == (deployment.id, "v3", PRESENT, END)
    assert (bake.promise.origin, bake.promise.low, bake.promise.high) == (Origin.STANDARD, 0.6, None)
    assert (bake.outcome, bake.revert) == (None, None)


def test_window_promises_what_the_rehearsal_kept_with_the_change_has_found(runtime, spec):
    comparison = compare_on_newest(runtime, spec, "v1", PRESENT)
    found = comparison.paired.metrics[spec.primary_metric]
    change(runtime, "v1", Action.ROLL_BACK, rehearsal=write_comparison(comparison))
    promise = get_newest(runtime).promise
    assert (promise.origin, promise.value) == (Origin.REHEARSAL, found.candidate)
    assert promise.low == pytest.approx(found.champion + found.low)
    assert promise.high == pytest.approx(found.champion + found.high)


def test_nothing_is_watched_when_the_model_file_says_zero_days(runtime):
    before = list_bakes(runtime.database, MODEL)
    set_baking(runtime, "days = 0")
    change(runtime, "v3")
    assert list_bakes(runtime.database, MODEL) == before


def test_earlier_changes_have_kept_their_promise_when_the_labels_are_here(runtime):
    assert list_outcomes(runtime) == [("v1", Outcome.KEPT), ("v2", Outcome.KEPT)]
    assert list_told(runtime) == [("baking kept", "v1"), ("baking kept", "v2")]


def test_promise_is_kept_once_the_time_is_over(runtime, spec):
    deployment = change(runtime, "v3")
    send_days(runtime, spec, "v3", PRESENT)
    refresh(runtime, spec, END - timedelta(hours=1))
    state = read_bakes(runtime, spec, END - timedelta(hours=1))[deployment.id]
    note = note_bake(state)
    assert (note.status, note.lead) == (Status.INSUFFICIENT_DATA, "Baking until 23 Mar 00:00 UTC")
    assert note.detail.startswith("ROC AUC at least 0.6 promised, 0.")
    assert note.detail.endswith("seen so far.")
    refresh(runtime, spec, END)
    refresh(runtime, spec, END + DAY)
    assert list_told(runtime)[2:] == [("baking kept", "v3")]
    bake = get_newest(runtime)
    assert (bake.outcome, bake.decided_at, bake.evidence["labels"]) == (Outcome.KEPT, END, 1800)
    event = list_audit_events(runtime.database, MODEL, 1)[0]
    assert event.reason.startswith("ROC AUC 0.")
    assert "on 1,800 labels keeps what was promised (at least 0.6)." in event.reason
    assert event.evidence["change"] == deployment.id
    assert find_broken_line(runtime.database) is None
    happened = [(one.who, one.what) for one in read_overview(runtime, spec, END).happenings]
    assert ("baking", f"v3 kept its promise. {event.reason}") in happened
    assert list_lines([event])[0][3] == "v3 kept its promise"


def test_kept_promise_is_told_for_a_week_beside_the_champion(runtime, spec):
    deployment = change(runtime, "v3")
    send_days(runtime, spec, "v3", PRESENT)
    refresh(runtime, spec, END)
    states = read_bakes(runtime, spec, END)
    assert note_champion(states, deployment, END + 7 * DAY).lead == "Kept its promise on 23 Mar"
    assert note_champion(states, deployment, END + 8 * DAY) is None
    assert note_champion({}, deployment, END) is None
    assert note_champion(states, None, END) is None


def test_estimate_is_told_while_labels_are_missing_and_decides_nothing(runtime, spec):
    deployment = change(runtime, "v3")
    send_days(runtime, spec, "v3", PRESENT, labels=False)
    refresh(runtime, spec, END)
    note = note_bake(read_bakes(runtime, spec, END)[deployment.id])
    assert note.lead == "Baked until 23 Mar 00:00 UTC, its labels are to come"
    assert note.detail.endswith(" estimated until labels come.")
    assert get_newest(runtime).outcome is None
    # The labels of the window have had their two days.
    refresh(runtime, spec, END + 2 * DAY)
    bake = get_newest(runtime)
    assert (bake.outcome, bake.reason) == (Outcome.UNDECIDED, "0 labels; 200 are needed.")


def test_promise_is_broken_by_labels_and_nothing_is_taken_back_unasked(runtime, spec):
    deployment = change(runtime, "v3")
    send_days(runtime, spec, "v3", PRESENT, right=False, days=1)
    refresh(runtime, spec, PRESENT + DAY)
    bake = get_newest(runtime)
    assert (bake.outcome, bake.revert) == (Outcome.BROKEN, None)
    assert "is worse than what was promised (at least 0.6)." in bake.reason
    assert get_champion(runtime.database, MODEL) == deployment
    # A broken promise is told as long as the version serves.
    note = note_champion(read_bakes(runtime, spec, END), deployment, PRESENT + 60 * DAY)
    assert (note.status, note.lead) == (Status.ALERT, "Broke its promise on 21 Mar")


def test_promise_is_broken_by_a_column_that_was_there_before(runtime, spec):
    change(runtime, "v3")
    send(runtime, spec, "v3", PRESENT, 600, debt=pa.nulls(600, pa.float64()))
    refresh(runtime, spec, PRESENT + timedelta(hours=23))
    bake = get_newest(runtime)
    assert bake.outcome is Outcome.BROKEN
    assert bake.reason.startswith("New since the change: ")
    assert any(alert.startswith("skew.null_fraction debt") for alert in bake.evidence["alerts"])


def test_alert_that_stood_before_the_change_breaks_nothing(runtime, spec):
    change(runtime, "v3")
    # No rows had come for days under v2, and none come under v3.
    refresh(runtime, spec, PRESENT + DAY)
    standing = {(v.version, v.code) for v in list_verdicts(runtime.database, MODEL) if v.status is Status.ALERT}
    assert standing == {("v2", "quality.freshness"), ("v3", "quality.freshness")}
    assert get_newest(runtime).outcome is None


def test_promise_is_broken_by_rows_without_a_score(runtime, spec):
    change(runtime, "v3")
    score = pa.array([None if i % 10 == 0 else 0.4 for i in range(600)], pa.float64())
    send(runtime, spec, "v3", PRESENT, 600, score=score)
    refresh(runtime, spec, PRESENT + timedelta(hours=23))
    bake = get_newest(runtime)
    assert (bake.outcome, bake.reason) == (
        Outcome.BROKEN,
        "60 of 600 loans (10 %) were answered without a score.",
    )


def test_window_is_superseded_when_production_changes_again(runtime, spec):
    change(runtime, "v3")
    change(runtime, "v2", Action.ROLL_BACK, PRESENT + DAY)
    refresh(runtime, spec, PRESENT + DAY)
    assert list_outcomes(runtime)[2:] == [("v3", Outcome.SUPERSEDED), ("v2", None)]
    assert list_told(runtime)[2:] == [("baking superseded", "v3")]


def break_champion(runtime, spec, at):
    """Let the champion answer a day wrongly, and give the time of the refresh after it."""
    version = get_champion(runtime.database, MODEL).version
    send_days(runtime, spec, version, at, right=False, days=1)
    refresh(runtime, spec, at + DAY)
    return at + DAY


def list_changes(runtime):
    return [(one.version, one.action, one.actor.name) for one in get_history(runtime, MODEL)][2:]


def test_broken_change_is_taken_back_when_the_model_file_asks_for_it(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    broken = change(runtime, "v3")
    now = break_champion(runtime, spec, PRESENT)
    assert list_changes(runtime) == [("v3", Action.PROMOTE, "ana"), ("v2", Action.ROLL_BACK, "baking")]
    champion = get_champion(runtime.database, MODEL)
    assert (champion.actor, champion.at, champion.previous) == (BAKER, now, "v3")
    assert champion.reason.startswith("v3 broke its promise. ROC AUC 0.")
    bakes = {one.deployment: one for one in list_bakes(runtime.database, MODEL)}
    assert bakes[broken.id].revert is Revert.DONE
    # The version that came back is watched as well.
    assert bakes[champion.id].outcome is None
    event = next(e for e in list_audit_events(runtime.database, MODEL) if e.action == "roll back")
    assert event.evidence["baking"]["change"] == broken.id
    assert "taken back by itself" in note_bake(read_bakes(runtime, spec, now)[broken.id]).detail


def test_change_stays_when_the_version_before_it_was_no_better_on_the_same_rows(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    change(runtime, "v3")
    for day in range(3):
        at, rng = PRESENT + day * DAY, np.random.default_rng(day)
        # Labels that no version could have told.
        send(runtime, spec, "v3", at, 600, seed=90 + day, score=pa.array(rng.random(600)))
        arrived = pa.array([at + DAY] * 600, pa.timestamp("us", tz="UTC"))
        ids = [f"{90 + day}-{i:05d}" for i in range(600)]
        labels = pa.table({"prediction_id": ids, "label": rng.integers(0, 2, 600) * 1.0, "label_at": arrived})
        ingest_labels(runtime, spec, labels, now=at + DAY)
        refresh(runtime, spec, at + DAY)
    bake = get_newest(runtime)
    assert (bake.version, bake.outcome, bake.revert) == ("v3", Outcome.BROKEN, Revert.REFUSED)
    assert "v2 was not surely better than v3: ROC AUC 0." in bake.refusal
    assert list_changes(runtime) == [("v3", Action.PROMOTE, "ana")]


def rehearse_into(runtime, spec, to, **ends):
    """Change production with a rehearsal that promised more than any day can keep."""
    comparison = write_comparison(compare_on_newest(runtime, spec, to, PRESENT))
    for one in comparison["paired"]["metrics"]:
        if one["metric"] == spec.primary_metric:
            one |= ends
    return change(runtime, to, rehearsal=comparison)


def test_promise_of_a_rehearsal_is_not_broken_by_hard_days(runtime):
    spec, known = set_baking(runtime, "auto_revert = true"), get_version(runtime.database, MODEL, "v2")
    twin = TrainedVersion(
        name="v4",
        features=known.features,
        parameters={},
        offline_metrics={},
        rows=draw_loans(500, PRESENT - 20 * DAY, 10, seed=7),
        code_id="0" * 64,
        artifact=(runtime.home.artifacts / f"{known.artifact_hash}.skops").read_bytes(),
    )
    register_version(runtime, spec, twin, actor=ANA, now=PRESENT)
    rehearse_into(runtime, spec, "v4", champion=0.98, candidate=0.99, low=0.005, high=0.015)
    for day in range(3):
        at = PRESENT + day * DAY
        loans = draw_loans(600, at, 1, seed=90 + day)
        scores = runtime.artifacts.score(known.artifact_hash, loans.select(["income", "debt"]))
        send(runtime, spec, "v4", at, 600, seed=90 + day, labels=True, score=pa.array(scores))
        refresh(runtime, spec, at + DAY)
        assert get_newest(runtime).outcome in (None, Outcome.UNDECIDED)
    refresh(runtime, spec, END)
    bake = get_newest(runtime)
    assert (bake.version, bake.outcome) == ("v4", Outcome.UNDECIDED)
    assert "is worse than what was promised (0.990 [" in bake.reason
    assert bake.reason.endswith("On the same 1,800 loans it is neither better nor worse than v2 (+0.000).")
    assert list_changes(runtime) == [("v4", Action.PROMOTE, "ana")]


def test_promise_of_a_rehearsal_is_broken_by_a_version_that_is_worse_on_the_same_rows(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    rehearse_into(runtime, spec, "v3", champion=0.7, candidate=0.8, low=0.05, high=0.15)
    break_champion(runtime, spec, PRESENT)
    broken = list_bakes(runtime.database, MODEL)[-2]
    assert (broken.version, broken.outcome, broken.revert) == ("v3", Outcome.BROKEN, Revert.DONE)
    assert "On the same 600 loans it is worse than v2 (−" in broken.reason
    pair = broken.evidence["pair"]
    assert (pair["previous"], pair["n"], pair["surely worse"]) == ("v2", 600, True)
    assert pair["found"]["high"] < 0
    assert get_champion(runtime.database, MODEL).version == "v2"


def test_version_that_came_back_and_is_broken_as_well_stays(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    change(runtime, "v3")
    now = break_champion(runtime, spec, PRESENT)
    for _ in range(MOST_REFRESHES):
        now = break_champion(runtime, spec, now)
    assert list_changes(runtime) == [("v3", Action.PROMOTE, "ana"), ("v2", Action.ROLL_BACK, "baking")]
    assert list_outcomes(runtime)[2:] == [("v3", Outcome.BROKEN), ("v2", Outcome.BROKEN)]
    bake = get_newest(runtime)
    assert (bake.revert, bake.refusal.split(" was")[0]) == (Revert.REFUSED, "This change or the one before it")
    # Told once, in the line of the outcome.
    assert list_told(runtime)[2:] == [("baking broken", "v3"), ("roll back", "v2"), ("baking broken", "v2")]


def test_change_that_a_person_makes_anew_after_a_revert_is_not_taken_back_again(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    now = PRESENT
    for _ in range(3):
        # Somebody insists on a version that breaks each time.
        if get_champion(runtime.database, MODEL).version != "v3":
            change(runtime, "v3", now=now)
        now = break_champion(runtime, spec, now)
    by_baking = [one for one in list_changes(runtime) if one[2] == "baking"]
    assert by_baking == [("v2", Action.ROLL_BACK, "baking")]
    assert get_champion(runtime.database, MODEL).version == "v3"
    assert get_newest(runtime).revert is Revert.REFUSED


def test_refused_revert_is_told_once_and_production_stays(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    broken = change(runtime, "v3")
    artifact = get_version(runtime.database, MODEL, "v2").artifact_hash
    locate_artifact(runtime.home.artifacts, artifact).write_bytes(b"damaged")
    now = break_champion(runtime, spec, PRESENT)
    refresh(runtime, spec, now + DAY)
    assert get_champion(runtime.database, MODEL) == broken
    assert list_told(runtime)[2:] == [("baking broken", "v3"), ("revert refused", "v3")]
    bake = get_newest(runtime)
    assert bake.revert is Revert.REFUSED
    assert "damaged" in bake.refusal
    assert "It was not taken back by itself: " in note_bake(read_bakes(runtime, spec, now)[broken.id]).detail
    assert any(one.what.startswith("v3 was not taken back") for one in read_overview(runtime, spec, now).happenings)


def test_revert_is_made_once_when_the_process_ends_before_it_is_written_down(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    broken = change(runtime, "v3")
    now = break_champion(runtime, spec, PRESENT)
    made = list_changes(runtime)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update bakes set revert = 'due' where deployment = $id", {"id": broken.id})
    refresh(runtime, spec, now + DAY)
    assert list_changes(runtime) == made
    assert {one.deployment: one.revert for one in list_bakes(runtime.database, MODEL)}[broken.id] is Revert.DONE


def test_revert_is_refused_when_somebody_changed_production_meanwhile(runtime):
    spec = set_baking(runtime, "auto_revert = true")
    broken = change(runtime, "v3")
    now = break_champion(runtime, spec, PRESENT)
    later = change(runtime, "v1", now=now + DAY)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update bakes set revert = 'due' where deployment = $id", {"id": broken.id})
        transaction.run_sql("update deployments set key = 'other' where actor = 'baking'")
    refresh(runtime, spec, now + DAY)
    assert get_champion(runtime.database, MODEL) == later
    refused = next(one for one in list_bakes(runtime.database, MODEL) if one.deployment == broken.id)
    assert (refused.revert, "changed meanwhile" in refused.refusal) == (Revert.REFUSED, True)
