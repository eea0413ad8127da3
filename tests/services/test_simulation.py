"""A policy over the past: when it would have fired, what that would have cost, and what of its gain is known."""

from datetime import timedelta

from mlops_core.entities import Status, Verdict
from mlops_core.policy_records import Decision, Obstacle
from mlops_core.policy_terms import Policy, read_policy
from mlops_core.runs import RunOrder, RunStatus
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.registry import register_model
from mlops_core.services.runtime import Runtime
from mlops_core.services.simulation import simulate_policy
from mlops_core.services.simulation_words import describe_simulation, list_decisions, tell_gain
from mlops_core.store.runs import RunChange, add_run, add_run_change
from mlops_core.store.verdicts import store_changed_verdicts
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, START

DAY = timedelta(days=1)
UNKNOWN = "no version that was trained on the same labels was compared with the one in production."


def simulate(runtime, spec, **lines):
    return simulate_policy(runtime, spec, read_policy(lines), PRESENT)


def list_runs(simulation):
    return [(one.run, (one.at - START) / DAY, one.champion) for one in simulation.runs]


def add_verdicts(runtime, *says, code="drift.feature", subject="debt"):
    for day, version, status in says:
        verdict = Verdict(
            code=code,
            model=MODEL,
            version=version,
            subject=subject,
            status=status,
            reason="",
            evidence={},
            at=START + day * DAY,
        )
        with runtime.database.transaction() as transaction:
            store_changed_verdicts(transaction, [verdict], START)


def add_ended_run(runtime, day, status, seconds):
    """Keep a run of somebody that took some seconds."""
    order, at = RunOrder(model=MODEL, reason="by hand", actor=ACTOR), START + day * DAY
    ended = at + timedelta(seconds=seconds)
    change = RunChange(status=status, steps=(), at=ended, reason="it is over", report={})
    with runtime.database.transaction() as transaction:
        run = add_run(transaction, order, workflow=f"w{day}", at=at, recorded_at=at, held_from=at)
        add_run_change(transaction, run.id, change)


def test_labels_start_runs_when_enough_have_come_since_the_one_before(runtime, spec):
    # 600 labels come every midnight from the third day to the sixteenth; the versions are older.
    simulation = simulate(runtime, spec, new_labels=3000)
    assert list_runs(simulation) == [(1, 6.0, "v1"), (2, 11.0, "v2")]
    assert simulation.holds == ()
    assert simulation.decisions[0].answer.words == ("3,000 labels have come since the last training; 3,000 are enough.")
    assert (simulation.start, simulation.end) == (START, PRESENT)
    assert len(simulation.deliveries) == 14


def test_verdicts_start_runs_while_they_stand_until_the_budget_is_used_up(runtime, spec):
    add_verdicts(runtime, (9, "v2", Status.ALERT), (13, "v2", Status.OK))
    simulation = simulate(runtime, spec, verdicts={"drift.feature": "ALERT"}, budget={"runs": 2, "days": 10})
    assert list_runs(simulation) == [(1, 9.0, "v2"), (2, 10.0, "v2")]
    (held,) = simulation.holds
    assert ((held.at - START) / DAY, held.answer.obstacle, held.run) == (11.0, Obstacle.BUDGET, None)
    assert tell_gain(spec, held) == ""


def test_verdict_of_another_version_than_the_one_in_production_starts_nothing(runtime, spec):
    add_verdicts(runtime, (5, "v1", Status.ALERT), (9, "v1", Status.ALERT))
    simulation = simulate(runtime, spec, verdicts={"drift.feature": "ALERT"}, cooldown_days=30)
    # That of the fifth day is over with the change of the seventh.
    assert [((one.at - START) / DAY, one.answer.decision) for one in simulation.decisions] == [
        (5.0, Decision.RETRAIN),
        (6.0, Decision.HOLD),
    ]


