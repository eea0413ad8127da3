"""Rehearsals: decides that a version scores 50,000 past rows, and that their differences get intervals."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.homes import copy_demo_home
from benchmarks.measuring import time_ms
from benchmarks.rows import Row
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.entities import Window
from mlops_core.services.comparison_report import report_comparison
from mlops_core.services.rehearsal import rehearse
from mlops_core.services.replay import MOST_ROWS, replay_version, sample_window
from mlops_core.shared import open_runtime
from mlops_core.store.models import get_model

TITLE = "Comparing versions on the same rows, and rehearsing a change"
WINDOW = Window(datetime(2013, 7, 8, 4, tzinfo=UTC), datetime(2013, 10, 7, 4, tzinfo=UTC))
"""While v3 was in production: more flights than are taken, so that a sample is."""


def measure() -> list[Row]:
    """Let a version score what it has not seen, compare it, do so again, and rehearse a rollback."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(copy_demo_home(Path(folder) / "home"))
        try:
            spec, now = get_model(runtime.database, DEMO_MODEL), runtime.now(DEMO_MODEL)
            sample = sample_window(runtime, spec, WINDOW)
            assert not sample.is_whole
            replayed = time_ms(lambda: replay_version(runtime, spec, "v2", WINDOW)) / 1000
            compared = time_ms(lambda: report_comparison(runtime, spec, "v3", "v2", WINDOW, now)) / 1000
            again = time_ms(lambda: report_comparison(runtime, spec, "v3", "v2", WINDOW, now)) / 1000
            rehearsed = time_ms(lambda: rehearse(runtime, spec, "v3", now)) / 1000
        finally:
            runtime.close()
    rows = f"{MOST_ROWS:,} of {sample.n_available:,} flights"
    return [
        Row(what=f"{rows}, which a version had not scored: replay alone", value=replayed, unit="s"),
        Row(what="the same, replay and comparison with intervals", value=replayed + compared, unit="s", target=10),
        Row(what="the same comparison once more", value=again, unit="s"),
        Row(what="the rehearsal of a rollback in the demo, 18,992 flights", value=rehearsed, unit="s", target=10),
    ]
