"""The Drift page, on an empty and on a full home, and how a cell is chosen."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import Home
from tests.small_home import copy_small_home

RunPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


def _read(test: AppTest) -> str:
    html = [element.proto.body for element in test.get("html")]
    return " ".join([*html, *(element.value for element in (*test.markdown, *test.caption))])


def test_drift_offers_the_demo_when_the_home_is_empty(run_page: RunPage, empty_home: Home) -> None:
    test = run_page(empty_home, "drift")
    assert not test.exception
    assert test.button(key="demo-load").label == "Load the demo"


def test_drift_opens_with_a_sentence_when_the_home_is_full(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="All")
    assert not test.exception
    assert "None of the 2 features that can be judged drifted." in _read(test)
    assert test.selectbox(key="drift-feature").value in ("income", "debt")


def test_drift_opens_what_the_link_names(run_page: RunPage, home: Home) -> None:
    test = run_page(
        home,
        "drift",
        window_select="All",
        feature="debt",
        statistic="ks",
        chunk="2024-03-05T00:00Z",
        reference="2024-03-01..2024-03-04",
    )
    assert not test.exception
    assert test.selectbox(key="drift-feature").value == "debt"
    assert test.selectbox(key="drift-statistic").value == "ks"
    assert "NO DRIFT · 5 Mar" in _read(test)
    assert "the traffic: 1,800 loans, 1–3 Mar 2024" in _read(test)


def test_drift_says_so_when_the_link_names_an_unknown_feature(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="All", feature="nope")
    assert not test.exception
    assert any("nope" in warning.value and "debt" in warning.value for warning in test.warning)


@pytest.mark.parametrize("span", ["2024-03-04..2024-03-01", "yesterday", "2024-03-01", "0001-01-01..0001-01-01"])
def test_drift_says_so_when_the_link_names_no_span(run_page: RunPage, home: Home, span: str) -> None:
    test = run_page(home, "drift", window_select="All", reference=span)
    assert not test.exception
    assert any(span in warning.value and "2013-07-01..2013-08-01" in warning.value for warning in test.warning)
    assert "the training rows of v2" in _read(test)


def test_drift_says_so_when_the_link_names_days_without_traffic(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="All", reference="2020-01-01..2024-03-04")
    assert not test.exception
    assert "there is traffic from 2024-03-01" in test.warning[0].value
    assert "the traffic: 1,800 loans, 1–3 Mar 2024" in _read(test)


def test_drift_says_so_when_the_link_names_an_unknown_chunk_and_statistic(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="All", chunk="2024-03-05", statistic="magic")
    assert not test.exception
    told = " ".join(warning.value for warning in test.warning)
    assert "'2024-03-05'" in told
    assert "'magic'" in told
    assert "jensen_shannon" in told
    assert test.selectbox(key="drift-statistic").value == "psi"


def test_drift_says_why_when_there_is_nothing_to_compare(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="7 d")
    assert not test.exception
    assert "Whether features drifted cannot be said yet." in _read(test)
    assert "There is no day of traffic in this window that is over." in _read(test)


def test_click_on_a_cell_selects_its_feature_and_chunk(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "drift", window_select="All")
    other = next(name for name in ("income", "debt") if name != test.selectbox(key="drift-feature").value)
    chart = next(one for one in test.get("plotly_chart") if "drift-map" in one.proto.id)
    point = {"customdata": [other, "2024-03-06T00:00:00+00:00"], "point_index": 0}
    selection = {"points": [point], "point_indices": [0], "box": [], "lasso": []}
    # The test runner has no click for charts, so the state that the browser would send is sent as it is.
    states = test._tree.get_widget_states()
    states.widgets.add(id=chart.proto.id, string_value=json.dumps({"selection": selection}))
    test._run(states)
    assert not test.exception
    assert test.selectbox(key="drift-feature").value == other
    assert test.selectbox(key="drift-chunk").value == datetime(2024, 3, 6, tzinfo=UTC)
    assert test.query_params["chunk"] == "2024-03-06T00:00Z"
