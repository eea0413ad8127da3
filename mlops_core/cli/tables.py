"""Tables of plain text: decides how columns are aligned and how figures and times are written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

Cell = str | None


def lay_out(head: Sequence[str], rows: Sequence[Sequence[Cell]], right: Sequence[str] = ()) -> str:
    """Align rows under their head; the columns named in `right` to the right.

    >>> print(lay_out(["Version", "n"], [["v1", "9"], [None, "10"]], right=["n"]))
    Version   n
    v1        9
    –        10
    """
    lines = [list(head), *([cell or "–" for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    padded = (
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def write_time(text: str | None, timezone: str = "UTC") -> Cell:
    """Write an ISO 8601 time by the minute in a zone."""
    if not text:
        return None
    return datetime.fromisoformat(text).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def write_chunk(text: str, timezone: str, size: str) -> str:
    """Write the start of a chunk: by the day, hours by the minute."""
    start = datetime.fromisoformat(text).astimezone(ZoneInfo(timezone))
    return start.strftime("%Y-%m-%d %H:%M" if size == "hour" else "%Y-%m-%d")


def write_estimate(estimate: Mapping[str, float | None] | None) -> Cell:
    """Write a figure with its interval: "0.653 [0.640, 0.666]"."""
    if not estimate or estimate["value"] is None:
        return None
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
