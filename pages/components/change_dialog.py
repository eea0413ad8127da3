"""Inside a change dialog: what will happen, the evidence, the reason, and the one button.

What a click confirms is what was prepared and drawn before it: target, champion, preflight, and rehearsal are kept,
and the click never prepares anew.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

import streamlit as st

from mlops_core.checks.baking import tell_watch
from mlops_core.entities import Action, ModelSpec, Preflight
from mlops_core.errors import MLOpsError
from mlops_core.services.background import Run
from mlops_core.services.deployment import (
    PREFLIGHT_VALIDITY,
    ChangeRequest,
    change_production,
    list_targets,
    run_preflight,
)
from mlops_core.services.rehearsal import Rehearsal, is_worse, write_rehearsal
from mlops_core.services.rehearsal_words import describe_rehearsal
from mlops_core.wall_clock import read_wall_clock
from pages.components.filters import View
from pages.components.rehearsal import follow, show_checks, show_rehearsal, start_rehearsal
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
    rehearsal: Rehearsal | None = None
    """None for an undo, and where nobody waited for one."""
    remark: str | None = None
    """Why there is no rehearsal, where one was begun; None otherwise."""


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
    run = _find_rehearsal(view, prepared)
    if run and not run.is_over:
        follow(run)
    elif run and run.found:
        show_rehearsal(view.spec, run.found)
        prepared = replace(prepared, rehearsal=run.found)
    elif run:
        st.info(f"No rehearsal. {run.error}", icon=":material/info:")
        prepared = replace(prepared, remark=run.error)
    if prepared.preflight:
        show_checks([*prepared.preflight.checks, *(prepared.rehearsal.checks if prepared.rehearsal else ())])
    _draw_form(view, prepared, is_waiting=run is not None and not run.is_over)


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
        evidence=_write_evidence(prepared),
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


def _write_evidence(prepared: Prepared) -> dict[str, object]:
    if prepared.rehearsal:
        return write_rehearsal(prepared.rehearsal)
    return {"no rehearsal": prepared.remark} if prepared.remark else {}


def _draw_form(view: View, prepared: Prepared, *, is_waiting: bool) -> None:
    key = KEYS[prepared.action]
    problem = st.session_state.get("change-problem")
    if not is_waiting:
        _suggest_reason(f"{key}-reason", prepared, view.spec)
        st.session_state.pop("change-problem", None)
    with st.form(f"{key}-form", border=False):
        st.text_input(
            "Reason (kept with this evidence in the audit log)",
            key=f"{key}-reason",
            max_chars=2000,
            placeholder="Why production changes",
            disabled=is_waiting,
        )
        if is_worse(prepared.rehearsal, view.spec):
            st.checkbox(f"I know that the rehearsal calls {prepared.target} worse.", key=f"{key}-worse")
        if problem:
            # Beside the button that was clicked: on a small screen the top of the dialog is out of sight.
            st.error(problem)
        _draw_button(view, prepared, is_waiting=is_waiting)


def _draw_button(view: View, prepared: Prepared, *, is_waiting: bool) -> None:
    """Draw the one button, and beside it what it does or why it is off."""
    key, is_back = KEYS[prepared.action], prepared.action is Action.ROLL_BACK
    passed = prepared.preflight is not None and prepared.preflight.passed
    button, note = st.columns([1, 2], vertical_alignment="center")
    button.form_submit_button(
        f"Roll back to {prepared.target}" if is_back else f"Promote {prepared.target}",
        key=f"{key}-confirm",
        type="primary",
        icon=":material/undo:" if is_back else ":material/publish:",
        width="stretch",
        disabled=is_waiting or not passed,
        on_click=_confirm,
        args=(view, prepared),
    )
    stays = f" {prepared.champion} stays one click away." if prepared.champion else ""
    watch = tell_watch(view.spec.baking)
    words = f"Production changes at once, for everybody; it is written to the audit log. {watch}{stays}"
    if is_waiting:
        words = "The rehearsal is running. Production can change as soon as it ends, or you go on without it."
    elif not passed:
        words = "Production cannot change while the list above has a failure."
    note.caption(words)


def _confirm(view: View, prepared: Prepared) -> None:
    """Carry out what the button named, unless the form shows another version by now."""
    shown = st.session_state.get(f"{KEYS[prepared.action]}-target", prepared.target)
    if shown != prepared.target:
        st.session_state["change-problem"] = f"Nothing was changed: {shown} was chosen meanwhile. Look again."
        return
    if is_worse(prepared.rehearsal, view.spec) and not st.session_state.get(f"{KEYS[prepared.action]}-worse"):
        st.session_state["change-problem"] = (
            f"Nothing was changed: the rehearsal calls {prepared.target} worse than {prepared.champion}. "
            "Tick the box to change production all the same."
        )
        return
    carry_out(view, prepared)


def _suggest_reason(key: str, prepared: Prepared, spec: ModelSpec) -> None:
    """Fill in the reason that the figures suggest; with another target, whatever was there is of other figures."""
    pair, rehearsal = (prepared.champion, prepared.target), prepared.rehearsal
    if st.session_state.get("change-suggestion") != pair:
        found = rehearsal.comparison if rehearsal else None
        st.session_state[key] = describe_rehearsal(found, spec) if found else ""
    st.session_state["change-suggestion"] = pair


def _prepare(view: View, action: Action, target: str, champion: str | None) -> Prepared:
    """Give what was prepared for this target, or prepare it."""
    kept: Prepared | None = st.session_state.get("change-prepared")
    if kept and _is_fresh(kept, target, champion):
        return kept
    with st.spinner(f"Checking that {target} can serve"):
        preflight = run_preflight(view.runtime, view.spec.name, target)
    prepared = Prepared(action=action, target=target, champion=preflight.champion, preflight=preflight)
    st.session_state["change-prepared"] = prepared
    return prepared


def _is_fresh(kept: Prepared, target: str, champion: str | None) -> bool:
    """Say whether what was prepared still holds and its preflight does not run out while it is read."""
    if kept.preflight is None or (kept.target, kept.champion) != (target, champion):
        return False
    return read_wall_clock() - kept.preflight.at < PREFLIGHT_VALIDITY - RENEWED_BEFORE_END


def _find_rehearsal(view: View, prepared: Prepared) -> Run[Rehearsal] | None:
    """Give the rehearsal of what was prepared, and begin it the first time; None where the version cannot serve."""
    if prepared.preflight is None or not prepared.preflight.passed:
        return None
    key = ("rehearsal", st.session_state.get("change-rehearsal"), prepared.champion, prepared.target)
    known, before = view.runtime.background.find(key), st.session_state.get("change-run")
    run = known or start_rehearsal(view, key, prepared.target)
    if before and before is not run:
        before.progress.cancel()
    st.session_state["change-run"] = run
    return run
