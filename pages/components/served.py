"""Who answered: what the ledger says, what traffic says, and the version that served one prediction."""

import html

import streamlit as st

from mlops_core.charts.served import ServedChart, describe_served, draw_served
from mlops_core.entities import Status
from mlops_core.services.quality_words import SIGNS
from mlops_core.services.served import (
    INCIDENT_COLUMNS,
    LONGEST_ID,
    find_predictions,
    list_incidents,
    list_served_versions,
    read_served,
    tell_prediction,
    tell_served,
)
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_pairs, write_table

WORDS = {Status.OK: "AGREES", Status.ALERT: "INCIDENT", Status.INSUFFICIENT_DATA: "NOTHING YET"}


def show_served(view: View, versions: tuple[str, ...], colours: dict[str, str]) -> None:
    """Draw the panel: the sentence, one strip per version, incidents, and the lookup of a prediction."""
    served = read_served(view.runtime, view.spec, view.now)
    status, sentence = tell_served(served, view.spec)
    with st.container(border=True, key="panel-served"):
        st.html(write_title("Who answered", "wide: in production by the ledger, narrow: answered by the log, UTC"))
        st.html(_write_line(status, sentence))
        if served.spans or served.answered:
            chart = ServedChart(
                versions=list_served_versions(served, versions),
                spans=served.spans,
                answered=served.answered,
                strays=served.strays,
                rows=view.spec.words.rows,
                now=view.now,
            )
            figure = draw_served(chart, colours, get_palette())
            st.plotly_chart(figure, theme=None, key="served", alt=describe_served(chart, sentence))
        if served.strays:
            st.html(write_table(INCIDENT_COLUMNS, list_incidents(served), "Incidents, newest first"))
        _show_lookup(view)


def _show_lookup(view: View) -> None:
    asked = st.text_input(
        "Which version served this prediction?",
        key="served-lookup",
        placeholder="The id that it was delivered with",
        max_chars=LONGEST_ID,
    ).strip()
    if not asked:
        return
    found = find_predictions(view.runtime, view.spec, asked)
    if not found:
        show_note(
            f"No {view.spec.words.row} has the id {asked}.", "Ids are compared letter by letter, among kept rows."
        )
    for one in found:
        status, sentence = tell_prediction(one, view.spec)
        st.html(_write_line(status, sentence))
        facts = [
            ("Answered by", one.version),
            ("In production then", one.champion or "nothing yet"),
            ("Score", "none" if one.score is None else f"{one.score:.4f}"),
            ("Label", "none yet" if one.label is None else f"{one.label:g}"),
        ]
        st.html(write_pairs(facts, f"Facts about {asked}"))


def _write_line(status: Status, sentence: str) -> str:
    return (
        f'<div class="dd-small"><span class="dd-kicker {status.value}"><span aria-hidden="true">{SIGNS[status]}</span> '
        f'{WORDS[status]}</span> <span class="dd-muted">{html.escape(sentence)}</span></div>'
    )
