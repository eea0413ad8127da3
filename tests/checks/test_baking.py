"""What a change promises, when that is kept or broken, and what may be taken back, each as a full table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlops_core.checks.baking import (
    Pair,
    Seen,
    find_end,
    find_new_alerts,
    judge_bake,
    judge_unscored,
    make_promise,
    refuse_revert,
    tell_promise,
    tell_watch,
    weigh_pair,
)
from mlops_core.config import parse_model_text
from mlops_core.entities import (
    Action,
    Actor,
    Baking,
    ChunkSize,
    Deployment,
    Estimate,
    Metric,
    Standard,
    Status,
    Verdict,
)
from mlops_core.production import BAKER, Bake, Origin, Outcome, Promise
from mlops_core.stats.comparison import Measured, compare_paired, judge_metric
from tests.small_home import MODEL_FILE

SPEC = parse_model_text(MODEL_FILE)
START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UNTIL = START + 3 * DAY
LATE = UNTIL + timedelta(days=2)
"""The labels of the window have had their two days."""
REHEARSED = Promise(metric=Metric.F1, origin=Origin.REHEARSAL, value=0.43, low=0.42, high=0.45)
AT_LEAST = Promise(metric=Metric.F1, origin=Origin.STANDARD, low=0.25)
AT_MOST = Promise(metric=Metric.BRIER, origin=Origin.STANDARD, high=0.2)
BRIER = Promise(metric=Metric.BRIER, origin=Origin.REHEARSAL, value=0.15, low=0.14, high=0.16)
RATE = Promise(metric=Metric.POSITIVE_RATE, origin=Origin.REHEARSAL, value=0.2, low=0.15, high=0.25)
OFFLINE = Promise(metric=Metric.F1, origin=Origin.OFFLINE, value=0.5)
KEPT, BROKEN, UNDECIDED, SUPERSEDED = Outcome.KEPT, Outcome.BROKEN, Outcome.UNDECIDED, Outcome.SUPERSEDED


ANA, AUTO = Actor("ana", "page"), BAKER


def list_changes(*actors):
    names = [f"v{i % 2 + 1}" for i in range(len(actors))]
    return [
        Deployment(
            id=i + 1,
            model="car-loan",
            version=name,
            previous=names[i - 1] if i else None,
            action=Action.ROLL_BACK,
            at=START,
            actor=actor,
            reason="test",
            key=None,
        )
        for i, (name, actor) in enumerate(zip(names, actors, strict=True))
    ]


REPLACED = list_changes(ANA)[0]
"""The change that put v1 into production."""


def find(code="skew.null_fraction", subject="debt", status=Status.ALERT, at=START, version="v2"):
    return Verdict(
        code=code,
        model="car-loan",
        version=version,
        subject=subject,
        status=status,
        reason=f"{subject} is empty.",
        evidence={},
        at=at,
    )


def see(realised=(None,), n_labelled=900, are_labels_here=True, n=1000, **rest):
    return Seen(
        n=n,
        n_labelled=n_labelled,
        are_labels_here=are_labels_here,
        realised=Estimate(*realised),
        estimated=Estimate(None),
        **rest,
    )


def judge(promise, seen, now, next_change=None):
    bake = Bake(deployment=2, model="car-loan", version="v2", start=START, until=UNTIL, promise=promise)
    return judge_bake(bake, seen, next_change=next_change, label_delay_days=2, now=now)


DURING = UNTIL - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("promise", "seen", "now", "outcome", "reason"),
    [
        # While it bakes: nothing but certainty ends it.
        (REHEARSED, see((0.5, 0.45, 0.55)), DURING, None, "F1 0.50 [0.45, 0.55] on 900 labels keeps"),
        (REHEARSED, see((0.4, 0.35, 0.45)), DURING, None, "with its interval."),
        (REHEARSED, see((0.3, 0.25, 0.35)), DURING, BROKEN, "is worse than what was promised (0.430 [0.420, 0.450])."),
        (REHEARSED, see((0.3, 0.25, 0.35), n_labelled=499), DURING, None, "500 labels are needed to be sure."),
        (REHEARSED, see((0.1, 0.0, 0.2), n_labelled=199), DURING, None, "199 labels; 200 are needed."),
        # The end of the interval on the promise itself is not beyond it.
        (REHEARSED, see((0.4, 0.38, 0.42)), DURING, None, "reaches"),
        (REHEARSED, see((0.4, 0.38, 0.4199)), DURING, None, "but no more than chance may do"),
        (REHEARSED, see((0.4, 0.38, 0.4199)), UNTIL, UNDECIDED, "but no more than chance may do"),
        # At 900 labels, looked at from 500 on, the end counts 1.43 times as far from the figure.
        (REHEARSED, see((0.4, 0.38, 0.4139)), DURING, BROKEN, "is worse"),
        (REHEARSED, see((0.4, 0.38, 0.4141)), DURING, None, "but no more than chance may do"),
        # The time is over and the labels are here.
        (REHEARSED, see((0.5, 0.45, 0.55)), UNTIL, KEPT, "keeps what was promised"),
        (REHEARSED, see((0.4, 0.35, 0.45)), UNTIL, KEPT, "with its interval."),
        (REHEARSED, see((0.42, None, None)), UNTIL, KEPT, "keeps"),
        (REHEARSED, see((0.1, None, None)), UNTIL, UNDECIDED, "cannot be computed"),
        (REHEARSED, see((0.3, 0.25, 0.35)), UNTIL, BROKEN, "is worse"),
        (REHEARSED, see((0.3, 0.25, 0.35), n_labelled=499), UNTIL, UNDECIDED, "500 labels"),
        (REHEARSED, see((0.3, 0.25, 0.35), n_labelled=199), UNTIL, UNDECIDED, "200 are needed"),
        (REHEARSED, see((None,)), UNTIL, UNDECIDED, "one class only"),
        # Better than promised is kept.
        (REHEARSED, see((0.9, 0.85, 0.95)), UNTIL, KEPT, "keeps"),
        # The time is over and labels are to come: it goes on, until they have had their delay.
        (REHEARSED, see((0.5, 0.45, 0.55), are_labels_here=False), UNTIL, None, "keeps"),
        (REHEARSED, see((0.5, 0.45, 0.55), are_labels_here=False), LATE, KEPT, "keeps"),
        (REHEARSED, see((0.3, 0.25, 0.35), are_labels_here=False), UNTIL, BROKEN, "is worse"),
        (REHEARSED, see(n_labelled=0, are_labels_here=False), LATE - timedelta(seconds=1), None, "0 labels"),
        (REHEARSED, see(n_labelled=0, are_labels_here=False), LATE, UNDECIDED, "0 labels; 200 are needed."),
        (REHEARSED, see(n=0, n_labelled=0, are_labels_here=False), UNTIL, None, "It answered nothing."),
        (REHEARSED, see(n=0, n_labelled=0, are_labels_here=False), LATE, UNDECIDED, "It answered nothing."),
        # A standard, and metrics that are better when low, or neither.
        (AT_LEAST, see((0.3, 0.25, 0.35)), UNTIL, KEPT, "(at least 0.25)"),
        (AT_LEAST, see((0.2, 0.15, 0.23)), DURING, BROKEN, "(at least 0.25)"),
        (AT_MOST, see((0.3, 0.25, 0.35)), DURING, BROKEN, "(at most 0.2)"),
        (BRIER, see((0.3, 0.25, 0.35)), DURING, BROKEN, "Brier"),
        (BRIER, see((0.05, 0.04, 0.06)), UNTIL, KEPT, "Brier"),
        (RATE, see((0.5, 0.4, 0.6)), DURING, BROKEN, "Positive rate"),
        (RATE, see((0.05, 0.04, 0.06)), DURING, BROKEN, "Positive rate"),
        (RATE, see((0.2, 0.16, 0.3)), UNTIL, KEPT, "Positive rate"),
        # Offline figures are shown, not judged.
        (OFFLINE, see((0.1, 0.05, 0.15)), DURING, None, "Neither a rehearsal nor a standard"),
        (OFFLINE, see((0.1, 0.05, 0.15)), UNTIL, UNDECIDED, "Neither a rehearsal nor a standard"),
        # Data quality and serving break it at any time, whatever the labels say.
        (REHEARSED, see((0.5, 0.45, 0.55), alerts=(find(),)), DURING, BROKEN, "New since the change: debt is empty."),
        (OFFLINE, see(alerts=(find(),)), UNTIL, BROKEN, "debt is empty."),
        (REHEARSED, see((0.5, 0.45, 0.55), unscored="9 came without."), DURING, BROKEN, "9 came without."),
    ],
)  # fmt: skip
def test_outcome_follows_the_table(promise, seen, now, outcome, reason):
    found = judge(promise, seen, now)
    assert found[0] is outcome
    assert reason in found[1]


def pair_up(candidate, error, n=900, n_window=None):
    """Give a comparison of F1 with a version that has 0.5, and the standard error of the difference."""
    middle, step = candidate - 0.5, 1.96 * error
    measured = Measured(values=(0.5, candidate), low=middle - step, high=middle + step)
    return Pair(previous="v1", found=judge_metric(Metric.F1, measured, n, 0.95, 0.01), n=n, n_window=n_window or n)


@pytest.mark.parametrize(
    ("pair", "now", "outcome", "told"),
    [
        (pair_up(0.40, 0.02), DURING, BROKEN, "it is worse than v1 (−0.100)."),
        # Beyond the interval of one look, which ends at 1.96, but not beyond that of all, which ends at 2.79.
        (pair_up(0.45, 0.02), DURING, None, "it is worse than v1 (−0.050), but no more than chance may do"),
        (pair_up(0.45, 0.02), UNTIL, UNDECIDED, "it is worse than v1 (−0.050), but no more than chance may do"),
        (pair_up(0.442, 0.02), DURING, BROKEN, "it is worse than v1 (−0.058)."),
        # The sample of a growing window is another one at each look.
        (pair_up(0.442, 0.02, n_window=50_000), DURING, None, "it is worse than v1 (−0.058), but no more than"),
        (pair_up(0.49, 0.02), DURING, None, "it is neither better nor worse than v1 (−0.010)."),
        (pair_up(0.49, 0.02), UNTIL, UNDECIDED, "it is neither better nor worse than v1 (−0.010)."),
        (pair_up(0.60, 0.02), DURING, None, "it is better than v1 (+0.100), so the days were hard."),
        (pair_up(0.60, 0.02), UNTIL, KEPT, "it is better than v1 (+0.100), so the days were hard."),
        (pair_up(0.40, float("nan")), UNTIL, UNDECIDED, "it is neither better nor worse than v1 (−0.100)."),
    ],
)
def test_pair_on_the_same_rows_decides_as_the_table_says(pair, now, outcome, told):
    bake = Bake(deployment=2, model="car-loan", version="v2", start=START, until=UNTIL, promise=REHEARSED)
    found = weigh_pair(bake, "It is low.", pair, "loans", now)
    assert found[0] is outcome
    assert found[1].startswith(f"It is low. On the same 900 loans {told}")


def draw_twins(rng, n):
    """Give labels, and scores of two versions that err alike in the long run, but on other rows."""
    signal, shared, *own = rng.normal(size=(4, n))
    labels = (rng.random(n) < 1 / (1 + np.exp(1.5 - 1.6 * signal))).astype(int)
    return [labels, *(1 / (1 + np.exp(1 - 1.3 * (signal + 0.8 * shared + 0.5 * one))) for one in own)]


def test_version_that_is_no_worse_is_called_so_in_less_than_five_percent_of_windows():
    rng, looks = np.random.default_rng(3), range(500, 4500, 400)
    surely = once = 0
    for _ in range(300):
        rows = draw_twins(rng, looks[-1])
        judged = []
        for n in looks:
            cut = [part[:n] for part in rows]
            found = compare_paired(*cut, 0.4, 0.4, np.arange(n) // 400, rng, n_resamples=100, metrics=[Metric.F1])
            judged.append(Pair(previous="v1", found=found.metrics[Metric.F1], n=n, n_window=n))
        surely += any(pair.is_surely_worse for pair in judged)
        once += any(pair.found.judgement.value == "worse" for pair in judged)
    assert surely / 300 < 0.05 < once / 300


def test_window_is_superseded_when_production_changes_before_its_end():
    bad = see((0.3, 0.25, 0.35), alerts=(find(),))
    outcome, reason = judge(REHEARSED, bad, UNTIL, next_change=UNTIL - timedelta(hours=1))
    assert (outcome, reason) == (
        SUPERSEDED,
        "Production changed again on 3 Mar 23:00 UTC, before the time was over.",
    )
    # Whoever came after the time was over does not take it away.
    assert judge(REHEARSED, see((0.5, 0.45, 0.55)), UNTIL, next_change=UNTIL)[0] is KEPT


@pytest.mark.parametrize(
    ("chunk", "days", "at", "end"),
    [
        (ChunkSize.DAY, 3.0, START, UNTIL),
        # The chunk in which the days are over is watched to its end.
        (ChunkSize.DAY, 3.0, START + timedelta(hours=1), UNTIL + timedelta(days=1)),
        (ChunkSize.HOUR, 0.5, START + timedelta(minutes=10), START + timedelta(hours=13)),
        (ChunkSize.WEEK, 3.0, START, datetime(2024, 3, 4, tzinfo=UTC)),
        (ChunkSize.MONTH, 3.0, START, datetime(2024, 4, 1, tzinfo=UTC)),
    ],
)
def test_window_ends_with_a_chunk(chunk, days, at, end):
    assert find_end(replace(SPEC, chunk=chunk, baking=Baking(days=days)), at) == end


def rehearse(metric="roc_auc", champion=0.6, candidate=0.7, low=0.05, high=0.15):
    entry = {
        "metric": metric,
        "champion": champion,
        "candidate": candidate,
        "difference": 0.1,
        "low": low,
        "high": high,
    }
    return {"rehearsal": {"paired": {"metrics": [{"metric": "f1"}, entry]}}}


def test_promise_is_the_paired_evidence_of_the_rehearsal():
    promise = make_promise(SPEC, {"roc_auc": 0.9}, rehearse())
    assert (promise.origin, promise.value) == (Origin.REHEARSAL, 0.7)
    assert (promise.low, promise.high) == (pytest.approx(0.65), pytest.approx(0.75))
    assert tell_promise(promise) == "0.70 [0.65, 0.75]"
    # Differences are turned so that positive is better: a Brier score falls by them.
    lower = make_promise(replace(SPEC, primary_metric=Metric.BRIER), {}, rehearse("brier", 0.2, 0.12, 0.05, 0.1))
    assert (lower.low, lower.high) == (pytest.approx(0.1), pytest.approx(0.15))


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"rehearsal": None},
        {"rehearsal": "text"},
        {"rehearsal": {"paired": {"metrics": "text"}}},
        {"rehearsal": {"paired": {"metrics": [None]}}},
        rehearse("recall"),
        rehearse(low=None),
        rehearse(high=float("nan")),
    ],
)
def test_promise_is_the_standard_when_there_is_no_paired_evidence(evidence):
    promise = make_promise(SPEC, {"roc_auc": 0.9}, evidence)
    assert promise == Promise(metric=Metric.ROC_AUC, origin=Origin.STANDARD, low=0.6)
    assert tell_promise(promise) == "at least 0.6"


def test_promise_is_the_offline_figure_when_there_is_no_standard():
    bare = replace(SPEC, standards=(Standard(metric=Metric.F1, minimum=0.2),))
    promise = make_promise(bare, {"roc_auc": 0.9}, {})
    assert (promise.origin, promise.value, promise.is_judged) == (Origin.OFFLINE, 0.9, False)
    assert tell_promise(promise) == "0.90 offline"
    assert tell_promise(make_promise(bare, {}, {})) == "nothing"


def test_alerts_that_break_a_promise_are_new_ones_of_data_quality():
    later = START + timedelta(hours=2)
    standing = [
        find("quality.freshness", "traffic", at=later),
        find("skew.constant", "income", at=later),
        find("skew.null_fraction", "debt", at=later - timedelta(hours=1)),
        find("quality.range", "debt", Status.WARNING),
        find("drift.feature", "debt"),
        find("performance.standard", "roc_auc"),
        find("quality.refused", "traffic", at=UNTIL),
    ]
    earlier = [
        # What came before the replaced version did is over, but that no rows come is not.
        find("skew.null_fraction", "debt", at=START - DAY, version="v1"),
        find("quality.freshness", "traffic", at=START - DAY, version="v9"),
        find("skew.constant", "income", Status.WARNING, version="v1"),
        find("skew.constant", "income", version="v9"),
    ]
    assert find_alerts(standing, earlier) == [("skew.null_fraction", "debt"), ("skew.constant", "income")]
    again = [*earlier, find("quality.freshness", "traffic", Status.OK, version="v1")]
    assert len(find_alerts(standing, again)) == 3
    known = [find("skew.null_fraction", "debt", version="v1"), find("skew.constant", "income", version="v1")]
    assert find_alerts(standing[1:], known) == []
    assert len(find_alerts(standing, [], before=None)) == 3


def find_alerts(standing, earlier, before=REPLACED, shared=(), now=UNTIL):
    found = find_new_alerts(standing, earlier, before, shared=shared, until=UNTIL, now=now)
    return [(one.code, one.subject) for one in found]


def test_gap_in_a_feature_that_both_versions_read_breaks_a_promise_when_it_has_stood_for_a_day():
    gap, skew = find("quality.null_fraction", "debt"), find("skew.null_fraction", "income")
    soon = START + DAY - timedelta(minutes=1)
    both = {"debt", "income"}
    assert find_alerts([gap, skew], [], shared=both, now=soon) == [("skew.null_fraction", "income")]
    assert len(find_alerts([gap, skew], [], shared=both, now=START + DAY)) == 2
    # What the version before did not read can only be its own.
    assert len(find_alerts([gap, skew], [], shared={"income"}, now=soon)) == 2


@pytest.mark.parametrize(
    ("unscored", "n", "usual", "is_told"),
    [
        (0, 1000, 0.0, False),
        (5, 1000, 0.0, False),
        (12, 1000, 0.0, False),
        (40, 1000, 0.0, True),
        (40, 1000, 0.04, False),
        (100, 1000, 0.04, True),
        (100, 199, 0.0, False),
        (0, 0, 0.0, False),
    ],
)
def test_rows_without_a_score_are_told_when_they_are_surely_more_than_usual(unscored, n, usual, is_told):
    told = judge_unscored(unscored, n, usual, "loans")
    assert bool(told) == is_told
    assert not told or told.startswith(f"{unscored} of 1,000 loans (")


@pytest.mark.parametrize(
    ("actors", "may"),
    [
        ((ANA,), False),
        ((ANA, ANA), True),
        ((ANA, AUTO), False),
        ((AUTO, ANA), False),
        ((ANA, AUTO, ANA), False),
        ((ANA, AUTO, ANA, ANA), True),
        ((ANA, ANA, AUTO), False),
    ],
)
def test_change_is_taken_back_once_and_never_in_a_loop(actors, may):
    changes = list_changes(*actors)
    assert (refuse_revert(changes, Baking(auto_revert=True)) is None) == may
    assert refuse_revert(changes, Baking()) == ""


def test_someone_who_is_called_baking_is_not_taken_for_it():
    changes = list_changes(ANA, Actor(AUTO.name, "page"))
    assert refuse_revert(changes, Baking(auto_revert=True)) is None


def test_dialog_says_for_how_long_a_change_is_watched():
    assert tell_watch(Baking(days=0)) == ""
    assert tell_watch(Baking()) == "For 3 days it is watched against what was promised."
    assert tell_watch(Baking(days=1, auto_revert=True)) == (
        "For 1 day it is watched against what was promised. One that breaks it is taken back by itself, once."
    )
