"""The page of data quality, alone: what it shows, and what its dialog does."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.checks.findings import Check
from mlops_core.config import Home
from mlops_core.services.contracts import read_contract
from mlops_core.services.registry import register_model
from mlops_core.services.runtime import Runtime
from mlops_core.shared import get_runtime
from mlops_core.store.audit import list_audit_events
from mlops_core.store.models import get_model, get_version
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home

RunPage = Callable[..., AppTest]


@pytest.fixture
def page(run_page: RunPage, tmp_path: Path) -> AppTest:
    return run_page(copy_small_home(tmp_path / "home"), "quality", window_select="All")


def read(test: AppTest) -> str:
    return " ".join(element.proto.body for element in test.get("html"))


def get_contract():
    runtime = get_runtime()
    spec = get_model(runtime.database, MODEL)
    return read_contract(runtime, spec, get_version(runtime.database, MODEL, "v2"), PRESENT).contract


def open_dialog(test: AppTest, subject: str) -> AppTest:
    test.button(key="contract-edit").click().run()
    return test.selectbox(key="contract-subject").set_value(subject).run()


def test_page_says_what_is_wrong_and_shows_the_contract(page: AppTest) -> None:
    assert not page.exception
    assert "No new rows have come for too long." in read(page)
    assert "Every delivery was accepted." in read(page)
    assert [one.feature for one in get_contract().features] == ["income", "debt"]
    assert page.selectbox(key="quality-check").value == Check.FRESHNESS


def test_pickers_lead_to_the_history_of_one_check(page: AppTest) -> None:
    page.selectbox(key="quality-version").set_value("v1").run()
    page.selectbox(key="quality-check").set_value(Check.NULLS).run()
    page.selectbox(key="quality-feature").set_value("debt").run()
    assert not page.exception
    assert "Empty values: debt" in read(page)
    assert list(page.dataframe[0].value["Status"]) == ["● OK"] * 7


def test_other_version_is_shown_when_it_is_chosen(page: AppTest, run_page: RunPage, tmp_path: Path) -> None:
    assert page.selectbox(key="quality-version").options == ["v2", "v1"]
    page.selectbox(key="quality-version").set_value("v1").run()
    assert "The newest traffic of v1 is as agreed" in read(page)
    linked = run_page(copy_small_home(tmp_path / "linked"), "quality", window_select="All", quality_version="v1")
    assert "The newest traffic of v1 is as agreed" in read(linked)
    unknown = run_page(Home(tmp_path / "linked"), "quality", quality_version="v9")
    assert any("v9" in warning.value for warning in unknown.warning)
    assert not unknown.exception


def test_contract_is_changed_from_the_dialog_and_undone_from_the_page(page: AppTest) -> None:
    before = get_contract()
    open_dialog(page, "income")
    page.number_input(key="contract-field-income-maximum").set_value(4.0)
    page.text_input(key="contract-reason").set_value("Incomes above 4 are typing errors")
    page.button(key="contract-save").click().run()
    assert not page.exception
    assert get_contract().get_terms("income").maximum == 4.0
    event = list_audit_events(get_runtime().database, MODEL)[0]
    assert (event.action, event.actor.channel) == ("edit contract", "page")
    assert "Incomes above 4 are typing errors" in read(page)
    page.button(key="contract-undo").click().run()
    assert get_contract() == before
    assert list_audit_events(get_runtime().database, MODEL)[0].action == "undo contract"


@pytest.mark.parametrize(
    ("maximum", "reason", "said"),
    [(4.0, "", "this one has 0"), (-99.0, "why", "its start lies above its end"), (None, " ", "reason")],
)
def test_dialog_says_why_when_a_change_is_refused(page: AppTest, maximum: float | None, reason: str, said: str) -> None:
    before = get_contract()
    open_dialog(page, "income")
    page.number_input(key="contract-field-income-maximum").set_value(maximum)
    page.text_input(key="contract-reason").set_value(reason)
    page.button(key="contract-save").click().run()
    assert any(said in error.value for error in page.error)
    assert get_contract() == before


def test_page_is_of_one_segment_when_it_is_chosen(page: AppTest) -> None:
    page.selectbox(key="segment-select").set_value("region: north").run()
    assert not page.exception
    assert Check.FRESHNESS.label not in page.selectbox(key="quality-check").options


def open_cell(run_page: RunPage, path: Path, **query: str) -> AppTest:
    """Open the page of v1, whose traffic has seven days, at what a link names."""
    return run_page(copy_small_home(path / "linked"), "quality", window_select="All", quality_version="v1", **query)


def read_cell(test: AppTest) -> tuple[object, object, str]:
    chunk = test.selectbox(key="quality-chunk").value
    return test.selectbox(key="quality-check").value, test.selectbox(key="quality-feature").value, f"{chunk:%d %b}"


def list_chosen(test: AppTest) -> dict[str, str]:
    return {name: test.query_params[name] for name in ("check", "feature", "chunk") if name in test.query_params}


def test_link_opens_the_check_the_feature_and_the_day(run_page: RunPage, tmp_path: Path) -> None:
    test = open_cell(run_page, tmp_path, check="skew.null_fraction", feature="debt", chunk="2024-03-03T00:00Z")
    assert not test.exception
    assert not test.warning
    assert read_cell(test) == (Check.NULL_SKEW, "debt", "03 Mar")
    assert "Empty values, against training: debt" in read(test)
    assert "3 Mar, OK:" in read(test)


def test_pickers_end_in_the_address_and_what_is_default_is_left_out(run_page: RunPage, tmp_path: Path) -> None:
    test = open_cell(run_page, tmp_path)
    assert list_chosen(test) == {}
    first = read_cell(test)
    test.selectbox(key="quality-check").set_value(Check.NULLS).run()
    test.selectbox(key="quality-feature").set_value("debt").run()
    test.selectbox(key="quality-chunk").set_value(datetime(2024, 3, 3, tzinfo=UTC)).run()
    assert not test.exception
    assert list_chosen(test) == {"check": "quality.null_fraction", "feature": "debt", "chunk": "2024-03-03T00:00Z"}
    test.selectbox(key="quality-check").set_value(first[0]).run()
    test.selectbox(key="quality-chunk").set_value(datetime(2024, 3, 7, tzinfo=UTC)).run()
    assert read_cell(test) == first
    assert list_chosen(test) == {}


def test_click_on_a_cell_ends_in_the_address(run_page: RunPage, tmp_path: Path) -> None:
    test = open_cell(run_page, tmp_path, feature="debt", check="quality.null_fraction")
    chart = next(one for one in test.get("plotly_chart") if "quality-map" in one.proto.id)
    point = {"customdata": ["quality.range", "2024-03-04T00:00:00+00:00"], "point_index": 0}
    selection = {"points": [point], "point_indices": [0], "box": [], "lasso": []}
    # The test runner has no click for charts, so the state that the browser would send is sent as it is.
    states = test._tree.get_widget_states()
    states.widgets.add(id=chart.proto.id, string_value=json.dumps({"selection": selection}))
    test._run(states)
    assert not test.exception
    assert read_cell(test) == (Check.RANGE, "income", "04 Mar")
    assert list_chosen(test) == {"check": "quality.range", "chunk": "2024-03-04T00:00Z"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"check": "nope"}, ("the check 'nope'", "quality.null_fraction")),
        ({"chunk": "2024-03-30T00:00Z"}, ("the chunk '2024-03-30T00:00Z'", "2024-03-07T00:00Z")),
        ({"check": "quality.null_fraction", "feature": "age"}, ("the feature 'age'", "known are: income, debt.")),
    ],
)
def test_link_with_an_unknown_value_says_what_is_accepted_and_shows_the_default(
    run_page: RunPage, tmp_path: Path, query: dict[str, str], told: tuple[str, ...]
) -> None:
    test = open_cell(run_page, tmp_path, **query)
    assert not test.exception
    assert [all(part in warning.value for part in told) for warning in test.warning] == [True]
    assert not set(list_chosen(test)) & {"feature", "chunk"}


def test_values_that_go_away_with_their_version_or_model_are_no_link_of_anybody(
    run_page: RunPage, tmp_path: Path
) -> None:
    home = copy_small_home(tmp_path / "home")
    runtime = Runtime.open(home)
    register_model(runtime, MODEL_FILE.replace(MODEL, "boat-loan"), actor=ACTOR, now=PRESENT)
    runtime.close()
    query = {"model_select": MODEL, "window_select": "All", "quality_version": "v1", "chunk": "2024-03-03T00:00Z"}
    test = run_page(home, "quality", check="quality.null_fraction", feature="debt", **query)
    assert len(list_chosen(test)) == 3
    for key, value in (("quality-version", "v2"), ("model-select", "boat-loan"), ("model-select", MODEL)):
        test.selectbox(key=key).set_value(value).run()
        assert not test.exception
        assert [warning.value for warning in test.warning] == []
        assert "chunk" not in list_chosen(test)
    assert list_chosen(test) == {}


def test_page_says_how_much_of_the_window_is_shown(page: AppTest) -> None:
    # The clock of the small home is the machine's, so the days since its traffic are days without rows.
    assert re.search(r"The newest 120 of \d{3,} days in this window are shown\.", read(page))
    page.selectbox(key="quality-version").set_value("v1").run()
    assert "in this window are shown" not in read(page)


def test_page_has_a_report_and_a_csv_of_each_table(page: AppTest) -> None:
    ids = " ".join(element.proto.id for element in page.get("download_button"))
    keys = ("quality-report", "quality-csv", "quality-newest-csv", "quality-check-csv", "contract-csv")
    assert [key for key in (*keys, "contract-rows-csv") if key not in ids] == []
    assert {element.proto.label for element in page.get("download_button")} >= {"Download report"}


def test_page_says_so_when_nothing_has_ever_been_answered(run_page: RunPage, tmp_path: Path) -> None:
    home = copy_small_home(tmp_path / "home")
    test = run_page(home, "quality")
    database = get_runtime().database
    with database.transaction() as transaction:
        transaction.run_sql("delete from deployments")
        transaction.run_sql("delete from score_profiles")
    test.run()
    assert not test.exception
    assert "No version is in production, and none has answered traffic." in read(test)
    assert test.get("download_button") == []
