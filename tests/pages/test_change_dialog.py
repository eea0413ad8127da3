"""The dialog that changes production: it opens at once and fills, and does what was prepared or nothing."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import PROJECT, Home
from mlops_core.entities import Action
from mlops_core.production import Origin
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.shared import get_runtime
from mlops_core.store.audit import list_audit_events
from mlops_core.store.bakes import list_bakes
from mlops_core.store.deployments import get_champion
from tests.small_home import ACTOR, MODEL, PRESENT, copy_small_home

RunPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


def _read(test: AppTest) -> str:
    """Give all words of a page."""
    html = [element.proto.body for element in test.get("html")]
    return " ".join([*html, *(element.value for element in test.markdown)])


def has_button(test: AppTest, key: str) -> bool:
    return any(button.key == key for button in test.button)


def open_dialog(test: AppTest, key: str) -> None:
    test.button(key=key).click().run()
    wait_for_rehearsal(test)


def wait_for_rehearsal(test: AppTest) -> None:
    deadline = time.monotonic() + 60
    while has_button(test, "rehearsal-cancel") and time.monotonic() < deadline:
        time.sleep(0.1)
        test.run()
    assert not has_button(test, "rehearsal-cancel")


def test_dialog_changes_nothing_when_production_changed_while_it_was_open(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    runtime = get_runtime()
    meanwhile = ChangeRequest(model=MODEL, to="v1", action=Action.ROLL_BACK, actor=ACTOR, reason="from elsewhere")
    change_production(runtime, meanwhile, now=PRESENT)
    before = list_audit_events(runtime.database, MODEL)
    test.text_input(key="rollback-reason").set_value("too late")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    assert list_audit_events(runtime.database, MODEL) == before
    assert get_champion(runtime.database, MODEL).version == "v1"
    assert any("v1 is in production already" in error.value for error in test.error)
    wait_for_rehearsal(test)
    assert any("v1 is in production already" in error.value for error in test.error)


def test_refusal_stands_beside_the_button_and_everything_is_checked_anew(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "versions")
    open_dialog(test, "review-rollback")
    assert "<b>Failed:</b>" not in _read(test)
    for artifact in home.artifacts.iterdir():
        artifact.write_bytes(b"damaged")
    test.text_input(key="rollback-reason").set_value("v2 asks too much")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    assert get_champion(get_runtime().database, MODEL).version == "v2"
    assert "<b>Failed:</b>" in _read(test)
    assert test.button(key="rollback-confirm").disabled
    assert len(test.error) == 1


def test_reason_never_keeps_the_figures_of_another_target(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-promote")
    assert test.selectbox(key="promote-target").value == "v3"
    test.text_input(key="promote-reason").set_value("v3 has better figures")
    test.selectbox(key="promote-target").set_value("v1").run()
    wait_for_rehearsal(test)
    assert "v3" not in test.text_input(key="promote-reason").value


def test_versions_rolls_back_when_the_dialog_is_confirmed(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    assert test.selectbox(key="rollback-target").options == ["v1"]
    test.text_input(key="rollback-reason").set_value("v2 asks too much")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    assert not test.exception
    runtime = get_runtime()
    assert get_champion(runtime.database, MODEL).version == "v1"
    event = list_audit_events(runtime.database, MODEL)[0]
    assert (event.action, event.subject, event.reason) == ("roll back", "v1", "v2 asks too much")
    assert event.actor.channel == "page"
    assert json.dumps(event.evidence["rehearsal"]).count("difference") > 0


def test_versions_refuses_a_rollback_when_no_reason_is_given(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    test.text_input(key="rollback-reason").set_value("   ")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    assert any("reason" in error.value for error in test.error)
    assert get_champion(get_runtime().database, MODEL).version == "v2"


@pytest.fixture
def stopped(run_warm: RunPage, home: Home) -> AppTest:
    """The page Versions with its dialog open, where the process that replays answers nothing."""
    test = run_warm(home, "versions")
    replays = get_runtime().replays
    replays.warm_up()
    os.kill(replays._child.pid, signal.SIGSTOP)
    test.button(key="review-rollback").click().run()
    return test


def test_dialog_is_there_while_the_rehearsal_runs_and_cannot_be_confirmed(stopped: AppTest) -> None:
    assert "Artifact loads" in _read(stopped)
    assert has_button(stopped, "rehearsal-cancel")
    assert stopped.button(key="rollback-confirm").disabled
    assert stopped.text_input(key="rollback-reason").disabled


def test_production_changes_without_a_rehearsal_for_somebody_who_does_not_wait(stopped: AppTest) -> None:
    stopped.button(key="rehearsal-cancel").click().run()
    wait_for_rehearsal(stopped)
    assert any("It was cancelled" in info.value for info in stopped.info)
    stopped.text_input(key="rollback-reason").set_value("now")
    stopped.button(key="rollback-confirm").click().run()
    runtime = get_runtime()
    assert get_champion(runtime.database, MODEL).version == "v1"
    assert "rehearsal" not in list_audit_events(runtime.database, MODEL)[0].evidence


def test_version_that_the_rehearsal_calls_worse_needs_a_second_confirmation(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    assert "v1 would be worse." in _read(test)
    assert test.text_input(key="rollback-reason").value == ""
    test.text_input(key="rollback-reason").set_value("v1 all the same")
    test.button(key="rollback-confirm").click().run()
    runtime = get_runtime()
    assert get_champion(runtime.database, MODEL).version == "v2"
    assert any("the rehearsal calls v1 worse than v2" in error.value for error in test.error)
    assert test.text_input(key="rollback-reason").value == "v1 all the same"
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    assert get_champion(runtime.database, MODEL).version == "v1"


def test_another_target_needs_its_own_confirmation(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-promote")
    test.selectbox(key="promote-target").set_value("v1").run()
    wait_for_rehearsal(test)
    test.checkbox(key="promote-worse").check().run()
    test.selectbox(key="promote-target").set_value("v3").run()
    wait_for_rehearsal(test)
    test.selectbox(key="promote-target").set_value("v1").run()
    wait_for_rehearsal(test)
    assert not test.checkbox(key="promote-worse").value


def test_evidence_holds_times_and_differences_to_training(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    test.text_input(key="rollback-reason").set_value("v1 all the same")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    evidence = list_audit_events(get_runtime().database, MODEL)[0].evidence
    assert set(evidence["latency"]) == {"v1", "v2"}
    assert len(evidence["differences to training"]) == 2


def test_change_is_watched_from_the_dialog_on(run_warm: RunPage, home: Home) -> None:
    test = run_warm(home, "versions")
    open_dialog(test, "review-rollback")
    assert any("For 3 days it is watched against what was promised." in caption.value for caption in test.caption)
    test.text_input(key="rollback-reason").set_value("v2 asks too much")
    test.checkbox(key="rollback-worse").check()
    test.button(key="rollback-confirm").click().run()
    # Both earlier changes have kept their promise; the new one bakes.
    assert _read(test).count("Kept its promise</span>: ROC AUC 0.") == 2
    assert "Baking until " in _read(test)
    promised = list_bakes(get_runtime().database, MODEL)[-1].promise
    assert promised.origin is Origin.REHEARSAL
    words = _read(AppTest.from_file(str(PROJECT / "pages" / "router.py"), default_timeout=60).run())
    told = re.search(r"Baking until \d+ \w+ 00:00 UTC</span>: ROC AUC (0\.\d+) \[", words)
    assert told is not None
    assert float(told[1]) == pytest.approx(promised.value, abs=0.005)
