"""The challenger on a page: how it does in the shadow of the version in production, and what starts and ends that."""

import html

import streamlit as st

from mlops_core.entities import Action
from mlops_core.errors import MLOpsError
from mlops_core.services.challengers import list_possible_challengers, make_challenger, stop_challenger
from mlops_core.services.shadow import Shadow, read_shadow
from mlops_core.services.shadow_words import NOBODY, judge_shadow, tell_scored, tell_shadow
from mlops_core.words import write_instant
from pages.components.change import open_change_dialog
from pages.components.compare_choice import offer_comparison
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.rehearsal import show_differences
from pages.components.session import get_actor
from pages.components.states import show_note

OPEN, VERSION, REASON, PROBLEM = "challenger-open", "challenger-version", "challenger-reason", "challenger-problem"


def show_challenger(view: View, shadow: Shadow | None) -> None:
    """Draw how the challenger does beside the version in production, with its buttons; or what makes one."""
    with st.container(border=True, key="panel-challenger"):
        st.html(write_title("Challenger", "scores live traffic, is never served"))
        if shadow is None:
            possible = list_possible_challengers(view.runtime, view.spec)
            words, button = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
            with words:
                show_note(NOBODY, "What passes the gate of a training run is; so is any version that you choose.")
            with button:
                _offer("Try a version…", "challenger-try", None, is_possible=bool(possible))
            return
        words, actions = st.columns([3.2, 1], gap="medium")
        with words:
            st.html(_write_answer(view, shadow))
        with actions:
            _offer_actions(view, shadow)
        if shadow.comparison:
            show_differences(view.spec, shadow.comparison, "challenger")


def draw_challenger_dialog(view: View) -> None:
    """Draw the dialog while it is open; it stays what it was opened for when the page behind it is drawn anew."""
    if OPEN in st.session_state:
        ends = st.session_state[OPEN]
        st.dialog(f"End the shadow of {ends}" if ends else "Try a version on live traffic", on_dismiss=_close)(_draw)(
            view, ends
        )


def _write_answer(view: View, shadow: Shadow) -> str:
    spec, challenge = view.spec, shadow.challenge
    judgement = judge_shadow(spec, shadow)
    beside = f"{challenge.version} beside {shadow.champion}" if shadow.champion else challenge.version
    kicker = f"{judgement.label.upper()} · {beside}" if shadow.comparison else beside
    by = f"The challenger since {write_instant(challenge.since)} UTC, by {challenge.actor.name}: {challenge.reason}."
    return (
        f'<div class="dd-kicker">{html.escape(kicker)}</div>'
        f'<h2 class="dd-sentence">{html.escape(tell_shadow(spec, shadow))}</h2>'
        f'<div class="dd-detail">{html.escape(tell_scored(spec, shadow))}</div>'
        f'<div class="dd-muted dd-small">{html.escape(by)}</div>'
    )


def _offer_actions(view: View, shadow: Shadow) -> None:
    name = shadow.challenge.version
    if st.button(
        f"Promote {name}…",
        key="challenger-promote",
        icon=":material/publish:",
        width="stretch",
        help="After a rehearsal",
    ):
        open_change_dialog(Action.PROMOTE, name)
    _offer("End the shadow…", "challenger-end", name, is_possible=True)
    offer_comparison(view, name)


def _offer(label: str, key: str, ends: str | None, *, is_possible: bool) -> None:
    st.button(
        label,
        key=key,
        width="stretch",
        disabled=not is_possible,
        help=None if is_possible else "There is no version but the one in production.",
        on_click=_open,
        args=(ends,),
    )


def _open(ends: str | None) -> None:
    """Have the dialog drawn that ends the shadow of a version, or, for None, that tries one."""
    _close()
    st.session_state[OPEN] = ends


def _close() -> None:
    """Forget the dialog and what was typed in it."""
    for name in (OPEN, VERSION, REASON, PROBLEM):
        st.session_state.pop(name, None)


def _draw(view: View, ends: str | None) -> None:
    if OPEN not in st.session_state:
        st.rerun()
    version = None if ends else st.selectbox("Version", list_possible_challengers(view.runtime, view.spec), key=VERSION)
    st.text_input(
        "Reason (kept in the audit log)",
        key=REASON,
        max_chars=2000,
        placeholder="What has been seen" if ends else "What is to be found out",
    )
    problem = st.session_state.pop(PROBLEM, None)
    if problem:
        st.error(problem)
    button, note = st.columns([1, 1.4], vertical_alignment="center")
    button.button(
        "End the shadow" if ends else f"Try {version}",
        key="challenger-confirm",
        type="primary",
        width="stretch",
        on_click=_carry_out,
        args=(view, ends, version),
    )
    note.caption(
        "What it has scored stays, and is used where versions are compared."
        if ends
        else f"It scores each {view.spec.words.row} that comes, with the next check. Production stays as it is."
    )


def _carry_out(view: View, ends: str | None, version: str | None) -> None:
    known = read_shadow(view.runtime, view.spec)
    if (known.challenge.version if known else None) != ends:
        now_known = known.challenge.version if known else "no version"
        st.session_state[PROBLEM] = f"Nothing was changed: meanwhile {now_known} is the challenger. Look again."
        return
    reason, now = st.session_state.get(REASON, ""), view.runtime.now(view.spec.name)
    try:
        if version is None:
            ended = stop_challenger(view.runtime, view.spec, actor=get_actor(), reason=reason, now=now)
            told = f"The shadow of {ended} has ended."
        else:
            make_challenger(view.runtime, view.spec, version, actor=get_actor(), reason=reason, now=now)
            told = f"{version} is the challenger now."
    except MLOpsError as error:
        st.session_state[PROBLEM] = error.message
        return
    _close()
    st.toast(told, icon=":material/check:")
