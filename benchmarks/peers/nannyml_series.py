"""NannyML's daily drift series of every feature: a distance and a test, as a verdict of ours needs both."""

import nannyml
import pandas as pd
from peer_rows import serve


def judge(reference: pd.DataFrame, current: pd.DataFrame) -> object:
    """Fit on the reference and judge every day after it."""
    names = [name for name in reference.columns if name != "scored_at"]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        timestamp_column_name="scored_at",
        chunk_period="D",
        continuous_methods=["jensen_shannon", "kolmogorov_smirnov"],
        categorical_methods=["jensen_shannon", "chi2"],
    )
    return calculator.fit(reference).calculate(current)


if __name__ == "__main__":
    serve(judge)
