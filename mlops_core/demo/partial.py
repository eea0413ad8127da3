"""A demo whose seeding was interrupted: decides that it is thrown away at the next start, as it can be made again."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_core.artifacts import writing_whole
from mlops_core.config import Home
from mlops_core.demo.files import locate_mark, locate_position, locate_traffic


@contextmanager
def mark_seeding(home: Home) -> Iterator[None]:
    """Mark an empty home as being seeded; the mark goes only when the seeding has come to its end.

    Raises
    ------
    HomeError
        When the mark cannot be written.
    """
    with writing_whole(locate_mark(home)):
        pass
    yield
    locate_mark(home).unlink()


def is_interrupted(home: Home) -> bool:
    """Say whether a seeding began and did not end; ask only when no other process has the home open."""
    return locate_mark(home).exists()


def discard_interrupted(home: Home) -> None:
    """Delete what the interrupted seeding made; the home was empty before, so nothing else is there."""
    for file in (home.database, home.database.with_name(f"{home.database.name}.wal")):
        file.unlink(missing_ok=True)
    for file in (locate_traffic(home), locate_position(home)):
        file.unlink(missing_ok=True)
    for folder in (home.artifacts, home.snapshots):
        shutil.rmtree(folder, ignore_errors=True)
    locate_mark(home).unlink()
