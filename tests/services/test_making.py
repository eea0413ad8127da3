"""How versions were made: what differs, what has to be measured, and that a lost file is told and stops nothing."""

import pytest

from mlops_core.errors import CancelledError, NotFoundError
from mlops_core.services.background import Progress
from mlops_core.services.balance import export_balance, list_balance, tell_balance
from mlops_core.services.making import list_facts, list_making, measure_making, name_columns, read_versions, tell_making
from tests.services.test_rehearsal import register_boosting
from tests.small_home import PRESENT


def find_fact(facts, name):
    return next(fact for fact in facts if fact.name == name)


def test_what_differs_comes_first(runtime, spec):
    facts = list_making(read_versions(runtime, spec, ("v2", "v3")))
    differs = [fact.differs for fact in facts]
    assert differs == sorted(differs, reverse=True)
    assert find_fact(facts, "estimator").values == ("LogisticRegression", "HistGradientBoostingClassifier")
    assert find_fact(facts, "Training rows").values == ("500", "500")
    assert not find_fact(facts, "Code").differs
    assert "differ in training and parameters." in tell_making(facts, ("v2", "v3"))
    assert list_facts(facts)[0][0] == "Data: Snapshot"
    assert name_columns(("v2", "v3")) == ("What", "v2", "v3")


def test_features_and_libraries_that_one_version_lacks_are_named(runtime, spec):
    register_boosting(runtime, spec, {"numpy": "1.26.4"})
    facts = list_making(read_versions(runtime, spec, ("v2", "v4")))
    assert find_fact(facts, "region").values == ("no", "yes")
    assert find_fact(facts, "numpy").values[1] == "1.26.4"
    assert find_fact(facts, "python").values[1] == "–"
    assert "features" in tell_making(facts, ("v2", "v4"))


def test_training_sets_latency_and_columns_are_measured(runtime, spec):
    found = measure_making(runtime, spec, ("v2", "v3"), PRESENT)
    assert (set(found.latency), found.problems) == ({"v2", "v3"}, ())
    assert {one.feature for one in found.shifts["v3"]} == {"income", "debt", "region"}
    assert max(abs(one.effect) for one in found.shifts["v3"]) < 0.1
    assert "are alike" in tell_balance(found.shifts["v3"], "the training rows of v2 and v3")
    assert len(list_balance(found.shifts["v3"])) == len(export_balance(found.shifts["v3"])) == 3
    facts = list_making(read_versions(runtime, spec, ("v2", "v3")), found)
    assert find_fact(facts, "One row").values[0].endswith(" ms")
    assert find_fact(facts, "Columns").values == ("6", "6")


def test_training_rows_that_are_gone_are_told_and_the_rest_is_known(runtime, spec):
    version = read_versions(runtime, spec, ("v3",))[0]
    (runtime.home.snapshots / f"{version.snapshot.id}.parquet").unlink()
    found = measure_making(runtime, spec, ("v2", "v3"), PRESENT)
    assert found.problems[0].startswith("The training rows ")
    assert (found.shifts, set(found.columns)) == ({}, {"v2"})
    assert set(found.latency) == {"v2", "v3"}


def test_measuring_ends_when_it_is_cancelled_and_refuses_unknown_versions(runtime, spec):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        measure_making(runtime, spec, ("v2", "v3"), PRESENT, progress)
    with pytest.raises(NotFoundError, match="no version 'v9'"):
        measure_making(runtime, spec, ("v2", "v9"), PRESENT)
