"""The least that SciPy offers: one test a feature on two windows, without intervals, limits, or a series."""

import pandas as pd
from peer_rows import serve
from scipy.stats import chi2_contingency, ks_2samp


def judge(reference: pd.DataFrame, current: pd.DataFrame) -> object:
    """Test all rows after the reference against it."""
    found = {}
    for name in reference.columns.drop("scored_at"):
        before, after = reference[name].dropna(), current[name].dropna()
        if pd.api.types.is_numeric_dtype(before):
            found[name] = ks_2samp(before.to_numpy(), after.to_numpy()).pvalue
        else:
            counts = pd.concat([before.value_counts(), after.value_counts()], axis=1).fillna(0)
            found[name] = chi2_contingency(counts.to_numpy()).pvalue
    return found


if __name__ == "__main__":
    serve(judge)
