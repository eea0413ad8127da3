"""What a page reaches: the runtime of the process, the acting identity, and the theme of the browser."""

import getpass
import logging

import streamlit as st

from mlops_core.charts.theme import DARK, LIGHT, Palette
from mlops_core.entities import Actor
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.shared import get_runtime
from pages.components.states import show_error

_log = logging.getLogger(__name__)


def open_runtime() -> Runtime:
    """Give the shared runtime; a home that cannot be opened is told in one sentence and the page stops."""
    try:
        return get_runtime()
    except MLOpsError as error:
        _log.error("%s", error.message)
        show_error("Driftdeck cannot open its home.", error.message)
        st.stop()


def get_actor() -> Actor:
    """Give who acts on this page: the account that the app runs under, until there is a sign-on."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "local"
    return Actor(name, "page")


def get_palette() -> Palette:
    """Give the colours that fit the browser's theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT
