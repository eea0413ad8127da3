"""One run: its steps while it goes on, then what it found, its candidates, and what the gate says."""

import html
from typing import Any

import streamlit as st

from mlops_core.charts.leaderboard import describe_leaderboard, draw_leaderboard, read_standings
from mlops_core.errors import MLOpsError
from mlops_core.runs import RunStatus, StepState, TrainingRun
from mlops_core.services.comparison import read_comparison
from mlops_core.services.leaderboard import rank_trials
from mlops_core.services.retraining import RunView, cancel_run, find_run, read_run
from mlops_core.services.run_words import (
    MARKS,
    describe_run,
    list_leaderboard,
    tell_progress,
    tell_step,
    tell_waiting,
    write_leaderboard,
)
from mlops_core.wall_clock import read_wall_clock
from mlops_core.words import write_clock
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.links import link_version
from pages.components.rehearsal import show_comparison
from pages.components.run_dialog import open_run_dialog
from pages.components.session import get_actor, get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

LIVE_S = 1.0
LINES_SHOWN = 200


def show_run(view: View, run: TrainingRun) -> None:
    """Draw a run as far as it has come."""
    with st.container(border=True, key="panel-run-steps"):
        st.html(write_title(f"Run {run.id}", describe_run(run)))
        if run.version:
            st.html(f'<div class="dd-detail">It has trained {link_version(view, run.version)}.</div>')
        if run.status.is_over:
            _draw_steps(read_run(view.runtime, view.spec, run.id))
            _offer_again(view, run)
        else:
            _follow_steps(view, run)
            _offer_cancel(view, run)
    report: dict[str, Any] = dict(run.report)
    if report.get("leaderboard"):
        _show_leaderboard(view, run, report)
    if "findings" in report:
        _show_findings(report)
    if report.get("gate"):
        _show_gate(view, report["gate"])


@st.fragment(run_every=LIVE_S)
def watch_run(view: View, drawn: TrainingRun) -> None:
    """Look each second whether a run that is not shown has gone on; the page is drawn anew then."""
    if find_run(view.runtime, view.spec, drawn.id).status is not drawn.status:
        st.rerun()


@st.fragment(run_every=LIVE_S)
def _follow_steps(view: View, drawn: TrainingRun) -> None:
    """Draw the steps anew each second; what changes more than them draws the whole page."""
    found = read_run(view.runtime, view.spec, drawn.id)
    if found.run.status is not drawn.status or set(found.run.report) != set(drawn.report):
        st.rerun()
    share, words = tell_progress(found.steps)
    if found.run.status is RunStatus.QUEUED:
        words = tell_waiting(found.run, view.runtime.training.problem, read_wall_clock())
    st.progress(share, text=words)
    _draw_steps(found)


def _draw_steps(found: RunView) -> None:
    items = "".join(_write_step(state) for state in found.steps)
    st.html(f'<ul class="dd-list" aria-label="Steps of run {found.run.id}">{items}</ul>')
    with st.expander("Log", key="run-log"):
        lines = [
            (write_clock(line.at), line.step.value, line.status.value, line.words) for line in found.log[-LINES_SHOWN:]
        ]
        if lines:
            st.html(write_table(("When", "Step", "Status", "What"), lines[::-1], "Log, newest line first"))
        else:
            show_note("It has told nothing yet." if not found.run.status.is_over else "Its log is gone.")


def _write_step(state: StepState) -> str:
    kind, sign, word = MARKS[state.status]
    return (
        f'<li><span class="dd-mark {kind}" role="img" aria-label="{word}">{sign}</span>'
        f"<span><b>{state.step.value.capitalize()}</b> {html.escape(tell_step(state, read_wall_clock()))}</span></li>"
    )


def _offer_cancel(view: View, run: TrainingRun) -> None:
    with st.popover("Cancel the run…", key="run-cancel-open", icon=":material/cancel:"):
        st.text_input("Reason (kept in the audit log)", key="run-cancel-reason", max_chars=2000)
        st.button("Cancel it", key="run-cancel", type="primary", on_click=_cancel, args=(view, run.id))
        st.caption("What it has done is thrown away; nothing is registered.")
    problem = st.session_state.pop("run-cancel-problem", None)
    if problem:
        st.error(problem)


