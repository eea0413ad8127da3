"""Quality of live traffic: what is found in which chunk, also the open one, and what a refresh makes of it."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.checks.findings import Check
from mlops_core.entities import Actor, Status, Window
from mlops_core.errors import InputError, UnfinishedError
from mlops_core.services.contracts import read_contract, save_contract
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.services.quality import read_quality, report_quality
from mlops_core.store.models import get_version
from mlops_core.store.verdicts import list_verdicts
from tests.small_home import DAYS, MODEL, PRESENT, ROWS_PER_DAY, START, draw_loans

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EVERYTHING = Window(START, PRESENT + 9 * DAY)
OPEN = START + DAYS * DAY
"""The first day without traffic in the small home."""


@pytest.fixture
def v2(runtime):
    return get_version(runtime.database, MODEL, "v2")


def send(runtime, spec, n, start=OPEN, days=0.4, seed=70, **columns):
    loans = draw_loans(n, start, 1, seed=seed)
    times = [start + days * DAY * i / n for i in range(n)]
    rows = loans.drop_columns(["label"]).append_column("version", pa.repeat("v2", n))
    rows = rows.append_column("score", pa.array([0.5] * n))
    for name, values in {"scored_at": pa.array(times, pa.timestamp("us", tz="UTC")), **columns}.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return ingest_predictions(runtime, spec, rows, now=start + days * DAY)


def find(chunk, check, feature=None):
    (found,) = (one for one in chunk.findings if one.check is check and one.feature == feature)
    return found


def list_troubles(chunks):
    return [
        (chunk.start, one.check, one.feature, one.status)
        for chunk in chunks
        for one in chunk.findings
        if one.status in (Status.WARNING, Status.ALERT)
    ]


def test_usual_traffic_has_no_trouble(runtime, spec, v2):
    chunks = read_quality(runtime, spec, v2, Window(START, OPEN), OPEN)
    assert [chunk.start for chunk in chunks] == [START + i * DAY for i in range(7, DAYS)]
    assert {chunk.n for chunk in chunks} == {ROWS_PER_DAY}
    assert [one for one in list_troubles(chunks) if one[1] is not Check.RANGE] == []


def test_empty_column_is_found_in_the_open_chunk_from_200_rows_on(runtime, spec, v2):
    now = OPEN + 10 * HOUR
    send(runtime, spec, 199, debt=pa.nulls(199, pa.float64()))
    refresh(runtime, spec, now)
    assert find(read_quality(runtime, spec, v2, EVERYTHING, now)[-1], Check.NULL_SKEW, "debt").status is (
        Status.INSUFFICIENT_DATA
    )
    send(runtime, spec, 1, seed=71, debt=pa.nulls(1, pa.float64()))
    refresh(runtime, spec, now)
    newest = read_quality(runtime, spec, v2, EVERYTHING, now)[-1]
    assert (newest.start, newest.n) == (OPEN, 200)
    for check, feature in ((Check.NULL_SKEW, "debt"), (Check.NULLS, "debt"), (Check.SCHEMA, None)):
        assert find(newest, check, feature).status is Status.ALERT
    assert find(newest, Check.VOLUME).status is Status.INSUFFICIENT_DATA
    assert find(newest, Check.NULL_SKEW, "income").status is Status.OK


def test_values_that_training_never_had_are_an_alert_and_named_in_the_overview(runtime, spec):
    now = OPEN + 10 * HOUR
    send(runtime, spec, 300, income=pa.array([900.0] * 300), debt=pa.array([float("inf")] * 10 + [1.0] * 290))
    found = {(one.code, one.subject): one.status for one in refresh(runtime, spec, now)}
    assert found[(Check.RANGE_SKEW, "income")] is Status.ALERT
    assert found[(Check.RANGE, "income")] is Status.ALERT
    assert found[(Check.INFINITE, "debt")] is Status.ALERT
    overview = read_overview(runtime, spec, now)
    assert [(skew.feature, skew.check) for skew in overview.skews] == [("income", Check.RANGE_SKEW)]
    assert "**income** lies far outside the range of v2's training rows" in overview.headline.detail


def test_volume_is_an_alert_when_a_day_has_too_few_rows(runtime, spec, v2):
    # Three Fridays of 600 rows came before this one.
    for week in range(3):
        send(runtime, spec, 600, start=START + (14 + 7 * week) * DAY, seed=80 + week)
    friday = START + 35 * DAY
    send(runtime, spec, 200, start=friday, seed=90)
    now = friday + DAY + HOUR
    found = {(one.code, one.subject): one.status for one in refresh(runtime, spec, now)}
    assert found[(Check.VOLUME, "traffic")] is Status.ALERT
    chunks = {chunk.start: chunk for chunk in read_quality(runtime, spec, v2, Window(START, now), now)}
    finding = find(chunks[friday], Check.VOLUME)
    assert finding.value == pytest.approx(1 / 3)
    assert finding.reason == "200 rows in the day, 33 % of the usual 600; the contract accepts 50 % to 200 %."


def test_stale_traffic_is_an_alert_until_rows_come_again(runtime, spec, v2):
    assert find(read_quality(runtime, spec, v2, EVERYTHING, PRESENT)[-1], Check.FRESHNESS).status is Status.ALERT
    send(runtime, spec, 300, start=PRESENT)
    now = PRESENT + 10 * HOUR
    found = {(one.code, one.subject): one.status for one in refresh(runtime, spec, now)}
    assert found[(Check.FRESHNESS, "traffic")] is Status.OK


def test_traffic_stays_stale_however_long_ago_it_ended(runtime, spec, v2):
    later = PRESENT + 800 * DAY
    chunks = read_quality(runtime, spec, v2, Window(later - 90 * DAY, later + DAY), later)
    assert find(chunks[-1], Check.FRESHNESS).status is Status.ALERT
    assert find(chunks[-1], Check.VOLUME).status is Status.INSUFFICIENT_DATA


def test_champion_without_traffic_in_a_window_is_still_checked_for_its_age(runtime, spec, v2):
    window = Window(PRESENT - 2 * DAY, PRESENT)
    chunks = read_quality(runtime, spec, v2, window, PRESENT - HOUR)
    assert find(chunks[-1], Check.FRESHNESS).status is Status.ALERT
    v1 = get_version(runtime.database, MODEL, "v1")
    assert read_quality(runtime, spec, v1, window, PRESENT - HOUR) == []


def test_chunks_begin_in_the_window(runtime, spec, v2):
    window = Window(PRESENT - 8 * DAY + HOUR, PRESENT - 6 * DAY + HOUR)
    chunks = read_quality(runtime, spec, v2, window, PRESENT - HOUR)
    assert [chunk.start for chunk in chunks] == [PRESENT - 7 * DAY, PRESENT - 6 * DAY]


def test_rows_delivered_twice_and_refused_deliveries_are_found(runtime, spec, v2):
    now = OPEN + 10 * HOUR
    send(runtime, spec, 300)
    assert send(runtime, spec, 300).accepted == 0
    with pytest.raises(InputError):
        send(runtime, spec, 200, seed=72, score=pa.array([2.0] * 200))
    found = {(one.code, one.subject): one for one in refresh(runtime, spec, now)}
    assert found[(Check.DUPLICATES, "traffic")].status is Status.WARNING
    assert found[(Check.REFUSED, "traffic")].status is Status.ALERT
    newest = read_quality(runtime, spec, v2, EVERYTHING, now)[-1]
    assert find(newest, Check.DUPLICATES).value == pytest.approx(0.5)
    # What came on the day: 600 rows of the day before, at midnight, and those above.
    assert find(newest, Check.REFUSED).reason == "200 of 1,400 delivered rows were refused."


def test_contract_of_a_person_counts_in_the_next_report(runtime, spec, v2):
    state = read_contract(runtime, spec, v2, OPEN)
    narrow = tuple(
        replace(own, minimum=2.9, maximum=3.1) if own.feature == "income" else own for own in state.contract.features
    )
    save_contract(
        runtime,
        spec,
        v2,
        replace(state.contract, features=narrow),
        expected=None,
        actor=Actor("ana", "page"),
        reason="narrow",
        now=OPEN,
    )
    chunks = read_quality(runtime, spec, v2, Window(START, OPEN), OPEN)
    assert {find(chunk, Check.RANGE, "income").status for chunk in chunks} == {Status.ALERT}


def test_segment_is_checked_without_rows_and_deliveries(runtime, spec, v2):
    chunks = read_quality(runtime, spec, v2, Window(START, OPEN), OPEN, ("region", "north"))
    assert 0 < chunks[0].n < ROWS_PER_DAY
    assert {one.check for one in chunks[0].findings} >= {Check.NULLS, Check.RANGE, Check.NULL_SKEW}
    assert not {one.check for one in chunks[0].findings} & {Check.VOLUME, Check.DUPLICATES, Check.FRESHNESS}


def test_traffic_is_checked_when_training_rows_cannot_be_read(runtime, spec, v2):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from reference_profiles")
        transaction.run_sql("delete from standing_references")
    for file in runtime.home.snapshots.glob("*.parquet"):
        file.unlink()
    send(runtime, spec, 300, debt=pa.nulls(300, pa.float64()))
    with pytest.raises(UnfinishedError, match=r"could be checked\. The training rows .* Put"):
        refresh(runtime, spec, OPEN + 10 * HOUR)
    found = [one for one in list_verdicts(runtime.database, MODEL) if one.at == OPEN + 10 * HOUR]
    assert [(one.code, one.subject) for one in found if one.status is Status.ALERT] == [("skew.null_fraction", "debt")]
    chunks = read_quality(runtime, spec, v2, EVERYTHING, OPEN + 10 * HOUR)
    assert find(chunks[-1], Check.NULL_SKEW, "debt").status is Status.ALERT


def test_report_refuses_a_window_of_too_many_chunks(runtime, spec, v2):
    later = PRESENT + 500 * DAY
    with pytest.raises(InputError, match="more than 400 days of traffic"):
        report_quality(runtime, spec, v2, Window(START, later), later)
