"""The demo from nothing: decides that the command is timed, in an empty folder."""

import resource
import tempfile
from pathlib import Path

from benchmarks.homes import seed_home
from benchmarks.measuring import time_ms
from benchmarks.rows import Row

TITLE = "The demo, seeded from nothing"


def measure() -> list[Row]:
    """Seed once."""
    with tempfile.TemporaryDirectory() as folder:
        before = _sum_children_cpu_s()
        seconds = time_ms(lambda: seed_home(Path(folder) / "home")) / 1000
        return [
            Row(what="`python -m mlops_core demo`, by the clock", value=seconds, unit="s", target=60),
            Row(
                what="CPU time of the command and of its processes",
                value=_sum_children_cpu_s() - before,
                unit="CPU s",
            ),
        ]


def _sum_children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
