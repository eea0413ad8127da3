"""The challenger on the pages: it is chosen, watched, and ended with a reason."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import Home
from mlops_core.services.challengers import make_challenger
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow import keep_shadow
from mlops_core.store.models import get_model
from tests.small_home import ACTOR, MODEL, PRESENT, PROMOTIONS, copy_small_home

RunPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


@pytest.fixture
def shadowed(home: Home) -> Home:
    runtime = Runtime.open(home)
    try:
        spec = get_model(runtime.database, MODEL)
        make_challenger(runtime, spec, "v3", actor=ACTOR, reason="to be tried", now=PROMOTIONS[1][1])
        keep_shadow(runtime, spec, PRESENT)
    finally:
        runtime.close()
    return home


def read(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.proto.body for element in test.get("html"))


def test_version_is_tried_with_a_reason_only(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "versions")
    assert "No version is tried on live traffic." in read(test)
    test.button(key="challenger-try").click().run()
    test.button(key="challenger-confirm").click().run()
    assert "A reason of 1 to" in test.error[0].value
    assert test.selectbox(key="challenger-version").value == "v3"
    test.text_input(key="challenger-reason").set_value("does it hold?").run()
    test.button(key="challenger-confirm").click().run()
    assert "v3 scores in the shadow of v2 from the next loan on." in read(test)
    assert "never in production, the challenger" in read(test)


def test_challenger_is_told_where_somebody_looks_and_can_be_ended(run_page: RunPage, shadowed: Home) -> None:
    overview = run_page(shadowed, "overview")
    assert not overview.exception
    (card,) = (metric for metric in overview.metric if metric.label == "ROC AUC of v3, challenger")
    assert card.delta.split(" · ")[1] in ("better", "worse", "not worse", "undecided")
    test = run_page(shadowed, "versions")
    assert "it has scored 4,200 live loans" in read(test)
    test.button(key="challenger-end").click().run()
    test.text_input(key="challenger-reason").set_value("seen enough").run()
    test.button(key="challenger-confirm").click().run()
    assert "No version is tried on live traffic." in read(test)


def test_promotion_of_the_challenger_begins_with_its_rehearsal(run_page: RunPage, shadowed: Home) -> None:
    test = run_page(shadowed, "versions")
    test.button(key="challenger-promote").click().run()
    assert test.selectbox(key="promote-target").value == "v3"
    assert not test.exception
