"""Failures of training runs, as Overview and Activity tell them."""

import time
from datetime import timedelta

import pytest

from mlops_core.entities import Status
from mlops_core.runs import RunOrder, RunStatus, Step, StepState, StepStatus
from mlops_core.services.activity import find_gate_comparison, list_facts, tell_event, tell_happening
from mlops_core.services.attention import list_states
from mlops_core.services.cards import list_cards
from mlops_core.services.health import describe_health, examine_training
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.services.retraining import find_run, get_history
from mlops_core.store.audit import add_audit_event, list_audit_events
from mlops_core.store.runs import RunChange, add_run, add_run_change
from tests.small_home import ACTOR, DAYS, MODEL, PRESENT, START

TRAFFIC_END = START + timedelta(days=DAYS)
WHY = "The entry point has raised RuntimeError: the warehouse is away."


def leave_run(runtime, status, reason="", report=None):
    """Leave a run as the worker would have left it."""
    order = RunOrder(model=MODEL, reason="labels are in", actor=ACTOR)
    steps = (StepState(step=Step.COLLECT, status=StepStatus.FAILED, words=WHY), StepState(step=Step.TRAIN))
    change = RunChange(status=status, steps=steps, at=PRESENT, reason=reason, report=report or {})
    with runtime.database.transaction() as transaction:
        run = add_run(transaction, order, workflow="w", at=TRAFFIC_END, recorded_at=PRESENT, held_from=TRAFFIC_END)
        add_run_change(transaction, run.id, change)


def test_model_needs_attention_while_its_newest_run_has_failed(runtime, spec):
    refresh(runtime, spec, TRAFFIC_END)
    assert list_states(runtime, [spec])[0].status is Status.OK
    leave_run(runtime, RunStatus.FAILED, WHY)
    (state,) = list_states(runtime, [spec])
    assert (state.status, state.since) == (Status.WARNING, TRAFFIC_END)
    assert state.reason == f"Training run 1 failed at the step collect: {WHY}"
    leave_run(runtime, RunStatus.RUNNING)
    assert list_states(runtime, [spec])[0].status is Status.OK


def test_history_leaves_out_what_runs_have_found_and_one_run_has_it(runtime, spec):
    leave_run(runtime, RunStatus.SUCCEEDED, report={"gate": {"passed": True}})
    (line,) = get_history(runtime, spec)
    assert (line.status, line.reason, dict(line.report)) == (RunStatus.SUCCEEDED, "", {})
    whole = find_run(runtime, spec, line.id)
    assert whole.report == {"gate": {"passed": True}}
    assert get_history(runtime, spec, with_reports=True) == [whole]


def test_failed_run_does_not_hide_what_is_graver(runtime, spec):
    leave_run(runtime, RunStatus.FAILED, WHY)
    (state,) = list_states(runtime, [spec])
    assert (state.status, state.reason.startswith("The newest row is 5 days old")) == (Status.ALERT, True)


@pytest.mark.parametrize(
    ("status", "colour"),
    [
        (RunStatus.FAILED, "red"),
        (RunStatus.REFUSED, "orange"),
        (RunStatus.SUCCEEDED, "green"),
        (RunStatus.RUNNING, "gray"),
    ],
)
def test_card_of_the_newest_run_has_the_colour_of_its_status(runtime, spec, status, colour):
    assert "Newest training run" not in [card.title for card in list_cards(read_overview(runtime, spec, PRESENT))]
    leave_run(runtime, status, WHY)
    card = list_cards(read_overview(runtime, spec, PRESENT))[-1]
    value = "passed" if status is RunStatus.SUCCEEDED else status.value
    assert (card.title, card.value, card.colour) == ("Newest training run", value, colour)
    assert card.note == "run 1, 15 Mar"


@pytest.mark.parametrize(
    ("action", "subject", "told", "happening"),
    [
        ("order training run", "run 3", "order training run 3", "order training run 3"),
        ("cancel training run", "run 3", "cancel training run 3", "cancel training run 3"),
        ("training run failed", "run 3", "training run 3 failed", "training run 3 failed. Because."),
        ("passed the gate", "v5", "v5 passed the gate", "Because."),
        ("refused by the gate", "v5", "v5 was refused by the gate", "Because."),
    ],
)
def test_events_of_runs_are_told_as_sentences(runtime, action, subject, told, happening):
    with runtime.database.transaction() as transaction:
        add_audit_event(
            transaction,
            at=PRESENT,
            actor=ACTOR,
            action=action,
            model=MODEL,
            subject=subject,
            reason="Because.",
            evidence={},
        )
    (event,) = list_audit_events(runtime.database, MODEL, limit=1)
    assert (tell_event(event), tell_happening(event)) == (told, happening)


def test_reasons_of_the_gate_are_listed_one_by_one_what_is_against_it_first():
    reasons = [{"passed": True, "words": "F1: not worse."}, {"passed": False, "words": "JFK: undecided."}]
    window = {"start": "2024-03-10T00:00:00+00:00", "end": "2024-03-20T00:00:00+00:00"}
    gate = {"passed": False, "words": "v5 was refused", "window": window, "reasons": reasons, "comparison": None}
    assert list_facts({"run": 3, "gate": gate}) == [
        ("Run", "3"),
        ("Rows of the gate", "10 Mar 2024 00:00 to 20 Mar 2024 00:00 UTC"),
        ("Refused", "JFK: undecided."),
        ("Passed", "F1: not worse."),
    ]
    assert find_gate_comparison({"gate": gate}) is None
    assert find_gate_comparison({"gate": gate | {"comparison": {"n": 3}}}) == {"n": 3}


def test_changes_of_a_model_file_are_listed_key_by_key():
    changes = [
        {"key": "training.folds", "old": None, "new": 4},
        {"key": "baking.auto_revert", "old": False, "new": True},
    ]
    assert list_facts({"changes": changes}) == [("training.folds", "– → 4"), ("baking.auto_revert", "False → True")]


def test_why_runs_cannot_go_on_is_told(runtime, spec, monkeypatch):
    leave_run(runtime, RunStatus.QUEUED)
    monkeypatch.setenv("DRIFTDECK_RUNS_URL", "mysql://there/runs")
    runtime.training.take_up(runtime)
    deadline = time.monotonic() + 60
    while not runtime.training.problem:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    training = describe_health(runtime)["training"]
    assert (training["open_runs"], "DRIFTDECK_RUNS_URL begins with 'mysql'" in training["problem"]) == (1, True)
    assert not examine_training(training).passed
    assert examine_training({"open_runs": 1, "problem": None}).passed
