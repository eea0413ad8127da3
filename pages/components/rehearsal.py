"""The evidence in a dialog: what the target would have done on the champion's own traffic."""

import html
from collections.abc import Hashable, Sequence
from functools import partial

import streamlit as st

from mlops_core.charts.differences import describe_differences, draw_metric_differences, draw_segment_differences
from mlops_core.entities import ModelSpec, PreflightCheck
from mlops_core.services.background import Found, Run
from mlops_core.services.comparison import VersionComparison
from mlops_core.services.rehearsal import Rehearsal, rehearse
from mlops_core.services.rehearsal_words import tell_latency, tell_rehearsal
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_palette

POLL_S = 0.4


def start_rehearsal(view: View, key: Hashable, target: str) -> Run[Rehearsal]:
    """Begin a rehearsal in the background."""
    work = partial(rehearse, view.runtime, view.spec, target, view.now)
    return view.runtime.background.start(key, work, "rehearsal")


@st.fragment(run_every=POLL_S)
def follow(run: Run[Found], label: str = "Go on without it", key: str = "rehearsal-cancel") -> None:
    """Draw how far a piece of work is, and offer not to wait for it; its end draws the whole page anew."""
    if run.is_over:
        st.rerun()
    bar, button = st.columns([3, 1], gap="medium", vertical_alignment="center")
    bar.progress(min(run.progress.fraction, 1.0), text=run.progress.step)
    if button.button(label, key=key, width="stretch"):
        run.progress.cancel()


def show_rehearsal(spec: ModelSpec, rehearsal: Rehearsal) -> None:
    """Draw the answer in a sentence, the differences by metric, and those by segment; or why there is none."""
    comparison = rehearsal.comparison
    if comparison is None:
        st.info(f"No rehearsal: {rehearsal.remark}", icon=":material/info:")
        return
    show_comparison(spec, comparison, tell_latency(rehearsal.version, rehearsal.latency))


def show_comparison(spec: ModelSpec, comparison: VersionComparison, more: str = "") -> None:
    """Draw what a rehearsal found, now or when a change was made, with a remark behind it."""
    judgement = comparison.paired.get_difference(spec.primary_metric).judgement
    sentence, detail = tell_rehearsal(comparison, spec)
    with st.container(key=f"banner-{judgement.name}"):
        st.html(
            f'<h2 class="dd-sentence">{html.escape(sentence)}</h2>'
            f'<div class="dd-detail">{html.escape(f"{detail} {more}".strip())}</div>'
        )
    show_differences(spec, comparison)


def show_differences(spec: ModelSpec, comparison: VersionComparison, key: str = "rehearsal") -> None:
    """Draw the differences by metric and by segment."""
    left, right = st.columns(2, gap="medium")
    with left:
        _show_metrics(spec, comparison, key)
    if comparison.segments:
        with right:
            _show_segments(comparison, key)


def show_checks(checks: Sequence[PreflightCheck]) -> None:
    """List what was checked: what holds, what somebody should look at, and what forbids the change."""
    items = "".join(_write_check(check) for check in checks)
    st.html(f'<ul class="dd-list" aria-label="Preflight">{items}</ul>')


def _write_check(check: PreflightCheck) -> str:
    kind, sign, word = ("yes", "✓", "") if check.passed else ("no", "✕", "<b>Failed:</b> ")
    if check.passed and check.is_doubt:
        kind, sign, word = "note", "!", "<b>Look:</b> "
    return (
        f'<li><span class="dd-mark {kind}" aria-hidden="true">{sign}</span>'
        f"<span>{word}{html.escape(check.detail)}</span></li>"
    )


def _show_metrics(spec: ModelSpec, comparison: VersionComparison, key: str) -> None:
    pair = f"{comparison.candidate} − {comparison.champion} on the same {spec.words.rows}"
    st.html(write_title(pair, "right is better · 95 % interval"))
    differences = list(comparison.paired.metrics.values())
    words = describe_differences([(found.metric.label, found) for found in differences])
    figure = draw_metric_differences(differences, get_palette(), comparison.paired.margin)
    st.plotly_chart(figure, theme=None, key=f"{key}-metrics", alt=words)


def _show_segments(comparison: VersionComparison, key: str) -> None:
    st.html(write_title(f"F1 by {comparison.segment_column}", "right is better · widened for their number"))
    words = describe_differences([(found.segment, found.difference) for found in comparison.segments])
    figure = draw_segment_differences(comparison.segments, get_palette(), comparison.paired.margin)
    st.plotly_chart(figure, theme=None, key=f"{key}-segments", alt=words)
