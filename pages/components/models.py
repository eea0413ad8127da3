"""The table that opens Overview when there are several models: one row each, worst first, each leading to its model."""

import html
from urllib.parse import quote

import streamlit as st

from mlops_core.entities import Status
from mlops_core.services.activity import write_csv
from mlops_core.services.attention import EXPORTED, ModelState, export_states, list_states, tell_attention
from mlops_core.services.registry import list_specs
from mlops_core.words import write_age, write_instant
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title

MOST_MODELS = 12
"""A longer table would push what it leads to off the screen."""
COLUMNS = ("Model", "State", "In production", "Why", "Since (UTC)", "Last check")
STATE_WORDS = {Status.INSUFFICIENT_DATA: "NOT ENOUGH LABELS"}


def show_models(view: View) -> None:
    """Draw one row per model, the most urgent first; nothing when there is only one."""
    specs = list_specs(view.runtime)
    if len(specs) < 2:
        return
    states = list_states(view.runtime, specs)
    hidden = len(states) - MOST_MODELS
    with st.container(border=True, key="panel-models"):
        st.html(write_title(tell_attention(states), "worst first"))
        body = "".join(_write_row(view, state) for state in states[:MOST_MODELS])
        head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
        st.html(
            '<div class="dd-scroll"><table class="dd-table" aria-label="Models, worst first">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
        if hidden > 0:
            st.html(f'<div class="dd-muted dd-small">{hidden} more are less urgent; choose them in the sidebar.</div>')
        offer_csv(
            write_csv(EXPORTED, export_states(states)), "models", key="models-csv", help="All models, worst first."
        )


def _write_row(view: View, state: ModelState) -> str:
    name = html.escape(state.model)
    link = f'<a href="?model-select={quote(state.model)}" target="_self">{name}</a>'
    if state.model == view.spec.name:
        link = f'<b aria-current="true">{name}</b>'
    word = STATE_WORDS.get(state.status, state.status.value) if state.champion else "NOT IN PRODUCTION"
    checked = write_age(view.runtime.now(state.model) - state.checked_at) + " ago" if state.checked_at else "never"
    cells = (
        html.escape(state.champion or "none"),
        html.escape(state.reason),
        write_instant(state.since) if state.since else "–",
        checked,
    )
    return (
        f'<tr><td>{link}</td><td><span class="dd-kicker {state.status.value}">{word}</span></td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )
