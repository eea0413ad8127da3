"""The contract as it stands, beside what the newest traffic holds, and the undo of a change."""

import html

import streamlit as st

from mlops_core.errors import MLOpsError
from mlops_core.services.activity import write_csv
from mlops_core.services.contract_words import list_traffic_terms, tell_revision
from mlops_core.services.contracts import undo_contract
from mlops_core.services.quality_view import QualityView
from mlops_core.services.quality_words import TERM_COLUMNS, list_terms
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_actor
from pages.components.states import show_note
from pages.components.tables import write_pairs, write_table


def show_contract(quality: QualityView) -> None:
    """Draw what is asked of each feature and of all rows, and who has changed it."""
    state = quality.contract
    with st.container(border=True, key="panel-contract"):
        st.html(write_title("The contract", "what differs in the newest traffic comes first"))
        if not state.contract.features:
            show_note(
                "Nothing is asked of features.",
                f"The training rows of {quality.version.name} cannot be read, so there is nothing to propose; "
                "put their file back from a backup.",
            )
        else:
            rows = list_terms(quality)
            st.html(write_table(TERM_COLUMNS, rows, "What is asked of each feature"))
        st.html(write_pairs(list_traffic_terms(state.contract.traffic, quality.spec.chunk.value), "Of all rows"))
        if state.contract.features:
            offer_csv(
                write_csv(TERM_COLUMNS, rows),
                f"{quality.spec.name}-contract",
                key="contract-csv",
            )
        if state.revisions:
            changes = "".join(f"<li>{html.escape(tell_revision(one))}</li>" for one in state.revisions)
            with st.expander(f"Changed {len(state.revisions)} times" if state.revisions[1:] else "Changed once"):
                st.html(f'<ul class="dd-small">{changes}</ul>')


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
