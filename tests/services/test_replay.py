"""Replays: what a version scores again, what it lacks, and that one which fails leaves nothing behind."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from mlops_core.artifacts import load_estimator, locate_artifact, read_checked
from mlops_core.entities import Actor, Window
from mlops_core.errors import CancelledError, PreflightError
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.background import BackgroundRuns, Progress
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.services.replay import replay_version
from mlops_core.store.models import get_version
from tests.small_home import MODEL, PRESENT, PROMOTIONS, ROWS_PER_DAY, START, draw_loans

SINCE_V2 = Window(PROMOTIONS[1][1], START + timedelta(days=14))


def count_replays(runtime):
    return runtime.database.table("select count(*) as n from replays_car_loan")["n"][0].as_py()


def test_replayed_scores_equal_predict_proba_on_the_logged_inputs(runtime, spec):
    found = replay_version(runtime, spec, "v3", SINCE_V2)
    assert (found.n_scored, found.missing) == (7 * ROWS_PER_DAY, ())
    stored = runtime.database.table(
        "select r.score, p.income, p.debt, r.artifact_hash from replays_car_loan as r "
        "join predictions_car_loan as p using (prediction_id) order by prediction_id"
    )
    version = get_version(runtime.database, MODEL, "v3")
    path = locate_artifact(runtime.home.artifacts, version.artifact_hash)
    estimator = load_estimator(read_checked(path, version.artifact_hash))
    expected = estimator.predict_proba(stored.select(["income", "debt"]).to_pandas())[:, 1]
    np.testing.assert_array_equal(stored["score"].to_numpy(), expected)
    assert set(stored["artifact_hash"].to_pylist()) == {version.artifact_hash}


def empty_debt(runtime, since):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update predictions_car_loan set debt = null where scored_at >= $t", {"t": since})


def test_nothing_is_stored_when_a_later_batch_fails(runtime, spec, monkeypatch):
    monkeypatch.setattr("mlops_core.services.replay.BATCH_ROWS", ROWS_PER_DAY)
    empty_debt(runtime, SINCE_V2.end - timedelta(days=1))
    with pytest.raises(PreflightError, match="cannot score: ValueError"):
        replay_version(runtime, spec, "v1", SINCE_V2)
    assert count_replays(runtime) == 0


def test_version_that_cannot_do_without_a_feature_is_refused_with_its_name(runtime, spec):
    empty_debt(runtime, START)
    message = "v1 cannot be replayed. It was trained with debt, which no loan of this window has, and it does not"
    with pytest.raises(PreflightError, match=message):
        replay_version(runtime, spec, "v1", SINCE_V2)
    assert count_replays(runtime) == 0


def test_version_that_accepts_empty_values_is_replayed_with_them_and_says_so(runtime, spec):
    empty_debt(runtime, START)
    # v3 is a histogram boosting, which knows what to do without a value.
    found = replay_version(runtime, spec, "v3", SINCE_V2)
    assert (found.n_scored, found.missing) == (7 * ROWS_PER_DAY, ("debt",))
    assert replay_version(runtime, spec, "v3", SINCE_V2).missing == ("debt",)


def register(runtime, spec, name, estimator):
    rows = draw_loans(500, START - timedelta(days=20), 10, seed=7)
    estimator.fit(rows.select(["income", "debt"]).to_pandas(), rows["label"].to_numpy())
    trained = TrainedVersion(
        name=name,
        features=("income", "debt"),
        parameters={},
        offline_metrics={},
        rows=rows,
        code_id="0" * 64,
        artifact=skops.io.dumps(estimator),
    )
    register_version(runtime, spec, trained, actor=Actor("ana", "page"), now=PRESENT)


@pytest.fixture
def own_host(runtime):
    """A host that this test may spoil."""
    runtime.replays = ArtifactHost(runtime.home.artifacts, memory_limit_bytes=600 * 10**6)
    yield runtime.replays
    runtime.replays.close()


def test_version_that_takes_too_much_memory_is_refused_and_the_next_one_scores(runtime, spec, own_host):
    # Powers up to the 150th: 11,476 columns, 0.4 GB for 4,200 rows, several times over.
    register(runtime, spec, "greedy", make_pipeline(PolynomialFeatures(150), GaussianNB()))
    with pytest.raises(PreflightError, match=r"needs more than the 0\.6 GB of memory that it may take"):
        replay_version(runtime, spec, "greedy", SINCE_V2)
    assert count_replays(runtime) == 0
    assert replay_version(runtime, spec, "v3", SINCE_V2).n_scored == 7 * ROWS_PER_DAY


def test_replay_that_hangs_ends_when_it_is_cancelled_and_leaves_nothing(runtime, spec, own_host):
    own_host.check(get_version(runtime.database, MODEL, "v3").artifact_hash)
    os.kill(own_host._child.pid, signal.SIGSTOP)
    runs = BackgroundRuns()

    def work(progress):
        return replay_version(runtime, spec, "v3", SINCE_V2, progress)

    run = runs.start("v3", work, "replay")
    assert runs.start("v3", work, "replay") is run
    wait_for(lambda: "v3 scores 0 of 4,200 loans" in run.progress.step)
    run.progress.cancel()
    wait_for(lambda: run.is_over)
    assert run.error == "It was cancelled while a version scored; nothing of it is kept."
    assert count_replays(runtime) == 0
    again = runs.start("v3", work, "replay")
    wait_for(lambda: again.is_over)
    assert (again is not run, again.found.n_scored) == (True, 7 * ROWS_PER_DAY)


def test_request_that_waits_for_another_ends_when_it_is_cancelled(runtime, spec, own_host):
    with own_host._lock, pytest.raises(CancelledError, match="waited for another version"):
        own_host.score("0" * 64, pa.table({"income": [1.0]}), lambda: True)


def test_host_that_hangs_is_closed_at_once(runtime, spec, own_host):
    artifact = get_version(runtime.database, MODEL, "v3").artifact_hash
    own_host.check(artifact)
    os.kill(own_host._child.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(own_host.check, artifact)
        wait_for(own_host._lock.locked)
        own_host.close()
        with pytest.raises(PreflightError, match="ended the process"):
            asked.result(timeout=30)


def test_version_that_gives_no_chance_is_refused_and_nothing_is_stored(runtime, spec):
    register(runtime, spec, "odd", GaussianNB())
    with runtime.database.transaction() as transaction:
        # So far from all it has learned that both classes have the chance 0, and 0 ÷ 0 is no number.
        transaction.run_sql(
            "update predictions_car_loan set income = 1e200 where scored_at >= $t", {"t": SINCE_V2.start}
        )
    with pytest.raises(PreflightError, match=r"gave the score nan for [\d,]+ of 4,200 rows; accepted are chances"):
        replay_version(runtime, spec, "odd", SINCE_V2)
    assert count_replays(runtime) == 0


def wait_for(is_so):
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_so()


def test_work_that_was_cancelled_before_it_began_does_nothing(runtime, spec):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        replay_version(runtime, spec, "v3", SINCE_V2, progress)
    assert count_replays(runtime) == 0
