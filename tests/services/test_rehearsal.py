"""Rehearsals: what is found out before a change, and that what fails is told and stops nothing."""

from datetime import timedelta

import pyarrow as pa
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from mlops_core.entities import Actor
from mlops_core.errors import CancelledError, ConflictError, NotFoundError
from mlops_core.services.background import Progress
from mlops_core.services.libraries import find_differences, list_libraries
from mlops_core.services.monitoring import refresh
from mlops_core.services.readiness import inspect_version
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.services.rehearsal import rehearse, write_rehearsal
from mlops_core.services.rehearsal_words import tell_rehearsal
from mlops_core.store.binnings import get_binning
from mlops_core.store.models import get_version
from tests.services.test_monitoring import send
from tests.small_home import MODEL, PRESENT, START, draw_loans

DAY = timedelta(days=1)


def register_boosting(runtime, spec, libraries=None):
    """Register a version that reads the region as well, and accepts empty values."""
    rows = draw_loans(500, START - timedelta(days=20), 10, seed=7)
    features = ("income", "debt", "region")
    estimator = HistGradientBoostingClassifier(max_iter=5, categorical_features=["region"])
    frame = rows.select(features).to_pandas()
    estimator.fit(frame.astype({"region": "category"}), rows["label"].to_numpy())
    trained = TrainedVersion(
        name="v4",
        features=features,
        parameters={},
        offline_metrics={},
        rows=rows,
        code_id="0" * 64,
        artifact=skops.io.dumps(estimator),
        libraries=libraries or {},
    )
    return register_version(runtime, spec, trained, actor=Actor("ana", "page"), now=PRESENT)


def find_check(checks, name):
    return next(check for check in checks if check.name == name)


def test_rehearsal_compares_times_and_inspects(runtime, spec):
    found = rehearse(runtime, spec, "v1", PRESENT)
    assert (found.version, found.champion, found.remark) == ("v1", "v2", None)
    assert (found.comparison.champion, found.comparison.candidate) == ("v2", "v1")
    assert set(found.latency) == {"v1", "v2"}
    for latency in found.latency.values():
        assert latency.one_row_ms > 0
        assert (latency.batch_ms > 0, latency.batch_rows) == (True, 1000)
    assert [check.name for check in found.checks] == ["libraries", "categories"]
    assert all(check.passed for check in found.checks)
    evidence = write_rehearsal(found)
    assert evidence["rehearsal"]["candidate"] == "v1"
    assert evidence["latency"]["v2"]["batch_rows"] == 1000


def test_rehearsal_says_why_there_is_no_comparison(runtime, spec):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update predictions_car_loan set debt = null")
    found = rehearse(runtime, spec, "v1", PRESENT)
    assert found.comparison is None
    assert found.remark.startswith("v1 cannot be replayed. It was trained with debt, which no loan of this window has")
    assert "no rehearsal" in write_rehearsal(found)


def test_rehearsal_of_the_first_version_has_nothing_to_compare_with(runtime, spec):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from deployments")
    found = rehearse(runtime, spec, "v1", PRESENT)
    assert (found.champion, found.comparison, set(found.latency)) == (None, None, {"v1"})
    assert found.remark == "nothing is in production to compare with."


def test_rehearsal_is_refused_for_the_champion_and_for_nobody(runtime, spec):
    with pytest.raises(ConflictError, match="v2 cannot be rehearsed: it is in production"):
        rehearse(runtime, spec, "v2", PRESENT)
    with pytest.raises(NotFoundError, match="no version 'v9'"):
        rehearse(runtime, spec, "v9", PRESENT)


def test_rehearsal_ends_when_it_is_cancelled(runtime, spec):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        rehearse(runtime, spec, "v3", PRESENT, progress)


def test_version_that_scores_without_a_feature_says_so(runtime, spec):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update predictions_car_loan set debt = null")
    comparison = rehearse(runtime, spec, "v3", PRESENT).comparison
    assert comparison.missing == ("debt",)
    told = tell_rehearsal(comparison, spec)[1]
    assert "None of them has debt, which v3 was trained with; it scored without." in told


def test_categories_that_a_version_was_not_trained_on_are_a_doubt(runtime, spec):
    version = register_boosting(runtime, spec)
    before = find_check(inspect_version(runtime, spec, version, PRESENT), "categories")
    assert (before.is_doubt, before.detail.endswith("is new to v4.")) == (False, True)
    send(runtime, spec, "v2", PRESENT, 300, region=pa.repeat("west", 300))
    refresh(runtime, spec, PRESENT + DAY)
    after = find_check(inspect_version(runtime, spec, version, PRESENT + DAY), "categories")
    assert (after.passed, after.is_doubt) == (True, True)
    assert "that v4 was not trained on: region in 8 % of rows" in after.detail


def test_rehearsal_never_replaces_the_bins_of_traffic(runtime, spec):
    rows = draw_loans(500, START - timedelta(days=20), 10, seed=7)
    known = get_version(runtime.database, MODEL, "v2")
    trained = TrainedVersion(
        name="v5",
        features=("income", "debt"),
        parameters={},
        offline_metrics={},
        rows=rows.set_column(2, "income", pa.array(rows["income"].to_numpy() * 1000)),
        code_id="0" * 64,
        artifact=(runtime.home.artifacts / f"{known.artifact_hash}.skops").read_bytes(),
    )
    register_version(runtime, spec, trained, actor=Actor("ana", "page"), now=PRESENT)
    before = get_binning(runtime.database, MODEL)
    check = find_check(rehearse(runtime, spec, "v5", PRESENT).checks, "categories")
    assert get_binning(runtime.database, MODEL).id == before.id
    assert "fall into too few" in check.detail


def test_version_without_categories_has_none_that_are_new(runtime, spec):
    version = get_version(runtime.database, MODEL, "v2")
    assert find_check(inspect_version(runtime, spec, version, PRESENT), "categories").detail == (
        "No categorical feature is read."
    )


@pytest.mark.parametrize(
    ("libraries", "is_doubt", "words"),
    [
        ({}, False, "Nobody said with which libraries v4 was trained."),
        (list_libraries(), False, "Trained with the libraries that are here: python 3."),
        ({"numpy": "1.26.4"}, True, "Trained with other libraries: numpy 1.26.4, now "),
        ({"lightgbm": "4.0.0"}, True, "Trained with other libraries: lightgbm 4.0.0, now absent."),
    ],
)
def test_libraries_are_told_and_are_a_doubt_when_they_differ(runtime, spec, libraries, is_doubt, words):
    version = register_boosting(runtime, spec, libraries)
    assert get_version(runtime.database, MODEL, "v4").libraries == libraries
    check = find_check(inspect_version(runtime, spec, version, PRESENT), "libraries")
    assert (check.passed, check.is_doubt) == (True, is_doubt)
    assert check.detail.startswith(words)


def test_the_last_figure_of_a_release_makes_no_difference():
    assert find_differences({"numpy": "2.4.0", "python": "3.11.7"}, {"numpy": "2.4.6", "python": "3.11.9"}) == []
