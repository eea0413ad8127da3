"""Which run a page shows: decides that the newest one is, unless the URL asks for another."""

import streamlit as st

from mlops_core.runs import TrainingRun
from mlops_core.services.activity import write_csv
from mlops_core.services.run_words import HISTORY_COLUMNS, NO_VERSION, list_history, name_run
from pages.components.address import start_choice, write_query
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.links import link_run, link_version
from pages.components.tables import write_table

SHOWN = 20


def choose_run(runs: list[TrainingRun]) -> TrainingRun | None:
    """Let a run be chosen; None when there is none."""
    if not runs:
        return None
    numbers = {str(run.id): run.id for run in runs}
    start_choice("run-select", "run", numbers, runs[0].id)
    names = {run.id: name_run(run) for run in runs}
    number = st.selectbox(
        "Run", list(names), format_func=lambda number: names.get(number, str(number)), key="run-select", width=340
    )
    write_query("run", None if number == runs[0].id else str(number))
    return next(run for run in runs if run.id == number)


def show_history(view: View, runs: list[TrainingRun]) -> None:
    """List what was ordered, by whom, and what came of it."""
    lines = list_history(runs)
    with st.container(border=True, key="panel-run-history"):
        note = f"the newest {SHOWN} of {len(runs)}" if len(runs) > SHOWN else "newest first"
        st.html(write_title("Runs", note))
        links = {
            "Run": lambda number: link_run(view, int(number)),
            "Version": lambda version: version if version == NO_VERSION else link_version(view, version),
        }
        st.html(write_table(HISTORY_COLUMNS, lines[:SHOWN], "Training runs, newest first", links))
        offer_csv(write_csv(HISTORY_COLUMNS, lines), "runs", key="runs-csv")
