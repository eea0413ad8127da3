"""Registering versions: files first, then the record; the same rows are the same snapshot."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_core.config import parse_model_text
from mlops_core.entities import Actor, Baking
from mlops_core.errors import ConflictError, InputError
from mlops_core.services.registry import TrainedVersion, keep_snapshot, register_model, register_version
from mlops_core.store.audit import list_audit_events
from mlops_core.store.models import get_version, list_versions
from tests.services.conftest import read_tables
from tests.small_home import MODEL, MODEL_FILE, PRESENT, draw_loans

ANA = Actor("ana", "api")
ROWS = draw_loans(300, PRESENT, 3, seed=9)
TRAINED = TrainedVersion(
    name="v4",
    features=("income", "region"),
    parameters={"depth": 3},
    offline_metrics={"f1": 0.5},
    rows=ROWS,
    code_id="c" * 64,
    artifact=b"artifact",
)


def register(runtime, spec, **changes):
    return register_version(runtime, spec, replace(TRAINED, **changes), actor=ANA, now=PRESENT)


def test_version_is_read_back_as_it_was_registered(runtime, spec):
    version = register(runtime, spec)
    assert get_version(runtime.database, MODEL, "v4") == version
    assert [found.name for found in list_versions(runtime.database, MODEL)] == ["v1", "v2", "v3", "v4"]
    event = list_audit_events(runtime.database, MODEL)[0]
    assert (event.action, event.subject, event.evidence["snapshot"]) == ("register version", "v4", version.snapshot.id)


def test_versions_share_a_snapshot_when_they_were_trained_on_the_same_rows(runtime, spec):
    register(runtime, spec)
    other = register(runtime, spec, name="v5", parameters={"depth": 4}, offline_metrics={"f1": 0.6})
    *_, fourth, fifth = list_versions(runtime.database, MODEL)
    assert fifth == other
    assert (fourth.parameters, fourth.offline_metrics) == (TRAINED.parameters, TRAINED.offline_metrics)
    assert fourth.snapshot is fifth.snapshot


def test_files_are_private_and_whole_when_a_version_is_registered(runtime, spec):
    version = register(runtime, spec)
    snapshot = runtime.home.snapshots / f"{version.snapshot.id}.parquet"
    artifact = runtime.home.artifacts / f"{version.artifact_hash}.skops"
    assert [path.stat().st_mode & 0o777 for path in (snapshot, artifact)] == [0o600, 0o600]
    assert pq.read_table(snapshot).equals(ROWS.sort_by("prediction_id"))
    assert not list(runtime.home.path.rglob("*.partial"))


def test_snapshot_has_the_same_hash_when_its_rows_come_in_another_order(runtime):
    rng = np.random.default_rng(0)
    # With nulls, an id that is there twice, and several chunks.
    rows = pa.concat_tables([ROWS, ROWS.slice(0, 5).set_column(3, "debt", pa.array([None] * 5, pa.float64()))])
    ids = {
        keep_snapshot(runtime, MODEL, rows.take(rng.permutation(rows.num_rows)), ("debt",), PRESENT).id
        for _ in range(4)
    }
    assert len(ids) == 1
    changed = rows.set_column(2, "income", pa.array(rows["income"].to_numpy() + 1e-12))
    assert keep_snapshot(runtime, MODEL, changed, ("debt",), PRESENT).id not in ids


def test_null_fractions_count_nan_as_null(runtime):
    rows = ROWS.slice(0, 4).set_column(2, "income", pa.array([None, np.nan, 1.0, 2.0]))
    found = keep_snapshot(runtime, MODEL, rows, ("income", "debt"), PRESENT).null_fractions
    assert found == {"income": 0.5, "debt": 0.0}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"features": ("income", "age")}, InputError, "reads 'age', which is not a column of car-loan"),
        ({"name": "v1"}, ConflictError, "The version 'v1' of 'car-loan' exists already"),
        ({"rows": ROWS.slice(0, 0)}, InputError, "The training rows are empty"),
    ],
)
def test_version_is_refused_and_nothing_is_recorded_when_it_does_not_fit(runtime, spec, changes, error, message):
    before = read_tables(runtime.database)
    with pytest.raises(error, match=message):
        register(runtime, spec, **changes)
    assert read_tables(runtime.database) == before


@pytest.mark.parametrize("name", ["score", "Version", "chunk", "prediction_id"])
def test_model_is_refused_when_a_feature_has_the_name_of_a_kept_column(runtime, name):
    text = MODEL_FILE.replace('"debt"', f'"{name}"').replace('"car-loan"', '"other"').replace('"score"', '"p"', 1)
    with pytest.raises(InputError, match=rf"'{name}'"):
        register_model(runtime, text.replace('version = "version"', 'version = "v"'), actor=ANA, now=PRESENT)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("drift_cost = 0", "The drift_cost 0 is not accepted: a loss of the primary metric, above 0 up to 1e\\+06"),
        ("drift_cost = inf", "The drift_cost inf is not accepted"),
        (f"drift_cost = {10**400}", "The drift_cost 1000"),
        ("drift_cost = true", "The drift_cost True is not accepted"),
        (
            'drift_cost = 0.1\nprimary_metric = "positive_rate"',
            r"0\.1 cannot be kept: no expected loss of positive_rate",
        ),
    ],
)
def test_model_is_refused_when_what_drift_may_cost_means_nothing(lines, message):
    text = MODEL_FILE.replace('primary_metric = "roc_auc"', "").replace("[monitoring]", f"[monitoring]\n{lines}")
    with pytest.raises(InputError, match=message):
        parse_model_text(text)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("days = -1", "The baking days -1 is not accepted: a number from 0 to 365"),
        ("days = 366", "The baking days 366 is not accepted"),
        ("days = true", "The baking days True is not accepted"),
        ('auto_revert = "yes"', "The baking auto_revert 'yes' is not accepted: true or false"),
        ("auto_revert = 1", "The baking auto_revert 1 is not accepted"),
        ("revert = true", "baking has the unknown key 'revert'; accepted are auto_revert, days"),
    ],
)
def test_model_is_refused_when_its_baking_is_not_understood(lines, message):
    with pytest.raises(InputError, match=message):
        parse_model_text(f"{MODEL_FILE}\n[baking]\n{lines}")


def test_model_is_watched_for_three_days_and_never_reverts_unless_its_file_says_otherwise():
    assert parse_model_text(MODEL_FILE).baking == Baking(days=3.0, auto_revert=False)
    own = parse_model_text(f"{MODEL_FILE}\n[baking]\ndays = 0.5\nauto_revert = true")
    assert own.baking == Baking(days=0.5, auto_revert=True)


def test_model_is_refused_and_nothing_changes_when_its_name_is_taken(runtime):
    before = read_tables(runtime.database)
    with pytest.raises(ConflictError, match="The model 'car-loan' exists already"):
        register_model(runtime, MODEL_FILE, actor=ANA, now=PRESENT)
    assert read_tables(runtime.database) == before
