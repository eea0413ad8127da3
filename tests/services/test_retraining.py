"""Training runs from the order to the gate: a real worker, a real child, and what is left when either goes wrong."""

import re
import time
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlops_core.config import parse_model_text
from mlops_core.entities import Actor, Window
from mlops_core.errors import ConflictError, InputError, NotFoundError
from mlops_core.frozen_rows import locate_rows
from mlops_core.runs import RunOrder, RunStatus, Step, StepStatus
from mlops_core.services.background import Progress
from mlops_core.services.deployment import get_history
from mlops_core.services.erasure import erase_prediction
from mlops_core.services.retraining import cancel_run, order_run, read_run
from mlops_core.services.run_answers import answer_question
from mlops_core.services.run_orders import find_holdout_start
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import list_audit_events
from mlops_core.store.challengers import get_challenger
from mlops_core.store.models import get_version, list_versions
from mlops_core.store.snapshots import note_content
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, ROWS_PER_DAY, START, copy_small_home

PERSON = Actor("ann", "page")
LONGEST_S = 90


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """One home and one worker for all tests of this file: to start a worker takes seconds."""
    folder = tmp_path_factory.mktemp("training")
    opened = Runtime.open(copy_small_home(folder / "home"))
    yield opened
    opened.close()


@pytest.fixture
def spec(runtime):
    runtime.clocks[MODEL] = lambda: PRESENT
    return use_entry_point(runtime, "candidates")


@pytest.fixture(scope="module")
def passed(runtime):
    """A run that has passed the gate, as it was registered: for tests that only look at one."""
    runtime.clocks[MODEL] = lambda: PRESENT
    spec = use_entry_point(runtime, "candidates")
    names = list_names(runtime)
    run = wait_until_over(runtime, spec, order_run(runtime, spec, order()))
    assert list_names(runtime) == [*names, run.version]
    return run


@pytest.fixture
def known(runtime, spec):
    """Names of the versions from before the test."""
    return list_names(runtime)


def order(**changes):
    return RunOrder(**({"model": MODEL, "reason": "labels of March are in", "actor": PERSON} | changes))


def use_entry_point(runtime, name, **training):
    """Change the model file as its owner would, and give what it says now."""
    lines = [f"{key} = {value}" for key, value in training.items()]
    text = MODEL_FILE.replace("tests.small_training:candidates", f"tests.small_training:{name}")
    text = text.replace("folds = 2", "\n".join(["folds = 2", *lines]))
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = $text", {"text": text})
    return parse_model_text(text)


