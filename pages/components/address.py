"""The address of a page: decides how a choice is read from a link, and that the address always says what is shown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import streamlit as st

from pages.components.filters import refuse_unknown

Value = TypeVar("Value")


def read_query(key: str, name: str, known: Mapping[str, Value], default: Value) -> Value:
    """Give what the address asks for, or the default; a link that asks for what is not known is told so.

    Parameters
    ----------
    key : str
        Of the picker. Where it has a value already, an unknown one in the address is what is left of a choice that went
        away with its model, version, or window; no link asked for it.
    """
    asked = st.query_params.get(name)
    if asked is None or asked in known:
        return default if asked is None else known[asked]
    if key not in st.session_state:
        refuse_unknown(name, known, name)
    return default


def start_choice(key: str, name: str, known: Mapping[str, Value], default: Value) -> None:
    """Give a picker its first value, and another when its own is gone: what the address asks for, or the default."""
    value = st.session_state.get(key)
    if value is None or (value != default and value not in known.values()):
        st.session_state[key] = read_query(key, name, known, default)


def write_query(name: str, value: str | None) -> None:
    """Keep the address at what is shown; what is the default anyway is left out."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def write_start(chunk: datetime) -> str:
    """Write the start of a chunk as an address has it, where a plus sign would be read as a blank."""
    return f"{chunk.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
