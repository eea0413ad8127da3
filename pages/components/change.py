"""The dialogs that change production: when they are open, what opens them, and the undo."""

import html
import uuid

import streamlit as st

from mlops_core.entities import Action
from mlops_core.services.deployment import list_targets
from mlops_core.services.overview import Overview
from pages.components.change_dialog import KEYS, TITLES, Prepared, carry_out, draw_dialog
from pages.components.filters import View

ICONS = {Action.ROLL_BACK: ":material/undo:", Action.PROMOTE: ":material/publish:"}


def open_change_dialog(action: Action, target: str | None = None) -> None:
    """Have the dialog for an action drawn, with a version chosen when one is given, until it is closed."""
    close_change_dialog()
    st.session_state["change-open"] = action
    st.session_state["change-key"] = uuid.uuid4().hex
    st.session_state["change-rehearsal"] = uuid.uuid4().hex
    if target:
        st.session_state[f"{KEYS[action]}-target"] = target


def close_change_dialog() -> None:
    """Forget the dialog, what was found for it, and what was typed in it."""
    run = st.session_state.get("change-run")
    if run:
        # Nobody looks at it any more.
        run.progress.cancel()
    names = ["open", "key", "prepared", "problem", "rehearsal", "run", "suggestion"]
    typed = [f"{key}-{name}" for key in KEYS.values() for name in ("reason", "worse")]
    for name in [f"change-{name}" for name in names] + typed:
        st.session_state.pop(name, None)


def draw_change_dialog(view: View) -> None:
    """Draw the dialog that is open; it stays open when the page behind it is drawn anew."""
    action = st.session_state.get("change-open")
    if action is None:
        return
    champion, _ = list_targets(view.runtime, view.spec.name, action)
    title = f"{TITLES[action]} {view.spec.name}" + (f" · {champion} is in production" if champion else "")
    st.dialog(title, width="large", on_dismiss=close_change_dialog)(draw_dialog)(view, action)


def offer_change(action: Action, *, is_possible: bool) -> None:
    """Draw the button that opens an action's dialog."""
    if st.button(
        f"{TITLES[action]}…",
        key=f"review-{KEYS[action]}",
        icon=ICONS[action],
        width="stretch",
        disabled=not is_possible,
    ):
        open_change_dialog(action)


def offer_advice(action: Action, target: str) -> None:
    """Draw the button for what the headline advises."""
    noun = "rollback" if action is Action.ROLL_BACK else "promotion"
    if st.button(
        f"Review {noun} to {target}", key=f"review-{KEYS[action]}", type="primary", icon=ICONS[action], width="stretch"
    ):
        open_change_dialog(action, target)


def offer_undo(view: View, overview: Overview) -> None:
    """After a change by this browser: say that it is done and offer to take it back."""
    place = st.container()
    done = st.session_state.get("change-done")
    champion = overview.champion
    if not done or champion is None or champion.id != done or champion.previous is None:
        return
    if st.session_state.pop("change-toast", False):
        st.toast(f"{champion.version} is in production.", icon=":material/check_circle:")
    with place, st.container(key="banner-BETTER"):
        words, action, dismissal = st.columns([2.6, 1, 0.5], vertical_alignment="center")
        words.html(
            f'<div class="dd-detail" role="status"><b>Done: {html.escape(champion.version)} is in production.</b> '
            f"{html.escape(champion.previous)} stays one click away.</div>"
        )
        undo = Prepared(action=Action.ROLL_BACK, target=champion.previous, champion=champion.version)
        action.button(
            f"Undo, back to {champion.previous}",
            key="undo-change",
            width="stretch",
            on_click=carry_out,
            args=(view, undo, f"Undo of deployment {champion.id}"),
        )
        dismissal.button("Dismiss", key="dismiss-done", type="tertiary", on_click=_dismiss)
    problem = st.session_state.pop("change-problem", None)
    if problem:
        st.error(problem)


def _dismiss() -> None:
    st.session_state.pop("change-done", None)