def wait_for(runtime, spec, run, is_so):
    """Wait until a run's view is as asked for, and give it."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        view = read_run(runtime, spec, run.id)
        if is_so(view):
            return view
        time.sleep(0.05)
    raise AssertionError(f"still {view.run.status} after {LONGEST_S} s: {view.steps}")


def wait_until_over(runtime, spec, run):
    return wait_for(runtime, spec, run, lambda view: view.run.status.is_over).run


def is_training(view):
    return any(state.step is Step.TRAIN and state.status is StepStatus.RUNNING for state in view.steps)


def list_names(runtime):
    return [version.name for version in list_versions(runtime.database, MODEL)]


def test_run_registers_the_best_candidate_and_makes_it_the_challenger_when_it_passes(runtime, passed):
    run, name = passed, "v4"
    assert (run.status, run.version, run.reason) == (RunStatus.SUCCEEDED, name, f"{name} has passed the gate.")
    states = {state.step: state.status for state in run.steps}
    assert set(states) == set(Step)
    assert states.pop(Step.PROMOTE) is StepStatus.SKIPPED
    assert set(states.values()) == {StepStatus.DONE}

    version = get_version(runtime.database, MODEL, name)
    leaderboard = {trial["candidate"]: trial for trial in run.report["leaderboard"]}
    assert set(leaderboard) == {"boosted trees", "logistic regression"}
    assert all(len(trial["folds"]) == 2 for trial in leaderboard.values())
    mean = {name: sum(fold["roc_auc"] for fold in trial["folds"]) / 2 for name, trial in leaderboard.items()}
    assert version.parameters["candidate"] == max(mean, key=mean.get) == "logistic regression"
    assert (version.run, version.features) == (run.id, ("income", "debt"))

    assert get_challenger(runtime.database, MODEL).version == name
    assert get_history(runtime, MODEL)[-1].version == "v2"
    events = list_audit_events(runtime.database, MODEL, limit=3)
    assert [event.action for event in events] == ["passed the gate", "register version", "order training run"]


def test_rows_kept_for_the_gate_are_counted_back_from_the_newest_labels(runtime, spec):
    later = PRESENT + timedelta(days=400)
    assert find_holdout_start(runtime, spec, later) == START + timedelta(days=14) - timedelta(days=5)
    assert find_holdout_start(runtime, spec, START + timedelta(days=12)) == START + timedelta(days=7)
    unlabelled = replace(spec, name="nobody")
    assert find_holdout_start(runtime, unlabelled, PRESENT) == PRESENT - timedelta(days=5)


def test_snapshot_holds_the_labelled_rows_before_those_of_the_gate_and_no_others(runtime, passed):
    run = passed
    snapshot = get_version(runtime.database, MODEL, run.version).snapshot
    path = locate_rows(runtime.home.snapshots, snapshot.id)
    rows = pq.read_table(path)
    assert rows.num_rows == snapshot.rows == 9 * ROWS_PER_DAY
    assert snapshot.end < START + timedelta(days=9)
    assert run.report["gate"]["window"]["start"] == (PRESENT - timedelta(days=10)).isoformat()
    assert (snapshot.label_coverage, set(snapshot.columns)) == (1.0, set(rows.column_names))
    assert "whose label had arrived by 2024-03-20" in snapshot.origin
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_labels_that_had_arrived_are_trained_on(runtime, spec):
    # Labels come two days after the start of their day.
    runtime.clocks[MODEL] = lambda: START + timedelta(days=5)
    window = Window(START, START + timedelta(days=5))
    run = wait_until_over(runtime, spec, order_run(runtime, spec, order(window=window)))
    assert run.report["snapshot"]["rows"] == 4 * ROWS_PER_DAY
    assert run.report["n_logged"] == 5 * ROWS_PER_DAY


def test_same_snapshot_gives_the_same_metrics_and_artifact_when_it_is_trained_again(runtime, spec, passed):
    first = passed
    again = order(snapshot=first.report["snapshot"]["id"], candidates=("boosted trees",))
    runtime.clocks[MODEL] = lambda: PRESENT + timedelta(days=1)
    second = wait_until_over(runtime, spec, order_run(runtime, spec, again))
    third = wait_until_over(runtime, spec, order_run(runtime, spec, again))
    assert second.report["snapshot"]["id"] == third.report["snapshot"]["id"] == first.report["snapshot"]["id"]
    assert second.report["best"]["metrics"] == third.report["best"]["metrics"]
    trees = [t for t in first.report["leaderboard"] if t["candidate"] == "boosted trees"]
    assert second.report["leaderboard"][0]["folds"] == trees[0]["folds"]
    assert len({run.version for run in (first, second, third)}) == 3


def test_erased_snapshot_can_be_trained_again(runtime, spec):
    first = wait_until_over(runtime, spec, order_run(runtime, spec, order(candidates=("logistic regression",))))
    snapshot = first.report["snapshot"]["id"]
    erased = pq.read_table(locate_rows(runtime.home.snapshots, snapshot))["prediction_id"][0].as_py()
    files = erase_prediction(runtime, spec, erased, actor=PERSON, reason="she asked", now=PRESENT).files
    assert snapshot in {file.snapshot for file in files}
    again = order(snapshot=snapshot, candidates=("logistic regression",))
    second = wait_until_over(runtime, spec, order_run(runtime, spec, again))
    assert (second.report["snapshot"]["id"], second.version is not None) == (snapshot, True)
    fitted = [run.report["best"][name] for run in (first, second) for name in ("rows_fitted", "rows_held_out")]
    assert sum(fitted[:2]) - sum(fitted[2:]) == 1


def test_run_on_rows_that_were_deleted_is_refused_before_it_begins(runtime, spec):
    snapshot = get_version(runtime.database, MODEL, "v3").snapshot.id
    with runtime.database.transaction() as transaction:
        note_content(transaction, snapshot, None, 0, PRESENT)
    with pytest.raises(ConflictError, match="were deleted on 20 Mar 2024"):
        order_run(runtime, spec, order(snapshot=snapshot))


def test_child_is_gone_within_two_seconds_and_nothing_is_registered_when_a_run_is_cancelled(runtime, known):
    spec = use_entry_point(runtime, "hanging")
    run = order_run(runtime, spec, order())
    wait_for(runtime, spec, run, is_training)
    worker = runtime.training.worker_pid
    assert list_children(worker)
    cancelled = cancel_run(runtime, spec, run.id, actor=ACTOR, reason="the wrong month")
    started = time.monotonic()
    while list_children(worker):
        assert time.monotonic() - started < 2.0
        time.sleep(0.02)
    assert (cancelled.status, cancelled.reason) == (RunStatus.CANCELLED, "the wrong month")
    assert list_names(runtime) == known
    # The worker is free for the next run.
    spec = use_entry_point(runtime, "candidates")
    again = order(candidates=("logistic regression",))
    assert wait_until_over(runtime, spec, order_run(runtime, spec, again)).status is RunStatus.SUCCEEDED
    with pytest.raises(ConflictError, match="is over: cancelled"):
        cancel_run(runtime, spec, run.id, actor=ACTOR, reason="again")


def list_children(pid):
    """Give the processes that any thread of a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [one for task in tasks for one in task.read_text().split()]


