"""The rows that peers work on: reads them into memory and answers each line with the CPU seconds of one task.

Run by the Python of a peer's own environment, in the folder that holds rows.parquet.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

REFERENCE_DAYS = 30


def read_windows() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the rows of the reference, and those after it."""
    rows = pd.read_parquet(Path(sys.argv[1]) / "rows.parquet")
    rows["scored_at"] = rows["scored_at"].dt.tz_localize(None)
    end = rows["scored_at"].min().normalize() + pd.Timedelta(days=REFERENCE_DAYS)
    return rows[rows["scored_at"] < end].reset_index(drop=True), rows[rows["scored_at"] >= end].reset_index(drop=True)


def serve(task: Callable[[pd.DataFrame, pd.DataFrame], object]) -> None:
    """Answer each line on standard input with the CPU seconds that the task took."""
    reference, current = read_windows()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.process_time()
        task(reference, current)
        print(time.process_time() - started, flush=True)
