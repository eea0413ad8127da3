"""Labelled rows over features and scores: what is read is what was counted, by snapshot or window."""

import numpy as np
import pytest

from mlops_core.entities import Window
from mlops_core.stats.groups import FeatureGroups
from mlops_core.stats.joint import JointCounts
from mlops_core.stats.score_groups import ScoreGroups
from mlops_core.store.connection import Database
from mlops_core.store.joint_counts import JointReference, find_joint_reference, store_joint_reference
from mlops_core.store.models import get_model, get_version
from mlops_core.store.reference_scores import ReferenceOrigin
from tests.small_home import MODEL, PRESENT, START, copy_small_home

WINDOW = Window(START, PRESENT)


@pytest.fixture
def database(tmp_path):
    opened = Database.open(copy_small_home(tmp_path / "home").database)
    yield opened
    opened.close()


def draw_reference(seed, window=None, n_available=900):
    rng = np.random.default_rng(seed)
    groups = {
        "debt": FeatureGroups(starts=np.array([-7, 0, 40]), categories=None),
        "region": FeatureGroups(starts=None, categories=np.array([0, 2])),
    }
    return JointReference(
        binning=1,
        window=window,
        origin=ReferenceOrigin.WINDOW if window else ReferenceOrigin.HELD_OUT,
        n_available=n_available,
        score_groups=ScoreGroups(first_positive=2, squared_error=rng.random((4, 2)), log_loss=rng.random((4, 2))),
        features={
            name: JointCounts(groups=own, counts=rng.integers(0, 3, (own.n_groups, 4, 2)))
            for name, own in groups.items()
        },
    )


def check_same(found, stored):
    assert (found.binning, found.window, found.origin, found.n_available) == (
        stored.binning,
        stored.window,
        stored.origin,
        stored.n_available,
    )
    assert found.score_groups.first_positive == stored.score_groups.first_positive
    assert (found.score_groups.squared_error == stored.score_groups.squared_error).all()
    assert (found.score_groups.log_loss == stored.score_groups.log_loss).all()
    assert set(found.features) == set(stored.features)
    for name, own in stored.features.items():
        assert (found.features[name].counts == own.counts).all()
    assert (found.features["debt"].groups.starts == [-7, 0, 40]).all()
    assert (found.features["region"].groups.categories == [0, 2]).all()


def test_counts_come_back_as_they_were_stored_and_those_of_a_window_are_apart(database):
    spec, version = get_model(database, MODEL), get_version(database, MODEL, "v3")
    assert find_joint_reference(database, spec, version, 1, None) is None
    by_snapshot, by_window = draw_reference(0), draw_reference(1, WINDOW)
    for stored in (by_snapshot, by_window):
        store_joint_reference(database, spec, version, stored, PRESENT)
    check_same(find_joint_reference(database, spec, version, 1, None), by_snapshot)
    check_same(find_joint_reference(database, spec, version, 1, WINDOW), by_window)
    assert find_joint_reference(database, spec, version, 2, None) is None
    assert find_joint_reference(database, spec, version, 1, Window(START, START)) is None


def test_newer_counts_take_the_place_of_those_that_had_fewer_labels(database):
    spec, version = get_model(database, MODEL), get_version(database, MODEL, "v3")
    before = database.table("select count(*) as n from joint_counts")["n"][0].as_py()
    for seed, n in ((0, 900), (1, 1200)):
        store_joint_reference(database, spec, version, draw_reference(seed, WINDOW, n), PRESENT)
    check_same(find_joint_reference(database, spec, version, 1, WINDOW), draw_reference(1, WINDOW, 1200))
    assert database.table("select count(*) as n from joint_counts")["n"][0].as_py() == before + 2
