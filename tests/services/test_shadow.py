"""The challenger: it scores what production answers, is never served, and is compared on the same rows."""

from datetime import timedelta

import pytest

from mlops_core.artifacts import locate_artifact
from mlops_core.entities import Action, Window
from mlops_core.errors import ConflictError, InputError, NotFoundError, PreflightError
from mlops_core.services.activity import tell_event
from mlops_core.services.challengers import list_possible_challengers, make_challenger, stop_challenger
from mlops_core.services.comparison import compare_versions
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.monitoring import refresh
from mlops_core.services.schedule import Job
from mlops_core.services.scheduler import Scheduler
from mlops_core.services.shadow import keep_shadow, read_shadow
from mlops_core.services.shadow_words import NOBODY, report_shadow, tell_scored, tell_shadow
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.models import get_version
from tests.services.test_monitoring import send
from tests.services.test_replay import count_replays, empty_debt
from tests.small_home import ACTOR, MODEL, PRESENT, PROMOTIONS, ROWS_PER_DAY, START

DAY = timedelta(days=1)
SINCE = PROMOTIONS[1][1]
"""Since when v2 is in production, and here also since when v3 is its challenger."""


def challenge(runtime, spec, version="v3", now=SINCE):
    return make_challenger(runtime, spec, version, actor=ACTOR, reason="to be tried", now=now)


def test_challenger_scores_what_production_answers_and_is_compared_on_it(runtime, spec):
    challenge(runtime, spec)
    served = runtime.database.table("from predictions_car_loan order by all")
    keep_shadow(runtime, spec, PRESENT)
    shadow = read_shadow(runtime, spec)
    assert (shadow.counts.n_logged, shadow.counts.n_scored, count_replays(runtime)) == (4200, 4200, 4200)
    assert runtime.database.table("from predictions_car_loan order by all").equals(served)
    window = Window(SINCE, START + timedelta(days=14))
    assert shadow.comparison == compare_versions(runtime, spec, "v2", "v3", window)
    assert shadow.counts.n_flipped == shadow.comparison.paired.flips.n > 0
    assert tell_shadow(spec, shadow).startswith("v3 is") or "not decided" in tell_shadow(spec, shadow)
    assert "it has scored 4,200 live loans" in tell_scored(spec, shadow)
    assert report_shadow(runtime, spec)["comparison"]["n"] == 4200


def test_nothing_is_scored_or_compared_twice(runtime, spec):
    challenge(runtime, spec)
    keep_shadow(runtime, spec, PRESENT)
    before = read_shadow(runtime, spec)
    keep_shadow(runtime, spec, PRESENT + timedelta(hours=1))
    assert read_shadow(runtime, spec) == before
    send(runtime, spec, "v2", PRESENT, ROWS_PER_DAY)
    keep_shadow(runtime, spec, PRESENT + DAY)
    unlabelled = read_shadow(runtime, spec)
    assert (unlabelled.counts.n_scored, unlabelled.comparison) == (4800, before.comparison)
    send(runtime, spec, "v2", PRESENT + DAY, ROWS_PER_DAY, labels=True, seed=51)
    later = PRESENT + 2 * DAY + timedelta(hours=1)
    keep_shadow(runtime, spec, later)
    # Labels count once a check has counted them, and are not forgotten until then.
    assert read_shadow(runtime, spec).comparison == before.comparison
    refresh(runtime, spec, later)
    keep_shadow(runtime, spec, later)
    newest = read_shadow(runtime, spec)
    assert (newest.counts.n_scored, newest.comparison.paired.n) == (5400, 4800)


def test_challenger_before_its_first_row_and_without_labels_says_so(runtime, spec):
    challenge(runtime, spec, now=PRESENT)
    keep_shadow(runtime, spec, PRESENT)
    shadow = read_shadow(runtime, spec)
    assert tell_shadow(spec, shadow) == "v3 scores in the shadow of v2 from the next loan on."
    assert tell_scored(spec, shadow) == "Nothing that v3 says is served."
    send(runtime, spec, "v2", PRESENT, ROWS_PER_DAY)
    keep_shadow(runtime, spec, PRESENT + DAY)
    shadow = read_shadow(runtime, spec)
    assert tell_shadow(spec, shadow) == "v3 scores in the shadow of v2; there is no verdict yet."
    assert "It cannot be compared yet: no loans of this time have their labels yet." in tell_scored(spec, shadow)


