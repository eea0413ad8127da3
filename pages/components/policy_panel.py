"""The policy on a page: what it says, what it has decided, and what another would have done."""

import html

import streamlit as st

from mlops_core.charts.policy import PolicyChart, PolicyMark, describe_policy_chart, draw_policy
from mlops_core.charts.theme import assign_colours
from mlops_core.policy_terms import (
    VERDICT_CODES,
    Budget,
    Least,
    Policy,
    Promotion,
    Rollback,
    VerdictTrigger,
    write_policy,
)
from mlops_core.policy_words import describe_policy
from mlops_core.services.automation import get_decisions, tell_outcomes
from mlops_core.services.history import find_spans
from mlops_core.services.policy_trouble import find_trouble
from mlops_core.services.simulation import Simulation, simulate_policy
from mlops_core.services.simulation_words import describe_simulation, list_decisions
from mlops_core.words import write_clock
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.jobs import show_policy_trouble
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table


def show_policy(view: View) -> None:
    """Draw the policy in words, its decisions so far, and what lets another be tried on the past."""
    with st.container(border=True, key="panel-policy"):
        st.html(write_title("Policy", "what is done by itself"))
        st.html(f'<div class="dd-detail">{html.escape(" ".join(describe_policy(view.spec.policy)))}</div>')
        _show_decisions(view)
        with st.expander("Try a policy on the past", key="policy-try"):
            policy = _choose_policy(view.spec.policy)
            _show_simulation(view, simulate_policy(view.runtime, view.spec, policy, view.now))
            st.caption("For the model file:")
            st.code(write_policy(policy), language="toml")


def _show_decisions(view: View) -> None:
    decisions = get_decisions(view.runtime, view.spec)
    if not decisions:
        show_note("It has decided nothing yet.")
        return
    show_policy_trouble(find_trouble(view.runtime, view.spec, view.now))
    outcomes = tell_outcomes(view.runtime, view.spec, decisions)
    rows = [
        (write_clock(one.at), one.decision.value.replace("_", " "), outcome, one.words)
        for one, outcome in zip(decisions, outcomes, strict=True)
    ]
    st.html(write_table(("When", "Decision", "What came", "Why"), rows, "What the policy has decided"))


def _choose_policy(now: Policy) -> Policy:
    """Let every term be chosen; what the model file says stands there at first."""
    left, right = st.columns(2)
    chosen = {
        least: left.multiselect(
            label,
            VERDICT_CODES,
            [one.code for one in now.verdicts if one.least is least],
            key=f"policy-{least.value.lower()}",
        )
        for least, label in ((Least.ALERT, "Alerts that start a run"), (Least.WARNING, "Warnings that start one, too"))
    }
    labels = right.number_input("New labels for a run; 0: none", 0, None, now.new_labels or 0, key="policy-labels")
    days = right.number_input("Days between runs; 0: none", 0.0, 3650.0, now.every_days or 0.0, key="policy-days")
    cooldown = left.number_input("Cooldown in days", 0.0, 3650.0, now.cooldown_days, key="policy-cooldown")
    runs = left.number_input("Budget of runs", 1, 10_000, now.budget.runs, key="policy-runs")
    alert_days = right.number_input(
        "Days of alert for a rollback", 0.0, 3650.0, now.alert_days, key="policy-alert-days"
    )
    within = right.number_input("in so many days", 1.0, 3650.0, max(now.budget.days, 1.0), key="policy-within")
    promotes = right.toggle("Promote what passes the gate", now.promote is Promotion.WHEN_PASSED, key="policy-promote")
    rolls_back = left.toggle("Roll back to the version before, if better", now.rolls_back, key="policy-roll-back")
    verdicts = {code: least for least in (Least.ALERT, Least.WARNING) for code in chosen[least]}
    return Policy(
        verdicts=tuple(VerdictTrigger(code, least) for code, least in verdicts.items()),
        new_labels=labels or None,
        every_days=max(days, 1 / 24) if days else None,
        cooldown_days=cooldown,
        budget=Budget(runs=runs, days=within),
        promote=Promotion.WHEN_PASSED if promotes else Promotion.BY_HAND,
        roll_back=Rollback.WHEN_BETTER if rolls_back else Rollback.BY_HAND,
        alert_days=alert_days,
    )


def _show_simulation(view: View, simulation: Simulation) -> None:
    told = " ".join(describe_simulation(view.spec, simulation))
    st.html(f'<div class="dd-detail" role="status">{html.escape(told)}</div>')
    if not (simulation.decisions or simulation.rollbacks):
        return
    chart = PolicyChart(
        marks=[
            *(PolicyMark(at=one.at, run=one.run, words=one.answer.words) for one in simulation.decisions),
            *(PolicyMark(at=one.at, run=None, words=one.answer.words, to=one.to) for one in simulation.rollbacks),
        ],
        deliveries=simulation.deliveries,
        spans=find_spans(simulation.deployments),
        start=simulation.start,
        now=simulation.end,
    )
    palette = get_palette()
    colours = assign_colours(simulation.versions, palette)
    figure = draw_policy(chart, colours, palette)
    st.plotly_chart(figure, theme=None, key="policy-chart", alt=describe_policy_chart(chart, told))
    rows = [(write_clock(at), what, why, came) for at, what, why, came in list_decisions(view.spec, simulation)]
    st.html(write_table(("When", "What", "Why", "Gain, or what came"), rows, "What this policy would have done"))
