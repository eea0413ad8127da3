"""The Performance page alone: its states, its choices, and its downloads."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import Home
from mlops_core.entities import Metric
from mlops_core.services.runtime import Runtime
from tests.small_home import copy_small_home

RunPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


def read(test: AppTest) -> str:
    return " ".join(element.proto.body for element in test.get("html"))


def open_all(run_page: RunPage, home: Home, **query: str) -> AppTest:
    """The clock of the small home is the machine's, to which its traffic is years old."""
    test = run_page(home, "performance", window_select="All", **query)
    assert not test.exception
    return test


def test_page_offers_the_demo_when_the_home_is_empty(run_page: RunPage, empty_home: Home) -> None:
    test = run_page(empty_home, "performance")
    assert not test.exception
    assert "This home is empty." in read(test)


def test_page_answers_first_and_shows_every_panel(run_page: RunPage, home: Home) -> None:
    test = open_all(run_page, home)
    words = read(test)
    assert "<h1" in words
    assert "v2 keeps its standard: ROC AUC was 0." in words
    for part in ("ROC AUC by day", "Decisions by threshold", "Calibration", "Worst segments first"):
        assert part in words
    assert "v2 is estimated from its scores and 500 training rows." in words
    assert "It learned from these rows, so its estimates are too good." in words
    assert not test.error


def test_page_says_so_when_no_predictions_fall_into_the_window(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "performance", window_select="7 d")
    assert not test.exception
    assert "No predictions were scored in this window." in read(test)


def test_link_opens_the_same_version_threshold_and_costs(run_page: RunPage, home: Home) -> None:
    query = {"version": "v1", "threshold": "0.3", "false_alarm_cost": "1", "miss_cost": "5"}
    test = open_all(run_page, home, **query)
    assert test.selectbox(key="version").value == "v1"
    assert test.slider(key="threshold").value == 0.3
    assert "Least cost: " in read(test)
    assert "v1 on 4,200 labelled loans" in read(test)


@pytest.mark.parametrize("asked", ["f1", "F1"])
def test_link_opens_the_metric_by_its_name_or_its_label(run_page: RunPage, home: Home, asked: str) -> None:
    test = open_all(run_page, home, metric=asked)
    assert test.selectbox(key="metric").value == Metric.F1.label
    assert "F1 by day" in read(test)


def test_costs_are_shown_when_they_are_set(run_page: RunPage, home: Home) -> None:
    test = open_all(run_page, home)
    assert "Set what a false alarm and a miss cost" in read(test)
    test.number_input(key="miss-cost").set_value(5.0).run()
    assert not test.exception
    assert "Cost per 1,000" in read(test)


def test_segment_alone_has_no_table_of_segments(run_page: RunPage, home: Home) -> None:
    test = open_all(run_page, home, segment_select="region: north")
    assert "Worst segments first" not in read(test)
    assert "Decisions by threshold" in read(test)


def test_page_has_a_report_and_a_csv_of_each_table(run_page: RunPage, home: Home) -> None:
    test = open_all(run_page, home)
    keys = {element.proto.id.rpartition("-None-")[0] or element.proto.id for element in test.get("download_button")}
    for key in ("performance-report", "trend-csv", "decisions-csv", "segments-csv"):
        assert any(key in one for one in keys)


@pytest.mark.parametrize("metric", ["Calibration error", "Positive rate", "Log loss skill"])
def test_page_shows_metrics_that_cannot_be_estimated_or_have_no_better(
    run_page: RunPage, home: Home, metric: str
) -> None:
    test = open_all(run_page, home, metric=metric)
    assert f"{metric} by day" in read(test)
    assert not test.error


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"metric": "nope"}, "the metric 'nope', which is not known here"),
        ({"version": "v9"}, "the version 'v9', which is not known here; known are: v1, v2."),
        ({"threshold": "7"}, "the threshold '7'; accepted is a number, 0 to 1."),
        ({"threshold": "high"}, "the threshold 'high'; accepted is a number, 0 to 1."),
        ({"false_alarm_cost": "-1"}, "the cost of a false alarm '-1'; accepted is a number, 0 to 1e+09."),
        ({"miss_cost": "nan"}, "the cost of a miss 'nan'; accepted is a number, 0 to 1e+09."),
    ],
)
def test_link_with_a_bad_value_says_what_is_accepted_and_shows_the_default(
    run_page: RunPage, home: Home, query: dict[str, str], told: str
) -> None:
    test = open_all(run_page, home, **query)
    assert [told in warning.value for warning in test.warning] == [True]
    assert test.selectbox(key="metric").value == "ROC AUC"
    assert test.selectbox(key="version").value == "v2"
    assert test.slider(key="threshold").value == 0.5
    assert (test.number_input(key="false-alarm-cost").value, test.number_input(key="miss-cost").value) == (0.0, 0.0)


def test_page_says_so_when_labels_are_missing(run_page: RunPage, home: Home) -> None:
    runtime = Runtime.open(home)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from score_profiles where label = 1")
        transaction.run_sql("update score_profiles set label = null")
    runtime.close()
    test = open_all(run_page, home)
    assert "v2 has 0 labels in this window, too few." in read(test)
    assert not test.error


def test_page_says_so_when_all_labels_are_of_one_class(run_page: RunPage, home: Home) -> None:
    runtime = Runtime.open(home)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from score_profiles where label = 1")
    runtime.close()
    test = open_all(run_page, home)
    assert "labels of v2 in this window are of one class." in read(test)
    assert "Decisions by threshold" not in read(test)
    assert not test.error
