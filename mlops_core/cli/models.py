"""The command that registers a model: decides how a model file is read and what is told of it."""

import json
from argparse import Namespace
from pathlib import Path

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.patience import tell_when_long
from mlops_core.cli.reports import locate_home
from mlops_core.cli.tables import Cell, lay_out
from mlops_core.errors import InputError


def run_init(options: Namespace) -> Outcome:
    """Register a model from its file, or let a model that exists be as its file says."""
    body = {"file": _read(options.file), "reason": options.reason or ""}
    words = "Judging traffic by the model file …"
    with connect(locate_home(options), may_create=True) as connection, tell_when_long(words):
        document = connection.post("/models", body)
    return Outcome(document=document, text=_tell(document))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"The model file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The model file {path} is not text in UTF-8: {error.reason}.") from error


def _tell(document: Document) -> str:
    name, changes = document["model"], document["changes"]
    if document["is_new"]:
        return f"The model {name} is registered."
    if not changes:
        return f"{name} is as its file says already; nothing was changed."
    rows = [[change["key"], _write(change["old"]), _write(change["new"])] for change in changes]
    return f"{name} is as its file says now.\n\n{lay_out(['Key', 'Was', 'Is'], rows)}"


def _write(value: object) -> Cell:
    return None if value is None else json.dumps(value, ensure_ascii=False)
