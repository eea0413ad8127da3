"""The standing reference as people choose it: decides what may be chosen, and that it counts at once."""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_core.checks.drift import DriftLimits
from mlops_core.chunking import MICROSECOND, find_chunk, next_chunk
from mlops_core.entities import Actor, ModelSpec, Window
from mlops_core.errors import InputError, MLOpsError
from mlops_core.services.monitoring import count_waiting, refresh
from mlops_core.services.reasons import check_reason
from mlops_core.services.references import (
    count_window,
    ensure_reference,
    ensure_snapshot_reference,
    ensure_window_reference,
)
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.binnings import get_binning
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_champion_version, get_version
from mlops_core.store.profiles import read_coverage
from mlops_core.store.reference_choices import ReferenceChoice, add_reference_choice, get_reference_choice
from mlops_core.store.references import Reference

LEAST_ROWS = DriftLimits().least_rows
"""Of a reference: with fewer nothing could be judged."""

_log = logging.getLogger(__name__)


class Origin(StrEnum):
    """Where a standing reference comes from, what comes first on top."""

    CHOSEN = "chosen"
    MODEL_FILE = "model file"
    DEFAULT = "default"
    """The training rows of the version in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReference:
    """What the traffic of the version in production is compared with."""

    origin: Origin
    reference: Reference | None
    """None while there is nothing to compare with."""
    binning: str | None
    """Number and origin of the bins by which it was counted; None without a reference."""
    choice: ReferenceChoice | None
    """Who has chosen it; None when nobody has."""
    since: datetime | None
    """When it was chosen; of a window of the model file when it was counted, of other training rows when their version
    went into production. None while there is nothing."""


def read_standing_reference(runtime: Runtime, spec: ModelSpec, now: datetime) -> StandingReference:
    """Give what the traffic of the version in production is compared with.

    Raises
    ------
    HomeError
        When it is training rows whose file is gone or damaged.
    ConflictError
        When it is training rows that do not fit the bins of the version in production any more.
    """
    choice, champion = get_reference_choice(runtime.database, spec.name), get_champion(runtime.database, spec.name)
    reference = ensure_reference(runtime, spec, get_champion_version(runtime.database, spec.name), now)
    origin = Origin.CHOSEN if choice else Origin.MODEL_FILE if spec.reference else Origin.DEFAULT
    since = choice.at if choice else champion.at if champion and origin is Origin.DEFAULT else None
    binning = get_binning(runtime.database, spec.name)
    return StandingReference(
        origin=origin,
        reference=reference,
        binning=f"{binning.id}, made from {binning.origin}" if reference and binning else None,
        choice=choice,
        since=since or (reference.made_at if reference else None),
    )


def set_reference(
    runtime: Runtime, spec: ModelSpec, asked: Window | str | None, *, actor: Actor, reason: str, now: datetime
) -> StandingReference:
    """Choose what traffic is compared with, count it, and judge the version in production by it.

    Parameters
    ----------
    asked : Window, str, or None
        Traffic that is over, of which the chunks count that start in it; the version whose training rows are meant;
        or the default again.

    Raises
    ------
    InputError
        When the window or the version cannot be a reference, the reason is empty, or nothing changes.
    NotFoundError
        When there is no such version.
    HomeError
        When the training rows cannot be read.
    ConflictError
        When they do not fit the bins by which the traffic is counted.
    """
    check_reason(reason)
    before = get_reference_choice(runtime.database, spec.name)
    choice = ReferenceChoice(
        version=asked if isinstance(asked, str) else None,
        window=_fit_to_chunks(spec, asked, now) if isinstance(asked, Window) else None,
        at=now,
        actor=actor,
        reason=reason.strip(),
    )
    if _describe(choice) == _describe(before):
        raise InputError(f"That is the standing reference of {spec.name} already; nothing was changed.")
    _keep(runtime, spec, before, choice, _count(runtime, spec, choice, now))
    _judge(runtime, spec, now)
    return read_standing_reference(runtime, spec, now)


def _keep(
    runtime: Runtime,
    spec: ModelSpec,
    before: ReferenceChoice | None,
    choice: ReferenceChoice,
    reference: Reference | None,
) -> None:
    """Store a choice and its line in the audit log, which are never apart."""
    with runtime.database.transaction() as transaction:
        add_reference_choice(transaction, spec.name, choice)
        add_audit_event(
            transaction,
            at=choice.at,
            actor=choice.actor,
            action="set reference",
            model=spec.name,
            subject=spec.name,
            reason=choice.reason,
            evidence={
                "before": _describe(before),
                "after": _describe(choice),
                "reference": reference.id if reference else None,
                "n": reference.n if reference else None,
            },
        )


def _describe(choice: ReferenceChoice | None) -> dict[str, object]:
    """Give what was chosen as the audit log has it; all null is the default."""
    window = choice.window if choice else None
    return {
        "version": choice.version if choice else None,
        "start": window.start.isoformat() if window else None,
        "end": window.end.isoformat() if window else None,
    }


def _fit_to_chunks(spec: ModelSpec, window: Window, now: datetime) -> Window:
    """Give the whole chunks that start in a window: counts have no finer ends."""
    first = find_chunk(spec, window.start)
    first = first if first >= window.start else next_chunk(spec, first)
    end = next_chunk(spec, find_chunk(spec, window.end - MICROSECOND))
    written = f"The window {window.start.isoformat()} to {window.end.isoformat()}"
    if first >= end:
        raise InputError(f"{written} is empty: no {spec.chunk} in {spec.timezone} starts in it.")
    if end > now:
        newest = find_chunk(spec, now).isoformat()
        raise InputError(f"{written} reaches into the future; accepted is an end up to {newest}, as of now.")
    return Window(first, end)


def _count(runtime: Runtime, spec: ModelSpec, choice: ReferenceChoice, now: datetime) -> Reference | None:
    """Count what was chosen, and keep it, unless it was before; None when the default has nothing yet."""
    champion = get_champion_version(runtime.database, spec.name)
    if choice.window:
        count_waiting(runtime, spec)
        _refuse_small_window(runtime, spec, choice.window)
        return ensure_window_reference(runtime, spec, choice.window, now)
    if choice.version:
        version = get_version(runtime.database, spec.name, choice.version)
        n = version.snapshot.rows
        if n < LEAST_ROWS:
            raise InputError(f"{version.name} has {n:,} training rows; a reference needs {LEAST_ROWS}.")
        return ensure_snapshot_reference(runtime, spec, version, now, may_replace=version == champion)
    if spec.reference:
        return ensure_window_reference(runtime, spec, spec.reference, now)
    return ensure_snapshot_reference(runtime, spec, champion, now) if champion else None


def _refuse_small_window(runtime: Runtime, spec: ModelSpec, window: Window) -> None:
    binning = get_binning(runtime.database, spec.name)
    counted = count_window(runtime, spec, binning.id, window) if binning else {}
    n = max((int(one.n.sum()) for one in counted.values()), default=0)
    if n >= LEAST_ROWS:
        return
    chunks = sorted({one.chunk for one in read_coverage(runtime.database, spec.name)})
    known = f"from {chunks[0].isoformat()} to {next_chunk(spec, chunks[-1]).isoformat()}" if chunks else "not there yet"
    raise InputError(
        f"The window {window.start.isoformat()} to {window.end.isoformat()} has {n:,} rows that were counted; a "
        f"reference needs {LEAST_ROWS}. Traffic of {spec.name} is {known}."
    )


def _judge(runtime: Runtime, spec: ModelSpec, now: datetime) -> None:
    """Judge what is there by the new reference; what fails is tried again by the next check, which the log says."""
    try:
        refresh(runtime, spec, now)
    except MLOpsError as error:
        _log.warning("%s is judged by its new reference later: %s", spec.name, error.message)
