"""Model files of models that exist: decides what of them may be changed, and that each change is told and why."""

import hashlib
import json
import logging
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from mlops_core.config import parse_model_text
from mlops_core.entities import Actor, ModelSpec
from mlops_core.errors import InputError, MLOpsError
from mlops_core.services.monitoring import refresh
from mlops_core.services.reasons import check_reason
from mlops_core.services.registry import register_model
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.models import find_model_text, replace_model_text
from mlops_core.store.traffic import list_batches
from mlops_core.words import join_names

COUNTED_BY = ("chunk", "timezone", "threshold")
"""Keys of [monitoring] that counts of traffic are made by."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One key of a model file that is another now."""

    key: str
    """"training.folds": the section and the key."""
    old: object
    """As JSON; None when the file did not have it."""
    new: object
    """None when the file has it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model file as it holds from now on."""

    spec: ModelSpec
    is_new: bool
    """Whether the model was added with it."""
    changes: tuple[KeyChange, ...]
    """By key; empty for a new model, and when the file says what it said before."""


def put_model(runtime: Runtime, text: str, *, actor: Actor, reason: str) -> ModelFile:
    """Add a model from the text of its file, or let the model that exists be as the file says from now on.

    A file that says what it said before changes nothing, and is not written into the audit log.

    Raises
    ------
    InputError
        When the file is not understood, something changes and no reason is given, or what changes has to stay.
    """
    spec = parse_model_text(text)
    # A file that changes nothing needs none.
    reason = check_reason(reason) if reason.strip() else ""
    now = runtime.now(spec.name)
    if find_model_text(runtime.database, spec.name) is None:
        added = register_model(runtime, text, actor=actor, now=now, reason=reason)
        return ModelFile(spec=added, is_new=True, changes=())
    changes = _replace(runtime, spec, text, actor=actor, reason=reason, now=now)
    if changes:
        _judge(runtime, spec, now)
    return ModelFile(spec=spec, is_new=False, changes=changes)


def _replace(
    runtime: Runtime, spec: ModelSpec, text: str, *, actor: Actor, reason: str, now: datetime
) -> tuple[KeyChange, ...]:
    """Store a text and its line in the audit log, which are never apart; give what it changes."""
    with runtime.database.transaction() as transaction:
        before = find_model_text(transaction, spec.name) or ""
        changes = list_changes(before, text)
        if not changes:
            return ()
        _refuse_fixed(runtime, parse_model_text(before), spec)
        check_reason(reason, f"{join_names([change.key for change in changes])} would change")
        replace_model_text(transaction, spec.name, text)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action="change model file",
            model=spec.name,
            subject=spec.name,
            reason=reason,
            evidence={
                "changes": [asdict(change) for change in changes],
                "spec_sha256": hashlib.sha256(text.encode()).hexdigest(),
            },
        )
    return changes


def list_changes(before: str, after: str) -> tuple[KeyChange, ...]:
    r"""Give the keys in which two model files differ; comments and the order of keys make no difference.

    >>> list_changes("[gate]\nmargin = 0.01", "[gate]\nmargin = 0.02")
    (KeyChange(key='gate.margin', old=0.01, new=0.02),)
    """
    old, new = _flatten(tomllib.loads(before)), _flatten(tomllib.loads(after))
    return tuple(
        KeyChange(key=key, old=old.get(key), new=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _flatten(document: Mapping[str, object]) -> dict[str, object]:
    """Name each value by its section and key; dates of TOML become texts."""
    plain: dict[str, object] = json.loads(json.dumps(document, default=str))
    found: dict[str, object] = {}
    for name, value in plain.items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            found[name] = value
    return found


def _refuse_fixed(runtime: Runtime, before: ModelSpec, after: ModelSpec) -> None:
    """Refuse a change of what the model's tables and counts were made by."""
    if before.task != after.task:
        raise _explain(before.name, "task", before.task.value, after.task.value, "its versions were trained for it")
    columns = asdict(after.columns)
    for name, old in asdict(before.columns).items():
        if old != columns[name]:
            why = "its tables have these columns, and features cannot be added yet"
            raise _explain(before.name, f"columns.{name}", old, columns[name], why)
    if not list_batches(runtime.database, before.name, "predictions", limit=1):
        return
    for name in COUNTED_BY:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            raise _explain(before.name, f"monitoring.{name}", old, new, "its traffic is counted by it")


def _explain(model: str, key: str, old: object, new: object, why: str) -> InputError:
    shown = [json.dumps(value, default=str, ensure_ascii=False) for value in (old, new)]
    message = (
        f"The key {key!r} of {model} is {shown[0]} and cannot become {shown[1]}: {why}. "
        "Leave it, or register a model of another name."
    )
    return InputError(message, {"key": key})


def _judge(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Judge what is there by the new file; what fails is tried again by the next check, which the log says."""
    try:
        refresh(runtime, spec, now)
    except MLOpsError as error:
        _log.warning("%s is judged by its new model file later: %s", spec.name, error.message)
