"""Training in a model file: decides what may be asked of a run and of the version that comes of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlops_core.errors import InputError
from mlops_core.sections import read_number, read_text, refuse_unknown_keys

ENTRY_POINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
MOST_FOLDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How new versions of a model are trained."""

    entry_point: str
    """"package.module:function", which names the candidates."""
    folds: int = 3
    """Times that each candidate is fitted on older rows and measured on the next newer ones."""
    holdout_days: float = 10.0
    """Age up to which labelled rows are kept from training, for the gate."""
    time_limit_minutes: float = 60.0
    """Time that one step may take."""
    memory_gb: float = 4.0
    """Memory that training may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTerms:
    """What a trained version must show before it becomes a challenger."""

    margin: float = 0.01
    """Loss, in units of the metric, up to which it counts as not worse on all rows."""
    segment_margin: float = 0.02
    """The same in each guarded segment."""
    most_calibration_error: float = 0.1
    """Highest expected calibration error, 0–1."""
    most_latency_ms: float = 100.0
    """Longest time to score one row."""
    most_artifact_mb: float = 200.0
    """Largest artifact, in 10^6 bytes."""


def read_training(section: Mapping[str, object]) -> Training:
    """Read the section [training].

    Raises
    ------
    InputError
        When it has no entry point, or says something that is not understood.
    """
    refuse_unknown_keys(section, frozenset(Training.__dataclass_fields__), "The section [training]")
    usual = Training(entry_point=_read_entry_point(section.get("entry_point")))
    return Training(
        entry_point=usual.entry_point,
        folds=_read_folds(section.get("folds", usual.folds)),
        holdout_days=_read(section, usual, "holdout_days", 0.04, 3650.0),
        time_limit_minutes=_read(section, usual, "time_limit_minutes", 0.01, 7 * 24 * 60.0),
        memory_gb=_read(section, usual, "memory_gb", 0.5, 4096.0),
    )


def read_gate(section: Mapping[str, object]) -> GateTerms:
    """Read the section [gate]."""
    refuse_unknown_keys(section, frozenset(GateTerms.__dataclass_fields__), "The section [gate]")
    usual = GateTerms()
    return GateTerms(
        margin=_read(section, usual, "margin", 1e-6, 1.0),
        segment_margin=_read(section, usual, "segment_margin", 1e-6, 1.0),
        most_calibration_error=_read(section, usual, "most_calibration_error", 0.0, 1.0),
        most_latency_ms=_read(section, usual, "most_latency_ms", 0.01, 1e6),
        most_artifact_mb=_read(section, usual, "most_artifact_mb", 0.001, 1e5),
    )


def _read(section: Mapping[str, object], usual: Training | GateTerms, key: str, low: float, high: float) -> float:
    return read_number(section.get(key, getattr(usual, key)), key, low, high)


def _read_entry_point(value: object) -> str:
    given = read_text(value, "The entry_point of [training]")
    if not ENTRY_POINT.fullmatch(given):
        raise InputError(f"The entry_point {given!r} is not accepted: a name such as 'package.module:candidates'.")
    return given


def _read_folds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= MOST_FOLDS:
        raise InputError(f"The folds {value!r} are not accepted: a whole number from 2 to {MOST_FOLDS}.")
    return value
