"""Contracts: proposed from the reference, changed by people with a reason, and put back."""

from dataclasses import replace

import pytest

from mlops_core.contracts import FeatureKind
from mlops_core.entities import Actor
from mlops_core.errors import ConflictError, InputError
from mlops_core.services.contracts import find_setter, list_changes, read_contract, save_contract, undo_contract
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.models import get_version
from tests.services.conftest import read_tables
from tests.small_home import MODEL, PRESENT

ANA = Actor("ana", "page")


@pytest.fixture
def version(runtime):
    return get_version(runtime.database, MODEL, "v2")


@pytest.fixture
def state(runtime, spec, version):
    return read_contract(runtime, spec, version, PRESENT)


@pytest.fixture
def save(runtime, spec, version):
    def save(contract, expected=None, reason="seen in production"):
        return save_contract(runtime, spec, version, contract, expected=expected, actor=ANA, reason=reason, now=PRESENT)

    return save


def change(contract, feature="income", **terms):
    features = tuple(replace(own, **terms) if own.feature == feature else own for own in contract.features)
    return replace(contract, features=features)


def test_contract_is_proposed_from_training_when_nobody_has_changed_it(state):
    assert [terms.feature for terms in state.contract.features] == ["income", "debt"]
    income = state.contract.get_terms("income")
    assert (income.kind, income.most_null) == (FeatureKind.NUMBER, 0.1)
    assert income.minimum < 0 < 6 < income.maximum
    # The small home delivers once a day, its newest row then being a day old.
    assert state.contract.traffic.most_age_hours == pytest.approx(1.5 * 24, abs=0.2)
    assert (state.contract, state.revision) == (state.proposed, None)


def test_change_is_kept_with_its_audit_event_when_it_is_saved(runtime, state, save):
    found = save(change(state.contract, maximum=99.0))
    assert found.contract.get_terms("income").maximum == 99.0
    assert found.contract.get_terms("debt") == state.proposed.get_terms("debt")
    event = list_audit_events(runtime.database, MODEL)[0]
    assert (event.action, event.actor, event.reason) == ("edit contract", ANA, "seen in production")
    assert event.evidence["changes"] == [
        {"subject": "income", "term": "maximum", "old": state.proposed.get_terms("income").maximum, "new": 99.0}
    ]
    assert find_broken_line(runtime.database) is None


def test_undo_puts_back_what_the_newest_change_replaced_and_can_be_undone(runtime, spec, version, state, save):
    first = save(change(state.contract, maximum=99.0))
    second = save(change(first.contract, minimum=-50.0), expected=first.revision)
    undone = undo_contract(runtime, spec, version, expected=second.revision, actor=ANA, now=PRESENT)
    assert undone.contract == first.contract
    redone = undo_contract(runtime, spec, version, expected=undone.revision, actor=ANA, now=PRESENT)
    assert redone.contract == second.contract
    assert [event.action for event in list_audit_events(runtime.database, MODEL)[:2]] == ["undo contract"] * 2


def test_first_change_is_undone_to_the_proposal(runtime, spec, version, state, save):
    saved = save(change(state.contract, maximum=99.0))
    undone = undo_contract(runtime, spec, version, expected=saved.revision, actor=ANA, now=PRESENT)
    assert undone.contract == undone.proposed


def test_what_was_set_for_one_version_stays_when_another_that_lacks_the_feature_is_edited(state, save):
    saved = save(change(state.contract, maximum=99.0))
    without = replace(saved.contract, features=saved.contract.features[1:])
    again = save(replace(without, traffic=replace(without.traffic, most_duplicates=0.2)), expected=saved.revision)
    assert again.contract.get_terms("income").maximum == 99.0
    assert again.contract.traffic.most_duplicates == 0.2


def test_nothing_is_undone_when_nobody_has_changed_anything(runtime, spec, version):
    with pytest.raises(InputError, match="nothing to undo"):
        undo_contract(runtime, spec, version, expected=None, actor=ANA, now=PRESENT)


