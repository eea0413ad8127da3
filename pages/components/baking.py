"""Baking windows on pages: one quiet line, whose mark and word say how it stands."""

import html

import streamlit as st

from mlops_core.entities import Deployment
from mlops_core.services.baking import read_bakes
from mlops_core.services.baking_words import BakeNote, note_champion
from mlops_core.services.quality_words import SIGNS
from pages.components.filters import View


def show_bake(view: View, champion: Deployment | None) -> None:
    """Draw what is said of the champion's baking window; nothing when there is nothing to say."""
    note = note_champion(read_bakes(view.runtime, view.spec, view.now), champion, view.now)
    if note:
        with st.container(key="baking"):
            st.html(write_bake(note))


def write_bake(note: BakeNote, before: str = "") -> str:
    """Give the line as HTML.

    Parameters
    ----------
    before : str
        What stands before it, as the day of a change.
    """
    place = f'<span class="dd-muted">{html.escape(before)}</span> ' if before else ""
    hint = f' title="{html.escape(note.detail)}"' if note.is_brief else ""
    detail = "" if note.is_brief else f": {html.escape(note.detail)}"
    return (
        f'<div class="dd-small dd-muted"{hint}>{place}<span class="dd-kicker {note.status.value}">'
        f'<span aria-hidden="true">{SIGNS[note.status]}</span> {html.escape(note.lead)}</span>{detail}</div>'
    )
