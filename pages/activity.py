"""Activity: who changed what, why, and on which evidence."""

import html

import pandas as pd
import streamlit as st

from mlops_core.entities import AuditEvent
from mlops_core.services.activity import (
    COLUMNS,
    find_gate_comparison,
    list_facts,
    list_lines,
    read_activity,
    tell_activity,
    tell_event,
    verify_chain,
    write_csv,
)
from mlops_core.services.comparison import read_comparison
from mlops_core.services.overview import read_refreshed
from mlops_core.services.rehearsal import read_latency
from mlops_core.services.rehearsal_words import tell_latency
from pages.components.downloads import offer_csv
from pages.components.filters import View, open_view, show_clock
from pages.components.headline import write_title
from pages.components.rehearsal import show_comparison
from pages.components.states import show_note
from pages.components.tables import write_pairs

EVERYTHING = "Everything"


def show_answer(view: View, events: list[AuditEvent]) -> None:
    with st.container(key="banner-INSUFFICIENT_DATA"):
        words, action = st.columns([3, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            st.html(f'<h1 class="dd-sentence">{html.escape(tell_activity(events))}</h1>')
        words.html(f'<div class="dd-detail">{len(events):,} lines, each hashed together with the one before it.</div>')
        if action.button("Verify the chain", key="audit-verify", icon=":material/verified:", width="stretch"):
            broken = verify_chain(view.runtime)
            if broken is None:
                st.success("The chain holds: no line was changed, and none is missing between two others.")
            else:
                st.error(f"Line {broken} was changed, or the line before it is gone. Restore a backup and compare.")


def show_events(view: View, events: list[AuditEvent]) -> None:
    with st.container(border=True, key="panel-events"):
        actions = [EVERYTHING, *dict.fromkeys(event.action for event in events)]
        chosen = st.segmented_control("Show", actions, default=EVERYTHING, required=True, key="action-select")
        shown = [event for event in events if chosen in (None, EVERYTHING, event.action)]
        lines = list_lines(shown)
        picked = st.dataframe(
            pd.DataFrame(lines, columns=COLUMNS),
            hide_index=True,
            key="audit-table",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "Line": st.column_config.TextColumn(width=60),
                "Why": st.column_config.TextColumn(width="large"),
            },
            alt="The audit log, newest line first",
        )
        offer_csv(write_csv(COLUMNS, lines), "audit", key="audit-csv")
    rows = picked["selection"]["rows"]
    if rows:
        show_evidence(view, shown[rows[0]])
    elif shown:
        show_note("Select a line to see what was known when it was written.")


def show_evidence(view: View, event: AuditEvent) -> None:
    with st.container(border=True, key="panel-evidence"):
        st.html(write_title(f"Line {event.id}: {tell_event(event)}", "what was known then"))
        evidence = dict(event.evidence)
        document, latency = evidence.pop("rehearsal", None), read_latency(evidence.pop("latency", {}))
        document = document or find_gate_comparison(evidence)
        if document:
            comparison = read_comparison(document)
            show_comparison(view.spec, comparison, tell_latency(comparison.candidate, latency))
        st.html(write_pairs([("Reason", event.reason or "–"), *list_facts(evidence), ("Hash", event.hash)], "Evidence"))


view = open_view(has_window=False)
events = read_activity(view.runtime, view.spec)
show_answer(view, events)
show_events(view, events)
show_clock(view.now, read_refreshed(view.runtime, view.spec), is_demo=view.spec.name in view.runtime.clocks)
