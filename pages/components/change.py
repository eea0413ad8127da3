"""The dialogs that change production: what will happen, the evidence, the reason, one button, and the undo."""

import html
import uuid
from collections.abc import Mapping
from datetime import timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.entities import Action, Preflight
from mlops_core.errors import MLOpsError
from mlops_core.services.comparison import VersionComparison, write_comparison
from mlops_core.services.deployment import ChangeRequest, change_production, list_targets, run_preflight
from mlops_core.services.overview import Overview
from mlops_core.services.rehearsal import describe_rehearsal, rehearse
from mlops_core.services.runtime import read_wall_clock
from pages.components.filters import View
from pages.components.rehearsal import show_rehearsal
from pages.components.session import get_actor
from pages.components.states import show_error

PREFLIGHT_AGE = timedelta(minutes=9)
KEYS = {Action.ROLL_BACK: "rollback", Action.PROMOTE: "promote"}
ICONS = {Action.ROLL_BACK: ":material/undo:", Action.PROMOTE: ":material/publish:"}
TITLES = {Action.ROLL_BACK: "Roll back", Action.PROMOTE: "Promote"}


def open_change_dialog(action: Action, target: str | None = None) -> None:
    """Have the dialog for an action drawn, with a version chosen when one is given, until it is closed."""
    close_change_dialog()
    st.session_state["change-open"] = action
    st.session_state["change-key"] = uuid.uuid4().hex
    if target:
        st.session_state[f"{KEYS[action]}-target"] = target


def close_change_dialog() -> None:
    """Forget the dialog and what was found for it."""
    for name in ("change-open", "change-preflight", "change-rehearsal"):
        st.session_state.pop(name, None)


def draw_change_dialog(view: View) -> None:
    """Draw the dialog that is open; it stays open when the page behind it is drawn anew."""
    action = st.session_state.get("change-open")
    if action is None:
        return
    champion, _ = list_targets(view.runtime, view.spec.name, action)
    title = f"{TITLES[action]} {view.spec.name}" + (f" · {champion} is in production" if champion else "")
    st.dialog(title, width="large", on_dismiss=close_change_dialog)(_draw_dialog)(view, action)


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
        if action.button(f"Undo, back to {champion.previous}", key="undo-change", width="stretch"):
            _carry_out(view, Action.ROLL_BACK, champion.previous, f"Undo of deployment {champion.id}", None, {})
        dismissal.button("Dismiss", key="dismiss-done", type="tertiary", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state.pop("change-done", None)


def _draw_dialog(view: View, action: Action) -> None:
    champion, targets = list_targets(view.runtime, view.spec.name, action)
    if not targets:
        show_error(f"There is no version to {action.verb} to.", "Register one first, or promote one.")
        return
    target = st.selectbox(
        f"{TITLES[action]} {'to' if action is Action.ROLL_BACK else 'version'}",
        targets,
        key=f"{KEYS[action]}-target",
        help=f"In production now: {champion or 'nothing'}.",
    )
    preflight = _get_preflight(view, target)
    comparison = _get_rehearsal(view, champion, target, preflight)
    if comparison:
        show_rehearsal(view.spec, comparison)
    _show_preflight(preflight)
    with st.form(f"{KEYS[action]}-form", border=False):
        reason = st.text_input(
            "Reason (kept with this evidence in the audit log)",
            value=describe_rehearsal(comparison, view.spec) if comparison else "",
            key=f"{KEYS[action]}-reason",
            max_chars=2000,
            placeholder="Why production changes",
        )
        button, note = st.columns([1, 2], vertical_alignment="center")
        confirmed = button.form_submit_button(
            f"{TITLES[action]} to {target}" if action is Action.ROLL_BACK else f"Promote {target}",
            key=f"{KEYS[action]}-confirm",
            type="primary",
            icon=ICONS[action],
            width="stretch",
            disabled=not preflight.passed,
        )
        stays = f" {champion} stays one click away." if champion else ""
        note.caption(f"Production changes at once, for everybody; it is written to the audit log.{stays}")
    if confirmed:
        evidence = {"rehearsal": write_comparison(comparison)} if comparison else {}
        _carry_out(view, action, target, reason, preflight, evidence)


def _carry_out(
    view: View, action: Action, target: str, reason: str, preflight: Preflight | None, evidence: Mapping[str, object]
) -> None:
    request = ChangeRequest(
        model=view.spec.name,
        to=target,
        action=action,
        actor=get_actor(),
        reason=reason,
        key=st.session_state.pop("change-key", None),
        evidence=evidence,
    )
    try:
        done = change_production(view.runtime, request, now=view.runtime.now(view.spec.name), preflight=preflight)
    except MLOpsError as error:
        st.session_state["change-key"] = uuid.uuid4().hex
        st.session_state.pop("change-preflight", None)
        st.error(error.message)
        return
    close_change_dialog()
    st.session_state["change-done"], st.session_state["change-toast"] = done.id, True
    st.rerun()


def _get_preflight(view: View, target: str) -> Preflight:
    """Give the preflight of this dialog, run anew when the target changes or it gets old."""
    found: Preflight | None = st.session_state.get("change-preflight")
    if found is None or found.version != target or read_wall_clock() - found.at > PREFLIGHT_AGE:
        with st.spinner(f"Checking that {target} can serve"):
            found = run_preflight(view.runtime, view.spec.name, target)
        st.session_state["change-preflight"] = found
    return found


def _get_rehearsal(view: View, champion: str | None, target: str, preflight: Preflight) -> VersionComparison | None:
    """Give the rehearsal of this dialog, run when the target changes; None when there is none to be had."""
    if champion is None or not preflight.passed:
        return None
    kept: tuple[tuple[str, str], VersionComparison | None] | None = st.session_state.get("change-rehearsal")
    if kept and kept[0] == (champion, target):
        comparison = kept[1]
    else:
        bar = st.progress(0.0, text=f"Rehearsing {target}")
        try:
            now = view.runtime.now(view.spec.name)
            comparison = rehearse(view.runtime, view.spec, target, now, lambda share, text: _advance(bar, share, text))
        except MLOpsError as error:
            st.warning(f"No rehearsal: {error.message}")
            return None
        finally:
            bar.empty()
        st.session_state["change-rehearsal"] = ((champion, target), comparison)
    if comparison is None:
        st.info(f"No rehearsal: none of the {view.spec.words.rows} that {champion} answered has a label yet.")
    return comparison


def _advance(bar: DeltaGenerator, share: float, text: str) -> None:
    bar.progress(share, text)


def _show_preflight(preflight: Preflight) -> None:
    items = "".join(
        f'<li><span class="dd-mark {"yes" if check.passed else "no"}" aria-hidden="true">'
        f"{'✓' if check.passed else '✕'}</span><span>{'' if check.passed else '<b>Failed:</b> '}"
        f"{html.escape(check.detail)}</span></li>"
        for check in preflight.checks
    )
    st.html(f'<ul class="dd-list" aria-label="Preflight">{items}</ul>')
