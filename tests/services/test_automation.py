"""What a policy does by itself, on real checks and a real worker: each thing once, and nothing in silence."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from mlops_core.config import parse_model_text
from mlops_core.entities import Action, Status
from mlops_core.policy_records import Cause, Decision, Obstacle
from mlops_core.policy_terms import read_policy, write_policy
from mlops_core.production import POLICY, Origin
from mlops_core.runs import RunOrder, RunStatus, Step, StepStatus, Trigger
from mlops_core.services.automation import apply_policy, get_decisions
from mlops_core.services.background import Progress
from mlops_core.services.deployment import ChangeRequest, change_production, get_history
from mlops_core.services.policy_trouble import find_trouble, tell_trouble
from mlops_core.services.retraining import cancel_run, find_run, order_run
from mlops_core.services.retraining import get_history as get_runs
from mlops_core.services.run_answers import answer_question
from mlops_core.services.runtime import Runtime
from mlops_core.services.scheduler import check_model
from mlops_core.store.audit import list_audit_events
from mlops_core.store.bakes import list_bakes
from mlops_core.store.challengers import get_challenger
from tests.services.test_monitoring import send
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home

DAY = timedelta(days=1)
LONGEST_S = 90
STRICT = MODEL_FILE.replace("min = 0.6", "min = 0.99")


@pytest.fixture
def runtime(tmp_path):
    opened = Runtime.open(copy_small_home(tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A home and a worker for the tests that let a run come to its end."""
    opened = Runtime.open(copy_small_home(tmp_path_factory.mktemp("automation") / "home"))
    yield opened
    opened.close()


def set_policy(runtime, lines, text=MODEL_FILE):
    """Change the model file as its owner would, and give what it says now."""
    text = f"{text}\n[policy]\n{lines}\n"
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = $text", {"text": text})
    return parse_model_text(text)


def check(runtime, spec, at):
    runtime.clocks[MODEL] = lambda: at
    check_model(runtime, spec)


def wait_until_over(runtime, spec):
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        run = get_runs(runtime, spec)[0]
        if run.status.is_over:
            return find_run(runtime, spec, run.id)
        time.sleep(0.05)
    raise AssertionError(f"still {run.status} after {LONGEST_S} s: {run.steps}")


def tell(runtime, spec):
    return [(one.decision, one.obstacle, one.run) for one in get_decisions(runtime, spec)]


def test_check_orders_one_run_and_keeps_why_while_its_verdict_stands(runtime):
    spec = set_policy(runtime, 'verdicts = { "performance.standard" = "ALERT" }', STRICT)
    check(runtime, spec, PRESENT + DAY)
    (run,) = get_runs(runtime, spec)
    (made,) = get_decisions(runtime, spec)
    assert (made.decision, made.causes, made.obstacle, made.run) == (
        Decision.RETRAIN,
        (Cause.VERDICT,),
        None,
        run.id,
    )
    assert [(v.code, v.subject, v.status) for v in made.verdicts] == [("performance.standard", "roc_auc", Status.ALERT)]
    assert "minimum" in made.verdicts[0].evidence
    assert made.terms == write_policy(spec.policy)
    assert (run.order.actor, run.order.trigger, run.order.reason) == (POLICY, Trigger.POLICY, made.words)
    assert made.words.startswith("A check complains of roc_auc (performance.standard, alert), since 21 Mar 00:00 UTC.")
    told = list_audit_events(runtime.database, MODEL, 1)[0]
    assert (told.action, told.actor, told.reason) == ("order training run", POLICY, made.words)

    # Its own run is no reason to hold; each that follows is told once.
    apply_policy(runtime, spec, PRESENT + DAY)
    assert tell(runtime, spec) == [(Decision.RETRAIN, None, run.id)]
    cancel_run(runtime, spec, run.id, actor=ACTOR, reason="not today")
    for minutes in range(3):
        apply_policy(runtime, spec, PRESENT + DAY + timedelta(minutes=minutes))
    assert tell(runtime, spec)[0] == (Decision.HOLD, Obstacle.COOLDOWN, None)
    for minutes in range(3):
        apply_policy(runtime, spec, PRESENT + 2 * DAY + timedelta(minutes=minutes))
    assert tell(runtime, spec)[0] == (Decision.HOLD, Obstacle.NOTHING_NEW, None)
    assert get_decisions(runtime, spec)[0].words.endswith(
        "No run: run 1 was cancelled, and neither labels nor other verdicts have come since."
    )
    assert len(get_decisions(runtime, spec)) == 3
    assert len(get_runs(runtime, spec)) == 1

    send(runtime, spec, "v2", PRESENT + DAY, 300, labels=True)
    check(runtime, spec, PRESENT + 3 * DAY)
    assert tell(runtime, spec)[0] == (Decision.RETRAIN, None, 2)


def test_nothing_is_decided_or_kept_while_nothing_asks(runtime):
    for lines in ("new_labels = 1_000_000", "every_days = 365", 'verdicts = { "drift.feature" = "ALERT" }', ""):
        spec = set_policy(runtime, lines)
        check(runtime, spec, PRESENT + DAY)
        assert (get_decisions(runtime, spec), get_runs(runtime, spec)) == ([], [])


