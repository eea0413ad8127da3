"""What runs by itself: new rows are judged, nothing is done twice, and no failure is silent."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.errors import HomeError
from mlops_core.services.monitoring import refresh
from mlops_core.services.schedule import (
    FIRST_RETRY,
    LONGEST_RETRY,
    Job,
    JobState,
    note_failure,
    note_success,
    tell_failure,
)
from mlops_core.services.scheduler import LONGEST_QUIET, Scheduler
from mlops_core.store.audit import list_audit_events
from mlops_core.store.chunks import list_pending
from mlops_core.store.models import get_version
from mlops_core.store.profiles import get_refreshed, read_coverage
from mlops_core.store.verdicts import list_verdicts
from tests.services.test_monitoring import send
from tests.small_home import MODEL, PRESENT

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Hand:
    """A clock that a test moves."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at


@pytest.fixture
def clock(runtime):
    """Give the model's clock, one hour into the day after its traffic."""
    runtime.clocks[MODEL] = Hand(PRESENT + timedelta(hours=1))
    return runtime.clocks[MODEL]


def test_rows_are_counted_and_judged_when_they_have_come(runtime, spec, clock):
    send(runtime, spec, "v2", PRESENT, 600, labels=True)
    clock.at = PRESENT + DAY
    Scheduler(runtime, MINUTE).run_due()
    assert list_pending(runtime.database, MODEL) == []
    assert get_refreshed(runtime.database, MODEL) == clock.at
    (newest,) = (one for one in read_coverage(runtime.database, MODEL) if one.chunk == PRESENT)
    assert (newest.version, newest.n, newest.n_labelled) == ("v2", 600, 600)
    assert runtime.schedule.get(MODEL, Job.CHECK).failures == 0


def test_nothing_is_done_while_there_is_no_news(runtime, spec, clock):
    refresh(runtime, spec, clock.at)
    before, machine = clock.at, Hand(NOON)
    scheduler = Scheduler(runtime, MINUTE, clock=machine)
    clock.at += LONGEST_QUIET - MINUTE
    scheduler.run_due()
    assert get_refreshed(runtime.database, MODEL) == before
    clock.at, machine.at = before + LONGEST_QUIET, NOON + MINUTE
    scheduler.run_due()
    assert get_refreshed(runtime.database, MODEL) == clock.at


def test_model_is_checked_when_a_chunk_has_ended(runtime, spec, clock):
    clock.at = PRESENT + DAY - MINUTE
    refresh(runtime, spec, clock.at)
    clock.at = PRESENT + DAY
    Scheduler(runtime, MINUTE).run_due()
    assert get_refreshed(runtime.database, MODEL) == PRESENT + DAY


def test_failure_is_written_down_tried_again_and_its_end_as_well(runtime, spec, clock):
    failing, machine = [True], Hand(NOON)

    def fail_at_first(_runtime, _spec):
        if failing:
            raise HomeError("The disk is full.")

    scheduler = Scheduler(runtime, MINUTE, {Job.CHECK: (fail_at_first, MINUTE)}, machine)
    scheduler.run_due()
    (state,) = runtime.schedule.list_failing(MODEL)
    assert (state.failures, state.message, state.next_at) == (1, "The disk is full.", NOON + FIRST_RETRY)
    machine.at = NOON + FIRST_RETRY / 2
    scheduler.run_due()
    assert runtime.schedule.list_failing(MODEL) == [state]
    machine.at = NOON + FIRST_RETRY
    scheduler.run_due()
    assert runtime.schedule.get(MODEL, Job.CHECK).failures == 2
    failing.clear()
    machine.at = NOON + DAY
    scheduler.run_due()
    assert runtime.schedule.list_failing(MODEL) == []
    told = [(e.actor.name, e.action, e.reason) for e in list_audit_events(runtime.database, MODEL, 2)]
    assert told == [
        ("scheduler", "check works again", "after 2 failures: The disk is full."),
        ("scheduler", "check failed", "The disk is full."),
    ]


def test_damage_of_the_store_is_a_failure_and_not_the_end_of_the_scheduler(runtime, spec, clock):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("drop table verdicts")
    clock.at = PRESENT + DAY
    Scheduler(runtime, MINUTE).run_due()
    (state,) = runtime.schedule.list_failing(MODEL)
    assert "verdicts" in state.message