def test_change_is_refused_when_somebody_else_was_faster(runtime, state, save):
    save(change(state.contract, maximum=99.0))
    before = read_tables(runtime.database)
    with pytest.raises(ConflictError, match="ana changed the contract meanwhile"):
        save(change(state.contract, maximum=50.0))
    assert read_tables(runtime.database) == before


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"most_null": 1.5}, "most_null of income is 1.5; accepted are shares from 0 to 1"),
        ({"most_null": float("nan")}, "most_null of income is nan"),
        ({"minimum": 9.0, "maximum": 1.0}, "9 to 1; its start lies above its end"),
        ({"maximum": float("inf")}, "ends at inf; accepted are finite numbers"),
        ({"kind": FeatureKind.CATEGORY}, "'income' is no category"),
        ({"categories": ("a",)}, "categories of income is .*; accepted of a number is null"),
        ({"most_unseen": 0.1}, "most_unseen of income is 0.1; accepted of a number is null"),
    ],
)
def test_change_is_refused_by_term_and_value_when_it_is_not_accepted(runtime, state, save, terms, message):
    before = read_tables(runtime.database)
    with pytest.raises(InputError, match=message):
        save(change(state.contract, **terms))
    assert read_tables(runtime.database) == before


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"least_volume": -0.1}, "least_volume of traffic is -0.1"),
        ({"most_volume": 0.5}, "most_volume is 0.5; accepted are 1 to 1,000"),
        ({"most_age_hours": 0.0}, "most_age_hours is 0.0; accepted are 0 to"),
        ({"most_duplicates": 2.0}, "most_duplicates of traffic is 2.0"),
    ],
)
def test_terms_of_all_rows_are_refused_when_they_are_not_accepted(state, save, terms, message):
    with pytest.raises(InputError, match=message):
        save(replace(state.contract, traffic=replace(state.contract.traffic, **terms)))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_change_is_refused_when_it_has_no_reason_or_a_novel(state, save, reason):
    with pytest.raises(InputError, match="A reason of 1 to 2,000 characters is needed; this one has"):
        save(change(state.contract, maximum=99.0), reason=reason)


def test_change_is_refused_when_nothing_differs(state, save):
    with pytest.raises(InputError, match="Nothing was changed"):
        save(state.contract)


def test_changes_are_listed_term_by_term(state):
    new = change(state.contract, most_null=0.5, minimum=None)
    assert [(one.subject, one.term, one.new) for one in list_changes(state.contract, new)] == [
        ("income", "most_null", 0.5),
        ("income", "minimum", None),
    ]


def test_terms_know_who_set_them_when_others_were_changed_since(state, save):
    assert find_setter(state, state.contract.features[0]) is None
    first = save(change(state.contract, maximum=99.0))
    second = save(change(first.contract, feature="debt", maximum=50.0), expected=first.revision)
    setters = [find_setter(second, terms) for terms in second.contract.features]
    assert [one.id for one in setters] == [first.revision, second.revision]
    assert find_setter(second, second.contract.traffic) is None


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"categories": None}, "categories of region are null"),
        ({"categories": ("north", "north")}, "'north' is named twice"),
        ({"categories": ("north", "east")}, "'east' is no value of region in the reference"),
        ({"most_unseen": None}, "most_unseen of region is None"),
        ({"minimum": 1.0}, "minimum of region is 1.0; accepted of a category is null"),
    ],
)
def test_terms_of_a_category_are_refused_when_they_are_not_accepted(runtime, spec, version, terms, message):
    wide = replace(version, features=(*version.features, "region"))
    state = read_contract(runtime, spec, wide, PRESENT)
    asked = change(state.contract, feature="region", **terms)
    with pytest.raises(InputError, match=message):
        save_contract(runtime, spec, wide, asked, expected=None, actor=ANA, reason="a test", now=PRESENT)
