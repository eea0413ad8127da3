"""Estimates while labels are missing: what they rest on, what they say, and how far off they were."""

import logging
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, roc_auc_score

from mlops_core.entities import Metric, Source, Status, Window
from mlops_core.services import labelled_rows
from mlops_core.services.estimation import find_estimator, make_estimator, record_estimates
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import check_estimates, refresh
from mlops_core.services.performance import ALL_TIME, find_arrival, find_profile, read_profiles, report_performance
from mlops_core.services.reference_scores import ensure_reference_scores, read_reference_scores
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.store.reference_scores import ReferenceOrigin
from tests.small_home import DAYS, MODEL, PRESENT, START, draw_loans

DAY = timedelta(days=1)


def forget_reference_scores(runtime):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from reference_scores")


def rewrite_snapshot(runtime, version, change):
    """Put other rows under a snapshot's name and count the reference scores anew."""
    path = runtime.home.snapshots / f"{version.snapshot.id}.parquet"
    rows = change(pq.read_table(path))
    path.unlink()
    pq.write_table(rows, path)
    forget_reference_scores(runtime)


def send_unlabelled(runtime, spec, scores, start=PRESENT):
    loans = draw_loans(len(scores), start, 1, seed=77)
    traffic = loans.drop_columns(["label"]).append_column("version", pa.repeat("v2", len(scores)))
    ingest_predictions(runtime, spec, traffic.append_column("score", pa.array(scores)), now=start + DAY)
    return refresh(runtime, spec, start + DAY)


def test_reference_scores_are_those_of_the_training_rows(runtime, spec):
    version = get_version(runtime.database, MODEL, "v2")
    rows = pq.read_table(runtime.home.snapshots / f"{version.snapshot.id}.parquet")
    found = read_reference_scores(runtime, spec, version)
    assert (found.origin, found.n, found.n_available) == (ReferenceOrigin.TRAINING, 500, 500)
    assert found.positive.sum() == rows["label"].to_numpy().sum()


def test_reference_scores_are_those_held_out_when_the_snapshot_says_which(runtime, spec):
    version = get_version(runtime.database, MODEL, "v2")
    rewrite_snapshot(
        runtime, version, lambda rows: rows.append_column("held_out", pa.array(np.arange(rows.num_rows) % 5 == 0))
    )
    ensure_reference_scores(runtime, spec, PRESENT)
    found = read_reference_scores(runtime, spec, version)
    assert (found.origin, found.n) == (ReferenceOrigin.HELD_OUT, 100)
    assert found.origin.caution == ""


def test_reference_scores_are_a_sample_when_training_rows_are_many(runtime, spec, monkeypatch):
    monkeypatch.setattr(labelled_rows, "MOST_ROWS", 300)
    monkeypatch.setattr(labelled_rows, "BATCH_ROWS", 70)
    forget_reference_scores(runtime)
    ensure_reference_scores(runtime, spec, PRESENT)
    found = read_reference_scores(runtime, spec, get_version(runtime.database, MODEL, "v2"))
    assert (found.n, found.n_available) == (300, 500)
    forget_reference_scores(runtime)
    ensure_reference_scores(runtime, spec, PRESENT)
    again = read_reference_scores(runtime, spec, get_version(runtime.database, MODEL, "v2"))
    assert (again.positive == found.positive).all()


def test_reference_scores_are_those_of_the_reference_window_when_it_has_labels(runtime, spec):
    own = replace(spec, reference=Window(START, START + 10 * DAY))
    found = read_reference_scores(runtime, own, get_version(runtime.database, MODEL, "v2"))
    assert (found.origin, found.n) == (ReferenceOrigin.WINDOW, 3 * 600)
    # v3 answered nothing there, and nothing else: it needs no reference yet.
    assert read_reference_scores(runtime, own, get_version(runtime.database, MODEL, "v3")) is None


def test_version_has_no_estimates_and_the_log_says_why_when_its_training_rows_are_gone(runtime, spec, caplog):
    version = get_version(runtime.database, MODEL, "v2")
    forget_reference_scores(runtime)
    (runtime.home.snapshots / f"{version.snapshot.id}.parquet").unlink()
    with caplog.at_level(logging.WARNING):
        ensure_reference_scores(runtime, spec, PRESENT)
    assert "v2 has no estimates" in caplog.text
    assert find_estimator(runtime, spec, "v2") is None
    chunk = report_performance(runtime, spec, "v2", ALL_TIME, PRESENT)["chunks"][0]
    assert (chunk["estimated"], chunk["status"]) == ({}, "OK")


@pytest.mark.parametrize("kept", [0, 1])
def test_version_has_no_estimates_when_its_training_rows_have_one_class(runtime, spec, kept):
    version = get_version(runtime.database, MODEL, "v2")
    rewrite_snapshot(runtime, version, lambda rows: rows.filter(pa.array(rows["label"].to_numpy() == kept)))
    ensure_reference_scores(runtime, spec, PRESENT)
    assert find_estimator(runtime, spec, "v2") is None


