"""Changing production: one decision, one deployment, one audit line, or nothing at all."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import skops.io

from mlops_core.artifacts import locate_artifact, store_file
from mlops_core.entities import Action, Actor
from mlops_core.errors import ConflictError, InputError, MLOpsError, NotFoundError, PreflightError
from mlops_core.services.deployment import (
    ChangeRequest,
    change_production,
    get_history,
    list_targets,
    run_preflight,
)
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from tests.services.conftest import read_tables
from tests.small_home import MODEL, PRESENT, draw_loans

THREADS = 20


def ask(to, action=Action.ROLL_BACK, **options):
    fields = {"model": MODEL, "to": to, "action": action, "actor": Actor("ana", "api"), "reason": "it was better"}
    return ChangeRequest(**(fields | options))


def change(runtime, request, preflight=None):
    return change_production(runtime, request, now=PRESENT, preflight=preflight)


def attempt(runtime, request, preflight=None):
    """Give the deployment, or the error."""
    try:
        return change(runtime, request, preflight)
    except MLOpsError as error:
        return error


def assert_consistent(runtime, changes):
    """Check that ledger, decisions, and audit tell the same story of this many changes after the first two."""
    history = get_history(runtime, MODEL)
    assert len(history) == changes + 2
    assert [deployment.previous for deployment in history] == [None, *(d.version for d in history[:-1])]
    assert [deployment.id for deployment in history] == list(range(1, len(history) + 1))
    decisions = runtime.database.table("select id, action, target from decisions order by id").to_pylist()
    assert decisions == [{"id": d.id, "action": d.action.value, "target": d.version} for d in history]
    events = [e for e in reversed(list_audit_events(runtime.database, MODEL)) if "deployment" in e.evidence]
    assert [(e.evidence["deployment"], e.action, e.subject) for e in events] == [
        (d.id, d.action.verb, d.version) for d in history
    ]
    assert find_broken_line(runtime.database) is None


def test_rollback_is_recorded_three_times_when_it_succeeds(runtime):
    request = ask("v1", key="k", evidence={"recall": 0.4})
    done = change(runtime, request)
    assert (done.version, done.previous, done.action, done.key) == ("v1", "v2", Action.ROLL_BACK, "k")
    assert get_champion(runtime.database, MODEL) == done
    event = list_audit_events(runtime.database, MODEL)[0]
    assert (event.action, event.subject, event.actor) == ("roll back", "v1", Actor("ana", "api"))
    assert event.evidence["recall"] == 0.4
    assert event.evidence["artifact_hash"] == get_version(runtime.database, MODEL, "v1").artifact_hash
    assert_consistent(runtime, 1)


def test_undo_puts_back_what_was_replaced(runtime):
    done = change(runtime, ask("v1"))
    assert list_targets(runtime, MODEL, Action.ROLL_BACK) == ("v1", ["v2"])
    change(runtime, ask(done.previous))
    assert get_champion(runtime.database, MODEL).version == "v2"
    assert_consistent(runtime, 2)


def test_targets_are_the_likeliest_first_when_asked_for(runtime):
    assert list_targets(runtime, MODEL, Action.ROLL_BACK) == ("v2", ["v1"])
    assert list_targets(runtime, MODEL, Action.PROMOTE) == ("v2", ["v3", "v1"])


def run_threads(runtime, requests):
    # The preflight is run once: what is tested is what happens when all commit at the same time.
    preflights = {name: run_preflight(runtime, MODEL, name) for name in {request.to for request in requests}}
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda request: attempt(runtime, request, preflights[request.to]), requests))


def test_one_deployment_is_made_when_twenty_threads_send_the_same_key(runtime):
    found = run_threads(runtime, [ask("v1", key="same")] * THREADS)
    assert len({deployment.id for deployment in found}) == 1
    assert_consistent(runtime, 1)


def test_one_thread_wins_when_twenty_roll_back_to_the_same_version_with_their_own_keys(runtime):
    found = run_threads(runtime, [ask("v1", key=f"key-{i}") for i in range(THREADS)])
    assert sum(isinstance(answer, ConflictError) for answer in found) == THREADS - 1
    assert_consistent(runtime, 1)


def test_chain_stays_consistent_when_twenty_threads_want_different_versions(runtime):
    requests = [ask(f"v{1 + 2 * (i % 2)}", Action.PROMOTE, key=f"key-{i}") for i in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda request: attempt(runtime, request), requests))
    refused = [answer for answer in found if isinstance(answer, MLOpsError)]
    assert all(isinstance(error, ConflictError) for error in refused)
    assert_consistent(runtime, THREADS - len(refused))
    assert len(refused) < THREADS


def test_request_is_answered_again_when_its_key_comes_back_later(runtime):
    first = change(runtime, ask("v1", key="k"))
    change(runtime, ask("v2"))
    assert change(runtime, ask("v1", key="k")) == first
    assert get_champion(runtime.database, MODEL).version == "v2"
    assert_consistent(runtime, 2)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (ask("v2"), ConflictError, "v2 is in production already"),
        (ask("v2", Action.PROMOTE), ConflictError, "v2 is in production already"),
        (ask("v3"), ConflictError, "v3 was never in production"),
        (ask("v9"), NotFoundError, "no version 'v9'; its versions are: v1, v2, v3"),
        (ask("v1", model="other"), NotFoundError, "no model 'other'; the models are: car-loan"),
        (ask("v1", reason="  "), InputError, "A reason of 1 to 2,000 characters"),
        (ask("v1", reason="x" * 2001), InputError, "this one has 2,001"),
    ],
)
def test_change_is_refused_and_nothing_changes_when_production_does_not_allow_it(runtime, request_, error, message):
    before = read_tables(runtime.database)
    with pytest.raises(error, match=message):
        change(runtime, request_)
    assert read_tables(runtime.database) == before


def test_key_is_refused_and_nothing_changes_when_it_was_used_for_another_version(runtime):
    change(runtime, ask("v1", key="k"))
    before = read_tables(runtime.database)
    with pytest.raises(InputError, match="The key 'k' was used to roll back v1; use a new key"):
        change(runtime, ask("v3", Action.PROMOTE, key="k"))
    with pytest.raises(InputError, match="The key 'k' was used"):
        change(runtime, ask("v1", Action.PROMOTE, key="k"))
    assert read_tables(runtime.database) == before


def test_preflight_passes_when_all_is_well(runtime):
    preflight = run_preflight(runtime, MODEL, "v1")
    assert preflight.passed
    assert preflight.champion == "v2"
    assert [check.name for check in preflight.checks] == ["artifact", "schema"]


@pytest.mark.parametrize(
    ("alter", "error", "message"),
    [
        (lambda p: replace(p, at=p.at - timedelta(minutes=11)), PreflightError, "more than ten minutes old"),
        (lambda p: replace(p, version="v3"), PreflightError, "was run for v3, not for v1"),
        (lambda p: replace(p, artifact_hash="0" * 64), PreflightError, "was run for another artifact"),
        (lambda p: replace(p, champion="v3"), ConflictError, "changed from v3 to v2"),
        (
            lambda p: replace(p, checks=(replace(p.checks[0], passed=False, detail="It is broken."),)),
            PreflightError,
            "v1 cannot serve. It is broken.",
        ),
    ],
    ids=["too old", "other version", "other artifact", "champion changed", "failed"],
)
def test_change_is_refused_and_nothing_changes_when_the_preflight_does_not_hold(runtime, alter, error, message):
    before = read_tables(runtime.database)
    preflight = alter(run_preflight(runtime, MODEL, "v1"))
    with pytest.raises(error, match=message):
        change(runtime, ask("v1"), preflight)
    assert read_tables(runtime.database) == before


def test_change_is_refused_when_production_changed_after_the_preflight(runtime):
    preflight = run_preflight(runtime, MODEL, "v1")
    change(runtime, ask("v3", Action.PROMOTE))
    with pytest.raises(ConflictError, match="Production of car-loan changed from v2 to v3"):
        change(runtime, ask("v1"), preflight)
    assert_consistent(runtime, 1)


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(flip_byte, "The artifact is damaged"), (lambda path: path.unlink(), "cannot be read: No such file")],
    ids=["one byte flipped", "file gone"],
)
def test_change_is_refused_and_nothing_changes_when_the_artifact_is_spoiled(runtime, spoil, message):
    good = run_preflight(runtime, MODEL, "v1")
    version = get_version(runtime.database, MODEL, "v1")
    spoil(locate_artifact(runtime.home.artifacts, version.artifact_hash))
    before = read_tables(runtime.database)
    preflight = run_preflight(runtime, MODEL, "v1")
    assert not preflight.passed
    assert message in preflight.checks[0].detail
    # A preflight that was good when the dialog opened does not help: the commit hashes again.
    for given in (None, preflight, good):
        with pytest.raises((PreflightError, NotFoundError), match=message):
            change(runtime, ask("v1"), given)
    assert read_tables(runtime.database) == before


class Stranger:
    """A type that no allow-list knows."""


def test_change_is_refused_when_the_artifact_holds_a_type_that_is_not_allowed(runtime, spec):
    artifact = skops.io.dumps(Stranger())
    rows = draw_loans(20, PRESENT, 1, seed=1)
    trained = TrainedVersion(
        name="v4", features=("debt",), parameters={}, offline_metrics={}, rows=rows, code_id="", artifact=artifact
    )
    register_version(runtime, spec, trained, actor=Actor("ana", "api"), now=PRESENT)
    before = read_tables(runtime.database)
    with pytest.raises(PreflightError, match=r"holds the type '.*Stranger', which is not on the allow-list"):
        change(runtime, ask("v4", Action.PROMOTE))
    assert read_tables(runtime.database) == before


def test_change_is_refused_when_the_artifact_is_no_model_file(runtime, spec):
    trained = TrainedVersion(
        name="v4",
        features=("debt",),
        parameters={},
        offline_metrics={},
        rows=draw_loans(20, PRESENT, 1, seed=1),
        code_id="",
        artifact=b"no zip file",
    )
    register_version(runtime, spec, trained, actor=Actor("ana", "api"), now=PRESENT)
    with pytest.raises(PreflightError, match="The artifact cannot be loaded"):
        change(runtime, ask("v4", Action.PROMOTE))


def test_file_is_whole_and_private_when_it_is_stored(tmp_path):
    digest = store_file(tmp_path / "new", b"content", ".skops")
    (stored,) = (tmp_path / "new").iterdir()
    assert stored.name == f"{digest}.skops"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert store_file(tmp_path / "new", b"content", ".skops") == digest
