"""Traffic from a version that was not in production: found once, told everywhere, and over after a day."""

from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.checks.strays import TOLERANCE, WRONG_VERSION
from mlops_core.entities import Action, Actor, Retention, Status
from mlops_core.services.activity import list_lines
from mlops_core.services.attention import list_states
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import count_waiting, refresh
from mlops_core.services.overview import read_overview
from mlops_core.services.retention import apply_retention, set_retention
from mlops_core.services.served import (
    find_predictions,
    list_incidents,
    list_served_versions,
    read_served,
    tell_prediction,
    tell_served,
)
from mlops_core.services.strays import INCIDENT
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.strays import list_strays
from mlops_core.store.verdicts import list_verdicts
from tests.services.test_baking import change
from tests.services.test_monitoring import DAY, send
from tests.small_home import DAYS, MODEL, PRESENT, ROWS_PER_DAY, START, draw_loans

HOUR = timedelta(hours=1)
NOON = PRESENT + 12 * HOUR


def send_at(runtime, spec, version, start, n, *, hours=1, seed=90, score=0.5):
    """Send rows spread over some hours; they arrive at their end."""
    loans = draw_loans(n, start, 1, seed=seed).drop_columns(["label"])
    times = pa.array([start + hours * HOUR * i / n for i in range(n)], pa.timestamp("us", tz="UTC"))
    rows = loans.set_column(1, "scored_at", times).append_column("version", pa.repeat(version, n))
    rows = rows.append_column("score", pa.repeat(pa.scalar(score, pa.float64()), n))
    ingest_predictions(runtime, spec, rows, now=start + hours * HOUR)


def list_found(runtime, status=Status.ALERT):
    found = [one for one in list_verdicts(runtime.database, MODEL) if one.code == WRONG_VERSION]
    return [one for one in found if one.status is status]


def list_told(runtime):
    return [event for event in list_audit_events(runtime.database, MODEL, 1000) if event.action == INCIDENT]


def test_traffic_of_the_small_home_agrees_with_the_ledger(runtime, spec):
    assert list_strays(runtime.database, MODEL) == []
    served = read_served(runtime, spec, PRESENT)
    assert tell_served(served, spec) == (
        Status.OK,
        "All 8,400 loans were answered by the version that was in production at their time.",
    )
    week = START + 7 * DAY
    assert [(one.version, one.start, one.end, one.n) for one in served.answered] == [
        ("v1", START, week, 7 * ROWS_PER_DAY),
        ("v2", week, START + DAYS * DAY, 7 * ROWS_PER_DAY),
    ]
    assert [span.version for span in served.spans] == ["v1", "v2"]


def test_version_that_goes_on_after_a_rollback_is_an_incident(runtime, spec):
    change(runtime, "v1", Action.ROLL_BACK, now=NOON)
    send_at(runtime, spec, "v2", NOON, 120)
    send_at(runtime, spec, "v1", NOON, 480, seed=91)
    found = [one for one in refresh(runtime, spec, NOON + HOUR) if one.code == WRONG_VERSION]
    # Two rows a minute; those of the first five minutes may still be on their way.
    reason = "v2 answered 110 loans from 20 Mar 12:05 to 20 Mar 12:59 UTC while it was not in production."
    assert [(one.version, one.subject, one.status, one.reason) for one in found] == [("v1", "v2", Status.ALERT, reason)]
    assert (found[0].evidence["n"], found[0].evidence["of"]) == (110, 600)
    (event,) = list_told(runtime)
    assert (event.actor, event.subject, event.reason) == (Actor("traffic", "system"), "v2", reason)
    assert list_lines([event])[0][3] == "v2 answered out of turn"
    assert find_broken_line(runtime.database) is None
    overview = read_overview(runtime, spec, NOON + HOUR)
    assert (overview.headline.status, overview.headline.sentence) == (
        Status.ALERT,
        "Other versions answer loans too.",
    )
    assert overview.headline.detail.startswith(reason)
    assert [one.what for one in overview.happenings if one.who == "traffic"] == [reason]
    (state,) = list_states(runtime, [spec])
    assert (state.status, state.reason) == (Status.ALERT, reason)


def test_incident_is_told_once_while_it_goes_on_and_again_when_it_comes_back(runtime, spec):
    change(runtime, "v1", Action.ROLL_BACK, now=PRESENT)
    now = PRESENT + HOUR
    for i in range(3):
        send_at(runtime, spec, "v2", now, 60, seed=100 + i)
        now += HOUR
        refresh(runtime, spec, now)
    assert (len(list_told(runtime)), len(list_found(runtime))) == (1, 1)
    (stray,) = list_strays(runtime.database, MODEL)
    assert (stray.n, stray.found_at) == (180, now)
    refresh(runtime, spec, now + DAY - timedelta(minutes=1))
    assert list_found(runtime, Status.OK) == []
    refresh(runtime, spec, now + DAY)
    (over,) = list_found(runtime, Status.OK)
    assert (over.subject, over.reason) == ("v2", "v2: No more loans of it were found for a day.")
    send_at(runtime, spec, "v2", now + DAY, 60, seed=110)
    refresh(runtime, spec, now + DAY + HOUR)
    assert (len(list_told(runtime)), len(list_found(runtime))) == (2, 2)


