"""DuckDB and NumPy agree on the bin of every score."""

import numpy as np
import pyarrow as pa
import pytest

from mlops_core.stats.binning import N_SCORE_BINS, assign_score_bins, score_bin_edges
from mlops_core.store.profile_sql import score_bin_expression


def make_scores(threshold: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    edges = score_bin_edges(threshold)
    spread = [rng.random(100_000), rng.beta(0.1, 999, 50_000), 1 - rng.beta(0.1, 999, 20_000)]
    round_ones = [np.arange(1001) / 1000, np.arange(1025) / 1024, (np.arange(513) / 512) ** 8]
    neighbours = [edges, np.nextafter(edges, 0), np.nextafter(edges, 1)]
    tiny = [np.array([0.0, 1.0, 5e-324, 2.0**-53, 1 - 2.0**-53, threshold]), 10.0 ** rng.uniform(-300, 0, 20_000)]
    return np.concatenate([*spread, *round_ones, *neighbours, *tiny])


@pytest.mark.parametrize("threshold", [0.0, 1e-5, 0.3, 0.5, 1.0])
def test_duckdb_and_numpy_put_200_000_scores_into_the_same_bins(database, threshold):
    scores = make_scores(threshold)
    assert scores.size > 200_000 - 5_000
    with database.transaction() as transaction, transaction.attached("batch", pa.table({"score": scores})):
        found = transaction.table(
            f"select {score_bin_expression('score', '$threshold')} as bin from batch", {"threshold": threshold}
        )["bin"].to_numpy()
    np.testing.assert_array_equal(found, assign_score_bins(scores, threshold))
    assert found.min() >= 0
    assert found.max() == N_SCORE_BINS - 1
