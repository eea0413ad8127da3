"""Refreshing: what is stored when rows and labels come, and what is not."""

from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.entities import Action, Actor, Status
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.store.verdicts import list_verdicts
from tests.small_home import MODEL, PRESENT, draw_loans

DAY = timedelta(days=1)


def change(runtime, to, action, now):
    request = ChangeRequest(model=MODEL, to=to, action=action, actor=Actor("ana", "page"), reason="test")
    change_production(runtime, request, now=now)


def send(runtime, spec, version, start, n, *, labels=False, seed=50, **columns):
    loans = draw_loans(n, start, 1, seed=seed)
    traffic = loans.drop_columns(["label"]).append_column("version", pa.repeat(version, n))
    # The label itself as a score is as good as a version can be.
    traffic = traffic.append_column("score", loans["label"])
    for name, values in columns.items():
        traffic = traffic.set_column(traffic.column_names.index(name), name, values)
    ingest_predictions(runtime, spec, traffic, now=start + DAY)
    if labels:
        arrived = pa.array([start + DAY] * n, pa.timestamp("us", tz="UTC"))
        rows = loans.select(["prediction_id", "label"]).append_column("label_at", arrived)
        ingest_labels(runtime, spec, rows, now=start + DAY)


def test_verdicts_are_stored_only_when_they_change(runtime, spec):
    before = list_verdicts(runtime.database, MODEL)
    assert {(v.code, v.subject, v.status) for v in before if v.version == "v2"} == {
        ("performance.standard", "roc_auc", Status.OK),
        ("skew.null_fraction", "income", Status.OK),
        ("skew.null_fraction", "debt", Status.OK),
        # The newest row is six days old.
        ("quality.freshness", "traffic", Status.ALERT),
        ("drift.feature", "income", Status.OK),
        ("drift.feature", "debt", Status.OK),
        ("performance.estimate", "roc_auc", Status.OK),
    }
    assert refresh(runtime, spec, PRESENT + DAY) == []
    assert list_verdicts(runtime.database, MODEL) == before


def test_skew_is_found_without_labels_when_200_rows_have_come(runtime, spec):
    send(runtime, spec, "v2", PRESENT, 199, debt=pa.nulls(199, pa.float64()))
    found = refresh(runtime, spec, PRESENT + DAY)
    # The newest chunk has too few rows by itself; the day before makes up for it, and a quarter of all is empty.
    assert [(verdict.code, verdict.subject) for verdict in found if verdict.status is Status.ALERT] == [
        ("quality.null_fraction", "debt")
    ]
    send(runtime, spec, "v2", PRESENT, 201, debt=pa.nulls(201, pa.float64()), seed=51)
    found = refresh(runtime, spec, PRESENT + DAY)
    assert [(verdict.code, verdict.subject, verdict.status) for verdict in found] == [
        ("quality.schema", "traffic", Status.ALERT),
        ("skew.null_fraction", "debt", Status.ALERT),
        ("drift.feature", "income", Status.OK),
        ("drift.feature", "debt", Status.WARNING),
    ]
    alert = found[1]
    assert (alert.code, alert.subject, alert.status, alert.version) == (
        "skew.null_fraction",
        "debt",
        Status.ALERT,
        "v2",
    )
    assert alert.reason == "debt is empty in 100 % of live traffic, in training in 0 %."
    assert read_overview(runtime, spec, PRESENT + DAY).skews[0].feature == "debt"


def test_skew_of_a_new_champion_waits_for_200_rows(runtime, spec):
    change(runtime, "v3", Action.PROMOTE, PRESENT)
    send(runtime, spec, "v3", PRESENT, 199)
    found = [v for v in refresh(runtime, spec, PRESENT + DAY) if v.code.startswith("skew")]
    assert {v.status for v in found} == {Status.INSUFFICIENT_DATA}


def test_verdict_is_stored_anew_when_a_version_comes_back_and_keeps_its_standard(runtime, spec):
    change(runtime, "v3", Action.PROMOTE, PRESENT)
    change(runtime, "v2", Action.ROLL_BACK, PRESENT + DAY)
    refresh(runtime, spec, PRESENT + DAY)
    headline = read_overview(runtime, spec, PRESENT + DAY).headline
    assert (headline.status, headline.sentence) == (Status.ALERT, "No new loans come.")
    assert headline.detail.endswith("Its ROC AUC is unknown until labels come.")
    send(runtime, spec, "v2", PRESENT + DAY, 600, labels=True)
    found = refresh(runtime, spec, PRESENT + 2 * DAY)
    assert [(v.version, v.status) for v in found if v.code == "performance.standard"] == [("v2", Status.OK)]
    headline = read_overview(runtime, spec, PRESENT + 2 * DAY).headline
    assert (headline.status, headline.sentence) == (Status.OK, "v2 keeps its standard.")


def test_performance_alert_is_stored_when_a_champion_breaks_its_standard(runtime, spec):
    change(runtime, "v3", Action.PROMOTE, PRESENT)
    loans = draw_loans(600, PRESENT, 1, seed=50)
    wrong = pa.array(1 - loans["label"].to_numpy())
    send(runtime, spec, "v3", PRESENT, 600, labels=True, score=wrong)
    found = refresh(runtime, spec, PRESENT + DAY)
    (verdict,) = (v for v in found if v.code == "performance.standard")
    assert verdict.status in (Status.ALERT, Status.WARNING)
    assert verdict.evidence["n_labelled"] == 600
    assert verdict.evidence["value"] == pytest.approx(0.0)
    assert refresh(runtime, spec, PRESENT + 2 * DAY) == []
