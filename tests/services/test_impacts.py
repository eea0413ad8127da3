"""What drift costs: agrees with weighted rows, is counted once, is null with a reason, and ranks the features."""

import logging
import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from mlops_core.entities import Estimate, Metric, Status, Window
from mlops_core.errors import UnfinishedError
from mlops_core.services.drift_report import compare_windows, report_drift
from mlops_core.services.drift_view import read_drift_view
from mlops_core.services.impacts import expect_impacts, find_joint, rank_features
from mlops_core.services.monitoring import refresh
from mlops_core.services.reference_scores import ensure_reference_scores
from mlops_core.stats.impact import Impact
from mlops_core.stats.joint import bin_rows
from mlops_core.store.binnings import get_binning
from mlops_core.store.features import ALL_TRAFFIC
from mlops_core.store.models import get_version
from mlops_core.store.reference_scores import ReferenceOrigin
from tests.services.test_drift import (
    DAY,
    WEEK_ONE,
    WEEK_TWO,
    double_debt,
    empty_debt,
    find_feature,
    replace_column,
    send,
)
from tests.small_home import DAYS, MODEL, PRESENT, ROWS_PER_DAY, START, draw_loans

TODAY = Window(PRESENT, PRESENT + DAY)


def raise_debt(rows):
    return replace_column(rows, "debt", rows["debt"].to_numpy() + 0.4)


def compare(runtime, spec, reference, current, segment=ALL_TRAFFIC):
    version = get_version(runtime.database, MODEL, "v2")
    table, _ = compare_windows(runtime, spec, reference, current, PRESENT + DAY, segment)
    return table, expect_impacts(runtime, spec, version, table, segment)


def weigh(rows, feature, before, after, binning):
    """Weight each row to the mix of two samples of a feature, over groups of 25 rows and more."""
    own, *mixes = (bin_rows(part, binning.features[feature]).bins for part in (rows, before, after))
    edges = np.quantile(own, np.arange(1, 20) / 20)
    group, *others = (np.digitize(bins, edges) for bins in (own, *mixes))
    shares = [np.bincount(part, minlength=20) / part.size for part in (group, *others)]
    return [(share / shares[0])[group] for share in shares[1:]]


def read_interval(feature):
    """Read the interval of the expected change from the words of a feature that drifted."""
    found = re.search(r"Expected change of [\w ]+: \S+ \[(\S+), (\S+)\]", feature["reason"])
    return [float(end.replace("−", "-")) for end in found.groups()]


def test_impact_agrees_with_weighted_rows(runtime, spec):
    send(runtime, spec, PRESENT, raise_debt)
    refresh(runtime, spec, PRESENT + DAY)
    version = get_version(runtime.database, MODEL, "v2")
    rows = pq.read_table(runtime.home.snapshots / f"{version.snapshot.id}.parquet")
    scores = runtime.artifacts.score(version.artifact_hash, rows.select(list(version.features)))
    labels, debt = rows["label"].to_numpy(), rows["debt"].to_numpy()
    now = draw_loans(ROWS_PER_DAY, PRESENT, 1, seed=1000 + PRESENT.toordinal())["debt"].to_numpy() + 0.4
    before, after = weigh(debt, "debt", debt, now, get_binning(runtime.database, MODEL))
    expected = roc_auc_score(labels, scores, sample_weight=after) - roc_auc_score(labels, scores, sample_weight=before)
    found = find_feature(report_drift(runtime, spec, None, TODAY, PRESENT + DAY), "debt")
    low, high = read_interval(found)
    assert low < found["impact"] < high
    assert found["impact"] == pytest.approx(expected, abs=(high - low) / 4)


def test_nothing_is_expected_when_a_window_is_compared_with_itself(runtime, spec):
    _, impacts = compare(runtime, spec, WEEK_TWO, WEEK_TWO)
    for name in ("income", "debt"):
        assert impacts[name].changes[Metric.ROC_AUC].value == pytest.approx(0, abs=1e-12)


def test_feature_that_the_version_does_not_read_has_no_impact(runtime, spec):
    document = report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT)
    assert find_feature(document, "income")["impact"] is not None
    assert find_feature(document, "region")["impact"] is None
    assert compare(runtime, spec, WEEK_ONE, WEEK_TWO)[1]["region"].reason == "v2 does not read it"


def test_reason_says_why_a_drifted_feature_has_no_impact(runtime, spec):
    send(runtime, spec, PRESENT, empty_debt)
    refresh(runtime, spec, PRESENT + DAY)
    found = find_feature(report_drift(runtime, spec, None, TODAY, PRESENT + DAY), "debt")
    assert (found["status"], found["impact"]) == ("ALERT", None)
    assert found["reason"].endswith(
        " Its impact on ROC AUC is unknown: 100 % of the current rows lie where hardly any labelled row does."
    )


def test_small_shift_is_a_warning_when_the_model_file_says_what_it_may_cost(runtime, spec):
    # Less than 0.1 of PSI, but no chance in 6,000 rows.
    def shift(rows):
        return replace_column(rows, "debt", rows["debt"].to_numpy() - 0.22)

    send(runtime, spec, PRESENT, shift, n=6000)
    now = PRESENT + DAY
    refresh(runtime, spec, now)
    free = find_feature(report_drift(runtime, spec, None, TODAY, now), "debt")
    assert (free["status"], free["effect"] < 0.1, free["p_adjusted"] < 0.01) == ("OK", True, True)
    loss = -free["impact"]
    assert loss > 0
    for cost, status in ((loss * 0.9, "WARNING"), (loss * 1.1, "OK")):
        own = replace(spec, drift_cost=cost)
        assert find_feature(report_drift(runtime, own, None, TODAY, now), "debt")["status"] == status
        view = read_drift_view(runtime, own, TODAY, now)
        assert view.table.judgement.get_status(view.table.features.index("debt"), -1).value == status
    strict = replace(spec, drift_cost=loss * 0.9)
    (verdict,) = [one for one in refresh(runtime, strict, now) if one.code == "drift.feature"]
    assert (verdict.subject, verdict.status) == ("debt", Status.WARNING)
    assert "of the primary metric, and" in verdict.reason
    north = report_drift(runtime, strict, None, TODAY, now, ("region", "north"))
    assert find_feature(north, "debt")["status"] == "OK"


