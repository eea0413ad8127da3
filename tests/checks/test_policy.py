"""The policy as a full table: what starts a run, what stops it, and what is said of either."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from mlops_core.checks.findings import Check
from mlops_core.config import parse_model_text
from mlops_core.entities import Status, Verdict
from mlops_core.errors import InputError
from mlops_core.policy import OUTCOMES, Facts, decide
from mlops_core.policy_records import Cause, Decision, Obstacle, PastRun
from mlops_core.policy_terms import (
    VERDICT_CODES,
    Budget,
    Least,
    Policy,
    Promotion,
    Rollback,
    VerdictTrigger,
    read_policy,
    write_policy,
)
from mlops_core.policy_words import describe_policy
from mlops_core.runs import RunStatus
from tests.small_home import MODEL_FILE

NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STANDARD = VerdictTrigger("performance.standard", Least.ALERT)
POLICY = Policy(
    verdicts=(STANDARD, VerdictTrigger("drift.feature", Least.WARNING)),
    new_labels=1000,
    every_days=30,
    cooldown_days=7,
    budget=Budget(runs=2, days=60),
)
QUIET = Facts(verdicts=(), runs=(), last_training=NOW - 20 * DAY, new_labels=999, labels_since_own=999, now=NOW)


def say(code="performance.standard", status=Status.ALERT, subject="f1", at=NOW - DAY):
    return Verdict(code=code, model="m", version="v1", subject=subject, status=status, reason="", evidence={}, at=at)


def past(number, days_ago, status=RunStatus.REFUSED, *, is_own=True):
    return PastRun(id=number, at=NOW - days_ago * DAY, status=status, is_own=is_own)


def test_model_trains_nothing_by_itself_when_its_file_does_not_ask_for_it():
    assert parse_model_text(MODEL_FILE).policy == read_policy({}) == Policy()
    loud = replace(QUIET, verdicts=(say(),), new_labels=10**9, last_training=None)
    answer = decide(Policy(), loud)
    assert (answer.decision, answer.asked, answer.obstacle) == (Decision.HOLD, (), None)
    assert answer.words == "No run is started by itself."
    assert describe_policy(Policy()) == [
        "No run is started by itself; people start them.",
        "A version that passes the gate becomes the challenger; people promote it.",
        "People roll production back.",
    ]


VERDICT, LABELS, SCHEDULE = {"verdicts": (say(),)}, {"new_labels": 1000}, {"last_training": NOW - 30 * DAY}
CAUSES = ((VERDICT, Cause.VERDICT), (LABELS, Cause.LABELS), (SCHEDULE, Cause.SCHEDULE))


@pytest.mark.parametrize("present", list(product((False, True), repeat=3)))
def test_run_is_started_when_any_trigger_asks_and_nothing_stops_it(present):
    chosen = [cause for cause, there in zip(CAUSES, present, strict=True) if there]
    changes = {key: value for change, _ in chosen for key, value in change.items()}
    answer = decide(POLICY, replace(QUIET, **changes))
    assert answer.decision is (Decision.RETRAIN if chosen else Decision.HOLD)
    assert [one.cause for one in answer.asked] == [cause for _, cause in chosen]
    assert (answer.obstacle, answer.because) == (None, 0)
    assert answer.words == (" ".join(one.words for one in answer.asked) or "Nothing asks for a run.")


@pytest.mark.parametrize(
    ("code", "status", "asks"),
    [
        ("performance.standard", Status.ALERT, True),
        ("performance.standard", Status.WARNING, False),
        ("performance.standard", Status.INSUFFICIENT_DATA, False),
        ("performance.standard", Status.OK, False),
        ("drift.feature", Status.ALERT, True),
        ("drift.feature", Status.WARNING, True),
        ("drift.feature", Status.INSUFFICIENT_DATA, False),
        ("drift.feature", Status.OK, False),
        ("performance.estimate", Status.ALERT, False),
    ],
)
def test_verdict_asks_when_its_status_is_at_least_the_one_named(code, status, asks):
    answer = decide(POLICY, replace(QUIET, verdicts=(say(code, status),)))
    assert (answer.decision is Decision.RETRAIN) == asks


COOLING = (past(4, 6.99, is_own=False),)
SPENT = (past(2, 59), past(3, 20))
NEWS = {"verdicts": (say(at=NOW - 10 * DAY),), "labels_since_own": 0}
STOPS = {
    "run 4 is queued": ((past(4, 40, RunStatus.QUEUED),), {}, Obstacle.RUNNING, 4),
    "run 4 is running": ((past(4, 1, RunStatus.RUNNING, is_own=False),), {}, Obstacle.RUNNING, 4),
    "within 7 days of run 4 none is started, that is until 31 May 12:14 UTC": (COOLING, {}, Obstacle.COOLDOWN, 4),
    "the budget of 2 in 60 days is used up until 1 Jun 12:00 UTC": (SPENT, {}, Obstacle.BUDGET, 3),
} | {
    f"run 3 {words}, and neither labels nor other verdicts have come since": (
        (past(3, 9, status),),
        NEWS,
        Obstacle.NOTHING_NEW,
        3,
    )
    for status, words in OUTCOMES.items()
}


@pytest.mark.parametrize("words", STOPS)
def test_run_is_held_and_the_reason_said_when_something_stops_it(words):
    runs, changes, obstacle, number = STOPS[words]
    answer = decide(POLICY, replace(QUIET, **(VERDICT | changes | {"runs": runs})))
    assert (answer.decision, answer.obstacle, answer.because) == (Decision.HOLD, obstacle, number)
    assert answer.words.startswith("A check complains of f1 (performance.standard, alert), since ")
    assert answer.words.endswith(f" No run: {words}.")


def test_last_run_is_the_one_that_was_ordered_last_whatever_its_number():
    runs = (past(9, 30, None), past(2, 5))
    assert decide(POLICY, replace(QUIET, **VERDICT, runs=runs)).because == 2
    assert decide(POLICY, replace(QUIET, **(VERDICT | NEWS), runs=(past(9, 9, None),))).words.endswith(
        " No run: neither labels nor other verdicts have come since run 9."
    )


PASSES = {
    "the cooldown is over": ((past(4, 7),), {}),
    "the budget has room": ((past(2, 60), past(3, 20)), {}),
    "people's runs are not in the budget": ((past(1, 30, is_own=False), past(2, 25, is_own=False), past(3, 20)), {}),
    "labels have come since": ((past(3, 9, RunStatus.FAILED),), NEWS | {"labels_since_own": 1}),
    "another verdict has come since": (
        (past(3, 9, RunStatus.FAILED),),
        NEWS | {"verdicts": (say(at=NOW - 10 * DAY), say("drift.feature", subject="temp", at=NOW - 8 * DAY))},
    ),
    "the last run was started by people": ((past(3, 9, RunStatus.FAILED, is_own=False),), NEWS),
}


@pytest.mark.parametrize("name", PASSES)
def test_run_is_started_when_what_could_stop_it_is_over(name):
    runs, changes = PASSES[name]
    answer = decide(POLICY, replace(QUIET, **(VERDICT | changes | {"runs": runs})))
    assert (answer.decision, answer.because) == (Decision.RETRAIN, runs[-1].id)


def test_schedule_counts_from_the_last_training_or_run_and_starts_at_once_when_there_is_none():
    only = Policy(every_days=30)
    fresh = replace(QUIET, last_training=NOW - 90 * DAY, runs=(past(3, 29, RunStatus.FAILED),))
    assert decide(only, fresh).words == "Nothing asks for a run."
    assert decide(only, replace(fresh, now=NOW + DAY)).decision is Decision.RETRAIN
    assert decide(only, replace(QUIET, last_training=None)).words == "Nothing was trained yet."


def test_schedule_goes_on_without_news_where_no_label_is_ever_delivered():
    only = replace(POLICY, every_days=8)
    brought = replace(QUIET, new_labels=None, labels_since_own=0, runs=(past(3, 9, RunStatus.FAILED),))
    assert decide(only, brought).decision is Decision.RETRAIN
    assert decide(only, replace(brought, new_labels=0)).obstacle is Obstacle.NOTHING_NEW
    told = replace(brought, verdicts=(say(at=NOW - 10 * DAY),), now=NOW - 2 * DAY)
    assert decide(only, told).obstacle is Obstacle.NOTHING_NEW


def test_many_verdicts_are_counted_instead_of_named():
    verdicts = tuple(say("drift.feature", subject=f"x{i}", at=NOW - i * DAY) for i in range(1, 6))
    words = decide(POLICY, replace(QUIET, verdicts=verdicts)).words
    assert words == (
        "Checks complain of x1 (drift.feature, alert), x2 (drift.feature, alert), x3 (drift.feature, alert), and "
        "2 more, the first since 26 May 12:00 UTC."
    )


def test_policy_is_said_in_words():
    assert describe_policy(replace(POLICY, cooldown_days=1, promote=Promotion.WHEN_PASSED)) == [
        (
            "A run is started while drift.feature says a warning or an alert, or while performance.standard says an "
            "alert, or when 1,000 labels have come since the last training, or 30 days after the last training or run."
        ),
        "Not within 1 day of another, and not more than 2 times in 60 days.",
        "A version that passes the gate is promoted by itself.",
        "People roll production back.",
    ]
    assert describe_policy(Policy(roll_back=Rollback.WHEN_BETTER, alert_days=2))[-1] == (
        "When a standard is in alert for 2 days, and the version before is better on the same rows, production is "
        "rolled back to it by itself, once, and not within 1 day of a change."
    )


def test_codes_are_those_that_checks_give_of_what_training_can_mend():
    own = {"performance.standard", "performance.estimate", "drift.feature"}
    assert set(VERDICT_CODES) == own | {check.value for check in Check}


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        POLICY,
        Policy(roll_back=Rollback.WHEN_BETTER, alert_days=0),
        Policy(roll_back=Rollback.WHEN_BETTER, alert_days=2.5, new_labels=1),
        Policy(every_days=0.5, cooldown_days=0, budget=Budget(runs=1, days=1.25), promote=Promotion.WHEN_PASSED),
    ],
)
def test_policy_is_read_as_it_was_written(policy):
    text = write_policy(policy)
    assert read_policy(tomllib.loads(text)["policy"]) == policy
    assert parse_model_text(MODEL_FILE + text).policy == policy


REFUSED = {
    "verdict = 1": r"The section \[policy\] has the unknown key 'verdict'; accepted are alert_days, budget, cooldow",
    "verdicts = 3": r"The verdicts of \[policy\] are 3; accepted is a table such as",
    'verdicts = { "drift.features" = "ALERT" }': r"The table verdicts of \[policy\] has the unknown key 'drift.featur",
    'verdicts = { "drift.feature" = "OK" }': r"status of drift.feature 'OK' is not known; accepted are WARNING, ALERT",
    "new_labels = 0": "The new_labels 0 is not accepted: a whole number from 1 to 1,000,000,000,000",
    "new_labels = 2.5": "The new_labels 2.5 is not accepted",
    "every_days = 0": "The every_days 0 is not accepted: a number from 0.0416667 to 3650",
    "every_days = nan": "The every_days nan is not accepted",
    "cooldown_days = -1": "The cooldown_days -1 is not accepted: a number from 0 to 3650",
    "budget = 3": r"The budget of \[policy\] is 3; accepted is a table such as \{ runs = 4, days = 30 \}",
    "budget = { times = 3 }": r"The budget of \[policy\] has the unknown key 'times'; accepted are days, runs",
    "budget = { runs = true }": "The budget runs True is not accepted: a whole number from 1 to 10,000",
    "roll_back = true": r"The roll_back of \[policy\] True is not known; accepted are by hand, when the",
    "alert_days = -1": "The alert_days -1 is not accepted: a number from 0 to 3650",
    'promote = "yes"': r"The promote of \[policy\] 'yes' is not known; accepted are by hand, when it passes the gate",
}


@pytest.mark.parametrize("line", REFUSED)
def test_model_is_refused_when_its_policy_is_not_understood(line):
    with pytest.raises(InputError, match=REFUSED[line]):
        parse_model_text(f"{MODEL_FILE}\n[policy]\n{line}")


def test_model_is_refused_when_its_policy_would_start_runs_that_nothing_describes():
    untrained = MODEL_FILE[: MODEL_FILE.index("[training]")]
    assert parse_model_text(f"{untrained}\n[policy]\ncooldown_days = 2").policy.cooldown_days == 2
    parsed = parse_model_text(f'{untrained}\n[policy]\nroll_back = "{Rollback.WHEN_BETTER.value}"')
    assert parsed.policy.rolls_back
    with pytest.raises(InputError, match=r"there is no section \[training\] that says how"):
        parse_model_text(f"{untrained}\n[policy]\nnew_labels = 5")
    with pytest.raises(InputError, match=r"The policy is 5; accepted is a section \[policy\]"):
        parse_model_text(f"policy = 5\n{MODEL_FILE}")