def test_second_order_is_refused_while_a_run_is_open_and_repeated_by_its_key(runtime, spec):
    spec = use_entry_point(runtime, "hanging")
    run = order_run(runtime, spec, order(key="once"))
    assert order_run(runtime, spec, order(key="once")).id == run.id
    with pytest.raises(ConflictError, match=rf"Run {run.id} of car-loan is .*; wait for its end, or cancel it"):
        order_run(runtime, spec, order())
    cancel_run(runtime, spec, run.id, actor=ACTOR, reason="enough")


@pytest.mark.parametrize(
    "name", ["LightGBM", "XGBoost", "LightGBM behind an encoder", "XGBoost forest behind an encoder"]
)
def test_trees_of_other_libraries_run_from_training_to_the_gate_where_they_are_installed(runtime, spec, name):
    for module in ("lightgbm", "xgboost"):
        pytest.importorskip(module)
    spec = use_entry_point(runtime, "boosters")
    run = wait_until_over(runtime, spec, order_run(runtime, spec, order(candidates=(name,))))
    # These rows are best told by a line: the gate may refuse trees, once it has let them score what was served.
    assert run.status in (RunStatus.SUCCEEDED, RunStatus.REFUSED), run.reason
    assert run.report["gate"]["comparison"]
    version = get_version(runtime.database, MODEL, run.version)
    package = name.split()[0].lower()
    assert version.libraries[package] == metadata.version(package)
    assert {"lightgbm", "xgboost"} & set(version.libraries) == {package}


FAULTS = {
    "raising": "has raised RuntimeError: the warehouse is away",
    "unknown_feature": "reads 'colour', which is no feature",
    "failing_fit": "No candidate could be trained. failing: ValueError: these rows are not to my taste",
    "odd_scores": "given values that are no chances",
    "refused_type": "which is not on the allow-list",
    "eats_memory": "hungry: MemoryError|perhaps for want of memory",
    "ends_process": "has ended by itself",
}


@pytest.mark.parametrize("name", FAULTS)
def test_run_fails_with_its_reason_and_changes_nothing_when_an_entry_point_is_at_fault(runtime, known, name):
    spec = use_entry_point(runtime, name, memory_gb=1.5)
    run = wait_until_over(runtime, spec, order_run(runtime, spec, order()))
    assert run.status is RunStatus.FAILED
    assert re.search(FAULTS[name], run.reason), run.reason
    assert list_names(runtime) == known
    assert get_history(runtime, MODEL)[-1].version == "v2"
    assert [state.step for state in run.steps if state.status is StepStatus.FAILED]


def test_run_fails_when_a_step_takes_longer_than_it_may(runtime, spec):
    spec = use_entry_point(runtime, "hanging", time_limit_minutes=0.05)
    run = wait_until_over(runtime, spec, order_run(runtime, spec, order()))
    assert (run.status, "It took longer than the 0.05 minutes" in run.reason) == (RunStatus.FAILED, True)


def test_order_is_refused_when_it_cannot_be_carried_out(runtime, spec):
    with pytest.raises(InputError, match="A reason of 1 to"):
        order_run(runtime, spec, order(reason=" "))
    with pytest.raises(NotFoundError, match="has no snapshot 'abc'"):
        order_run(runtime, spec, order(snapshot="abc"))
    with pytest.raises(InputError, match="the start must lie before the end"):
        order_run(runtime, spec, order(window=Window(PRESENT, START)))
    training = MODEL_FILE[MODEL_FILE.index("[training]") : MODEL_FILE.index("[words]")]
    untrained = parse_model_text(MODEL_FILE.replace(training, ""))
    with pytest.raises(InputError, match=r"has no section \[training\]"):
        order_run(runtime, untrained, order())


def test_nothing_is_registered_or_judged_again_when_a_run_is_over(runtime, spec, passed):
    run = passed
    names, events = list_names(runtime), len(list_audit_events(runtime.database, MODEL))
    with pytest.raises(ConflictError, match=f"Run {run.id} is over; nothing of it is registered"):
        answer_question(runtime, spec, run, "register", dict(run.report), Progress())
    given = {"version": run.version, "report": dict(run.report)}
    assert answer_question(runtime, spec, run, "gate", given, Progress()) == run.report["gate"]
    assert (list_names(runtime), len(list_audit_events(runtime.database, MODEL))) == (names, events)


def test_cancelled_run_registers_nothing_though_its_version_is_ready(runtime, passed, known):
    spec = use_entry_point(runtime, "hanging")
    run = order_run(runtime, spec, order())
    cancel_run(runtime, spec, run.id, actor=ACTOR, reason="enough")
    with pytest.raises(ConflictError, match="is over"):
        answer_question(runtime, spec, run, "register", dict(passed.report), Progress())
    assert list_names(runtime) == known
