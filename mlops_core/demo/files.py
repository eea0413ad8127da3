"""Where the demo keeps what only it needs, beside the rest of the home."""

from pathlib import Path

from mlops_core.config import Home


def locate_position(home: Home) -> Path:
    """Give the file that keeps the position of the demo's clock."""
    return home.path / "demo-clock.json"


def locate_traffic(home: Home) -> Path:
    """Give the file that holds the year's flights as serving sees them, with the labels to come."""
    return home.path / "demo-traffic.parquet"


def locate_mark(home: Home) -> Path:
    """Give the file that is there while the demo is being seeded."""
    return home.path / "demo-seeding"
