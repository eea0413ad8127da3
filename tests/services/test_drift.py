"""Drift from counts: references are counted once, windows agree with SciPy on the rows, and verdicts follow."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from mlops_core.entities import Status, Window
from mlops_core.errors import ConflictError, UnfinishedError
from mlops_core.services.drift import read_drift
from mlops_core.services.drift_report import find_newest_chunks, report_drift
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.references import ensure_reference
from mlops_core.store.binnings import get_binning
from mlops_core.store.models import get_version
from mlops_core.store.references import read_reference_profiles
from mlops_core.store.verdicts import list_verdicts
from tests.small_home import DAYS, PRESENT, ROWS_PER_DAY, START, draw_loans

DAY = timedelta(days=1)
WEEK_ONE, WEEK_TWO = Window(START, START + 7 * DAY), Window(START + 7 * DAY, START + 14 * DAY)


def send(runtime, spec, start, change, n=ROWS_PER_DAY):
    """Send a day of v2's traffic, changed."""
    loans = draw_loans(n, start, 1, seed=1000 + start.toordinal()).drop_columns(["label"])
    loans = loans.append_column("score", pa.array(np.full(n, 0.4))).append_column("version", pa.repeat("v2", n))
    ingest_predictions(runtime, spec, change(loans), now=start + DAY)


def replace_column(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, pa.array(values))


def double_debt(rows):
    return replace_column(rows, "debt", rows["debt"].to_numpy() * 2 + 1)


def empty_debt(rows):
    return replace_column(rows, "debt", [None] * rows.num_rows).cast(rows.schema)


def find_feature(document, name):
    return next(feature for feature in document["features"] if feature["feature"] == name)


def test_windows_agree_with_scipy_on_their_rows(runtime, spec):
    document = report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT)
    before, after = (
        np.concatenate([draw_loans(ROWS_PER_DAY, START + day * DAY, 1, seed=day)["debt"].to_numpy() for day in days])
        for days in (range(7), range(7, DAYS))
    )
    found = find_feature(document, "debt")
    assert (document["reference"]["n"], document["current"]["n"]) == (7 * ROWS_PER_DAY, 7 * ROWS_PER_DAY)
    assert (found["n_reference"], found["n_current"], found["null_fraction_current"]) == (4200, 4200, 0.0)
    assert found["ks"] == pytest.approx(ks_2samp(before, after).statistic, abs=0.01)
    assert found["wasserstein"] == pytest.approx(wasserstein_distance(before, after) / before.std(), abs=0.005)
    assert found["status"] == "OK"
    region = find_feature(document, "region")
    assert (region["kind"], region["ks"], region["unseen_fraction"]) == ("categorical", None, 0.0)


def test_document_has_the_shape_of_the_contract(runtime, spec):
    document = report_drift(runtime, spec, None, WEEK_TWO, PRESENT)
    assert set(document) == {"model", "reference", "current", "binning", "features"}
    assert set(document["reference"]) == set(document["current"]) == {"start", "end", "n"}
    assert document["binning"].endswith("made from the training rows of v2")
    for feature in document["features"]:
        assert set(feature) == {
            "feature", "kind", "n_reference", "n_current", "psi", "effect", "limit", "impact", "jensen_shannon", "ks",
            "wasserstein", "chi_square", "p_value", "p_adjusted", "total_variation", "hellinger",
            "null_fraction_reference", "null_fraction_current", "unseen_fraction", "status", "reason",
        }  # fmt: skip


def test_shift_is_an_alert_when_it_lasts_and_a_warning_on_its_first_day(runtime, spec):
    version = get_version(runtime.database, spec.name, "v2")
    for day in range(2):
        send(runtime, spec, PRESENT + day * DAY, double_debt)
        refresh(runtime, spec, PRESENT + (day + 1) * DAY)
    reference = ensure_reference(runtime, spec, version, PRESENT)
    table = read_drift(runtime, spec, version, reference, Window(PRESENT, PRESENT + 2 * DAY))
    row = table.features.index("debt")
    assert [table.judgement.get_status(row, chunk) for chunk in (-2, -1)] == [Status.WARNING, Status.ALERT]
    said = [v for v in list_verdicts(runtime.database, spec.name) if (v.code, v.subject) == ("drift.feature", "debt")]
    assert [verdict.status for verdict in said[:2]] == [Status.ALERT, Status.WARNING]
    assert said[0].evidence["reference"] == reference.id
    income = [v for v in list_verdicts(runtime.database, spec.name) if v.subject == "income"]
    assert Status.ALERT not in {verdict.status for verdict in income}


def test_emptied_feature_is_drift_of_its_own(runtime, spec):
    send(runtime, spec, PRESENT, empty_debt)
    refresh(runtime, spec, PRESENT + DAY)
    window = Window(PRESENT, PRESENT + DAY)
    found = find_feature(report_drift(runtime, spec, WEEK_TWO, window, PRESENT + DAY), "debt")
    assert (found["null_fraction_current"], found["status"]) == (1.0, "ALERT")
    assert "candidate" in found["reason"]


def test_feature_that_no_version_read_is_absent_and_not_null(runtime, spec):
    def empty_region(rows):
        return replace_column(rows, "region", [None] * rows.num_rows).cast(rows.schema)

    for day in range(2):
        send(runtime, spec, PRESENT + day * DAY, empty_region)
    refresh(runtime, spec, PRESENT + 2 * DAY)
    windows = [Window(PRESENT + day * DAY, PRESENT + (day + 1) * DAY) for day in range(2)]
    found = find_feature(report_drift(runtime, spec, *windows, PRESENT + 2 * DAY), "region")
    assert (found["n_reference"], found["n_current"], found["status"]) == (0, 0, "INSUFFICIENT_DATA")
    found = find_feature(report_drift(runtime, spec, WEEK_ONE, windows[0], PRESENT + 2 * DAY), "region")
    assert (found["n_reference"], found["status"]) == (7 * ROWS_PER_DAY, "INSUFFICIENT_DATA")