def test_what_was_scored_before_a_failure_stays_and_the_rest_follows(runtime, spec, monkeypatch):
    monkeypatch.setattr("mlops_core.services.shadow.BATCH_ROWS", ROWS_PER_DAY)
    monkeypatch.setattr("mlops_core.services.shadow.MOST_BATCHES", 3)
    challenge(runtime, spec, "v1")
    empty_debt(runtime, SINCE + DAY)
    with pytest.raises(PreflightError, match=r"^The challenger v1 cannot score live loans\. .*ValueError"):
        keep_shadow(runtime, spec, PRESENT)
    assert count_replays(runtime) == ROWS_PER_DAY
    shadow = read_shadow(runtime, spec)
    assert (shadow.counts.n_scored, shadow.counts.n_logged, shadow.comparison.paired.n) == (600, 4200, 600)
    stop_challenger(runtime, spec, actor=ACTOR, reason="it cannot score", now=PRESENT)
    challenge(runtime, spec, "v3", now=SINCE)
    keep_shadow(runtime, spec, PRESENT)
    assert "2,400 loans wait to be scored." in tell_scored(spec, read_shadow(runtime, spec))
    keep_shadow(runtime, spec, PRESENT)
    keep_shadow(runtime, spec, PRESENT)
    shadow = read_shadow(runtime, spec)
    # Rows that were scored late are in the comparison, though no labels have come since.
    assert (shadow.counts.n_scored, shadow.comparison.paired.n) == (4200, 4200)


def test_challenger_that_cannot_score_is_told_by_its_job(runtime, spec):
    challenge(runtime, spec, "v1")
    empty_debt(runtime, SINCE)
    runtime.clocks[MODEL] = lambda: PRESENT
    Scheduler(runtime, DAY).run_due()
    (failing,) = runtime.schedule.list_failing(MODEL)
    assert failing.job is Job.SHADOW
    lacks = "No loan has debt, which it was trained with."
    assert failing.message.startswith(f"The challenger v1 cannot score live loans. {lacks}")
    assert "shadow scoring failed" in [event.action for event in list_audit_events(runtime.database, MODEL)]


def test_new_champion_is_compared_from_its_own_first_row(runtime, spec):
    challenge(runtime, spec)
    keep_shadow(runtime, spec, PRESENT)
    change = ChangeRequest(model=MODEL, to="v1", action=Action.ROLL_BACK, actor=ACTOR, reason="back")
    change_production(runtime, change, now=PRESENT)
    shadow = read_shadow(runtime, spec)
    assert (shadow.champion, shadow.comparison, shadow.start) == ("v1", None, PRESENT)
    send(runtime, spec, "v1", PRESENT, ROWS_PER_DAY, labels=True)
    refresh(runtime, spec, PRESENT + DAY)
    keep_shadow(runtime, spec, PRESENT + DAY)
    shadow = read_shadow(runtime, spec)
    assert (shadow.comparison.champion, shadow.comparison.paired.n) == ("v1", ROWS_PER_DAY)


def test_challenge_ends_by_hand_or_in_production(runtime, spec):
    challenge(runtime, spec)
    assert list_possible_challengers(runtime, spec) == ["v1"]
    assert stop_challenger(runtime, spec, actor=ACTOR, reason="enough seen", now=PRESENT) == "v3"
    assert read_shadow(runtime, spec) is None
    assert report_shadow(runtime, spec)["sentence"] == NOBODY
    challenge(runtime, spec, now=PRESENT)
    change = ChangeRequest(model=MODEL, to="v3", action=Action.PROMOTE, actor=ACTOR, reason="better")
    change_production(runtime, change, now=PRESENT + DAY)
    keep_shadow(runtime, spec, PRESENT + DAY)
    assert read_shadow(runtime, spec) is None
    change = ChangeRequest(model=MODEL, to="v2", action=Action.ROLL_BACK, actor=ACTOR, reason="worse after all")
    change_production(runtime, change, now=PRESENT + DAY)
    challenge(runtime, spec, now=PRESENT + DAY)
    assert read_shadow(runtime, spec).challenge.version == "v3"
    told = [tell_event(event) for event in list_audit_events(runtime.database, MODEL)]
    assert told[2:6] == ["promote v3", "make v3 the challenger", "end the shadow of v3", "make v3 the challenger"]
    assert find_broken_line(runtime.database) is None


def test_what_cannot_be_a_challenger_is_refused_and_nothing_is_written(runtime, spec):
    challenge(runtime, spec)
    n_events = len(list_audit_events(runtime.database, MODEL))
    with pytest.raises(ConflictError, match="v2 is in production; it cannot be its own challenger"):
        challenge(runtime, spec, "v2")
    with pytest.raises(ConflictError, match="v3 is the challenger already"):
        challenge(runtime, spec)
    with pytest.raises(NotFoundError, match="v9"):
        challenge(runtime, spec, "v9")
    with pytest.raises(InputError, match="A reason of 1 to"):
        make_challenger(runtime, spec, "v1", actor=ACTOR, reason=" ", now=PRESENT)
    locate_artifact(runtime.home.artifacts, get_version(runtime.database, MODEL, "v1").artifact_hash).unlink()
    with pytest.raises(PreflightError, match=r"^v1 cannot score live loans\."):
        challenge(runtime, spec, "v1")
    stop_challenger(runtime, spec, actor=ACTOR, reason="over", now=PRESENT)
    with pytest.raises(ConflictError, match="car-loan has no challenger; nothing was changed"):
        stop_challenger(runtime, spec, actor=ACTOR, reason="over", now=PRESENT)
    assert len(list_audit_events(runtime.database, MODEL)) == n_events + 1
