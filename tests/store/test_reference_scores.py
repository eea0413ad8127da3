"""Scores on labelled reference rows, and scores by segment: what is read is what was counted."""

import numpy as np

from mlops_core.entities import Window
from mlops_core.stats.binning import N_SCORE_BINS
from mlops_core.stats.counts import merge_counts
from mlops_core.store.connection import Database
from mlops_core.store.models import get_model, get_version
from mlops_core.store.profiles import list_segments, read_score_profiles
from mlops_core.store.reference_scores import (
    ReferenceOrigin,
    ReferenceScores,
    find_reference_scores,
    store_reference_scores,
)
from mlops_core.store.segment_scores import read_segment_scores
from tests.small_home import DAYS, MODEL, PRESENT, START, copy_small_home


def open_small(tmp_path):
    home = copy_small_home(tmp_path / "home")
    database = Database.open(home.database)
    return database, get_model(database, MODEL)


def test_reference_scores_come_back_as_they_were_stored(tmp_path):
    database, spec = open_small(tmp_path)
    version = get_version(database, MODEL, "v3")
    assert find_reference_scores(database, spec, version) is None
    rng = np.random.default_rng(0)
    negative, positive = rng.integers(0, 3, (2, N_SCORE_BINS))
    stored = ReferenceScores(
        origin=ReferenceOrigin.HELD_OUT,
        threshold=spec.threshold,
        negative=negative,
        positive=positive,
        n_available=9000,
    )
    store_reference_scores(database, version, stored, PRESENT)
    found = find_reference_scores(database, spec, version)
    assert (found.origin, found.n, found.n_available) == (stored.origin, stored.n, 9000)
    assert (found.negative == negative).all()
    assert (found.positive == positive).all()
    database.close()


def test_segments_read_at_once_are_those_read_one_by_one(tmp_path):
    database, spec = open_small(tmp_path)
    window = Window(START, PRESENT)
    segments = list_segments(database, MODEL)
    assert len(segments) == 2
    found = read_segment_scores(database, spec, "v2", window, most_blocks=3)
    assert set(found) == set(segments)
    for segment, counts in found.items():
        (single,) = (one for one in read_score_profiles(database, spec, window, segment) if one.version == "v2")
        expected, merged = merge_counts(single.counts), merge_counts(counts)
        assert counts.n_labelled.size == 3
        for name in ("negative", "positive", "squared_error", "squared_error_squares", "log_loss", "log_loss_squares"):
            np.testing.assert_allclose(getattr(merged, name), getattr(expected, name))
    database.close()


def test_blocks_are_no_more_than_the_chunks_there_are(tmp_path):
    database, spec = open_small(tmp_path)
    found = read_segment_scores(database, spec, "v2", Window(START, PRESENT), most_blocks=100)
    assert {counts.n_labelled.size for counts in found.values()} == {DAYS - 7}
    assert read_segment_scores(database, spec, "v3", Window(START, PRESENT), most_blocks=100) == {}
    database.close()
