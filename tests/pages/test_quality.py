"""The page of data quality, alone: what it shows, and what its dialog does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlops_core.checks.findings import Check
from mlops_core.config import Home
from mlops_core.services.contracts import read_contract
from mlops_core.shared import get_runtime
from mlops_core.store.audit import list_audit_events
from mlops_core.store.models import get_model, get_version
from tests.small_home import MODEL, PRESENT, copy_small_home

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
    [(4.0, "", "The reason has 0 characters"), (-99.0, "why", "its start lies above its end"), (None, " ", "reason")],
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
