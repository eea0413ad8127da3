"""The answer of the overview between two starts: decides how long it is still true; light, since a start waits for it.

What the overview says follows from the store and from the time. The words are kept in a file of the home, with the
newest records that the store had; they are said again only while it has no newer ones, and for a short time.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from mlops_core.artifacts import writing_whole
from mlops_core.checks.headline import Headline
from mlops_core.config import PROJECT
from mlops_core.entities import Action, ModelSpec, Status
from mlops_core.errors import HomeError
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import list_models
from mlops_core.store.verdicts import get_newest_records

LONGEST_KEPT = timedelta(minutes=15)
"""A model is looked at this often though nothing comes: late labels and chunks that end change what is said."""

WRITERS = ("checks/rollup.py", "words.py")
"""What the words are written by; after an update they may be others."""
_reading = threading.Lock()


def find_words(runtime: Runtime, name: str | None = None) -> Headline | None:
    """Give what the overview of a model, or of the only one, says now.

    None where there is no such model, or several: the overview opens with what needs attention in all of them then.
    """
    specs = list_models(runtime.database)
    spec = next((spec for spec in specs if name in (None, spec.name)), None) if len(specs) == 1 else None
    return (recall_words(runtime, spec) or read_words(runtime, spec)) if spec else None


def read_words(runtime: Runtime, spec: ModelSpec) -> Headline:
    """Read the overview and keep what it says; who asks while somebody else is reading finds the results."""
    # Imports the statistics, which a start with kept words need not wait for.
    from mlops_core.services.overview import read_overview

    with _reading:
        newest, now = get_newest_records(runtime.database, spec.name), runtime.now(spec.name)
        headline = read_overview(runtime, spec, now).headline
    keep_words(runtime, spec, headline, newest, now)
    return headline


def recall_words(runtime: Runtime, spec: ModelSpec) -> Headline | None:
    """Give the kept words while they hold; None when the store or the time has moved on, or there are none."""
    try:
        kept = json.loads(_locate(runtime, spec).read_bytes())
        age = runtime.now(spec.name) - datetime.fromisoformat(kept["at"])
        is_known = kept["writers"] == _hash_writers() and kept["newest"] == get_newest_records(
            runtime.database, spec.name
        )
        if not is_known or not timedelta(0) <= age < LONGEST_KEPT:
            return None
        return _read_headline(kept["words"])
    except (OSError, ValueError, TypeError, KeyError):
        # Nothing is lost: they are found anew.
        return None


def keep_words(runtime: Runtime, spec: ModelSpec, headline: Headline, newest: str, at: datetime) -> None:
    """Keep words for the next start.

    Parameters
    ----------
    newest : str
        What `get_newest_records` gave before the words were found.
    """
    document = {"writers": _hash_writers(), "at": at.isoformat(), "newest": newest, "words": asdict(headline)}
    try:
        with writing_whole(_locate(runtime, spec)) as file:
            file.write_text(json.dumps(document), encoding="utf-8")
    except HomeError:
        # On a full disk the next start takes longer; the page itself says what is wrong.
        return


def _read_headline(kept: Mapping[str, Any]) -> Headline:
    action = kept["action"] and Action(kept["action"])
    return Headline(**(dict(kept) | {"status": Status(kept["status"]), "action": action}))


def _locate(runtime: Runtime, spec: ModelSpec) -> Path:
    return runtime.home.words / f"{spec.name}.json"


@cache
def _hash_writers() -> str:
    return hashlib.sha256(b"".join((PROJECT / "mlops_core" / file).read_bytes() for file in WRITERS)).hexdigest()
