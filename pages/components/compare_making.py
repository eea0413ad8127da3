"""How versions were made: what differs, what is the same, and how different their training rows were."""

import html
from collections.abc import Sequence

import streamlit as st

from mlops_core.charts.balance import describe_balance, draw_balance
from mlops_core.services.activity import write_csv
from mlops_core.services.background import Run
from mlops_core.services.balance import (
    COLUMNS,
    EXPORTED,
    LIMITS,
    FeatureBalance,
    export_balance,
    list_balance,
    tell_balance,
)
from mlops_core.services.making import Making, list_facts, list_making, name_columns, read_versions, tell_making
from mlops_core.services.report import Section, Table
from pages.components.compare_runs import start_making
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.rehearsal import follow
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table

Rows = Sequence[Sequence[str]]

MOST_OPEN, TABLE_HEIGHT = 8, 330
"""Features above which their table scrolls beside the chart, and how high it is then, in pixels."""


def show_making(view: View, versions: tuple[str, ...], run: Run[Making] | None, shown: str | None) -> list[Section]:
    """Draw what is known of how versions were made; give it for the report.

    Parameters
    ----------
    run : Run, optional
        Of what has to be measured; None where there is only one version.
    shown : str, optional
        The version whose training rows are shown beside those of the first.
    """
    making = run.found if run else None
    facts = list_making(read_versions(view.runtime, view.spec, versions), making)
    columns, told = name_columns(versions), tell_making(facts, versions) if len(versions) > 1 else ""
    with st.container(border=True, key="panel-compare-making"):
        st.html(write_title("How they were made" if len(versions) > 1 else f"How {versions[0]} was made"))
        if told:
            st.html(f'<div class="dd-detail">{html.escape(told)}</div>')
        if run and not run.is_over:
            follow(run, "Stop", "compare-making-cancel")
        differing = list_facts([fact for fact in facts if fact.differs])
        alike = list_facts([fact for fact in facts if not fact.differs])
        _show_facts(columns, differing, alike)
        offer_csv(write_csv(columns, list_facts(facts)), f"{view.spec.name}-making", key="compare-making-csv")
        problems = [*(making.problems if making else ()), *((run.error,) if run and run.error else ())]
        for problem in problems:
            show_note("Not all is known.", problem)
        if problems and st.button("Measure again", key="compare-making-again", icon=":material/refresh:"):
            start_making(view, versions)
            st.rerun()
    sections = [Section(title="How they were made", note=told, table=Table(columns=columns, rows=[*differing, *alike]))]
    shifts = making.shifts if making else {}
    for name, balance in shifts.items():
        section = describe_shift(f"the training rows of {versions[0]} and {name}", balance)
        sections.append(section)
        if name == shown:
            show_shift(view, section, balance, "Training rows", "compare-training")
    return sections


def _show_facts(columns: Sequence[str], differing: Rows, alike: Rows) -> None:
    """Draw what differs, and folded what does not."""
    if differing:
        st.html(write_table(columns, differing, "What differs in how the versions were made"))
    if alike:
        with st.expander(f"The same in all: {len(alike)}" if differing else f"{len(alike)} facts"):
            st.html(write_table(columns, alike, "What is the same in how the versions were made"))


def describe_shift(what: str, balance: tuple[FeatureBalance, ...]) -> Section:
    """Give how different two sets of rows are, as a part of a report."""
    effects = [(one.feature, one.effect) for one in balance]
    return Section(
        title=f"How different {what} are",
        note=tell_balance(balance, what),
        draw=(lambda palette: draw_balance(effects, LIMITS, palette)) if effects else None,
        words=describe_balance(effects),
        table=Table(columns=COLUMNS, rows=list_balance(balance)),
    )


def show_shift(view: View, section: Section, balance: tuple[FeatureBalance, ...], title: str, key: str) -> None:
    """Draw how different two sets of rows are."""
    with st.container(border=True, key=f"panel-{key}"):
        st.html(write_title(title, "effect: PSI less what chance gives"))
        st.html(f'<div class="dd-detail">{html.escape(section.note)}</div>')
        chart, table = st.columns([1, 1.6], gap="small")
        with chart:
            if section.draw:
                st.plotly_chart(section.draw(get_palette()), theme=None, key=key, alt=section.words)
        is_long = len(balance) > MOST_OPEN
        with table, st.container(height=TABLE_HEIGHT if is_long else "content", border=False, key=f"{key}-table"):
            st.html(write_table(COLUMNS, list_balance(balance), section.title))
        offer_csv(write_csv(EXPORTED, export_balance(balance)), f"{view.spec.name}-{key}", key=f"{key}-csv")
