"""Evidently on windows in which nothing changed: answers a line with the share in which it finds drifted columns."""

import sys
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def is_flagged(number: str) -> bool:
    """Judge one window by its reference."""
    folder = Path(sys.argv[1])
    sides = [pd.read_parquet(folder / f"{side}-{number}.parquet") for side in ("current", "reference")]
    numbers = list(sides[0].select_dtypes("number").columns)
    texts = [name for name in sides[0].columns if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    found = Report([DataDriftPreset()]).run(*(Dataset.from_pandas(rows, definition) for rows in sides)).dict()
    counted = next(one["value"] for one in found["metrics"] if one["metric_name"].startswith("DriftedColumnsCount"))
    return counted["count"] > 0


def main() -> None:
    """Judge all windows."""
    print("ready", flush=True)
    for _ in sys.stdin:
        numbers = [path.stem[-3:] for path in sorted(Path(sys.argv[1]).glob("current-*.parquet"))]
        print(sum(map(is_flagged, numbers)) / len(numbers), flush=True)


if __name__ == "__main__":
    main()
