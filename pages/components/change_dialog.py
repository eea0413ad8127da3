"""Inside a change dialog: what will happen, the evidence, the reason, and the one button.

What a click confirms is what was prepared and drawn before it: target, champion, and preflight are kept, and the
click never prepares anew.
"""

import html
import uuid
from dataclasses import dataclass
from datetime import timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.entities import Action, ModelSpec, Preflight
from mlops_core.errors import MLOpsError
from mlops_core.services.background import Progress
from mlops_core.services.comparison import VersionComparison, write_comparison
from mlops_core.services.deployment import (
    PREFLIGHT_VALIDITY,
    ChangeRequest,
    change_production,
    list_targets,
    run_preflight,
)
from mlops_core.services.rehearsal import describe_rehearsal, rehearse
from mlops_core.services.runtime import read_wall_clock
from pages.components.filters import View
from pages.components.rehearsal import show_rehearsal
from pages.components.session import get_actor
from pages.components.states import show_error

RENEWED_BEFORE_END = timedelta(minutes=1)
KEYS = {Action.ROLL_BACK: "rollback", Action.PROMOTE: "promote"}
TITLES = {Action.ROLL_BACK: "Roll back", Action.PROMOTE: "Promote"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a dialog shows and its button carries out."""

    action: Action
    target: str
    champion: str | None
    """The version in production when this was prepared."""
    preflight: Preflight | None = None
    """None for an undo, which runs its own."""
    comparison: VersionComparison | None = None
    """None when there was nothing to compare on."""
    remark: str | None = None
    """Why there is no comparison; None when there is one."""


def draw_dialog(view: View, action: Action) -> None:
    """Draw the dialog's content from top to bottom; when its click has closed it, draw the whole page anew."""
    if st.session_state.get("change-open") is None:
        st.rerun()
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
    prepared = _prepare(view, action, target, champion)
    if prepared.comparison:
        show_rehearsal(view.spec, prepared.comparison)
    elif prepared.remark:
        st.info(prepared.remark)
    if prepared.preflight:
        _show_preflight(prepared.preflight)
    _draw_form(view, prepared)


def carry_out(view: View, prepared: Prepared, reason: str | None = None) -> None:
    """Do what was prepared; called by the click, before anything is drawn anew."""
    given = st.session_state.get(f"{KEYS[prepared.action]}-reason", "") if reason is None else reason
    request = ChangeRequest(
        model=view.spec.name,
        to=prepared.target,
        action=prepared.action,
        actor=get_actor(),
        reason=given,
        key=st.session_state.pop("change-key", None),
        evidence={"rehearsal": write_comparison(prepared.comparison)} if prepared.comparison else {},
    )
    now = view.runtime.now(view.spec.name)
    try:
        done = change_production(view.runtime, request, now=now, preflight=prepared.preflight)
    except MLOpsError as error:
        st.session_state["change-key"], st.session_state["change-problem"] = uuid.uuid4().hex, error.message
        # What was checked before no longer holds.
        st.session_state.pop("change-prepared", None)
        return
    for name in ("change-open", "change-prepared", "change-suggestion", f"{KEYS[prepared.action]}-reason"):
        st.session_state.pop(name, None)
    st.session_state["change-done"], st.session_state["change-toast"] = done.id, True


def _draw_form(view: View, prepared: Prepared) -> None:
    key, is_back = KEYS[prepared.action], prepared.action is Action.ROLL_BACK
    _suggest_reason(f"{key}-reason", prepared, view.spec)
    passed = prepared.preflight is not None and prepared.preflight.passed
    problem = st.session_state.pop("change-problem", None)
    with st.form(f"{key}-form", border=False):
        st.text_input(
            "Reason (kept with this evidence in the audit log)",
            key=f"{key}-reason",
            max_chars=2000,
            placeholder="Why production changes",
        )
        if problem:
            # Beside the button that was clicked: on a small screen the top of the dialog is out of sight.
            st.error(problem)
        button, note = st.columns([1, 2], vertical_alignment="center")
        button.form_submit_button(
            f"Roll back to {prepared.target}" if is_back else f"Promote {prepared.target}",
            key=f"{key}-confirm",
            type="primary",
            icon=":material/undo:" if is_back else ":material/publish:",
            width="stretch",
            disabled=not passed,
            on_click=_confirm,
            args=(view, prepared),
        )
        stays = f" {prepared.champion} stays one click away." if prepared.champion else ""
        note.caption(
            f"Production changes at once, for everybody; it is written to the audit log.{stays}"
            if passed
            else "Production cannot change while the list above has a failure."
        )


def _confirm(view: View, prepared: Prepared) -> None:
    """Carry out what the button named, unless the form shows another version by now."""
    shown = st.session_state.get(f"{KEYS[prepared.action]}-target", prepared.target)
    if shown != prepared.target:
        st.session_state["change-problem"] = f"Nothing was changed: {shown} was chosen meanwhile. Look again."
        return
    carry_out(view, prepared)


def _suggest_reason(key: str, prepared: Prepared, spec: ModelSpec) -> None:
    """Fill in the reason that the figures suggest; with another target, whatever was there is of other figures."""
    pair = (prepared.champion, prepared.target)
    if st.session_state.get("change-suggestion") != pair:
        st.session_state[key] = describe_rehearsal(prepared.comparison, spec) if prepared.comparison else ""
    st.session_state["change-suggestion"] = pair


def _prepare(view: View, action: Action, target: str, champion: str | None) -> Prepared:
    """Give what was prepared for this target, or prepare it: first the preflight, then the rehearsal."""
    kept: Prepared | None = st.session_state.get("change-prepared")
    if kept and _is_fresh(kept, target, champion):
        return kept
    with st.spinner(f"Checking that {target} can serve"):
        preflight = run_preflight(view.runtime, view.spec.name, target)
    comparison, remark = _rehearse(view, champion, target) if preflight.passed else (None, None)
    prepared = Prepared(
        action=action,
        target=target,
        champion=preflight.champion,
        preflight=preflight,
        comparison=comparison,
        remark=remark,
    )
    st.session_state["change-prepared"] = prepared
    return prepared


def _is_fresh(kept: Prepared, target: str, champion: str | None) -> bool:
    """Say whether what was prepared still holds and its preflight does not run out while it is read."""
    if kept.preflight is None or (kept.target, kept.champion) != (target, champion):
        return False
    return read_wall_clock() - kept.preflight.at < PREFLIGHT_VALIDITY - RENEWED_BEFORE_END


def _rehearse(view: View, champion: str | None, target: str) -> tuple[VersionComparison | None, str | None]:
    """Give the comparison, or why there is none."""
    if champion is None:
        return None, "No rehearsal: nothing is in production to compare with."
    bar = st.progress(0.0, text=f"Rehearsing {target}")
    try:
        now = view.runtime.now(view.spec.name)
        found = rehearse(view.runtime, view.spec, target, now, _Bar(bar))
    except MLOpsError as error:
        return None, f"No rehearsal: {error.message}"
    finally:
        bar.empty()
    return found, None if found else f"No rehearsal: no {view.spec.words.rows} have labels yet."


class _Bar(Progress):
    """Progress that is drawn while it is made."""

    def __init__(self, bar: DeltaGenerator) -> None:
        super().__init__()
        self._bar = bar

    def report(self, fraction: float, step: str) -> None:
        super().report(fraction, step)
        self._bar.progress(fraction, text=step)


def _show_preflight(preflight: Preflight) -> None:
    items = "".join(
        f'<li><span class="dd-mark {"yes" if check.passed else "no"}" aria-hidden="true">'
        f"{'✓' if check.passed else '✕'}</span><span>{'' if check.passed else '<b>Failed:</b> '}"
        f"{html.escape(check.detail)}</span></li>"
        for check in preflight.checks
    )
    st.html(f'<ul class="dd-list" aria-label="Preflight">{items}</ul>')
