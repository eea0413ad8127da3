"""The sentence that opens a page, in a banner coloured by its verdict."""

import html
import re

import streamlit as st

from mlops_core.checks.headline import Headline


def show_headline(headline: Headline) -> None:
    """Draw kicker, sentence, and detail; the caller adds buttons beside it."""
    st.html(write_headline(headline))


def write_headline(headline: Headline) -> str:
    """Give kicker, sentence, and detail as HTML."""
    return (
        f'<div class="dd-kicker {headline.status.value}">{html.escape(headline.kicker)}</div>'
        f'<h1 class="dd-sentence">{html.escape(headline.sentence)}</h1>'
        f'<div class="dd-detail">{_embolden(headline.detail)}</div>'
    )


def _embolden(text: str) -> str:
    """Turn **word** into bold, after everything else was made harmless."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))


def write_title(title: str, note: str = "") -> str:
    """Give the title of a panel, with a remark in grey."""
    remark = f' <span class="dd-muted">· {html.escape(note)}</span>' if note else ""
    return f'<div class="dd-card-title"><b>{html.escape(title)}</b>{remark}</div>'


def show_champion(version: str | None, remark: str = "") -> None:
    """Say which version is in production."""
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
        st.html('<span class="dd-detail">In production</span>', width="content")
        with st.container(key="champion", width="content"):
            st.html(f"<b>{html.escape(version or 'none')}</b>", width="content")
        if remark:
            st.html(f'<span class="dd-muted dd-small">{html.escape(remark)}</span>', width="content")