def test_gain_is_told_where_a_version_trained_on_the_same_labels_was_compared_and_unknown_elsewhere(runtime, spec):
    (compared,) = [one for one in refresh_alternatives(runtime, spec, PRESENT) if one.candidate == "v1"]
    simulation = simulate(runtime, spec, every_days=7)
    # No label came between the registration of v2 and the first day, when v1 was in production.
    assert list_runs(simulation) == [(1, 0.0, "v1"), (2, 7.0, "v2"), (3, 14.0, "v2")]
    first, *others = simulation.runs
    found = compared.paired.get_difference(spec.primary_metric)
    assert (first.gain.version, first.gain.is_turned) == ("v2", True)
    assert first.gain.ends == (-found.difference, -found.high, -found.low)
    assert found.difference < 0
    assert tell_gain(spec, first).startswith("v2 was trained on the same labels: ROC AUC +0.")
    assert [(one.gain, tell_gain(spec, one)) for one in others] == [(None, "unknown")] * 2
    told = describe_simulation(spec, simulation)
    assert told[0] == "From 1 Mar 2024 to 20 Mar 2024 this policy would have started 3 runs."
    assert told[1] == "What they would have cost is unknown: no run has come to the gate yet."
    assert told[2] == f"Run 1: {tell_gain(spec, first)}."
    assert told[3] == f"What 2 of them would have gained is unknown: {UNKNOWN}"


def test_cost_is_that_of_the_runs_that_came_to_the_gate(runtime, spec):
    add_ended_run(runtime, 1, RunStatus.SUCCEEDED, 40)
    simulation = simulate(runtime, spec, new_labels=3000)
    assert list_runs(simulation) == [(2, 6.0, "v1"), (3, 11.0, "v2")]
    told = describe_simulation(spec, simulation)
    assert told[1] == "A run takes 40 seconds, as the one that came to the gate did: 80 seconds in all."
    assert told[2] == f"What they would have gained is unknown: {UNKNOWN}"
    add_ended_run(runtime, 2, RunStatus.REFUSED, 200)
    add_ended_run(runtime, 3, RunStatus.SUCCEEDED, 60)
    add_ended_run(runtime, 4, RunStatus.FAILED, 9999)
    told = describe_simulation(spec, simulate(runtime, spec, new_labels=3000))
    assert told[1] == "A run takes 60 seconds, the middle of the 3 that came to the gate: 2 minutes in all."


def test_rollback_that_an_alert_asked_for_is_unknown_while_nothing_was_compared_then(runtime, spec):
    standard = {"code": "performance.standard", "subject": "roc_auc"}
    # That of v1 asks for nothing: it was the first in production.
    add_verdicts(runtime, (5, "v1", Status.ALERT), (9, "v2", Status.ALERT), **standard)
    lines = {"roll_back": "when the version before is better", "cooldown_days": 3}
    simulation = simulate(runtime, spec, **lines)
    assert [((one.at - START) / DAY, one.answer.obstacle, one.to) for one in simulation.rollbacks] == [
        (5.0, Obstacle.NO_WAY_BACK, None),
        (9.0, Obstacle.COOLDOWN, None),
        (10.0, Obstacle.NOT_COMPARED, None),
    ]
    told = describe_simulation(spec, simulation)
    assert told == [
        "Without a trigger no run would have been started.",
        "Nothing would have been rolled back.",
        "3 holds of a rollback would have been told.",
        (
            "On 11 Mar 2024 a rollback from v2 to v1 was asked for; what would have come of it is unknown, since no "
            "check compared the two on the labels of that time."
        ),
    ]
    assert [came for *_, came in list_decisions(spec, simulation)] == ["–", "–", "unknown"]
    # What is compared later says nothing of then, but of later.
    refresh_alternatives(runtime, spec, PRESENT - DAY)
    compared = simulate(runtime, spec, **lines)
    assert [one.answer.obstacle for one in compared.rollbacks][2:] == [Obstacle.NOT_COMPARED, Obstacle.NOT_BETTER]
    assert simulate(runtime, spec).rollbacks == ()


def test_nothing_is_made_up_when_there_is_no_trigger_or_no_past(runtime, spec, tmp_path):
    simulation = simulate_policy(runtime, spec, Policy(), PRESENT)
    assert (simulation.decisions, describe_simulation(spec, simulation)) == (
        (),
        ["Without a trigger no run would have been started."],
    )
    fresh = Runtime.open(type(runtime.home)(tmp_path / "fresh"))
    try:
        spec = register_model(fresh, MODEL_FILE, actor=ACTOR, now=PRESENT)
        told = describe_simulation(spec, simulate(fresh, spec, every_days=1))
        assert told == ["There is no past to try the policy on yet: no labels, no verdicts, and nothing in production."]
    finally:
        fresh.close()
