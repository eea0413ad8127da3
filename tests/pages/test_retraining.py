"""The Retraining page alone: before the first run, and of runs that passed, failed, and were cut short."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import Home, parse_model_text
from mlops_core.runs import RunOrder, RunStatus
from mlops_core.services.retraining import cancel_run, order_run, read_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home

RunPage = Callable[..., AppTest]


def write_model_file(home: Home, text: str) -> None:
    runtime = Runtime.open(home)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = $text", {"text": text})
    runtime.close()


def carry_out(runtime: Runtime, **changes: object) -> RunStatus:
    spec = get_model(runtime.database, MODEL)
    run = order_run(runtime, spec, RunOrder(model=MODEL, reason="labels of March", actor=ACTOR, **changes))
    deadline = time.monotonic() + 90
    while not (status := read_run(runtime, spec, run.id).run.status).is_over and time.monotonic() < deadline:
        time.sleep(0.1)
    return status


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The small home after a run that passed, one that failed, and one that was cancelled."""
    home = copy_small_home(tmp_path_factory.mktemp("trained") / "home")
    runtime = Runtime.open(home)
    runtime.clocks[MODEL] = lambda: PRESENT
    try:
        assert carry_out(runtime) is RunStatus.SUCCEEDED
        assert carry_out(runtime, candidates=("nobody",)) is RunStatus.FAILED
        spec = get_model(runtime.database, MODEL)
        run = order_run(runtime, spec, RunOrder(model=MODEL, reason="too early", actor=ACTOR))
        cancel_run(runtime, spec, run.id, actor=ACTOR, reason="the wrong month")
    finally:
        runtime.close()
    return home


@pytest.fixture
def runs(trained: Home, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(trained.path, tmp_path / "runs")))


def read(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.proto.body for element in test.get("html"))


def test_model_that_is_trained_elsewhere_is_told_what_to_add(run_page: RunPage, tmp_path: Path):
    home = copy_small_home(tmp_path / "home")
    training = MODEL_FILE[MODEL_FILE.index("[training]") : MODEL_FILE.index("[words]")]
    text = MODEL_FILE.replace(training, "")
    assert parse_model_text(text).training is None
    write_model_file(home, text)
    test = run_page(home, "retraining")
    assert "car-loan is trained elsewhere." in read(test)
    assert "entry_point" in test.code[0].value
    assert test.button(key="review-run").disabled
    assert "People roll production back." not in read(test)


def test_policy_that_only_rolls_back_is_shown_of_a_model_that_is_trained_elsewhere(run_page: RunPage, tmp_path: Path):
    home = copy_small_home(tmp_path / "home")
    untrained = MODEL_FILE.replace(MODEL_FILE[MODEL_FILE.index("[training]") : MODEL_FILE.index("[words]")], "")
    write_model_file(home, f'{untrained}\n[policy]\nroll_back = "when the version before is better"')
    words = read(run_page(home, "retraining"))
    assert "is better on the same rows, production is rolled back to it by itself, once, and not within 1 day" in words


def test_page_says_so_when_nothing_has_been_trained(run_page: RunPage, tmp_path: Path):
    test = run_page(copy_small_home(tmp_path / "home"), "retraining")
    assert "No version of car-loan has been trained here yet." in read(test)
    assert not test.button(key="review-run").disabled


def test_run_that_passed_shows_candidates_rows_and_what_the_gate_says(run_page: RunPage, runs: Home):
    test = run_page(runs, "retraining", run="1")
    words = read(test)
    assert "Run 3 was cancelled; nothing of it is registered." in words
    for part in ("boosted trees", "logistic regression was fitted once more", "5,400 labelled rows, snapshot"):
        assert part in words
    assert "ROC AUC: +0.001" in words
    assert "north, ROC AUC" in words
    assert "v4 would" in words
    link = '<a href="versions?model-select=car-loan&amp;lineage-version=v4" target="_self">v4</a>'
    assert f"It has trained {link}." in words
    assert f"<td>{link}</td>" in words
    assert '<a href="retraining?model-select=car-loan&amp;run=2" target="_self">run 2</a>' in words
    assert test.button(key="run-again").label == "Train again on the same rows…"


def test_run_that_failed_says_why_and_offers_to_try_again(run_page: RunPage, runs: Home):
    test = run_page(runs, "retraining", run="2")
    assert "no candidate &#x27;nobody&#x27;; the candidates are: boosted trees, logistic regression" in read(test)
    assert test.button(key="run-again").label == "Try again…"


def test_run_that_was_cancelled_has_no_step_that_still_runs(run_page: RunPage, runs: Home):
    words = read(run_page(runs, "retraining"))
    assert 'aria-label="running"' not in words
    assert words.index("too early") < words.index("labels of March")


def test_unknown_run_in_the_address_is_told(run_page: RunPage, runs: Home):
    test = run_page(runs, "retraining", run="77")
    assert "The link asks for the run '77', which is not known here" in test.warning[0].value
