"""The policy's changes of production as a full table: when it is rolled back, what holds that, and what ends a loop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.checks.strays import WRONG_VERSION
from mlops_core.entities import Action, Actor, Deployment, Metric, Status, Verdict
from mlops_core.policy_changes import ChangeFacts, Compared, decide_rollback, refuse_promotion
from mlops_core.policy_records import Decision, Obstacle
from mlops_core.policy_terms import Policy, Rollback
from mlops_core.production import BAKER, POLICY
from mlops_core.stats.comparison import MetricDifference, PairedComparison
from mlops_core.stats.decisions import Confusion, Flips
from mlops_core.stats.judgement import judge_interval

NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANA = Actor("ana", "page")
RULES = Policy(roll_back=Rollback.WHEN_BETTER, cooldown_days=7, alert_days=2)
TIME = "since 28 May 12:00 UTC."


def say(code="performance.standard", status=Status.ALERT, subject="f1", days_ago=3.0, reason=""):
    at = NOW - days_ago * DAY
    return Verdict(
        code=code, model="m", version="v4", subject=subject, status=status, reason=reason, evidence={}, at=at
    )


def change(number, version, previous, days_ago, action=Action.PROMOTE, actor=ANA):
    return Deployment(
        id=number,
        model="m",
        version=version,
        previous=previous,
        action=action,
        at=NOW - days_ago * DAY,
        actor=actor,
        reason="",
        key=None,
    )


def compare(*, n=5000, n_window=None, **ends):
    """Give a comparison with the interval of each metric; None for one that could not be compared."""
    metrics = {}
    for name, pair in ends.items():
        low, high = pair or (None, None)
        metrics[Metric(name)] = MetricDifference(
            metric=Metric(name),
            champion=None,
            candidate=None,
            difference=None if pair is None else (low + high) / 2,
            low=low,
            high=high,
            judgement=judge_interval(-1, 1) if pair is None else judge_interval(low, high, 0.01),
            reason="f1 is undefined" if pair is None else None,
        )
    none = Confusion(true_positive=0, false_positive=0, false_negative=0, true_negative=0)
    flips = Flips(n=0, share=0, to_positive=0, to_negative=0, corrected=0, spoiled=0)
    paired = PairedComparison(
        n=n, n_positive=n // 2, metrics=metrics, flips=flips, champion_confusion=none, candidate_confusion=none
    )
    return Compared(paired=paired, primary=Metric.F1, n_window=n_window or n)


FIRST, SECOND = change(1, "v3", None, 90), change(2, "v4", "v3", 20)
BETTER = compare(f1=(0.05, 0.07), recall=(0.05, 0.07))
FACTS = ChangeFacts(
    deployments=(FIRST, SECOND), verdicts=(say(),), trouble="", compared=BETTER, is_baking=False, now=NOW
)


def test_production_is_rolled_back_when_all_holds():
    answer = decide_rollback(RULES, FACTS)
    assert (answer.decision, answer.obstacle, answer.change, answer.alerts) == (
        Decision.ROLL_BACK,
        None,
        SECOND,
        (say(),),
    )
    assert answer.key == "policy: roll back change 2"
    assert answer.words == (
        f"A check complains of f1 (performance.standard, alert), {TIME} v3, which was in production before v4, is "
        "better on the same 5,000 rows (F1 +0.060 [+0.050, +0.070])."
    )


SILENT = {
    "the policy leaves it to people": (replace(RULES, roll_back=Rollback.BY_HAND), {}),
    "nothing is in production": (RULES, {"deployments": ()}),
    "no check complains": (RULES, {"verdicts": ()}),
    "the standard is only in doubt": (RULES, {"verdicts": (say(status=Status.WARNING),)}),
    "the standard cannot be judged": (RULES, {"verdicts": (say(status=Status.INSUFFICIENT_DATA),)}),
    "the figure is estimated": (RULES, {"verdicts": (say("performance.estimate"),)}),
    "only inputs have moved": (RULES, {"verdicts": (say("drift.feature"), say("skew.null_fraction"))}),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_when(name):
    policy, changes = SILENT[name]
    assert decide_rollback(policy, replace(FACTS, **changes)) is None


BACK = change(3, "v3", "v4", 10, Action.ROLL_BACK)
OWN_BACK, BAKED_BACK = replace(BACK, actor=POLICY), replace(BACK, actor=BAKER)
AGAIN = change(4, "v4", "v3", 8)
STRAY = say(WRONG_VERSION, subject="v2", reason="v2 answered 40 rows.")
TWICE = "v4 was rolled back to v3 by itself on 21 May 12:00 UTC already; the next step is for a person"
HELD = {
    "v3 is the first version in production": ({"deployments": (FIRST,)}, Obstacle.NO_WAY_BACK, "no way back"),
    "v3 came by a rollback itself; the next step is for a person": (
        {"deployments": (FIRST, SECOND, BACK)},
        Obstacle.LOOP,
        "loop",
    ),
    TWICE: ({"deployments": (FIRST, SECOND, OWN_BACK, AGAIN)}, Obstacle.LOOP, "loop"),
    "within 7 days of a change of production none is made, that is until 31 May 12:14 UTC": (
        {"deployments": (FIRST, replace(SECOND, at=NOW - 6.99 * DAY))},
        Obstacle.COOLDOWN,
        "cooldown",
    ),
    "the alert must stand for 2 days, that is until 31 May 12:14 UTC": (
        {"verdicts": (say(days_ago=1.99),)},
        Obstacle.YOUNG,
        "young alert",
    ),
    "v4 bakes still, and is taken back by that if it breaks its promise": (
        {"is_baking": True},
        Obstacle.BAKING,
        "baking",
    ),
    "serving does not follow what is decided here, so a person must look: v2 answered 40 rows": (
        {"verdicts": (say(), STRAY)},
        Obstacle.INCIDENT,
        "incident",
    ),
    "v3 could not serve: The file is gone": ({"trouble": "The file is gone."}, Obstacle.UNABLE, "unable"),
    "v3 was not compared with v4 on the newest labelled rows": (
        {"compared": None},
        Obstacle.NOT_COMPARED,
        "not compared",
    ),
    "on the same 5,000 rows v3 is not worse (F1 +0.020 [−0.005, +0.045])": (
        {"compared": compare(f1=(-0.005, 0.045))},
        Obstacle.NOT_BETTER,
        "not worse f1",
    ),
    "on the same 5,000 rows it is undecided whether v3 is better (F1 +0.010 [−0.020, +0.040])": (
        {"compared": compare(f1=(-0.02, 0.04))},
        Obstacle.NOT_BETTER,
        "undecided f1",
    ),
    "on the same 5,000 rows v3 is worse (F1 −0.020 [−0.030, −0.010])": (
        {"compared": compare(f1=(-0.03, -0.01))},
        Obstacle.NOT_BETTER,
        "worse f1",
    ),
    "on the same 5,000 rows v3 is better (F1 +0.011 [+0.001, +0.021]), but no more than chance may do when one looks "
    "so often": ({"compared": compare(f1=(0.001, 0.021))}, Obstacle.NOT_BETTER, "better f1"),
    "whether v3 is better cannot be said on the same 5,000 rows: f1 is undefined": (
        {"compared": compare(f1=None)},
        Obstacle.NOT_BETTER,
        "undecided f1",
    ),
    "whether v3 is better cannot be said on the same 5,000 rows: positive_rate has no paired comparison": (
        {"verdicts": (say(subject="positive_rate"),)},
        Obstacle.NOT_BETTER,
        "undecided positive_rate",
    ),
    # The metric in alert is better, but the primary one pays for it.
    "on the same 5,000 rows v3 is worse (F1 −0.020 [−0.030, −0.010]) ": (
        {"verdicts": (say(subject="recall"),), "compared": compare(recall=(0.05, 0.07), f1=(-0.03, -0.01))},
        Obstacle.NOT_BETTER,
        "worse f1",
    ),
    # The primary metric is better, but its alert is a day old.
    "on the same 5,000 rows v3 is not worse (Recall +0.020 [−0.005, +0.045])": (
        {
            "verdicts": (say(subject="recall"), say(days_ago=1)),
            "compared": compare(recall=(-0.005, 0.045), f1=(0.05, 0.07)),
        },
        Obstacle.NOT_BETTER,
        "not worse recall",
    ),
    # The primary metric is better, but that is not what is in alert.
    "on the same 5,000 rows v3 is not worse (Recall +0.000 [−0.001, +0.001])": (
        {"verdicts": (say(subject="recall"),), "compared": compare(recall=(-0.001, 0.001), f1=(0.05, 0.07))},
        Obstacle.NOT_BETTER,
        "not worse recall",
    ),
}


@pytest.mark.parametrize("words", HELD)
def test_rollback_is_held_and_the_reason_said_when(words):
    changes, obstacle, told = HELD[words]
    facts = replace(FACTS, **changes)
    answer = decide_rollback(RULES, facts)
    assert (answer.decision, answer.obstacle) == (Decision.HOLD, obstacle)
    assert answer.words.endswith(f" No rollback: {words.strip()}.")
    assert answer.key == f"policy: no rollback of change {facts.deployments[-1].id}, {told}"


GOES = {
    "the cooldown is over": {"deployments": (FIRST, replace(SECOND, at=NOW - 7 * DAY))},
    "the alert has stood for long enough": {"verdicts": (say(days_ago=2),)},
    "one of two alerts has": {"verdicts": (say(days_ago=1), say(subject="recall", days_ago=2))},
    "it was rolled back by a person before": {"deployments": (FIRST, SECOND, BACK, AGAIN)},
    "another pair was rolled back by itself before": {
        "deployments": (FIRST, SECOND, OWN_BACK, change(4, "v5", "v3", 8, actor=POLICY))
    },
    "the version that answered out of turn does so no more": {"verdicts": (say(), replace(STRAY, status=Status.OK))},
    "what is in alert is better and the primary metric not worse": {
        "verdicts": (say(subject="recall"),),
        "compared": compare(recall=(0.05, 0.07), f1=(-0.005, 0.005)),
    },
    "one of two in alert is better and none worse": {
        "verdicts": (say(), say(subject="recall")),
        "compared": compare(f1=(-0.02, 0.02), recall=(0.05, 0.07)),
    },
}


@pytest.mark.parametrize("name", GOES)
def test_production_is_rolled_back_when(name):
    assert decide_rollback(RULES, replace(FACTS, **GOES[name])).decision is Decision.ROLL_BACK


def test_sample_of_many_rows_asks_for_more_than_all_of_few():
    edge = compare(n=1000, f1=(0.011, 0.051))
    assert decide_rollback(RULES, replace(FACTS, compared=edge)).decision is Decision.ROLL_BACK
    sampled = replace(edge, n_window=10**7)
    assert decide_rollback(RULES, replace(FACTS, compared=sampled)).obstacle is Obstacle.NOT_BETTER


@pytest.mark.parametrize("earlier", [OWN_BACK, BAKED_BACK])
def test_same_pair_is_never_rolled_back_twice_by_itself(earlier):
    facts = replace(FACTS, deployments=(FIRST, SECOND, earlier, AGAIN))
    assert decide_rollback(RULES, facts).obstacle is Obstacle.LOOP


NEXT = change(4, "v5", "v3", 8, actor=POLICY)
NEXT_BACK = change(5, "v3", "v5", 5, Action.ROLL_BACK, POLICY)
ENDED = (
    "v5, which was promoted by itself, was rolled back by itself on 26 May 12:00 UTC; the next step is for a person."
)
PROMOTIONS = {
    "nothing was rolled back": ((FIRST, SECOND), "v5", ""),
    "another version was rolled back by itself": ((FIRST, SECOND, OWN_BACK), "v5", ""),
    "another version was rolled back by a person": ((FIRST, SECOND, BACK), "v5", ""),
    "a person went on after one of its own was rolled back": (
        (FIRST, SECOND, OWN_BACK, NEXT, NEXT_BACK, change(6, "v4", "v3", 1)),
        "v6",
        "",
    ),
    "it was rolled back by itself": (
        (FIRST, SECOND, OWN_BACK),
        "v4",
        "v4 was rolled back on 21 May 12:00 UTC; whether it is promoted again is for a person.",
    ),
    "it was rolled back by a person, and promoted again": (
        (FIRST, SECOND, BACK, AGAIN, NEXT),
        "v4",
        "v4 was rolled back on 21 May 12:00 UTC; whether it is promoted again is for a person.",
    ),
    "one that was promoted by itself was rolled back by itself": (
        (FIRST, SECOND, OWN_BACK, NEXT, NEXT_BACK),
        "v6",
        ENDED,
    ),
    "the baking window took back one that was promoted by itself": (
        (FIRST, NEXT, replace(NEXT_BACK, actor=BAKER)),
        "v6",
        ENDED,
    ),
}


@pytest.mark.parametrize("name", PROMOTIONS)
def test_promotion_by_itself_ends_a_loop_when(name):
    deployments, version, why = PROMOTIONS[name]
    assert refuse_promotion(deployments, version) == why
