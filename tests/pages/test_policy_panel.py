"""The panel of the policy, alone: it tells the policy, and tries another on the past."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.shared import close_runtime
from tests.small_home import copy_small_home


def show():
    import streamlit as st

    from mlops_core.entities import Window
    from mlops_core.shared import get_runtime
    from mlops_core.store.models import list_models
    from pages.components.filters import View
    from pages.components.policy_panel import show_policy
    from tests.small_home import PRESENT, START

    runtime = get_runtime()
    (spec,) = list_models(runtime.database)
    window = Window(START, PRESENT)
    show_policy(View(runtime=runtime, spec=spec, window=window, segment=("", ""), now=PRESENT, filters=st.sidebar))


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DRIFTDECK_HOME", str(copy_small_home(tmp_path / "home").path))
    close_runtime()
    yield AppTest.from_function(show, default_timeout=60).run()
    close_runtime()


def read(test: AppTest) -> str:
    return " ".join(element.proto.body for element in test.get("html"))


def test_panel_tells_the_policy_and_tries_another(panel: AppTest) -> None:
    assert not panel.exception
    assert "No run is started by itself; people start them." in read(panel)
    assert "It has decided nothing yet." in read(panel)
    assert "Without a trigger no run would have been started." in read(panel)
    panel.number_input(key="policy-labels").set_value(3000).run()
    assert not panel.exception
    assert "From 1 Mar 2024 to 20 Mar 2024 this policy would have started 2 runs." in read(panel)
    assert "3,000 labels have come since the last training" in read(panel)
    assert "new_labels = 3000" in panel.code[0].value
    panel.toggle(key="policy-roll-back").set_value(True)
    panel.number_input(key="policy-alert-days").set_value(2.0).run()
    assert not panel.exception
    assert "No alert on a standard would have asked for a rollback." in read(panel)
    assert 'roll_back = "when the version before is better"\nalert_days = 2' in panel.code[0].value
