"""Models side by side: the most urgent first, by what their checks said last."""

from dataclasses import replace
from datetime import timedelta

from mlops_core.entities import Action, Status
from mlops_core.services.attention import (
    EXPORTED,
    NOTHING_SAID,
    NOTHING_SERVES,
    export_states,
    list_states,
    tell_attention,
)
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.monitoring import refresh
from mlops_core.services.registry import list_specs, register_model
from tests.small_home import ACTOR, DAYS, MODEL, MODEL_FILE, PRESENT, START

TRAFFIC_END = START + timedelta(days=DAYS)


def add_model(runtime, name):
    return register_model(runtime, MODEL_FILE.replace(MODEL, name), actor=ACTOR, now=PRESENT)


def test_state_is_the_last_word_of_the_standard_when_nothing_is_wrong(runtime, spec):
    refresh(runtime, spec, TRAFFIC_END)
    (state,) = list_states(runtime, [spec])
    assert (state.model, state.champion, state.status) == (MODEL, "v2", Status.OK)
    assert "ROC AUC" in state.reason
    assert state.checked_at == TRAFFIC_END


def test_state_is_what_is_wrong_when_traffic_has_stopped(runtime, spec):
    (state,) = list_states(runtime, [spec])
    assert (state.status, state.checked_at) == (Status.ALERT, PRESENT)
    assert state.reason.startswith("The newest row is 5 days old")


def test_states_are_most_urgent_first_then_by_name(runtime, spec):
    add_model(runtime, "boat-loan")
    add_model(runtime, "art-loan")
    refresh(runtime, spec, TRAFFIC_END)
    states = list_states(runtime, list_specs(runtime))
    assert [state.model for state in states] == ["art-loan", "boat-loan", MODEL]
    assert {(state.champion, state.reason, state.since, state.checked_at) for state in states[:2]} == {
        (None, NOTHING_SERVES, None, None)
    }
    assert tell_attention(states) == "None of 3 models needs attention"
    strict = replace(spec, standards=(replace(spec.standards[0], minimum=0.99),))
    refresh(runtime, strict, PRESENT + timedelta(days=1))
    states = list_states(runtime, list_specs(runtime))
    assert (states[0].model, states[0].status in (Status.ALERT, Status.WARNING)) == (MODEL, True)
    assert states[0].since == PRESENT + timedelta(days=1)
    assert tell_attention(states) == "1 of 3 models needs attention"


def test_file_has_a_row_for_each_model_with_empty_cells_where_nothing_is_known(runtime, spec):
    add_model(runtime, "art-loan")
    worst, other = export_states(list_states(runtime, list_specs(runtime)))
    named = dict(zip(EXPORTED, worst, strict=True))
    assert (named["model"], named["status"], named["in_production"]) == (MODEL, "ALERT", "v2")
    assert named["why"].startswith("The newest row is 5 days old")
    assert named["last_check"] == PRESENT.isoformat()
    assert other == ("art-loan", "INSUFFICIENT_DATA", "", NOTHING_SERVES, "", "")


def test_what_was_said_of_an_earlier_champion_is_over_when_another_one_serves(runtime, spec):
    later = PRESENT + timedelta(days=1)
    change = ChangeRequest(model=MODEL, to="v3", action=Action.PROMOTE, actor=ACTOR, reason="better offline")
    change_production(runtime, change, now=later)
    (state,) = list_states(runtime, [spec])
    assert (state.champion, state.status, state.reason) == ("v3", Status.INSUFFICIENT_DATA, NOTHING_SAID)
