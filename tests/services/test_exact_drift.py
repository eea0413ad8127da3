"""Drift from rows: agrees with SciPy and hand values, is near to that from counts, and says what it cannot read."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from mlops_core.entities import Actor, Retention, Window
from mlops_core.errors import ConflictError, HomeError
from mlops_core.services.drift_report import compare_windows, report_drift
from mlops_core.services.exact_drift import compare_rows
from mlops_core.services.monitoring import refresh
from mlops_core.services.retention import set_retention
from mlops_core.stats.features import MOST_CATEGORIES
from mlops_core.store.features import ALL_TRAFFIC
from mlops_core.store.models import get_version
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
from tests.services.test_impacts import raise_debt
from tests.services.test_reference_choice import register
from tests.small_home import DAYS, PRESENT, ROWS_PER_DAY, START, draw_loans

ALL_DAYS = Window(START, START + DAYS * DAY)
NORTH = ("region", "north")
DISTANCES = ("psi", "jensen_shannon", "chi_square", "total_variation", "hellinger")


def list_days(n):
    return [Window(PRESENT + day * DAY, PRESENT + (day + 1) * DAY) for day in range(n)]


def send_days(runtime, spec, *changes):
    """Send a day of traffic for each change, and give the days."""
    for i, change in enumerate(changes):
        send(runtime, spec, PRESENT + i * DAY, change)
    refresh(runtime, spec, PRESENT + len(changes) * DAY)
    return list_days(len(changes))


def draw(days, name):
    rows = [draw_loans(ROWS_PER_DAY, START + day * DAY, 1, seed=day)[name].to_numpy() for day in days]
    return np.concatenate(rows)


def compute_psi(before, after):
    """Compute the index of two lists of counts, each with half a row more."""
    p, q = (np.asarray(side) + 0.5 for side in (before, after))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def count_tenths(values, edges):
    """Count values by the tenths that edges make of a reference, and nulls behind."""
    return [*np.bincount(np.digitize(values[~np.isnan(values)], edges), minlength=10), np.isnan(values).sum()]


@pytest.mark.parametrize("name", ["income", "debt"])
@pytest.mark.parametrize("asked", ["window", "v1", None])
def test_statistics_are_those_of_the_rows(runtime, spec, name, asked):
    if asked == "window":
        reference, before = WEEK_ONE, draw(range(7), name)
    else:
        reference = get_version(runtime.database, spec.name, asked) if asked else None
        snapshot = get_version(runtime.database, spec.name, asked or "v2").snapshot
        before = pq.read_table(runtime.home.snapshots / f"{snapshot.id}.parquet")[name].to_numpy()
    after = draw(range(7, DAYS), name)
    document = report_drift(runtime, spec, reference, WEEK_TWO, PRESENT, exact=True)
    found = find_feature(document, name)
    assert (document["reference"]["n"], document["current"]["n"]) == (before.size, after.size)
    assert (found["n_reference"], found["n_current"]) == (before.size, after.size)
    assert found["ks"] == pytest.approx(ks_2samp(before, after).statistic, rel=1e-12)
    assert found["wasserstein"] == pytest.approx(wasserstein_distance(before, after) / before.std(), rel=1e-12)
    edges = np.quantile(before, np.arange(1, 10) / 10)
    counts = count_tenths(before, edges), count_tenths(after, edges)
    assert found["psi"] == pytest.approx(compute_psi(*counts), abs=0.002)


@pytest.mark.parametrize("segment", [ALL_TRAFFIC, NORTH])
@pytest.mark.parametrize("reference", [WEEK_ONE, None])
def test_counts_are_near_to_the_rows(runtime, spec, reference, segment):
    counted = report_drift(runtime, spec, reference, WEEK_TWO, PRESENT, segment)
    exact = report_drift(runtime, spec, reference, WEEK_TWO, PRESENT, segment, exact=True)
    assert exact["binning"] == "exact, made from the rows of the reference" != counted["binning"]
    assert {key: exact[key] for key in ("model", "reference", "current")} == {
        key: counted[key] for key in ("model", "reference", "current")
    }
    for feature in exact["features"]:
        other = find_feature(counted, feature["feature"])
        assert list(feature) == list(other)
        for key in ("kind", "n_reference", "n_current", "limit", "impact", "status", "unseen_fraction"):
            assert feature[key] == other[key], key
        assert feature["psi"] == pytest.approx(other["psi"], abs=0.01)
        if feature["kind"] == "numeric":
            assert abs(feature["ks"] - other["ks"]) < 0.01
            assert feature["wasserstein"] == pytest.approx(other["wasserstein"], abs=0.005)
        else:
            assert [feature[key] for key in DISTANCES] == [other[key] for key in DISTANCES]


@pytest.mark.parametrize("segment", [ALL_TRAFFIC, NORTH])
def test_window_is_not_far_from_itself(runtime, spec, segment):
    document = report_drift(runtime, spec, WEEK_TWO, WEEK_TWO, PRESENT, segment, exact=True)
    assert len(document["features"]) == 3
    for feature in document["features"]:
        assert [feature[key] for key in DISTANCES] == pytest.approx([0.0] * len(DISTANCES), abs=1e-7)
        assert (feature["p_value"], feature["status"]) == (1.0, "OK")
        assert (feature["ks"], feature["wasserstein"]) == ((0.0, 0.0) if feature["kind"] == "numeric" else (None, None))


def test_values_that_repeat_nulls_and_infinities_are_what_they_are_from_counts(runtime, spec):
    def make(shift, infinite):
        def change(rows):
            income = np.round(rows["income"].to_numpy()) + shift
            debt = rows["debt"].to_numpy().copy()
            debt[:60], debt[60:64] = np.nan, infinite
            return replace_column(replace_column(rows, "income", income), "debt", debt)

        return change

    days = send_days(runtime, spec, make(0, -np.inf), make(1, np.inf), make(1, 0.0))
    now = PRESENT + 3 * DAY
    sides = [
        make(shift, infinite)(draw_loans(ROWS_PER_DAY, day.start, 1, seed=1000 + day.start.toordinal()))
        for day, shift, infinite in zip(days, (0, 1, 1), (-np.inf, np.inf, 0.0), strict=True)
    ]
    debt, income = ([side[name].to_numpy() for side in sides] for name in ("debt", "income"))
    document = report_drift(runtime, spec, days[0], days[1], now, exact=True)
    counted = report_drift(runtime, spec, days[0], days[1], now)
    found = find_feature(document, "debt")
    known = [values[~np.isnan(values)] for values in debt]
    assert found["ks"] == pytest.approx(ks_2samp(known[0], known[1]).statistic, rel=1e-12)
    assert found["wasserstein"] is find_feature(counted, "debt")["wasserstein"] is None
    assert (found["null_fraction_reference"], found["null_fraction_current"]) == (0.1, 0.1)
    found = find_feature(document, "income")
    values = np.unique(income[0])
    groups = [np.maximum(np.searchsorted(values, side, side="right") - 1, 0) for side in income[:2]]
    counts = [[*np.bincount(side, minlength=values.size), 0] for side in groups]
    assert found["psi"] == pytest.approx(compute_psi(*counts), rel=1e-9)
    assert found["chi_square"] == pytest.approx(chi2_contingency(np.array(counts)[:, :-1]).statistic, rel=1e-9)
    for key in DISTANCES:
        assert found[key] == pytest.approx(find_feature(counted, "income")[key], rel=1e-9)
    assert found["ks"] == pytest.approx(ks_2samp(income[0], income[1]).statistic, rel=1e-12)
    assert found["status"] == "ALERT"
    found = find_feature(report_drift(runtime, spec, days[2], days[2], now, exact=True), "debt")
    assert (found["ks"], found["wasserstein"]) == (0.0, 0.0)


def test_categories_beyond_the_most_frequent_are_one(runtime, spec):
    levels = MOST_CATEGORIES + 100

    def name_regions(first):
        def change(rows):
            regions = [f"r{i % levels + first:05d}" for i in range(rows.num_rows)]
            return replace_column(rows, "region", regions)

        return change

    for day, change in zip(list_days(2), (name_regions(0), name_regions(50)), strict=True):
        send(runtime, spec, day.start, change, n=4 * levels)
    refresh(runtime, spec, PRESENT + 2 * DAY)
    now = PRESENT + 2 * DAY
    found = find_feature(report_drift(runtime, spec, *list_days(2), now, exact=True), "region")
    # The names tie, so that the first in order have a group each; the last 100, and 50 new ones, are all others.
    before = [4] * MOST_CATEGORIES + [4 * 100, 0, 0]
    after = [0] * 50 + [4] * (MOST_CATEGORIES - 50) + [4 * 150, 0, 0]
    assert found["psi"] == pytest.approx(compute_psi(before, after), rel=1e-9)
    assert found["total_variation"] == pytest.approx(50 / levels)
    assert (found["unseen_fraction"], found["n_reference"], found["ks"]) == (0.0, 4 * levels, None)
    found = find_feature(report_drift(runtime, spec, WEEK_ONE, list_days(1)[0], now, exact=True), "region")
    assert found["unseen_fraction"] == 1.0


def test_column_that_is_lost_is_an_alert_and_one_that_nobody_reads_is_absent(runtime, spec):
    def empty_region(rows):
        return replace_column(rows, "region", [None] * rows.num_rows).cast(rows.schema)

    days = send_days(runtime, spec, empty_debt, empty_region)
    now = PRESENT + 2 * DAY
    found = find_feature(report_drift(runtime, spec, WEEK_TWO, days[0], now, exact=True), "debt")
    assert (found["null_fraction_current"], found["ks"], found["status"]) == (1.0, None, "ALERT")
    assert "candidate" in found["reason"]
    found = find_feature(report_drift(runtime, spec, days[0], days[1], now, exact=True), "debt")
    assert (found["null_fraction_reference"], found["ks"], found["status"]) == (1.0, None, "ALERT")
    found = find_feature(report_drift(runtime, spec, WEEK_ONE, days[1], now, exact=True), "region")
    assert (found["n_current"], found["status"]) == (0, "INSUFFICIENT_DATA")
    found = find_feature(report_drift(runtime, spec, days[1], WEEK_ONE, now, exact=True), "region")
    assert (found["n_reference"], found["status"]) == (0, "INSUFFICIENT_DATA")


@pytest.mark.parametrize("is_there", [True, False])
def test_training_rows_without_a_column_that_the_version_does_not_read_are_without_it(runtime, spec, is_there):
    rows = draw_loans(500, START, 5, seed=7)
    empty = replace_column(rows, "region", [None] * rows.num_rows).cast(rows.schema)
    version = register(runtime, spec, empty if is_there else rows.drop_columns(["region"]))
    counted, exact = (report_drift(runtime, spec, version, WEEK_TWO, PRESENT, exact=way) for way in (False, True))
    assert find_feature(exact, "region") == find_feature(counted, "region")
    assert (find_feature(exact, "region")["n_reference"], find_feature(exact, "debt")["n_reference"]) == (0, 500)


def test_impact_is_that_of_the_counts(runtime, spec):
    (day,) = send_days(runtime, spec, raise_debt)
    counted, exact = (report_drift(runtime, spec, None, day, PRESENT + DAY, exact=way) for way in (False, True))
    assert find_feature(exact, "debt")["impact"] is not None
    for feature in exact["features"]:
        assert feature["impact"] == find_feature(counted, feature["feature"])["impact"]
    assert " Expected change of ROC AUC: " in find_feature(exact, "debt")["reason"]
    north = report_drift(runtime, spec, None, day, PRESENT + DAY, NORTH, exact=True)
    assert find_feature(north, "debt")["impact"] is None
    assert "it is known for all traffic only" in find_feature(north, "debt")["reason"]


@pytest.mark.parametrize("is_standing", [True, False])
def test_natural_variation_stays_where_it_is_kept_and_is_known_of_a_long_window(runtime, spec, is_standing):
    own = replace(spec, reference=ALL_DAYS) if is_standing else spec
    # A week is half of the reference, so only a day can be told to be usual.
    day = Window(WEEK_TWO.start, WEEK_TWO.start + DAY)
    counted, _ = compare_windows(runtime, own, None if is_standing else ALL_DAYS, day, PRESENT, ALL_TRAFFIC)
    table, _ = compare_rows(runtime, own, counted, day, ALL_TRAFFIC)
    assert np.isfinite(counted.natural).all()
    if is_standing:
        assert table.natural == counted.natural
    assert table.natural == pytest.approx(counted.natural, abs=0.01)
    assert table.reference == counted.reference


def test_rows_that_came_after_the_reference_was_kept_are_read(runtime, spec):
    own = replace(spec, reference=WEEK_ONE)
    assert report_drift(runtime, own, None, WEEK_TWO, PRESENT)["reference"]["n"] == 7 * ROWS_PER_DAY
    send(runtime, spec, START, double_debt)
    document = report_drift(runtime, own, None, WEEK_TWO, PRESENT, exact=True)
    assert document["reference"]["n"] == find_feature(document, "debt")["n_reference"] == 8 * ROWS_PER_DAY


@pytest.fixture
def delete_rows(runtime, spec):
    """Keep the rows of the last five days only."""

    def delete():
        end = START + DAYS * DAY
        set_retention(runtime, spec, Retention(row_days=5), actor=Actor("ana", "page"), reason="the law", now=end)
        return end - 5 * DAY

    return delete


def test_rows_that_were_deleted_are_not_compared(runtime, spec, delete_rows):
    rows_from = delete_rows()
    kept = Window(rows_from, START + DAYS * DAY)
    with pytest.raises(ConflictError) as caught:
        report_drift(runtime, spec, WEEK_ONE, kept, PRESENT, exact=True)
    assert caught.value.message == (
        "Rows of car-loan from 2024-03-01T00:00:00+00:00 to 2024-03-08T00:00:00+00:00, in the reference, were deleted, "
        "as its retention says; rows are there from 2024-03-10T00:00:00+00:00 on. Name a window from then on, or "
        "leave out exact: that answer comes from counts."
    )
    with pytest.raises(ConflictError, match=r"to 2024-03-10T00:00:00\+00:00, in the window to look at, were deleted"):
        report_drift(runtime, spec, None, WEEK_TWO, PRESENT, exact=True)
    with pytest.raises(ConflictError, match="in the reference, were deleted"):
        report_drift(runtime, replace(spec, reference=WEEK_ONE), None, kept, PRESENT, exact=True)
    assert report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT)["features"]


def test_rows_that_are_kept_are_compared(runtime, spec, delete_rows):
    before = report_drift(runtime, spec, None, Window(START + 9 * DAY, ALL_DAYS.end), PRESENT, exact=True)
    rows_from = delete_rows()
    assert report_drift(runtime, spec, None, Window(rows_from, ALL_DAYS.end), PRESENT, exact=True) == before
    # The day that begins before this window is no part of it.
    later = Window(rows_from - DAY / 2, ALL_DAYS.end)
    found = report_drift(runtime, spec, later, later, PRESENT, exact=True)
    assert found["current"]["n"] == 5 * ROWS_PER_DAY


def test_training_rows_that_cannot_be_read_are_an_error(runtime, spec):
    report_drift(runtime, spec, None, WEEK_TWO, PRESENT)
    snapshot = get_version(runtime.database, spec.name, "v2").snapshot
    path = runtime.home.snapshots / f"{snapshot.id}.parquet"
    for spoil in (lambda: path.write_bytes(path.read_bytes()[:100]), path.unlink):
        spoil()
        with pytest.raises(HomeError, match=r"cannot be read .* Put the file back from a backup"):
            report_drift(runtime, spec, None, WEEK_TWO, PRESENT, exact=True)
    assert report_drift(runtime, spec, None, WEEK_TWO, PRESENT)["features"]
    assert report_drift(runtime, spec, WEEK_ONE, WEEK_TWO, PRESENT, exact=True)["features"]


def test_sides_without_traffic_are_refused_as_they_are_from_counts(runtime, spec):
    nothing = Window(PRESENT, PRESENT + DAY)
    for sides in ((WEEK_ONE, nothing), (nothing, WEEK_ONE)):
        said = []
        for exact in (False, True):
            with pytest.raises(ConflictError) as caught:
                report_drift(runtime, spec, *sides, PRESENT, exact=exact)
            said.append(caught.value.message)
        assert said[0] == said[1]
