"""What a policy takes back by itself: on realised figures and the same rows, once, and never in a loop."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mlops_core.artifacts import locate_artifact
from mlops_core.entities import Action, Baking
from mlops_core.policy_records import Cause, Decision, Obstacle
from mlops_core.policy_terms import write_policy
from mlops_core.production import BAKER, POLICY, Origin
from mlops_core.runs import RunOrder
from mlops_core.services.automation import apply_policy, get_decisions, promote_passed, tell_outcomes
from mlops_core.services.comparison import read_comparison
from mlops_core.services.deployment import ChangeRequest, change_production, get_history
from mlops_core.services.health import describe_health
from mlops_core.services.scheduler import check_model
from mlops_core.services.simulation import simulate_policy
from mlops_core.services.simulation_words import describe_simulation, list_decisions
from mlops_core.store.audit import list_audit_events
from mlops_core.store.bakes import list_bakes
from mlops_core.store.models import get_model, get_version
from mlops_core.store.runs import RunChange, RunStatus, add_run, add_run_change, get_run
from mlops_core.store.verdicts import list_comparisons
from tests.services.test_baking import send_days
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT

DAY = timedelta(days=1)
ROLL_BACK = 'roll_back = "when the version before is better"'


def set_policy(runtime, lines):
    """Change the model file as its owner would, and give what it says now."""
    text = f"{MODEL_FILE}\n[policy]\n{lines}\n"
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = $text", {"text": text})
    return get_model(runtime.database, MODEL)


def check(runtime, spec, at):
    runtime.clocks[MODEL] = lambda: at
    check_model(runtime, spec)


def change(runtime, to, at, action=Action.PROMOTE):
    request = ChangeRequest(model=MODEL, to=to, action=action, actor=ACTOR, reason="for a test")
    return change_production(runtime, request, now=at)


def tell(runtime, spec):
    return [(one.decision, one.obstacle) for one in get_decisions(runtime, spec)]


def list_changes(runtime):
    return [(one.action, one.version, one.actor) for one in get_history(runtime, MODEL)][3:]


def spoil(runtime, spec):
    """Put v3 into production, let it answer the opposite of what comes true, and check that."""
    change(runtime, "v3", PRESENT)
    send_days(runtime, spec, "v3", PRESENT, right=False, days=2)
    check(runtime, spec, PRESENT + 3 * DAY)


@pytest.fixture
def spoiled(runtime):
    spec = set_policy(runtime, ROLL_BACK)
    spoil(runtime, spec)
    return spec


DUE = PRESENT + 4 * DAY


def test_production_is_rolled_back_once_with_its_evidence_when_the_version_before_is_better(runtime, spoiled):
    # The alert must stand for a day.
    assert tell(runtime, spoiled) == [(Decision.HOLD, Obstacle.YOUNG)]
    check(runtime, spoiled, DUE)
    made = get_decisions(runtime, spoiled)[0]
    assert (made.decision, made.causes, made.obstacle, made.trouble) == (
        Decision.ROLL_BACK,
        (Cause.VERDICT,),
        None,
        "",
    )
    assert made.verdicts[0].code == "performance.standard"
    assert made.terms == write_policy(spoiled.policy)
    back = get_history(runtime, MODEL)[-1]
    assert (back.action, back.version, back.previous, back.actor, back.at) == (
        Action.ROLL_BACK,
        "v2",
        "v3",
        POLICY,
        DUE,
    )
    assert (back.key, back.reason) == (made.key, made.words)
    assert "v2, which was in production before v3, is better on the same " in made.words

    told = list_audit_events(runtime.database, MODEL, 1)[0]
    (kept,) = [one for one in list_comparisons(runtime.database, MODEL, "v3") if one["candidate"] == "v2"]
    assert (told.action, told.subject, told.actor) == ("roll back", "v2", POLICY)
    assert told.evidence["rehearsal"] == kept["result"]
    assert read_comparison(told.evidence["rehearsal"]).candidate == "v2"
    assert told.evidence["alerts"] == [f"performance.standard roc_auc: {made.verdicts[0].reason}"]
    assert list_bakes(runtime.database, MODEL)[-1].promise.origin is Origin.REHEARSAL

    assert tell_outcomes(runtime, spoiled, get_decisions(runtime, spoiled)) == ["v2 is back", "–"]

    for days in range(1, 3):
        check(runtime, spoiled, DUE + days * DAY)
    assert len(list_changes(runtime)) == 1


def test_simulation_says_when_it_would_have_rolled_back_and_what_came_in_fact(runtime, spoiled):
    check(runtime, spoiled, DUE - timedelta(minutes=1))
    change(runtime, "v1", DUE + DAY)
    simulation = simulate_policy(runtime, spoiled, spoiled.policy, DUE + 2 * DAY)
    young, done = simulation.rollbacks
    assert (young.answer.obstacle, young.is_done, young.to) == (Obstacle.YOUNG, False, None)
    assert (done.at, done.is_done, done.to, done.followed.version) == (DUE, True, "v2", "v1")
    told = "On 24 Mar 2024 production would have been rolled back from v3 to v2; in fact v1 replaced v3 on 25 Mar 2024."
    assert describe_simulation(spoiled, simulation)[1:] == [told, "1 hold of a rollback would have been told."]
    when, what, why, came = list_decisions(spoiled, simulation)[-1]
    assert (when, what, came) == (DUE, "rolled back to v2", "in fact v1 replaced v3 on 25 Mar 2024")
    assert why.startswith("A check complains of roc_auc (performance.standard, alert), since 23 Mar 00:00 UTC. v2, ")


def test_pair_is_not_rolled_back_again_when_a_person_promotes_the_version_once_more(runtime, spoiled):
    check(runtime, spoiled, DUE)
    change(runtime, "v3", DUE + DAY)
    send_days(runtime, spoiled, "v3", DUE + DAY, right=False, days=3)
    for days in (4, 6):
        check(runtime, spoiled, DUE + days * DAY)
    assert [version for _, version, _ in list_changes(runtime)] == ["v2", "v3"]
    newest = get_decisions(runtime, spoiled)[0]
    assert (newest.decision, newest.obstacle) == (Decision.HOLD, Obstacle.LOOP)
    assert newest.words.endswith(
        " No rollback: v3 was rolled back to v2 by itself on 24 Mar 00:00 UTC already; the next step is for a person."
    )


def test_version_that_was_rolled_back_is_not_promoted_again_by_itself(runtime, spoiled):
    check(runtime, spoiled, DUE)
    order = RunOrder(model=MODEL, reason="by hand", actor=ACTOR)
    gate = {"passed": True, "words": "v3 has passed the gate.", "comparison": {"champion": "v2"}}
    passed = RunChange(status=RunStatus.RUNNING, steps=(), at=DUE, version="v3", report={"gate": gate})
    with runtime.database.transaction() as transaction:
        run = add_run(transaction, order, workflow="w", at=DUE, recorded_at=DUE, held_from=DUE)
        add_run_change(transaction, run.id, passed)
    why = promote_passed(runtime, get_run(runtime.database, run.id), "v3")
    assert why == "v3 was rolled back on 24 Mar 00:00 UTC; whether it is promoted again is for a person."
    told = list_audit_events(runtime.database, MODEL, 1)[0]
    assert (told.action, told.subject, told.reason) == ("promotion refused", "v3", why)
    assert get_history(runtime, MODEL)[-1].version == "v2"


def test_change_is_taken_back_once_when_its_baking_may_do_so_as_well(runtime):
    spec = set_policy(runtime, f"{ROLL_BACK}\nalert_days = 0\n[baking]\ndays = 30\nauto_revert = true")
    spoil(runtime, spec)
    check(runtime, spec, DUE)
    assert list_changes(runtime) == [(Action.ROLL_BACK, "v2", BAKER)]


def test_rollback_waits_for_an_open_baking_window_only_when_that_may_take_the_change_back(runtime, spoiled):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update bakes set outcome = null where version = 'v3'")
    apply_policy(runtime, replace(spoiled, baking=Baking(auto_revert=True)), DUE)
    assert (tell(runtime, spoiled)[0], list_changes(runtime)) == ((Decision.HOLD, Obstacle.BAKING), [])
    apply_policy(runtime, spoiled, DUE)
    assert list_changes(runtime) == [(Action.ROLL_BACK, "v2", POLICY)]


def test_nothing_is_rolled_back_unless_the_model_file_says_so(runtime):
    spec = set_policy(runtime, "cooldown_days = 0")
    spoil(runtime, spec)
    check(runtime, spec, DUE)
    assert (list_changes(runtime), tell(runtime, spec)) == ([], [])


def test_hold_is_told_once_and_ends_when_the_version_before_has_its_artifact_again(runtime, spoiled):
    file = locate_artifact(runtime.home.artifacts, get_version(runtime.database, MODEL, "v2").artifact_hash)
    whole = file.read_bytes()
    file.unlink()
    for minutes in range(3):
        apply_policy(runtime, spoiled, DUE + timedelta(minutes=minutes))
    assert tell(runtime, spoiled) == [(Decision.HOLD, Obstacle.UNABLE), (Decision.HOLD, Obstacle.YOUNG)]
    assert list_changes(runtime) == []
    file.write_bytes(whole)
    apply_policy(runtime, spoiled, DUE + DAY)
    assert list_changes(runtime) == [(Action.ROLL_BACK, "v2", POLICY)]


def test_rollback_waits_for_a_comparison_when_labels_have_come_since_the_last(runtime, spoiled):
    send_days(runtime, spoiled, "v3", PRESENT + 3 * DAY, right=False, days=1)
    apply_policy(runtime, spoiled, DUE)
    assert tell(runtime, spoiled)[0] == (Decision.HOLD, Obstacle.NOT_COMPARED)
    check(runtime, spoiled, DUE + timedelta(hours=1))
    assert list_changes(runtime) == [(Action.ROLL_BACK, "v2", POLICY)]


def test_refused_rollback_is_told_once_and_tried_again(runtime, spoiled):
    with runtime.database.transaction() as transaction:
        fields = {"features": ["income", "debt", "age"]}
        transaction.run_sql("update versions set features = $features where name = 'v2'", fields)
    for minutes in range(2):
        apply_policy(runtime, spoiled, DUE + timedelta(minutes=minutes))
    made = get_decisions(runtime, spoiled)[0]
    assert (made.decision, list_changes(runtime)) == (Decision.ROLL_BACK, [])
    assert made.trouble == "v2 cannot serve. v2 reads 'age', which the traffic does not have."
    runtime.clocks[MODEL] = lambda: DUE + timedelta(hours=1)
    (waiting,) = describe_health(runtime)["policies"]
    assert (waiting["model"], waiting["decision"], waiting["since"]) == (MODEL, "ROLL_BACK", DUE)
    assert waiting["problem"].startswith(
        "A rollback that the policy asked for on 24 Mar 00:00 UTC could not be carried "
    )
    told = [one for one in list_audit_events(runtime.database, MODEL) if one.action == "rollback refused"]
    assert [(one.subject, one.reason, one.actor) for one in told] == [("v2", made.trouble, POLICY)]
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update versions set features = ['income', 'debt'] where name = 'v2'")
    apply_policy(runtime, spoiled, DUE + DAY)
    assert list_changes(runtime) == [(Action.ROLL_BACK, "v2", POLICY)]
    assert get_decisions(runtime, spoiled)[0].trouble == ""
    assert describe_health(runtime)["policies"] == []
