"""What a check says: decides the stable codes of quality and skew checks, and when a share is surely too high."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlops_core.entities import Status
from mlops_core.stats.proportions import wilson_interval

LEAST_ROWS = 200


class Check(StrEnum):
    """What is checked; the values are stable codes."""

    SCHEMA = "quality.schema"
    NULLS = "quality.null_fraction"
    RANGE = "quality.range"
    UNSEEN = "quality.unseen"
    INFINITE = "quality.infinite"
    VOLUME = "quality.volume"
    FRESHNESS = "quality.freshness"
    DUPLICATES = "quality.duplicates"
    REFUSED = "quality.refused"
    NULL_SKEW = "skew.null_fraction"
    CONSTANT_SKEW = "skew.constant"
    RANGE_SKEW = "skew.range"

    @property
    def label(self) -> str:
        """The check as a person reads it."""
        return _LABELS[self]


_LABELS = {
    Check.SCHEMA: "Columns without values",
    Check.NULLS: "Empty values",
    Check.RANGE: "Range",
    Check.UNSEEN: "Unknown categories",
    Check.INFINITE: "Infinite values",
    Check.VOLUME: "Rows",
    Check.FRESHNESS: "Age of the newest row",
    Check.DUPLICATES: "Duplicates",
    Check.REFUSED: "Refused rows",
    Check.NULL_SKEW: "Empty values, against training",
    Check.CONSTANT_SKEW: "One value only, against training",
    Check.RANGE_SKEW: "Range, against training",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of one feature, or of all rows, in one chunk."""

    check: Check
    feature: str | None
    """None for a check of all rows together."""
    n: int
    """Rows that it rests on."""
    value: float | None = None
    """In the units of the check; None when it could not be computed."""
    limit: float | None = None
    """From which on the value is too high, or too low; None when there is none."""
    status: Status
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFindings:
    """What all checks say of one chunk."""

    start: datetime
    end: datetime
    n: int
    """Rows that the version answered."""
    findings: tuple[Finding, ...]


def lack_rows(check: Check, feature: str | None, n: int, noun: str = "rows") -> Finding:
    """Say that there are too few rows to judge."""
    reason = f"{n:,} {noun}; {LEAST_ROWS} are needed."
    return Finding(check=check, feature=feature, n=n, status=Status.INSUFFICIENT_DATA, reason=reason)


def judge_shares(counts: NDArray[np.int64], n: NDArray[np.int64], limit: float) -> list[Status]:
    """Compare shares with the highest accepted: an alert when the whole 95 % interval is above it.

    Parameters
    ----------
    counts, n : ndarray of shape (k,)
        Rows at fault and all rows; a place without rows is OK here, and for the caller to say.
    """
    above = counts > limit * n
    if not above.any():
        return [Status.OK] * len(above)
    low, _ = wilson_interval(counts, n)
    return [
        Status.ALERT if is_above and is_certain else Status.WARNING if is_above else Status.OK
        for is_above, is_certain in zip(above, np.nan_to_num(low) > limit, strict=True)
    ]