def test_run_of_somebody_else_holds_the_schedule_and_is_told_once(runtime):
    spec = set_policy(runtime, "every_days = 1\ncooldown_days = 0")
    runtime.clocks[MODEL] = lambda: PRESENT
    run = order_run(runtime, spec, RunOrder(model=MODEL, reason="by hand", actor=ACTOR))
    for hours in (24, 25):
        apply_policy(runtime, spec, PRESENT + timedelta(hours=hours))
    assert tell(runtime, spec) == [(Decision.HOLD, Obstacle.RUNNING, None)]
    cancel_run(runtime, spec, run.id, actor=ACTOR, reason="enough")
    runtime.clocks[MODEL] = lambda: PRESENT + 2 * DAY
    apply_policy(runtime, spec, PRESENT + 2 * DAY)
    assert get_runs(runtime, spec)[0].order.trigger is Trigger.SCHEDULE


def test_refusal_of_an_order_is_told_once_and_ends_when_the_order_is_accepted(runtime):
    spec = set_policy(runtime, "new_labels = 1")
    untrained = replace(spec, training=None)
    for _ in range(2):
        apply_policy(runtime, untrained, PRESENT)
    (made,) = get_decisions(runtime, spec)
    assert (made.decision, made.run) == (Decision.RETRAIN, None)
    assert "has no section [training]" in made.trouble
    standing = find_trouble(runtime, untrained, PRESENT + DAY)
    assert tell_trouble(standing) == (
        "A training run that the policy asked for on 20 Mar 00:00 UTC could not be ordered: "
        f"{made.trouble.removesuffix('.')}. It is tried again with each check."
    )
    # What is not asked for any more is no trouble.
    assert find_trouble(runtime, replace(untrained, policy=read_policy({})), PRESENT + DAY) is None
    told = [event for event in list_audit_events(runtime.database, MODEL) if event.actor == POLICY]
    assert [(event.action, event.reason) for event in told] == [("could not order training run", made.trouble)]
    apply_policy(runtime, spec, PRESENT)
    (made,) = get_decisions(runtime, spec)
    assert (made.run, made.trouble) == (1, "")
    assert find_trouble(runtime, spec, PRESENT) is None


def test_version_that_passes_is_promoted_once_when_the_policy_says_so(shared):
    spec = set_policy(shared, 'new_labels = 1\npromote = "when it passes the gate"')
    check(shared, spec, PRESENT + DAY)
    run = wait_until_over(shared, spec)
    assert run.status is RunStatus.SUCCEEDED
    step = {state.step: state for state in run.steps}[Step.PROMOTE]
    assert (step.status, step.words) == (StepStatus.DONE, f"{run.version} is in production")
    change = get_history(shared, MODEL)[-1]
    assert (change.version, change.previous, change.actor) == (run.version, "v2", POLICY)
    assert change.reason == f"Run {run.id}: {run.version} has passed the gate."
    told = next(event for event in list_audit_events(shared.database, MODEL) if event.action == "promote")
    assert told.evidence["run"] == run.id
    assert told.evidence["gate"]["passed"]
    assert told.evidence["rehearsal"] == run.report["gate"]["comparison"]
    assert list_bakes(shared.database, MODEL)[-1].promise.origin is Origin.REHEARSAL
    assert get_challenger(shared.database, MODEL) is None

    given = {"version": run.version, "passed": True}
    assert answer_question(shared, spec, run, "promote", given, Progress())["promoted"]
    assert len(get_history(shared, MODEL)) == 3
    # The same question, asked when production has gone on, promotes nothing either.
    back = ChangeRequest(model=MODEL, to="v2", action=Action.ROLL_BACK, actor=ACTOR, reason="for a test")
    change_production(shared, back, now=PRESENT + DAY)
    answer_question(shared, spec, run, "promote", given, Progress())
    assert get_history(shared, MODEL)[-1].version == "v2"


def test_version_stays_the_challenger_and_it_is_told_when_production_has_changed_since_the_gate(shared):
    spec = set_policy(shared, "new_labels = 1")
    shared.clocks[MODEL] = lambda: PRESENT + DAY
    order_run(shared, spec, RunOrder(model=MODEL, reason="by hand", actor=ACTOR))
    run = wait_until_over(shared, spec)
    step = {state.step: state for state in run.steps}[Step.PROMOTE]
    assert (step.status, step.words) == (StepStatus.SKIPPED, "By hand: it is the challenger now")
    met = get_history(shared, MODEL)[-1].version
    back = ChangeRequest(model=MODEL, to="v1", action=Action.ROLL_BACK, actor=ACTOR, reason="for a test")
    change_production(shared, back, now=PRESENT + DAY)

    eager = replace(spec, policy=read_policy({"promote": "when it passes the gate"}))
    given = {"version": run.version, "passed": True}
    answer = answer_question(shared, eager, run, "promote", given, Progress())
    why = f"The gate compared it with {met}, but v1 is in production now."
    assert answer == {"promoted": False, "skipped": True, "words": f"It stays the challenger. {why}"}
    told = list_audit_events(shared.database, MODEL, 1)[0]
    assert (told.action, told.subject, told.reason) == ("promotion refused", run.version, why)
    # A worker that was killed asks again: it is not told twice.
    assert answer_question(shared, eager, run, "promote", given, Progress()) == answer
    assert list_audit_events(shared.database, MODEL, 1)[0] == told
    assert get_history(shared, MODEL)[-1].version == "v1"
    assert get_challenger(shared.database, MODEL).version == run.version


def test_refused_version_is_not_promoted_whatever_the_policy_says(runtime):
    spec = set_policy(runtime, 'promote = "when it passes the gate"')
    run = order_run(runtime, spec, RunOrder(model=MODEL, reason="by hand", actor=ACTOR))
    answer = answer_question(runtime, spec, run, "promote", {"version": "v3", "passed": False}, Progress())
    assert answer == {"promoted": False, "skipped": True, "words": "The gate has refused it"}
    assert get_history(runtime, MODEL)[-1].version == "v2"
