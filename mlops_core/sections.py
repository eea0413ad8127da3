"""Sections of a model file: decides how their values are checked, and what is said of one that is not accepted."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from mlops_core.errors import InputError

Choice = TypeVar("Choice", bound=StrEnum)


def refuse_unknown_keys(section: Mapping[str, object], known: frozenset[str], place: str) -> None:
    """Refuse keys that are not understood, by name."""
    unknown = sorted(set(section) - known)
    if unknown:
        raise InputError(f"{place} has the unknown key {unknown[0]!r}; accepted are {', '.join(sorted(known))}.")


def read_choice(kind: type[Choice], value: object, key: str) -> Choice:
    """Take one of an enumeration's values."""
    try:
        return kind(str(value))
    except ValueError as error:
        accepted = ", ".join(member.value for member in kind)
        raise InputError(f"The {key} {value!r} is not known; accepted are {accepted}.") from error


def read_number(value: object, key: str, low: float, high: float) -> float:
    """Take a number from low to high, both accepted."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"The {key} {value!r} is not accepted: a number from {low:g} to {high:g}.")
    return float(value)


def read_text(value: object, key: str) -> str:
    """Take a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{key} is {value!r}; accepted is a non-empty text.")
    return value


def read_names(value: object, key: str) -> tuple[str, ...]:
    """Take a list of column names."""
    if not isinstance(value, list):
        raise InputError(f"{key} is {value!r}; accepted is a list of column names.")
    return tuple(read_text(name, key) for name in value)
