"""Which version scored which rows: the offer of a replay, and what each answered itself where none are the same."""

import html

import streamlit as st

from mlops_core.entities import Window
from mlops_core.services.activity import write_csv
from mlops_core.services.overlap import ROW_COLUMNS, Overlap, list_standings, tell_lacking
from mlops_core.services.own_traffic import EXPORTED, OwnTraffic, export_answered, list_answered, name_columns
from mlops_core.services.report import Section, Table
from mlops_core.services.side_by_side import SideBySide
from mlops_core.words import join_names
from pages.components.compare_making import describe_shift, show_shift
from pages.components.compare_runs import find_replay, start_replay
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.rehearsal import follow
from pages.components.states import show_note
from pages.components.tables import write_table


def show_rows(view: View, overlap: Overlap, window: Window) -> list[Section]:
    """Say how much of the window each version scored, and offer to let them score the rest."""
    run = find_replay(view, overlap.versions, window)
    is_running = run is not None and not run.is_over
    if not overlap.lacking and not is_running:
        return []
    told = tell_lacking(view.spec, overlap, window)
    with st.container(border=True, key="panel-compare-rows"):
        words, action = st.columns([3, 1], gap="medium", vertical_alignment="center")
        with words:
            st.html(f'{write_title("Who scored what")}<div class="dd-detail">{html.escape(told)}</div>')
        if not is_running:
            action.button(
                f"Let {join_names(overlap.lacking)} score {'them' if len(overlap.compared) < 2 else 'the rest'}",
                key="compare-replay",
                icon=":material/replay:",
                type="primary" if len(overlap.compared) < 2 else "secondary",
                width="stretch",
                on_click=start_replay,
                args=(view, overlap, window),
                help="The logged inputs of this window are scored again, at most 50,000 of them, in the background. "
                "Production is not touched.",
            )
        if run is not None and not run.is_over:
            follow(run, "Stop", "compare-cancel")
        elif run is not None:
            for name, reason in run.found.refusals.items() if run.found else ():
                st.warning(reason, icon=":material/info:", title=f"{name} could not score them.")
            if run.error:
                show_note("The replay ended without a result.", run.error)
        if len(overlap.compared) < len(overlap.versions):
            st.html(write_table(ROW_COLUMNS, list_standings(overlap), "Rows that each version scored"))
    return [Section(title="Who scored what", note=told, table=Table(columns=ROW_COLUMNS, rows=list_standings(overlap)))]


def show_own_traffic(view: View, found: SideBySide, own: OwnTraffic, shown: str) -> list[Section]:
    """Draw what each version answered itself, and how different that traffic was; without any verdict."""
    columns, rows = name_columns(view.spec), list_answered(view.spec, own)
    with st.container(border=True, key="panel-compare-traffic"):
        st.html(write_title("What each answered itself", "no verdict: the traffic was not the same"))
        st.html(write_table(columns, rows, "What each version answered itself"))
        exported = write_csv(EXPORTED, export_answered(own))
        offer_csv(exported, f"{view.spec.name}-own-traffic", key="compare-traffic-csv")
    sections = [Section(title="What each answered itself", table=Table(columns=columns, rows=rows))]
    for name, balance in own.balances.items():
        section = describe_shift(f"the traffic of {found.base} and {name}", balance)
        sections.append(section)
        if name == shown and balance:
            show_shift(view, section, balance, f"How different their {view.spec.words.rows} were", "compare-balance")
        elif name == shown:
            show_note("How different their traffic was is not known.", section.note)
    return sections