def test_impact_is_null_for_part_of_the_traffic(runtime, spec):
    _, impacts = compare(runtime, spec, WEEK_ONE, WEEK_TWO, ("region", "north"))
    assert {impact.reason for impact in impacts.values()} == {"it is known for all traffic only"}


def test_impact_is_null_for_a_metric_that_does_not_follow_from_weighted_rows(runtime, spec):
    own = replace(spec, primary_metric=Metric.CALIBRATION_ERROR)
    reasons = {impact.reason for impact in compare(runtime, own, WEEK_ONE, WEEK_TWO)[1].values()}
    assert reasons == {"Calibration error does not follow from weighted rows"}


def test_impact_is_null_without_a_version_or_counts(runtime, spec):
    table, _ = compare(runtime, spec, WEEK_ONE, WEEK_TWO)
    assert {one.reason for one in expect_impacts(runtime, spec, None, table).values()} == {
        "no version is in production"
    }
    unserved = get_version(runtime.database, MODEL, "v3")
    assert {one.reason for one in expect_impacts(runtime, spec, unserved, table).values()} == {
        "no labelled rows that v3 scored were counted yet"
    }


def test_labelled_rows_are_counted_once(runtime, spec):
    version, binning = get_version(runtime.database, MODEL, "v2"), get_binning(runtime.database, MODEL)
    joint = find_joint(runtime, spec, version, binning.id)
    assert (joint.origin, joint.n_available, set(joint.features)) == (
        ReferenceOrigin.TRAINING,
        500,
        {"income", "debt"},
    )
    assert {int(own.counts.sum()) for own in joint.features.values()} == {500}
    before = runtime.database.table("from joint_references order by id")
    refresh(runtime, spec, PRESENT + DAY)
    assert runtime.database.table("from joint_references order by id").equals(before)


def test_labelled_rows_of_a_reference_window_are_counted_again_when_labels_have_come(runtime, spec):
    own = replace(spec, reference=Window(START, START + 10 * DAY))
    version, binning = get_version(runtime.database, MODEL, "v2"), get_binning(runtime.database, MODEL)
    ensure_reference_scores(runtime, own, PRESENT)
    joint = find_joint(runtime, own, version, binning.id)
    assert (joint.origin, joint.n_available) == (ReferenceOrigin.WINDOW, 3 * ROWS_PER_DAY)
    assert int(joint.features["debt"].counts.sum()) == 3 * ROWS_PER_DAY
    longer = replace(own, reference=Window(START, START + DAYS * DAY))
    ensure_reference_scores(runtime, longer, PRESENT)
    assert find_joint(runtime, longer, version, binning.id).n_available == 7 * ROWS_PER_DAY
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update joint_references set available_rows = 5 where start_at is not null")
    ensure_reference_scores(runtime, longer, PRESENT)
    assert find_joint(runtime, longer, version, binning.id).n_available == 7 * ROWS_PER_DAY
    counted = runtime.database.table("select count(*) as n from joint_references where version = 'v2'")
    assert counted["n"].to_pylist() == [3]


def test_check_goes_on_and_the_log_says_why_when_the_rows_are_gone(runtime, spec, caplog):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from joint_references")
    for path in runtime.home.snapshots.iterdir():
        path.unlink()
    with caplog.at_level(logging.WARNING), pytest.raises(UnfinishedError, match="The training rows"):
        refresh(runtime, spec, PRESENT + DAY)
    assert "car-loan v2 has no estimates: The training rows" in caplog.text
    assert find_feature(report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT), "debt")["impact"] is None


def make_impact(value):
    changes = {} if value is None else {Metric.ROC_AUC: Estimate(value)}
    return Impact(changes=changes, n_effective=500.0, uncovered_fraction=0.0, reason=None)


@pytest.mark.parametrize(
    ("impacts", "ranked"),
    [
        ({"income": 0.02, "debt": -0.01, "region": None}, ["debt", "region", "income"]),
        ({"income": -0.05, "debt": -0.01, "region": -0.03}, ["income", "region", "debt"]),
    ],
)
def test_drifted_features_rank_by_what_they_cost(runtime, spec, impacts, ranked):
    def change(rows):
        moved = replace_column(double_debt(rows), "income", rows["income"].to_numpy() * 3 + 5)
        return replace_column(moved, "region", ["north"] * rows.num_rows)

    send(runtime, spec, PRESENT, change)
    refresh(runtime, spec, PRESENT + timedelta(days=1))
    table, _ = compare(runtime, spec, WEEK_TWO, TODAY)
    known = {name: make_impact(value) for name, value in impacts.items()}
    assert rank_features(table, known, Metric.ROC_AUC) == ranked


def test_feature_that_drifted_ranks_above_those_that_did_not(runtime, spec):
    send(runtime, spec, PRESENT, double_debt)
    refresh(runtime, spec, PRESENT + DAY)
    table, _ = compare(runtime, spec, WEEK_TWO, TODAY)
    known = {"income": make_impact(-0.5), "debt": make_impact(0.1), "region": make_impact(-0.4)}
    assert rank_features(table, known, Metric.ROC_AUC)[0] == "debt"