def _cancel(view: View, number: int) -> None:
    reason = st.session_state.get("run-cancel-reason", "")
    try:
        cancel_run(view.runtime, view.spec, number, actor=get_actor(), reason=reason)
    except MLOpsError as error:
        st.session_state["run-cancel-problem"] = error.message


def _offer_again(view: View, run: TrainingRun) -> None:
    snapshot = run.report.get("snapshot")
    if run.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        if st.button("Try again…", key="run-again", icon=":material/refresh:", disabled=view.spec.training is None):
            open_run_dialog(run.order.snapshot)
            st.rerun()
    elif isinstance(snapshot, dict) and st.button(
        "Train again on the same rows…",
        key="run-again",
        icon=":material/refresh:",
        disabled=view.spec.training is None,
        help="Rows, seed, and code being the same, metrics are the same.",
    ):
        open_run_dialog(str(snapshot["id"]))
        st.rerun()


def _show_leaderboard(view: View, run: TrainingRun, report: dict[str, Any]) -> None:
    metric, trials = view.spec.primary_metric, rank_trials(report["leaderboard"], view.spec.primary_metric)
    with st.container(border=True, key="panel-run-leaderboard"):
        best = report.get("best", {}).get("best")
        note = f"{best} was fitted once more" if best else "no candidate could be taken"
        st.html(write_title("Candidates", f"each measured on rows newer than those it learned from · {note}"))
        standings = read_standings(trials, metric.value)
        if standings:
            figure = draw_leaderboard(standings, metric.label, get_palette())
            words = describe_leaderboard(standings, metric.label)
            st.plotly_chart(figure, theme=None, key="run-leaderboard", alt=words)
        columns, lines = list_leaderboard(trials, metric)
        st.html(write_table(columns, lines, "Candidates, the best first"))
        offer_csv(write_leaderboard(trials, metric), f"run-{run.id}-candidates", key="run-leaderboard-csv")


def _show_findings(report: dict[str, Any]) -> None:
    findings = report["findings"]
    with st.container(border=True, key="panel-run-findings"):
        snapshot = report["snapshot"]
        note = f"{snapshot['rows']:,} labelled rows, snapshot {snapshot['id'][:12]}…"
        st.html(write_title("Training rows", note))
        if not findings:
            show_note("Nothing stands out: the contract holds, and no feature tells the label by itself.")
            return
        items = "".join(_write_finding(finding) for finding in findings)
        st.html(f'<ul class="dd-list" aria-label="What stands out in the training rows">{items}</ul>')


def _write_finding(finding: dict[str, Any]) -> str:
    is_alert = finding["status"] == "ALERT"
    kind, sign, word = ("no", "✕", "Suspicion") if is_alert else ("note", "!", "Look")
    return (
        f'<li><span class="dd-mark {kind}" aria-hidden="true">{sign}</span>'
        f"<span><b>{word}:</b> {html.escape(finding['reason'])}</span></li>"
    )


def _show_gate(view: View, gate: dict[str, Any]) -> None:
    with st.container(border=True, key="panel-run-gate"):
        st.html(write_title("Gate", "on the newest labelled rows, as serving saw them"))
        items = "".join(_write_reason(reason) for reason in gate["reasons"])
        st.html(f'<ul class="dd-list" aria-label="What the gate says">{items}</ul>')
        if gate["comparison"]:
            show_comparison(view.spec, read_comparison(gate["comparison"]))


def _write_reason(reason: dict[str, Any]) -> str:
    kind, sign, word = ("yes", "✓", "") if reason["passed"] else ("no", "✕", "<b>Refused:</b> ")
    return (
        f'<li><span class="dd-mark {kind}" aria-hidden="true">{sign}</span>'
        f"<span>{word}{html.escape(reason['words'])}</span></li>"
    )