def test_day_that_is_not_over_has_no_verdict(runtime, spec):
    send(runtime, spec, PRESENT, double_debt)
    refresh(runtime, spec, PRESENT + DAY / 2)
    version = get_version(runtime.database, spec.name, "v2")
    reference = ensure_reference(runtime, spec, version, PRESENT)
    table = read_drift(runtime, spec, version, reference, Window(START, PRESENT + DAY / 2))
    assert PRESENT not in table.chunks


def test_few_rows_are_not_judged(runtime, spec):
    send(runtime, spec, PRESENT, double_debt, n=150)
    refresh(runtime, spec, PRESENT + DAY)
    found = find_feature(report_drift(runtime, spec, None, Window(PRESENT, PRESENT + DAY), PRESENT + DAY), "debt")
    assert (found["status"], found["reason"].split(";")[0]) == ("INSUFFICIENT_DATA", "150 rows")


def test_segment_is_compared_with_the_same_segment(runtime, spec):
    document = report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT, ("region", "north"))
    assert 0 < document["current"]["n"] < 7 * ROWS_PER_DAY
    assert find_feature(document, "region")["status"] == "OK"


def test_traffic_is_compared_with_the_training_rows_of_the_version_that_is_named(runtime, spec):
    found = {}
    for name in ("v1", "v2"):
        version = get_version(runtime.database, spec.name, name)
        rows = pq.read_table(runtime.home.snapshots / f"{version.snapshot.id}.parquet")["debt"].to_numpy()
        document = report_drift(runtime, spec, version, WEEK_TWO, PRESENT)
        found[name] = find_feature(document, "debt")
        after = np.concatenate(
            [draw_loans(ROWS_PER_DAY, START + day * DAY, 1, seed=day)["debt"].to_numpy() for day in range(7, DAYS)]
        )
        assert document["reference"]["n"] == 500
        assert found[name]["ks"] == pytest.approx(ks_2samp(rows, after).statistic, abs=0.02)
    assert report_drift(runtime, spec, None, WEEK_TWO, PRESENT)["features"] == document["features"]
    assert found["v1"]["psi"] != found["v2"]["psi"]


def test_reference_is_counted_once(runtime, spec):
    version = get_version(runtime.database, spec.name, "v2")
    first, again = (ensure_reference(runtime, spec, version, PRESENT) for _ in range(2))
    assert first == again
    assert (first.n, first.version, first.n_chunks) == (500, "v2", 10)
    profiles = read_reference_profiles(runtime.database, first.id)
    assert set(profiles) == {"income", "debt", "region"}
    assert all(int(profile.counts.n[0]) == 500 for profile in profiles.values())


def test_standing_reference_is_the_window_that_the_model_names(runtime, spec):
    version = get_version(runtime.database, spec.name, "v2")
    reference = ensure_reference(runtime, replace(spec, reference=WEEK_ONE), version, PRESENT)
    assert (reference.kind, reference.n, reference.n_chunks) == ("window", 7 * ROWS_PER_DAY, 7)
    assert reference.binning == get_binning(runtime.database, spec.name).id
    north = read_reference_profiles(runtime.database, reference.id, ("region", "north"))
    assert 0 < north["debt"].counts.n[0] < reference.n


def test_refresh_goes_on_when_the_training_rows_are_gone(runtime, spec):
    for path in runtime.home.snapshots.iterdir():
        path.unlink()
    send(runtime, spec, PRESENT, double_debt)
    refresh(runtime, spec, PRESENT + DAY)
    assert report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT)["features"]


def test_traffic_makes_no_bins_while_the_training_rows_cannot_be_read(tmp_path, runtime, spec):
    with runtime.database.transaction() as transaction:
        for table in (
            "reference_profiles",
            "standing_references",
            "feature_profiles",
            "counted_batches",
            "feature_binnings",
            "binning_categories",
            "binnings",
        ):
            transaction.run_sql(f"delete from {table}")
    files = {path: path.read_bytes() for path in runtime.home.snapshots.iterdir()}
    for path in files:
        path.unlink()
    with pytest.raises(UnfinishedError):
        refresh(runtime, spec, PRESENT + DAY)
    assert get_binning(runtime.database, spec.name) is None
    for path, rows in files.items():
        path.write_bytes(rows)
    refresh(runtime, spec, PRESENT + DAY)
    assert "training rows of v2" in get_binning(runtime.database, spec.name).origin
    assert report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT)["features"]


def test_newest_chunks_are_those_that_are_over(runtime, spec):
    assert find_newest_chunks(runtime, spec, PRESENT) == Window(START + 7 * DAY, START + 14 * DAY)


@pytest.mark.parametrize("reference", [None, WEEK_ONE])
def test_window_without_traffic_is_refused(runtime, spec, reference):
    with pytest.raises(ConflictError, match="There is no traffic of car-loan between"):
        report_drift(runtime, spec, reference, Window(PRESENT, PRESENT + DAY), PRESENT)
    with pytest.raises(ConflictError, match="to compare with"):
        report_drift(runtime, spec, Window(PRESENT, PRESENT + DAY), WEEK_ONE, PRESENT)
