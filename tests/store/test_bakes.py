"""Baking windows are read back as they began, and an outcome is written once."""

from dataclasses import replace
from datetime import timedelta

from mlops_core.entities import Metric
from mlops_core.production import Bake, Origin, Outcome, Promise, Revert
from mlops_core.store.bakes import add_bake, decide_bake, list_bakes, settle_revert
from tests.store.conftest import NOW

BAKE = Bake(
    deployment=7,
    model="loans",
    version="v2",
    start=NOW,
    until=NOW + timedelta(days=3),
    promise=Promise(metric=Metric.F1, origin=Origin.REHEARSAL, value=0.4, low=0.38, high=0.42),
)


def store(database, *bakes):
    with database.transaction() as transaction:
        for bake in bakes:
            add_bake(transaction, bake)


def test_window_is_read_back_as_it_began(database):
    standard = Promise(metric=Metric.F1, origin=Origin.STANDARD, low=0.25)
    earlier = replace(BAKE, deployment=3, promise=standard)
    store(database, BAKE, earlier, replace(BAKE, deployment=8, model="other"))
    assert list_bakes(database, "loans") == [earlier, BAKE]


def test_outcome_is_written_once(database):
    store(database, BAKE)
    broken = replace(
        BAKE,
        outcome=Outcome.BROKEN,
        reason="F1 is low.",
        decided_at=NOW,
        evidence={"labels": 500},
        revert=Revert.DUE,
        refusal="",
    )
    with database.transaction() as transaction:
        assert decide_bake(transaction, broken)
        assert not decide_bake(transaction, replace(broken, outcome=Outcome.KEPT))
    assert list_bakes(database, "loans") == [broken]
    with database.transaction() as transaction:
        assert settle_revert(transaction, 7, Revert.REFUSED, "v1 is damaged.")
        assert not settle_revert(transaction, 7, Revert.DONE, "")
    assert list_bakes(database, "loans") == [replace(broken, revert=Revert.REFUSED, refusal="v1 is damaged.")]
