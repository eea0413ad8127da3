"""The dialog that changes a contract: one feature, or all rows, at a time, with a reason.

What a click saves is what the fields say then, on the contract that was drawn with them.
"""

import html

import streamlit as st

from mlops_core.checks.quality_summary import find_troubles
from mlops_core.entities import Status
from mlops_core.errors import MLOpsError
from mlops_core.services.contract_fields import ALL_ROWS, Field, apply_fields, list_fields
from mlops_core.services.contracts import save_contract
from mlops_core.services.quality_view import QualityView
from pages.components.filters import View
from pages.components.session import get_actor

REASON, OPEN = "contract-reason", "contract-open"


def offer_contract_change() -> None:
    """Draw the button that opens the dialog."""
    st.button(
        "Change the contract…", key="contract-edit", icon=":material/edit_note:", width="stretch", on_click=_open_dialog
    )


def draw_contract_dialog(view: View, quality: QualityView) -> None:
    """Draw the dialog while it is open; it stays open when the page behind it is drawn anew."""
    if st.session_state.get(OPEN):
        st.dialog(f"The contract of {view.spec.name}", width="medium", on_dismiss=_close_dialog)(_draw)(view, quality)


def _open_dialog() -> None:
    _close_dialog()
    st.session_state[OPEN] = True


def _close_dialog() -> None:
    """Forget the dialog and what was typed in it."""
    for name in [key for key in st.session_state if str(key).startswith(("contract-field-", OPEN, REASON))]:
        st.session_state.pop(name, None)


def _draw(view: View, quality: QualityView) -> None:
    if not st.session_state.get(OPEN):
        st.rerun()
    problem = st.session_state.pop("contract-problem", None)
    if problem:
        st.error(problem)
    troubled = [one.finding.feature for one in find_troubles(quality.chunks) if one.finding.feature]
    names = [terms.feature for terms in quality.contract.contract.features]
    subjects = [*dict.fromkeys(name for name in troubled if name in names), ALL_ROWS, *names]
    subject = st.selectbox("What to change", list(dict.fromkeys(subjects)), key="contract-subject") or ALL_ROWS
    _show_evidence(quality, subject)
    _show_fields(list_fields(quality.contract, subject), subject)
    st.text_input(
        "Reason (kept in the audit log)",
        key="contract-reason",
        max_chars=2000,
        placeholder="Why this is asked from now on",
    )
    button, note = st.columns([1, 1.6], vertical_alignment="center")
    button.button(
        "Change the contract",
        key="contract-save",
        type="primary",
        icon=":material/check:",
        width="stretch",
        on_click=_save,
        args=(view, quality, subject),
    )
    note.caption(
        "Checks follow at once, for past traffic too. The page offers to undo it, and the audit log keeps both."
    )


def _show_evidence(quality: QualityView, subject: str) -> None:
    """Say what the newest chunk has."""
    wanted = None if subject == ALL_ROWS else subject
    chunk = next((one for one in reversed(quality.chunks) if one.findings), None)
    own = [one for one in chunk.findings if one.feature == wanted] if chunk else []
    told = [one.reason for one in own if one.status is not Status.INSUFFICIENT_DATA] or [one.reason for one in own[:1]]
    lines = "".join(f'<li class="dd-small dd-muted">{html.escape(reason)}</li>' for reason in told)
    if lines:
        st.html(f'<div class="dd-small dd-muted">In the newest traffic</div><ul class="dd-list">{lines}</ul>')


def _show_fields(fields: list[Field], subject: str) -> None:
    for field in fields:
        key = name_key(subject, field)
        if key not in st.session_state:
            st.session_state[key] = list(field.value) if isinstance(field.value, tuple) else field.value
        if field.choices is not None:
            st.multiselect(field.label, field.choices, key=f"contract-field-{subject}-{field.term}", help=field.hint)
            continue
        st.number_input(
            field.label,
            min_value=None if field.highest is None else 0.0,
            max_value=field.highest,
            value=None,
            key=f"contract-field-{subject}-{field.term}",
            step=None if field.highest is None else 1.0,
            format="%g",
            placeholder="no limit",
            help=field.hint,
        )


def name_key(subject: str, field: Field) -> str:
    """Give the key of a field's widget: each subject has widgets of its own."""
    return f"contract-field-{subject}-{field.term}"


def _save(view: View, quality: QualityView, subject: str) -> None:
    values = {
        field.term: st.session_state.get(name_key(subject, field)) for field in list_fields(quality.contract, subject)
    }
    asked = apply_fields(quality.contract.contract, subject, values)
    try:
        saved = save_contract(
            view.runtime,
            view.spec,
            quality.version,
            asked,
            expected=quality.contract.revision,
            actor=get_actor(),
            reason=st.session_state.get(REASON, ""),
            now=view.runtime.now(view.spec.name),
        )
    except MLOpsError as error:
        st.session_state["contract-problem"] = error.message
        return
    _close_dialog()
    st.session_state["contract-done"], st.session_state["contract-toast"] = saved.revision, True
