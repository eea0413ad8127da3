"""Evidently's drift report of two windows, with its defaults."""

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from peer_rows import serve


def judge(reference: pd.DataFrame, current: pd.DataFrame) -> object:
    """Compare all rows after the reference with it."""
    numbers = list(reference.select_dtypes("number").columns)
    texts = [name for name in reference.columns if name not in (*numbers, "scored_at")]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(rows.drop(columns="scored_at"), definition) for rows in (current, reference)]
    return Report([DataDriftPreset()]).run(*sides).dict()


if __name__ == "__main__":
    serve(judge)
