"""What a benchmark gives: decides how a figure, its target, and a table of them are written."""

import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass

DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure."""

    what: str
    value: float
    unit: str
    """Such as "ms", "CPU s", "MB", or "×" for a ratio."""
    target: float | None = None
    """The largest value that is good enough, in the same unit; None when the figure is for information."""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.value <= self.target

    def describe(self) -> dict[str, object]:
        """Give the row for JSON."""
        return asdict(self) | {"met": self.is_met}


def write_table(rows: Iterable[Row]) -> str:
    """Write rows as a Markdown table."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | measured | target | met |", "|---|---:|---:|---|"]
    for row in rows:
        target = "" if row.target is None else f"≤ {_write_number(row.target)} {row.unit}"
        lines.append(f"| {row.what} | {_write_number(row.value)} {row.unit} | {target} | {words[row.is_met]} |")
    return "\n".join(lines)


def _write_number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{DIGITS}g}"


def describe_machine() -> str:
    """Say what the figures were measured on, without naming the machine."""
    import os

    import duckdb
    import streamlit

    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}, Streamlit {streamlit.__version__}."
    )