def test_estimates_agree_with_those_from_rows(runtime, spec):
    version = get_version(runtime.database, MODEL, "v2")
    rows = pq.read_table(runtime.home.snapshots / f"{version.snapshot.id}.parquet")
    reference = runtime.artifacts.score(version.artifact_hash, rows.select(["income", "debt"]))
    calibrator = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    calibrator.fit(reference, rows["label"].to_numpy())
    chunks = report_performance(runtime, spec, "v2", ALL_TIME, PRESENT)["chunks"]
    assert len(chunks) == DAYS - 7
    for day, chunk in enumerate(chunks, start=7):
        loans = draw_loans(600, START + day * DAY, 1, seed=day)
        scores = runtime.artifacts.score(version.artifact_hash, loans.select(["income", "debt"]))
        chance = calibrator.predict(scores)
        weights, twice = np.concatenate([chance, 1 - chance]), np.concatenate([scores, scores])
        truth = np.repeat([1, 0], scores.size)
        expected = {
            "roc_auc": roc_auc_score(truth, twice, sample_weight=weights),
            "f1": f1_score(truth, twice >= spec.threshold, sample_weight=weights),
            "accuracy": (weights * ((twice >= spec.threshold) == truth)).sum() / scores.size,
        }
        for metric, value in expected.items():
            assert chunk["estimated"][metric]["value"] == pytest.approx(value, abs=0.005), metric


def test_report_has_all_estimates_but_the_calibration_error(runtime, spec):
    chunk = report_performance(runtime, spec, "v2", ALL_TIME, PRESENT)["chunks"][0]
    assert set(chunk["estimated"]) == {metric.value for metric in Metric} - {"expected_calibration_error"}
    assert all(one["low"] <= one["value"] <= one["high"] for one in chunk["estimated"].values())


def test_past_error_is_the_mean_distance_to_the_labels(runtime, spec):
    profile = find_profile(read_profiles(runtime, spec, ALL_TIME), "v2", Source.LIVE)
    estimator = find_estimator(runtime, spec, "v2")
    record = record_estimates(estimator, profile, range(len(profile.chunks)))
    chunks = report_performance(runtime, spec, "v2", ALL_TIME, PRESENT)["chunks"]
    distances = [abs(c["estimated"]["f1"]["value"] - c["metrics"]["f1"]["value"]) for c in chunks]
    error = record.errors[Metric.F1]
    assert (error.mean_absolute, error.n_chunks) == (pytest.approx(np.mean(distances)), len(chunks))
    assert Metric.CALIBRATION_ERROR not in record.errors
    assert record_estimates(estimator, profile, []).errors[Metric.F1].n_chunks == 0


def test_calibration_is_fitted_once_for_the_same_reference(runtime, spec):
    version = get_version(runtime.database, MODEL, "v2")
    first, second = (make_estimator("v2", read_reference_scores(runtime, spec, version)) for _ in range(2))
    assert first.calibration is second.calibration


def test_estimate_is_not_needed_when_all_labels_are_here(runtime, spec):
    champion = get_champion(runtime.database, MODEL)
    (verdict,) = check_estimates(runtime, spec, champion, find_arrival(runtime, spec, PRESENT), PRESENT)
    assert (verdict.code, verdict.subject, verdict.status) == ("performance.estimate", "roc_auc", Status.OK)
    assert "need not be estimated" in verdict.reason


def test_estimate_alone_warns_before_labels_come(runtime, spec):
    # Scores within a hair of each other separate nothing.
    own = replace(spec, standards=(replace(spec.standards[0], window_days=1),))
    found = send_unlabelled(runtime, own, 0.3 + np.random.default_rng(0).random(600) / 500)
    (verdict,) = (one for one in found if one.code == "performance.estimate")
    assert verdict.status is Status.WARNING
    assert "which breaks the standard (at least 0.6); labels are to come." in verdict.reason
    assert verdict.evidence["n"] == 600
    assert verdict.evidence["reference"] == {"rows": 500, "origin": "training rows"}
    chunk = report_performance(runtime, own, "v2", ALL_TIME, PRESENT + DAY)["chunks"][-1]
    assert chunk["status"] == "WARNING"
    assert chunk["reason"].startswith("Provisional: 0% of the labels are here. 0 labels; 200 are needed.")
    assert verdict.reason in chunk["reason"]


def test_estimate_says_nothing_when_rows_are_few(runtime, spec):
    own = replace(spec, standards=(replace(spec.standards[0], window_days=1),))
    send_unlabelled(runtime, own, np.full(199, 0.3))
    champion = get_champion(runtime.database, MODEL)
    (verdict,) = check_estimates(runtime, own, champion, find_arrival(runtime, own, PRESENT + DAY), PRESENT + DAY)
    assert (verdict.status, verdict.reason) == (
        Status.INSUFFICIENT_DATA,
        "199 rows to estimate ROC AUC from; 200 are needed.",
    )
