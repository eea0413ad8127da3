"""NannyML's alerts on windows in which nothing changed: answers a line with the share of windows it flags.

The reference is ten chunks of the same size as the window, since its limits come from the reference's own chunks.
"""

import sys
from pathlib import Path

import nannyml
import pandas as pd

CHUNKS = 10


def is_flagged(number: str) -> bool:
    """Judge one window by all references there are, up to ten."""
    folder = Path(sys.argv[1])
    others = sorted(folder.glob("reference-*.parquet"))
    same_kind = [path for path in others if int(path.stem[-3:]) % 2 == int(number) % 2]
    reference = pd.concat([pd.read_parquet(path) for path in same_kind[:CHUNKS]], ignore_index=True)
    current = pd.read_parquet(folder / f"current-{number}.parquet")
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(current.columns), chunk_size=len(current))
    found = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
    alerts = found.loc[:, [column for column in found.columns if column[-1] == "alert"]]
    return bool(alerts.to_numpy().any())


def main() -> None:
    """Judge all windows."""
    print("ready", flush=True)
    for _ in sys.stdin:
        numbers = [path.stem[-3:] for path in sorted(Path(sys.argv[1]).glob("current-*.parquet"))]
        print(sum(map(is_flagged, numbers)) / len(numbers), flush=True)


if __name__ == "__main__":
    main()
