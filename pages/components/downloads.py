"""Files to take away: decides how a table and a report are offered. A click never reruns the page."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.services.report import Report, name_report, write_report


def offer_csv(
    text: str | Callable[[], str], name: str, *, key: str, label: str = "Download as CSV", help: str | None = None
) -> None:
    """Draw the button that downloads a table; `text` may be made when it is clicked, `name` has no suffix."""
    st.download_button(
        label,
        text,
        f"{name}.csv",
        "text/csv",
        key=key,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help=help,
    )


def reserve_report() -> DeltaGenerator:
    """Give a place as high as the button of a report, so that nothing moves when the report is offered there."""
    return st.container(key="report-place")


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