def test_nothing_is_told_within_minutes_of_a_change(runtime, spec):
    change(runtime, "v1", Action.ROLL_BACK, now=NOON)
    minute = timedelta(minutes=1)
    send_at(runtime, spec, "v2", NOON + TOLERANCE - minute, 30, hours=1 / 60)
    send_at(runtime, spec, "v1", NOON - TOLERANCE, 30, hours=1 / 60, seed=91)
    refresh(runtime, spec, NOON + HOUR)
    assert (list_strays(runtime.database, MODEL), list_told(runtime)) == ([], [])


def test_few_rows_out_of_turn_are_told_but_do_not_make_the_headline(runtime, spec):
    change(runtime, "v1", Action.ROLL_BACK, now=PRESENT)
    send(runtime, spec, "v1", PRESENT, 600, labels=True)
    send_at(runtime, spec, "v9", NOON, 5)
    refresh(runtime, spec, PRESENT + DAY)
    assert len(list_told(runtime)) == 1
    assert read_overview(runtime, spec, PRESENT + DAY).headline.status is Status.OK


def test_rows_without_a_score_are_looked_at_as_well(runtime, spec):
    send_at(runtime, spec, "v3", NOON, 40, score=None)
    refresh(runtime, spec, NOON + HOUR)
    assert [(one.version, one.n) for one in list_strays(runtime.database, MODEL)] == [("v3", 40)]
    served = read_served(runtime, spec, NOON + HOUR)
    assert list_served_versions(served, ("v1", "v2")) == ["v1", "v2", "v3"]


def test_rows_that_come_late_are_an_incident_of_their_own_time(runtime, spec):
    # A spool of v1, from two days after v2 took over.
    send_at(runtime, spec, "v1", START + 9 * DAY, 50)
    refresh(runtime, spec, PRESENT + HOUR)
    (event,) = list_told(runtime)
    assert event.reason.startswith("v1 answered 50 loans from 10 Mar 00:00 to 10 Mar 00:58 UTC")
    assert list_incidents(read_served(runtime, spec, PRESENT)) == [("10 Mar 00:00 – 00:58", "v1", "v2", "50")]


def test_counting_again_finds_nothing_new(runtime, spec):
    send_at(runtime, spec, "v1", NOON, 50)
    refresh(runtime, spec, NOON + HOUR)
    before = list_strays(runtime.database, MODEL)
    # A replay or a label marks the chunk, and it is looked at anew.
    with runtime.database.transaction() as transaction:
        transaction.run_sql("insert into pending_chunks select model, chunk from strays")
    count_waiting(runtime, spec)
    refresh(runtime, spec, NOON + 2 * HOUR)
    assert list_strays(runtime.database, MODEL) == before
    assert len(list_told(runtime)) == 1


def test_traffic_from_before_the_check_was_there_is_told_from_counts(runtime, spec):
    send_at(runtime, spec, "v1", NOON, 50)
    refresh(runtime, spec, NOON + HOUR)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from strays")
    served = read_served(runtime, spec, NOON + HOUR)
    status, sentence = tell_served(served, spec)
    assert (status, sentence) == (
        Status.ALERT,
        "v1 answered 50 loans from 20 Mar 00:00 to 21 Mar 00:00 UTC while it was not in production.",
    )


def test_incidents_go_with_the_counts_of_their_time(runtime, spec):
    send_at(runtime, spec, "v1", START + 9 * DAY, 50)
    refresh(runtime, spec, PRESENT)
    ana = Actor("ana", "page")
    short = Retention(row_days=3, profile_days=3)
    set_retention(runtime, spec, short, actor=ana, reason="the law", now=PRESENT)
    apply_retention(runtime, spec, actor=ana, now=PRESENT)
    assert list_strays(runtime.database, MODEL) == []


@pytest.mark.parametrize(
    ("prediction", "status", "sentence"),
    [
        ("0-00000", Status.OK, "v1 answered this loan on 1 Mar 2024 at 00:00:00 UTC, and was in production then."),
        ("8-00300", Status.OK, "v2 answered this loan on 9 Mar 2024 at 12:00:00 UTC, and was in production then."),
        ("90-00000", Status.ALERT, "v9 answered this loan on 20 Mar 2024 at 12:00:00 UTC, though v2 was in production"),
        ("91-00000", Status.OK, "within minutes of a change; v2 was in production then."),
        ("92-00000", Status.OK, "before anything was in production by the ledger."),
    ],
)
def test_prediction_says_who_served_it_and_who_was_to(runtime, spec, prediction, status, sentence):
    send_at(runtime, spec, "v9", NOON, 50)
    send_at(runtime, spec, "v1", START + 7 * DAY + HOUR / 60, 1, hours=1 / 60, seed=91)
    send_at(runtime, spec, "v7", START - 9 * DAY, 1, seed=92)
    (found,) = find_predictions(runtime, spec, prediction)
    told = tell_prediction(found, spec)
    assert told[0] is status
    assert sentence in told[1]
    assert find_predictions(runtime, spec, "nobody") == []
