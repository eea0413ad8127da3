"""The dialog that orders a training run: which rows, which candidates, and why."""

import uuid
from datetime import UTC, datetime, time
from functools import partial

import streamlit as st

from mlops_core.entities import Window
from mlops_core.errors import MLOpsError
from mlops_core.runs import RunOrder, TrainingRun
from mlops_core.services.background import Run
from mlops_core.services.retraining import order_run
from mlops_core.services.run_candidates import Offer, load_offer, measure_logged
from mlops_core.services.run_orders import find_holdout_start
from mlops_core.services.run_words import propose_reason
from mlops_core.words import write_day
from pages.components.filters import View
from pages.components.rehearsal import follow
from pages.components.session import get_actor
from pages.components.states import show_error

ALL, SPAN = "All that are older than the rows for the gate", "A span"


def offer_run(view: View, runs: list[TrainingRun]) -> None:
    """Draw the button that opens the dialog; it is off while a run goes on."""
    is_busy = bool(runs) and not runs[0].status.is_over
    if st.button(
        "Train a new version…",
        key="review-run",
        icon=":material/model_training:",
        width="stretch",
        disabled=view.spec.training is None or is_busy,
        help="A run of this model is going on." if is_busy else None,
    ):
        open_run_dialog()


def open_run_dialog(snapshot: str | None = None) -> None:
    """Have the dialog drawn until it is closed, for new rows or for those of an earlier run."""
    st.session_state["run-open"] = uuid.uuid4().hex
    st.session_state["run-snapshot"] = snapshot


def close_run_dialog() -> None:
    """Forget the dialog and what was typed in it."""
    for name in (
        "run-open",
        "run-snapshot",
        "run-problem",
        "run-reason",
        "run-candidates",
        "run-rows",
        "run-from",
        "run-to",
    ):
        st.session_state.pop(name, None)


def draw_run_dialog(view: View) -> None:
    """Draw the dialog when it is open."""
    if "run-open" in st.session_state and view.spec.training:
        st.dialog(f"Train a new version of {view.spec.name}", width="large", on_dismiss=close_run_dialog)(_draw)(view)


def _draw(view: View) -> None:
    if "run-open" not in st.session_state:
        st.rerun()
    key = ("candidates", view.spec.name, st.session_state["run-open"])
    background, work = view.runtime.background, partial(load_offer, view.runtime, view.spec)
    run = background.find(key) or background.start(key, work, "look at the entry point")
    if not run.is_over:
        follow(run, "Close", "run-cancel-look")
        return
    if run.found is None:
        show_error("The entry point cannot be used.", run.error or "")
        return
    window = _choose_rows(view, run)
    _draw_form(view, run.found, window)


def _choose_rows(view: View, run: Run[Offer]) -> Window | None:
    """Let rows be chosen, and say what the log has of them; None for the usual ones."""
    snapshot = st.session_state.get("run-snapshot")
    if snapshot:
        st.markdown(f"Training rows: those of the snapshot `{snapshot[:12]}…`, again.")
        return None
    held_from = find_holdout_start(view.runtime, view.spec, view.now)
    rows = view.spec.words.rows
    choice = st.radio(
        "Training rows",
        [ALL, SPAN],
        key="run-rows",
        captions=[f"before {write_day(held_from, view.spec.timezone)}", "by time of scoring, UTC"],
        help=f"The newest labelled {rows} are kept from training: at the gate, both versions are compared on them.",
    )
    window = None
    if choice == SPAN:
        from_day, to_day = st.columns(2)
        start = from_day.date_input("From", value=None, key="run-from")
        end = to_day.date_input("To (this day not included)", value=None, key="run-to")
        if start is None or end is None:
            return None
        window = Window(datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC))
    if run.found and run.found.brings_rows:
        st.caption(f"The entry point brings the {rows} from elsewhere.")
        return window
    found = measure_logged(view.runtime, view.spec, window).found
    st.caption(f"{found.n_labelled:,} labelled {rows} of {found.n:,} that were logged.")
    return window


def _draw_form(view: View, offer: Offer, window: Window | None) -> None:
    chosen = st.multiselect(
        "Candidates",
        list(offer.candidates),
        default=list(offer.candidates),
        key="run-candidates",
        help="Each is tried on older rows and measured on newer ones; the best is fitted once more.",
    )
    st.session_state.setdefault("run-reason", propose_reason(view.spec, view.now))
    st.text_input(
        "Reason (kept in the audit log)",
        key="run-reason",
        max_chars=2000,
        placeholder="Why a new version is needed",
    )
    problem = st.session_state.pop("run-problem", None)
    if problem:
        st.error(problem)
    button, note = st.columns([1, 2], vertical_alignment="center")
    needs_span = st.session_state.get("run-rows") == SPAN and window is None
    button.button(
        "Start the run",
        key="run-confirm",
        type="primary",
        icon=":material/model_training:",
        width="stretch",
        disabled=not chosen or needs_span,
        on_click=_order,
        args=(view, tuple(chosen) if len(chosen) < len(offer.candidates) else (), window),
    )
    words = "Choose both days." if needs_span else "Production stays as it is; what passes becomes the challenger."
    note.caption(words if chosen else "Choose at least one candidate.")


def _order(view: View, candidates: tuple[str, ...], window: Window | None) -> None:
    order = RunOrder(
        model=view.spec.name,
        reason=st.session_state.get("run-reason", ""),
        actor=get_actor(),
        window=window,
        candidates=candidates,
        snapshot=st.session_state.get("run-snapshot"),
        key=st.session_state.get("run-open"),
    )
    try:
        run = order_run(view.runtime, view.spec, order)
    except MLOpsError as error:
        st.session_state["run-problem"] = error.message
        return
    close_run_dialog()
    st.session_state["run-select"] = run.id
