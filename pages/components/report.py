"""The page as a file: decides how a report is offered."""

from functools import partial

import streamlit as st

from mlops_core.services.report import Report, name_report, write_report


def offer_report(report: Report, key: str) -> None:
    """Draw the button that makes a report when it is clicked, and not before."""
    st.download_button(
        "Download report",
        partial(write_report, report),
        name_report(report),
        "text/html",
        key=key,
        icon=":material/description:",
        width="stretch",
        on_click="ignore",
        help="This page as one HTML file that needs no network: the sentence, figures, and tables.",
    )
