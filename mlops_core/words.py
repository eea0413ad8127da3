"""Figures and times in running text: decides how a share, a difference, an instant, a chunk, and a span are written."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_core.entities import ChunkSize, Estimate, ModelSpec

NARROW_INTERVAL = 0.05
"""Width of an interval below which a metric is written with three digits, so that its ends differ."""


def write_share(value: float) -> str:
    """Write a share as a whole per cent, never rounding a remainder away: 0.008 → "1 %", 0.9992 → "over 99 %"."""
    percent = round(value * 100)
    if percent == 100 and value < 1:
        return "over 99 %"
    if percent == 0 and value > 0:
        return "under 1 %"
    return f"{percent} %"


def write_value(value: float) -> str:
    """Write a metric with two digits, three below 0.01, so that a small one is not zero."""
    return f"{value:.3f}" if 0 < abs(value) < 0.01 else f"{value:.2f}"


def write_size(n_bytes: int) -> str:
    """Write the size of a file, or the room for one: "8.2 kB", "1.25 MB"."""
    return f"{n_bytes / 1e6:,.2f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:,.1f} kB"


def write_estimate(estimate: Estimate, missing: str = "–") -> str:
    """Write a metric with its interval, all with as many digits: "0.43 [0.33, 0.53]", "0.815 [0.809, 0.820]"."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None:
        return missing
    if low is None or high is None:
        return write_value(value)
    digits = 3 if high - low < NARROW_INTERVAL else 2
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def write_number(value: float | None) -> str:
    """Write a figure for a file: four digits, empty when there is none."""
    return "" if value is None else f"{value:.4f}"


def write_difference(value: float, digits: int = 2) -> str:
    """Write a difference with its sign: +0.42, −0.16."""
    return f"{value:+.{digits}f}".replace("-", "−")


def write_further_labels(count: int, most: int) -> str:
    """Write how many labels are needed still: "about 3,400 more labels needed", "at least …" when it is the most."""
    return f"{'at least' if count >= most else 'about'} {count:,} more label{'s' if count > 1 else ''} needed"


def write_instant(moment: datetime) -> str:
    """Write an instant in UTC: "14 Oct 06:00"."""
    return f"{moment.day} {moment:%b %H:%M}"


def write_day(moment: datetime, timezone: str = "UTC") -> str:
    """Write the day of an instant in a zone: "7 Oct"."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local.day} {local:%b}"


def write_chunk(spec: ModelSpec, chunk: datetime) -> str:
    """Name a chunk in the model's own zone: "30 Oct", "30 Oct 14:00", "week of 28 Oct", "Oct 2013"."""
    local, day = chunk.astimezone(ZoneInfo(spec.timezone)), write_day(chunk, spec.timezone)
    if spec.chunk is ChunkSize.HOUR:
        return f"{day} {local:%H:%M}"
    if spec.chunk is ChunkSize.MONTH:
        return f"{local:%b %Y}"
    return f"week of {day}" if spec.chunk is ChunkSize.WEEK else day


def write_span(start: datetime, end: datetime, timezone: str = "UTC") -> str:
    """Write a half-open span by its first and last day: "7–27 Oct", "28 Sep – 4 Oct"."""
    first, last = (
        start.astimezone(ZoneInfo(timezone)),
        (end - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)),
    )
    if first.date() == last.date():
        return f"{last.day} {last:%b}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b}"
    return f"{first.day} {first:%b} – {last.day} {last:%b}"


def write_age(age: timedelta) -> str:
    """Write an age in its largest unit: "3 weeks", "2 days", "5 minutes", "less than a minute"."""
    for unit, seconds in (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(age.total_seconds() // seconds)
        if count > 0:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def write_clock(moment: datetime) -> str:
    """Write an instant in full: "Thu 31 Oct 2013, 12:00 UTC"."""
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M} UTC"


def join_names(parts: Sequence[str]) -> str:
    """Write names one after the other: "v4, v3, and v2"."""
    if len(parts) > 2:
        return f"{', '.join(parts[:-1])}, and {parts[-1]}"
    return " and ".join(parts)
