"""The Compare page alone: its states, its choices, a replay, and what it says when there is nothing to compare."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import Home
from mlops_core.entities import Window
from mlops_core.services.background import Progress
from mlops_core.services.overlap import replay_versions
from mlops_core.services.runtime import Runtime
from mlops_core.shared import get_runtime
from mlops_core.store.models import get_model
from tests.small_home import DAYS, MODEL, PROMOTIONS, START, copy_small_home

RunPage = Callable[..., AppTest]
RUNNING = ("compare-stop", "compare-cancel", "compare-making-cancel")
SINCE_V2 = Window(PROMOTIONS[1][1], START + timedelta(days=DAYS))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The small home, in which v1 and v3 have scored what v2 answered."""
    home = copy_small_home(tmp_path_factory.mktemp("replayed") / "home")
    runtime = Runtime.open(home)
    try:
        replay_versions(runtime, get_model(runtime.database, MODEL), ("v1", "v3"), SINCE_V2, Progress())
    finally:
        runtime.close()
    return home


@pytest.fixture
def same_rows(replayed: Home, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(replayed.path, tmp_path / "same")))


def change_rows(home: Home, *statements: str) -> None:
    runtime = Runtime.open(home)
    try:
        with runtime.database.transaction() as transaction:
            for statement in statements:
                transaction.run_sql(statement)
    finally:
        runtime.close()


def read(test: AppTest) -> str:
    return " ".join(element.proto.body for element in test.get("html"))


def has_button(test: AppTest, key: str) -> bool:
    return any(button.key == key for button in test.button)


def wait(test: AppTest) -> AppTest:
    """Draw the page anew until nothing is being worked on, as the browser does by itself."""
    deadline = time.monotonic() + 60
    while any(has_button(test, key) for key in RUNNING) and time.monotonic() < deadline:
        time.sleep(0.1)
        test.run()
    assert not test.exception
    assert not any(has_button(test, key) for key in RUNNING)
    return test


def open_compare(run_warm: RunPage, home: Home, **query: str) -> AppTest:
    """The clock of the small home is the machine's, to which its traffic is years old."""
    return wait(run_warm(home, "compare", window_select="All", **query))


def test_page_offers_the_demo_when_the_home_is_empty(run_page: RunPage, empty_home: Home) -> None:
    test = run_page(empty_home, "compare")
    assert not test.exception
    assert "This home is empty." in read(test)


def test_page_gives_a_verdict_and_every_panel_on_the_same_rows(run_warm: RunPage, same_rows: Home) -> None:
    test = open_compare(run_warm, same_rows)
    words = read(test)
    assert test.multiselect(key="compare-versions").value == ["v2", "v3"]
    assert test.query_params["versions"] == "v2,v3"
    assert "on the same 4,200 loans: ROC AUC 0." in words
    for part in ("Decisions that flip", "Every metric", "Calibration", "Worst segments first, by region",
                 "How they were made", "Training rows", "The comparison rests on the 4,200 labelled ones"):  # fmt: skip
        assert part in words
    assert not test.error
    assert not test.warning


def test_pair_is_chosen_among_several_and_is_in_the_address(run_warm: RunPage, same_rows: Home) -> None:
    test = open_compare(run_warm, same_rows, versions="v2,v3,v1")
    assert "v3 beside v2" in read(test)
    test.segmented_control(key="compare-pair").set_value("v1")
    wait(test.run())
    assert "v1 decides " in read(test)
    assert test.query_params["pair"] == "v1"
    again = open_compare(run_warm, same_rows, versions="v2,v3,v1", pair="v1")
    assert "v1 decides " in read(again)


def test_link_decides_which_version_is_compared_with(run_warm: RunPage, same_rows: Home) -> None:
    test = open_compare(run_warm, same_rows, versions="v1,v2")
    assert "v2 is better than v1 on the same 4,200 loans" in read(test)
    test.multiselect(key="compare-versions").set_value(["v2", "v1"])
    wait(test.run())
    assert "v1 is worse than v2 on the same 4,200 loans" in read(test)
    assert test.query_params["versions"] == "v2,v1"


@pytest.mark.parametrize(
    ("asked", "message", "shown"),
    [
        (
            "v2,v9,v1",
            "The link asks for the version 'v9', which is not known here; known are: v1, v2, v3.",
            ["v2", "v1"],
        ),
        ("v2,v2,v1", "The link names v2 more than once; a version is compared with others", ["v2", "v1"]),
        ("v9", "The link asks for the version 'v9'", ["v2", "v3"]),
    ],
)
def test_link_that_asks_for_too_much_is_told(
    run_warm: RunPage, same_rows: Home, asked: str, message: str, shown: list[str]
) -> None:
    test = open_compare(run_warm, same_rows, versions=asked)
    assert any(warning.value.startswith(message) for warning in test.warning)
    assert test.multiselect(key="compare-versions").value == shown
    assert "on the same 4,200 loans" in read(test)


