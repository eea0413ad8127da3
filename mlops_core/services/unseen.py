"""Rows that are new to versions: decides which part of a window none of them was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.chunking import find_chunk, next_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What is left of a window without the time that versions were trained on."""

    window: Window | None
    """None when nothing is left."""
    learned: tuple[str, ...]
    """The versions whose training reaches into the window; it may flatter them there."""
    until: datetime | None
    """Time of the newest row that any of these was trained on; None when there is none."""


def find_unseen(runtime: Runtime, spec: ModelSpec, window: Window, names: Sequence[str]) -> Unseen:
    """Find the chunks of a window that begin after the training rows of some versions, as far as these reach into it.

    Raises
    ------
    NotFoundError
        When a version is unknown.
    """
    found = {name: get_version(runtime.database, spec.name, name).snapshot for name in names}
    ends = {name: one.end for name, one in found.items() if one.end >= window.start and one.start < window.end}
    if not ends:
        return Unseen(window=window, learned=(), until=None)
    until = max(ends.values())
    start = max(window.start, next_chunk(spec, find_chunk(spec, until)))
    return Unseen(window=Window(start, window.end) if start < window.end else None, learned=tuple(ends), until=until)
