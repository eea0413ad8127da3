"""The child that runs model code: it may die or hang, the app goes on."""

import os
import signal
import time

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from mlops_core.artifacts import load_estimator, locate_artifact, read_checked, store_file
from mlops_core.errors import NotFoundError, PreflightError
from mlops_core.services.artifact_host import ArtifactHost

LOANS = pa.table({"income": [1.0, 3.0, None], "debt": [2.0, 0.5, 1.0]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def artifact(folder):
    frame = LOANS.slice(0, 2).to_pandas()
    return store_file(folder, skops.io.dumps(LogisticRegression().fit(frame, [1, 0])), ".skops")


@pytest.fixture(scope="module")
def host(folder):
    opened = ArtifactHost(folder)
    yield opened
    opened.close()


def test_scores_equal_predict_proba_when_the_child_scores(host, folder, artifact):
    rows = LOANS.slice(0, 2)
    estimator = load_estimator(read_checked(locate_artifact(folder, artifact), artifact))
    np.testing.assert_array_equal(host.score(artifact, rows), estimator.predict_proba(rows.to_pandas())[:, 1])


def test_error_of_model_code_is_told_and_the_child_lives_when_it_cannot_score(host, artifact):
    with pytest.raises(PreflightError, match="The artifact cannot score: ValueError: Input X contains NaN"):
        host.score(artifact, LOANS)
    assert host.check(artifact) > 0


def test_missing_artifact_is_told_by_its_own_error(host):
    with pytest.raises(NotFoundError, match="cannot be read: No such file"):
        host.check("0" * 64)


def test_next_request_works_when_the_child_was_killed(host, artifact):
    host.check(artifact)
    os.kill(host._child.pid, signal.SIGKILL)
    while host._child.is_alive():
        time.sleep(0.01)
    assert host.check(artifact) > 0


def test_request_is_refused_and_the_child_ended_when_it_takes_too_long(host, artifact, monkeypatch):
    host.check(artifact)
    child = host._child
    monkeypatch.setattr(host, "_time_limit_s", 0.2)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(PreflightError, match=r"took longer than the 0\.2 s"):
        host.check(artifact)
    assert host._child is None
    assert not child.is_alive()
    # That the next request starts another one is tested above.