def test_link_with_more_than_four_versions_shows_the_first_four(run_warm: RunPage, same_rows: Home) -> None:
    copy = "insert into versions by name select * replace ('{}' as name) from versions where name = 'v2'"
    change_rows(same_rows, *(copy.format(name) for name in ("v4", "v5")))
    test = open_compare(run_warm, same_rows, versions="v2,v1,v3,v4,v5")
    assert [warning.value for warning in test.warning] == [
        "The link names 5 versions; at most 4 are compared, the first ones."
    ]
    assert test.multiselect(key="compare-versions").value == ["v2", "v1", "v3", "v4"]
    assert "v4 has scored too few of the same and is left out." in read(test)


def test_one_chosen_version_asks_for_another_and_says_how_it_was_made(run_warm: RunPage, same_rows: Home) -> None:
    test = open_compare(run_warm, same_rows, versions="v3")
    assert "Choose another version to compare v3 with." in read(test)
    assert "How v3 was made" in read(test)
    test.multiselect(key="compare-versions").set_value([])
    assert "Choose two versions." in read(wait(test.run()))


def test_model_with_one_version_says_so(run_warm: RunPage, home: Home) -> None:
    change_rows(home, "delete from versions where name <> 'v2'", "delete from deployments where version <> 'v2'")
    assert "car-loan has one version, v2." in read(open_compare(run_warm, home))


def test_versions_of_different_traffic_get_a_warning_and_no_verdict(run_warm: RunPage, home: Home) -> None:
    test = open_compare(run_warm, home, versions="v2,v1")
    words = read(test)
    assert "v2 and v1 have scored no labelled loans in common, so nobody can say which is better." in words
    assert "What each answered itself" in words
    assert "How different their loans were" in words
    for word in ("is better than", "is worse than", "is not decided"):
        assert word not in words


def test_replay_gives_the_verdict(run_warm: RunPage, home: Home) -> None:
    test = open_compare(run_warm, home, versions="v2,v1")
    wait(test.button(key="compare-replay").click().run())
    assert "v1 is worse than v2 on the same 8,400 loans: ROC AUC 0." in read(test)
    assert not has_button(test, "compare-replay")


def test_replay_is_stopped_by_its_button_and_leaves_the_page_usable(run_warm: RunPage, home: Home) -> None:
    test = open_compare(run_warm, home, versions="v2,v1")
    replays = get_runtime().replays
    replays.warm_up()
    os.kill(replays._child.pid, signal.SIGSTOP)
    test.button(key="compare-replay").click().run()
    assert "What each answered itself" in read(test)
    wait(test.button(key="compare-cancel").click().run())
    assert "It was cancelled" in read(test)
    assert has_button(test, "compare-replay")


def test_version_that_cannot_be_replayed_says_why_and_the_others_are_compared(
    run_warm: RunPage, same_rows: Home
) -> None:
    change_rows(
        same_rows, "update predictions_car_loan set debt = null", "delete from replays_car_loan where version = 'v1'"
    )
    test = open_compare(run_warm, same_rows, versions="v2,v3,v1")
    assert "v1 has scored too few of the same and is left out." in read(test)
    wait(test.button(key="compare-replay").click().run())
    assert any(warning.value.startswith("v1 cannot be replayed. It was trained with debt") for warning in test.warning)
    assert "on the same 4,200 loans" in read(test) or "on the same 8,400 loans" in read(test)


def test_window_without_labels_says_so_and_still_says_how_they_were_made(run_warm: RunPage, same_rows: Home) -> None:
    change_rows(same_rows, "delete from labels_car_loan")
    words = read(open_compare(run_warm, same_rows))
    assert "have a label yet." in words
    assert "How they were made" in words


def test_labels_of_one_class_leave_out_the_curves_that_need_both(run_warm: RunPage, same_rows: Home) -> None:
    change_rows(same_rows, "update labels_car_loan set label = 0")
    words = read(open_compare(run_warm, same_rows))
    assert "cannot be said on the same 4,200 loans" in words
    assert "All labels are of one class." in words
    assert "Calibration" in words


def test_segment_narrows_the_rows(run_warm: RunPage, same_rows: Home) -> None:
    test = open_compare(run_warm, same_rows, versions="v2,v1", segment_select="region: north")
    assert "v1 is worse than v2 on the same 2," in read(test)


def test_comparison_that_was_stopped_can_be_asked_for_again(run_warm: RunPage, same_rows: Home) -> None:
    test = run_warm(same_rows, "compare", window_select="All", versions="v2,v1")
    if has_button(test, "compare-stop"):
        test.button(key="compare-stop").click().run()
    wait(test)
    if has_button(test, "compare-again"):
        assert "could not be compared" in read(test)
        wait(test.button(key="compare-again").click().run())
    assert "on the same 4,200 loans" in read(test)