def test_check_that_cannot_compare_with_training_fails_until_it_can(runtime, spec, clock):
    send(runtime, spec, "v2", PRESENT, 600, labels=True)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from reference_profiles")
        transaction.run_sql("delete from standing_references")
    (file,) = (one for one in runtime.home.snapshots.iterdir() if one.stem == find_snapshot(runtime))
    rows = file.read_bytes()
    file.unlink()
    clock.at, machine = PRESENT + DAY, Hand(NOON)
    scheduler = Scheduler(runtime, MINUTE, clock=machine)
    for turn in (0, 1):
        # The second time there is no news; what failed is tried again all the same.
        machine.at = NOON + turn * MINUTE
        scheduler.run_due()
        (state,) = runtime.schedule.list_failing(MODEL)
        assert state.failures == turn + 1
        assert state.message.startswith(f"Not everything of car-loan could be checked. The training rows {file}")
        assert state.message.count("cannot be read") == 1
    (newest,) = (one for one in read_coverage(runtime.database, MODEL) if one.chunk == PRESENT)
    assert newest.n == 600
    # The home remembers it too: a scheduler that begins anew, as after a restart, begins with it.
    assert get_refreshed(runtime.database, MODEL) < PRESENT + DAY
    file.write_bytes(rows)
    machine.at = NOON + 10 * MINUTE
    scheduler.run_due()
    assert runtime.schedule.list_failing(MODEL) == []
    assert find_features(runtime) == {"income", "debt"}


def find_snapshot(runtime):
    return get_version(runtime.database, MODEL, "v2").snapshot.id


def find_features(runtime):
    return {v.subject for v in list_verdicts(runtime.database, MODEL) if v.code == "drift.feature"}


def test_nothing_runs_while_another_has_the_turn(runtime, spec, clock):
    clock.at = PRESENT + 2 * DAY
    with runtime.schedule.turn:
        Scheduler(runtime, MINUTE).run_due()
    assert runtime.schedule.list_states() == []


def test_thread_checks_by_itself_and_ends_when_told(runtime, spec, clock):
    send(runtime, spec, "v2", PRESENT, 300)
    clock.at = PRESENT + DAY
    scheduler = Scheduler(runtime, MINUTE)
    scheduler.start()
    ending = time.monotonic() + 60
    while runtime.schedule.get(MODEL, Job.CHECK) is None and time.monotonic() < ending:
        time.sleep(0.05)
    scheduler.stop()
    assert get_refreshed(runtime.database, MODEL) == clock.at
    assert not scheduler.is_alive


@pytest.mark.parametrize(
    ("every", "waits"),
    [
        (timedelta(hours=1), [15, 30, 60, 120, 240, 480, 600, 600]),
        (MINUTE, [15, 30, 60, 60]),
        (timedelta(seconds=1), [15, 15]),
    ],
)
def test_waits_after_failures_double_up_to_the_usual_one(every, waits):
    state = JobState(model=MODEL, job=Job.CHECK, next_at=NOON)
    for seconds in waits:
        state = note_failure(state, NOON, every, "no")
        assert state.next_at - NOON == timedelta(seconds=seconds) <= LONGEST_RETRY
    assert (state.failures, state.failed_since) == (len(waits), NOON)
    assert note_success(state, NOON, every) == JobState(
        model=MODEL, job=Job.CHECK, next_at=NOON + every, succeeded_at=NOON
    )


def test_wait_is_bounded_after_a_year_of_failures():
    state = JobState(model=MODEL, job=Job.CHECK, next_at=NOON, failures=100_000, failed_since=NOON)
    assert note_failure(state, NOON, DAY, "no").next_at == NOON + LONGEST_RETRY


def test_failure_is_told_with_its_cause_and_the_next_attempt():
    state = JobState(model=MODEL, job=Job.CHECK, next_at=NOON)
    first = note_failure(state, NOON, MINUTE, "The disk is full.")
    assert tell_failure(first) == (
        "The check of car-loan failed at 12:00 UTC: The disk is full. It is tried again at 12:00:15 UTC; "
        "what depends on it is shown as of the last one that succeeded."
    )
    again = note_failure(first, NOON + FIRST_RETRY, MINUTE, "The disk is full.")
    assert tell_failure(again).startswith("The check of car-loan failed 2 times since 12:00 UTC: The disk is full. ")
