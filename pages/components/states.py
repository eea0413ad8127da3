"""Designed states: empty, error, and short notes, each saying what to do next."""

import html

import streamlit as st


def show_error(sentence: str, what_to_do: str) -> None:
    """Say that something is wrong and what to do about it."""
    with st.container(key="banner-ALERT"):
        st.html(
            f'<div role="alert"><div class="dd-kicker ALERT">ERROR</div>'
            f'<div class="dd-sentence">{html.escape(sentence)}</div>'
            f'<div class="dd-detail">{html.escape(what_to_do)}</div></div>'
        )


def show_note(sentence: str, detail: str = "") -> None:
    """Say why there is nothing to show, in grey."""
    st.html(
        f'<div class="dd-muted dd-small"><b>{html.escape(sentence)}</b> {html.escape(detail)}</div>',
    )
