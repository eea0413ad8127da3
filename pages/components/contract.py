"""The contract as it stands, beside what the newest traffic holds, and the undo of a change."""

import html

import streamlit as st

from mlops_core.errors import MLOpsError
from mlops_core.services.activity import write_csv
from mlops_core.services.contract_words import TRAFFIC_COLUMNS, list_traffic_terms, tell_revision
from mlops_core.services.contracts import undo_contract
from mlops_core.services.quality_view import QualityView
from mlops_core.services.quality_words import TERM_COLUMNS, list_terms
from mlops_core.services.report import Section, Table
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_actor
from pages.components.states import show_note
from pages.components.tables import write_pairs, write_table


def show_contract(quality: QualityView) -> list[Section]:
    """Draw what is asked of each feature and of all rows, and who has changed it."""
    state, name = quality.contract, quality.spec.name
    title, note = "The contract", "what differs in the newest traffic comes first"
    rows, traffic = list_terms(quality), list_traffic_terms(state.contract.traffic, quality.spec.chunk.value)
    with st.container(border=True, key="panel-contract"):
        st.html(write_title(title, note))
        if not rows:
            show_note(
                "Nothing is asked of features.",
                f"The training rows of {quality.version.name} cannot be read, so there is nothing to propose; "
                "put their file back from a backup.",
            )
        else:
            st.html(write_table(TERM_COLUMNS, rows, "What is asked of each feature"))
        st.html(write_pairs(traffic, "Of all rows"))
        with st.container(horizontal=True):
            if rows:
                offer_csv(write_csv(TERM_COLUMNS, rows), f"{name}-contract", key="contract-csv")
            offer_csv(
                write_csv(TRAFFIC_COLUMNS, traffic),
                f"{name}-contract-rows",
                key="contract-rows-csv",
                label="Download what is asked of all rows as CSV",
            )
        told = [tell_revision(one) for one in state.revisions]
        if told:
            changes = "".join(f"<li>{html.escape(one)}</li>" for one in told)
            with st.expander(f"Changed {len(told)} times" if told[1:] else "Changed once"):
                st.html(f'<ul class="dd-small">{changes}</ul>')
    changed = f"Changed last by {told[0]}" if told else "It stands as it was proposed."
    terms = Table(columns=TERM_COLUMNS, rows=rows) if rows else None
    return [
        Section(title=title, note=f"{note}. {changed}" if rows else changed, table=terms),
        Section(title="The contract of all rows", table=Table(columns=TRAFFIC_COLUMNS, rows=traffic)),
    ]


def offer_contract_undo(view: View, quality: QualityView) -> None:
    """After a change by this browser: say that it is done and offer to take it back."""
    place = st.container()
    problem = st.session_state.pop("contract-undo-problem", None)
    if problem:
        place.error(problem)
    done = st.session_state.get("contract-done")
    if done is None or done != quality.contract.revision:
        return
    if st.session_state.pop("contract-toast", False):
        st.toast("The contract was changed.", icon=":material/check_circle:")
    with place, st.container(key="banner-BETTER"):
        words, action, dismissal = st.columns([2.6, 1, 0.5], vertical_alignment="center")
        told = html.escape(quality.contract.revisions[0].reason)
        words.html(f'<div class="dd-detail" role="status"><b>Done: the contract was changed.</b> {told}</div>')
        action.button("Undo", key="contract-undo", width="stretch", on_click=_undo, args=(view, quality))
        dismissal.button("Dismiss", key="contract-dismiss", type="tertiary", on_click=_dismiss)


def _undo(view: View, quality: QualityView) -> None:
    now = view.runtime.now(view.spec.name)
    try:
        undo_contract(
            view.runtime, view.spec, quality.version, expected=quality.contract.revision, actor=get_actor(), now=now
        )
    except MLOpsError as error:
        st.session_state["contract-undo-problem"] = error.message
    _dismiss()


def _dismiss() -> None:
    st.session_state.pop("contract-done", None)
