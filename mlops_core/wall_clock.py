"""The time of the machine: the one place that reads it."""

from datetime import UTC, datetime


def read_wall_clock() -> datetime:
    """Give the time of the machine, aware UTC."""
    return datetime.now(UTC)
