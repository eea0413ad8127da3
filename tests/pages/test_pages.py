"""Each page alone, on an empty and on a full home."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.config import PROJECT, Home
from mlops_core.runs import RunStatus
from mlops_core.services.monitoring import refresh
from mlops_core.services.registry import list_specs, register_model
from mlops_core.services.runtime import Runtime
from mlops_core.services.schedule import Job, JobState, note_failure
from mlops_core.shared import get_runtime
from tests.services.test_run_attention import leave_run
from tests.services.test_strays import send_at
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home

PAGES = ("overview", "performance", "drift", "quality", "versions", "activity")
RunPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_small_home(tmp_path / "home")


def _read(test: AppTest) -> str:
    """Give all words of a page."""
    html = [element.proto.body for element in test.get("html")]
    return " ".join([*html, *(element.value for element in test.markdown)])


@pytest.mark.parametrize("page", PAGES)
def test_page_offers_the_demo_when_the_home_is_empty(run_page: RunPage, empty_home: Home, page: str) -> None:
    test = run_page(empty_home, page)
    assert not test.exception
    assert "This home is empty." in _read(test)
    assert test.button(key="demo-load").label == "Load the demo"


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_a_sentence_when_the_home_is_full(run_page: RunPage, home: Home, page: str) -> None:
    test = run_page(home, page)
    assert not test.exception
    assert "<h1" in _read(test)
    assert not test.error


@pytest.mark.parametrize("page", PAGES)
def test_page_says_so_when_the_link_names_an_unknown_model(run_page: RunPage, home: Home, page: str) -> None:
    test = run_page(home, page, model_select="nope")
    assert not test.exception
    assert any("nope" in warning.value and MODEL in warning.value for warning in test.warning)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_one_sentence_when_the_database_is_damaged(run_page: RunPage, empty_home: Home, page: str) -> None:
    empty_home.path.mkdir(parents=True)
    empty_home.database.write_bytes(b"this is not a database" * 500)
    test = run_page(empty_home, page)
    assert not test.exception
    assert "cannot be opened as a database" in _read(test)
    assert empty_home.database.read_bytes() == b"this is not a database" * 500


def test_overview_shows_the_segment_when_the_link_names_it(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "overview", segment_select="region: north")
    assert not test.exception
    assert test.selectbox(key="segment-select").value == "region: north"
    words = _read(test)
    assert "7-day lines, daily points" in words
    assert "region: north</span>" in words
    assert any("act on the chart over time" in caption.value for caption in test.sidebar.caption)


def test_overview_opens_the_metric_that_the_link_names(run_page: RunPage, home: Home) -> None:
    for asked in ("brier", "Brier"):
        test = run_page(home, "overview", window_select="All", metric=asked)
        assert not test.exception
        assert "Brier over time" in _read(test)
        assert test.query_params["metric"] == "brier"
    unknown = run_page(home, "overview", metric="nope")
    assert [("'nope'" in one.value, "roc_auc" in one.value) for one in unknown.warning] == [(True, True)]
    assert "metric" not in unknown.query_params


def test_overview_offers_the_primary_metric_whichever_it_is(run_page: RunPage, home: Home) -> None:
    runtime = Runtime.open(home)
    text = MODEL_FILE.replace(MODEL, "boat-loan").replace('"roc_auc"', '"accuracy"')
    register_model(runtime, text, actor=ACTOR, now=PRESENT)
    runtime.close()
    test = run_page(home, "overview", model_select="boat-loan")
    assert not test.exception
    assert "Accuracy over time" in _read(test)


def test_overview_has_a_report_and_a_csv_of_each_table(run_page: RunPage, home: Home) -> None:
    _add_model(home, "boat-loan")
    test = run_page(home, "overview", window_select="All", model_select=MODEL)
    offered = " ".join(one.proto.id for one in test.get("download_button"))
    assert [key for key in ("overview-report", "timeline-csv", "happenings-csv") if key not in offered] == []
    test.selectbox(key="model-select").set_value("boat-loan").run()
    # It has no version yet.
    assert "overview-report" not in " ".join(one.proto.id for one in test.get("download_button"))


def test_overview_names_what_is_wrong_with_the_data_and_draws_only_that(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "overview")
    assert not test.exception
    assert "No new rows have come for too long." in [caption.value for caption in test.caption]
    chart = next(one for one in test.get("plotly_chart") if "quality-excerpt" in one.proto.id)
    assert "Age of the newest row: alert in 1 of" in chart.proto.alt
    assert "quality" in [one.proto.page for one in test.get("page_link")]


@pytest.mark.parametrize("page", ["versions", "activity"])
def test_page_offers_no_segment_when_it_would_act_on_nothing(run_page: RunPage, home: Home, page: str) -> None:
    keys = {box.key for box in run_page(home, page).selectbox}
    assert "model-select" in keys
    assert "segment-select" not in keys


def test_activity_says_that_the_chain_holds_when_it_is_verified(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "activity")
    test.button(key="audit-verify").click().run()
    assert any("chain holds" in success.value for success in test.success)


def test_overview_says_nothing_of_baking_when_a_kept_promise_is_old(run_page: RunPage, home: Home) -> None:
    assert "promise" not in _read(run_page(home, "overview")).split("What happened")[0]


def test_versions_says_that_the_log_agrees_with_the_ledger(run_page: RunPage, home: Home) -> None:
    test = run_page(home, "versions")
    words = _read(test)
    assert "AGREES" in words
    assert "All 8,400 loans were answered by the version that was in production at their time." in words
    assert "Incidents, newest first" not in words
    chart = next(one for one in test.get("plotly_chart") if "-served" in one.proto.id)
    assert chart.proto.alt.startswith("Who answered. All 8,400 loans")


def test_versions_shows_an_incident_with_its_rows(run_page: RunPage, home: Home) -> None:
    runtime = Runtime.open(home)
    spec = list_specs(runtime)[0]
    send_at(runtime, spec, "v1", PRESENT, 50)
    refresh(runtime, spec, PRESENT + timedelta(hours=1))
    runtime.close()
    words = _read(run_page(home, "versions"))
    assert "INCIDENT" in words
    assert "v1 answered 50 loans from 20 Mar 00:00 to 20 Mar 00:58 UTC while it was not in production." in words
    assert "Incidents, newest first" in words


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (" 8-00300 ", "v2 answered this loan on 9 Mar 2024 at 12:00:00 UTC, and was in production then."),
        ("<b>", "No loan has the id &lt;b&gt;."),
        ("   ", None),
    ],
)
def test_versions_looks_up_who_served_a_prediction(run_page: RunPage, home: Home, asked: str, said: str | None) -> None:
    test = run_page(home, "versions")
    test.text_input(key="served-lookup").set_value(asked).run()
    assert not test.exception
    words = _read(test)
    assert ("answered this loan" in words or "No loan has" in words) == (said is not None)
    assert said is None or said in words


@pytest.mark.parametrize("page", PAGES)
def test_page_says_so_when_a_check_fails(run_page: RunPage, home: Home, page: str) -> None:
    run_page(home, page)
    failing = JobState(model=MODEL, job=Job.CHECK, next_at=PRESENT)
    get_runtime().schedule.put(note_failure(failing, PRESENT, timedelta(minutes=1), "The disk is full."))
    test = AppTest.from_file(str(PROJECT / "pages" / "router.py"), default_timeout=60).switch_page(f"{page}.py").run()
    assert any("The check of car-loan failed at 00:00 UTC: The disk is full." in one.value for one in test.warning)


def _add_model(home: Home, name: str) -> None:
    runtime = Runtime.open(home)
    register_model(runtime, MODEL_FILE.replace(MODEL, name), actor=ACTOR, now=PRESENT)
    runtime.close()


def test_overview_has_no_table_of_models_when_there_is_one(run_page: RunPage, home: Home) -> None:
    assert "worst first" not in _read(run_page(home, "overview"))


def test_overview_opens_with_a_row_for_each_model_when_there_are_several(run_page: RunPage, home: Home) -> None:
    _add_model(home, "boat-loan")
    test = run_page(home, "overview", model_select=MODEL)
    assert not test.exception
    words = _read(test)
    # The newest of its traffic is five days old.
    assert "1 of 2 models needs attention" in words
    assert words.index("1 of 2 models") < words.index("<h1")
    assert words.index(f'<b aria-current="true">{MODEL}</b>') < words.index("?model-select=boat-loan")
    assert "NOT IN PRODUCTION" in words
    assert "Nothing is in production." in words


@pytest.mark.parametrize("page", PAGES)
def test_page_says_so_when_nothing_is_in_production(run_page: RunPage, home: Home, page: str) -> None:
    _add_model(home, "boat-loan")
    test = run_page(home, page, model_select="boat-loan")
    assert not test.exception
    assert ("<h1" in _read(test), "boat-loan has no version yet." in _read(test)) == (True, page == "versions")
    assert not test.error
    assert test.selectbox(key="model-select").value == "boat-loan"


def test_overview_says_that_the_newest_training_run_failed_and_why(run_page: RunPage, home: Home) -> None:
    runtime = Runtime.open(home)
    leave_run(runtime, RunStatus.FAILED, "no_rows: a [sad] $day$")
    runtime.close()
    test = run_page(home, "overview")
    assert not test.exception
    (warning,) = test.warning
    words = warning.value.replace("\\", "")
    assert words == "Training run 1 failed at the step collect: no_rows: a [sad] $day$ Production is as it was."
    assert "Newest training run" in [metric.label for metric in test.metric]
