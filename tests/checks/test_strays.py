"""Who was to answer, as a full table, and what becomes of it when somebody else did."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.checks.strays import (
    TOLERANCE,
    WRONG_VERSION,
    check_strays,
    find_champion,
    is_grave,
    is_in_turn,
    list_turns,
    tell_strays,
)
from mlops_core.entities import Action, Actor, Deployment, Status
from mlops_core.production import AnswerSpan, Stray

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
DAY = 24 * HOUR


def deploy(number, version, at):
    return Deployment(
        id=number,
        model="car-loan",
        version=version,
        previous=None,
        action=Action.PROMOTE,
        at=at,
        actor=Actor("ana", "page"),
        reason="better",
        key=None,
    )


LEDGER = [deploy(1, "v1", MONDAY), deploy(2, "v2", MONDAY + DAY), deploy(3, "v1", MONDAY + 2 * DAY)]


def answer(version, first, last=None):
    return AnswerSpan(version=version, chunk=MONDAY, n=10, first=first, last=last or first)


@pytest.mark.parametrize(
    ("version", "first", "last", "is_fine"),
    [
        # Before the ledger begins it says nothing.
        ("v1", MONDAY - DAY, MONDAY - SECOND, True),
        ("v9", MONDAY - DAY, MONDAY - SECOND, True),
        ("v9", MONDAY - DAY, MONDAY, False),
        # In its own time.
        ("v1", MONDAY, MONDAY + HOUR, True),
        ("v2", MONDAY + DAY, MONDAY + 2 * DAY, True),
        ("v1", MONDAY + 3 * DAY, MONDAY + 90 * DAY, True),
        # The tolerance around a change, on both sides.
        ("v2", MONDAY + DAY - TOLERANCE, MONDAY + DAY, True),
        ("v2", MONDAY + DAY - TOLERANCE - SECOND, MONDAY + DAY, False),
        ("v1", MONDAY, MONDAY + DAY + TOLERANCE - SECOND, True),
        ("v1", MONDAY, MONDAY + DAY + TOLERANCE, False),
        # Out of turn.
        ("v1", MONDAY + DAY + HOUR, None, False),
        ("v2", MONDAY + HOUR, None, False),
        ("v2", MONDAY + 3 * DAY, None, False),
        ("v9", MONDAY + HOUR, None, False),
        # In two turns, and between them.
        ("v1", MONDAY + HOUR, MONDAY + 3 * DAY, False),
    ],
)
def test_rows_are_in_turn_when_the_ledger_says_so(version, first, last, is_fine):
    assert is_in_turn(answer(version, first, last), list_turns(LEDGER, version)) is is_fine


def test_turns_that_touch_are_one():
    again = [deploy(1, "v1", MONDAY), deploy(2, "v2", MONDAY + DAY), deploy(3, "v1", MONDAY + DAY + TOLERANCE)]
    assert is_in_turn(answer("v1", MONDAY, MONDAY + 2 * DAY), list_turns(again, "v1"))
    assert len(list_turns(again, "v1")) == 1


def test_any_version_may_answer_when_nothing_was_ever_in_production():
    assert is_in_turn(answer("v9", MONDAY), list_turns([], "v9"))


@pytest.mark.parametrize(
    ("at", "champion"),
    [
        (MONDAY - SECOND, None),
        (MONDAY, "v1"),
        (MONDAY + DAY - SECOND, "v1"),
        (MONDAY + DAY, "v2"),
        (MONDAY + 9 * DAY, "v1"),
    ],
)
def test_champion_of_an_instant_is_the_newest_deployment_before_it(at, champion):
    assert find_champion(LEDGER, at) == champion


def stray(version="v2", day=3, n=12, found=MONDAY + 4 * DAY):
    at = MONDAY + day * DAY
    return Stray(version=version, chunk=at, n=n, first=at + HOUR, last=at + 2 * HOUR, found_at=found)


def check(*strays, totals=None, now=MONDAY + 4 * DAY):
    return check_strays(strays, totals or {}, model="car-loan", champion=LEDGER[-1], rows="loans", now=now)


def test_each_version_that_answers_out_of_turn_is_an_alert_with_counts_and_times():
    found = check(stray(), stray(day=4, n=3), stray("v9"), totals={MONDAY + 3 * DAY: 600, MONDAY + 4 * DAY: 400})
    assert [(one.code, one.version, one.subject, one.status) for one in found] == [
        (WRONG_VERSION, "v1", "v2", Status.ALERT),
        (WRONG_VERSION, "v1", "v9", Status.ALERT),
    ]
    assert found[0].reason == (
        "v2 answered 15 loans from 7 Mar 01:00 to 8 Mar 02:00 UTC while it was not in production."
    )
    assert found[0].evidence == {
        "n": 15,
        "of": 1000,
        "first": "2024-03-07T01:00:00+00:00",
        "last": "2024-03-08T02:00:00+00:00",
    }
    assert tell_strays([stray("v9")], "loans").startswith("v9 answered 12 loans from 7 Mar 01:00 to 7 Mar 02:00")


@pytest.mark.parametrize(
    ("found", "now", "stands"),
    [
        (MONDAY + 4 * DAY, MONDAY + 4 * DAY, True),
        (MONDAY + 4 * DAY, MONDAY + 5 * DAY - SECOND, True),
        (MONDAY + 4 * DAY, MONDAY + 5 * DAY, False),
        # Found before the last change: it was told of the champion of that time.
        (MONDAY + 2 * DAY - SECOND, MONDAY + 2 * DAY, False),
        (None, MONDAY + 4 * DAY, False),
    ],
)
def test_alert_stands_for_a_day_after_the_last_find_under_the_same_champion(found, now, stands):
    assert bool(check(stray(found=found), now=now)) is stands


@pytest.mark.parametrize(("n", "of", "grave"), [(6, 600, True), (5, 600, False), (600, 600, True), (1, 1, True)])
def test_incident_is_grave_from_one_in_a_hundred_rows_on(n, of, grave):
    (verdict,) = check(stray(n=n), totals={MONDAY + 3 * DAY: of})
    assert is_grave(verdict) is grave
