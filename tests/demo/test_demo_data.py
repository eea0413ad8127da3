from datetime import UTC, date, datetime

import pandas as pd
import pytest

from mlops_core.demo.data import DATA_FOLDER, Tables, derive_flights, start_day


def _derive_one(**changes: object) -> pd.Series:
    """Derive one flight: JFK to Los Angeles, Saturday 2 November, the night in which the clocks change."""
    source = {
        "month": 11,
        "day": 2,
        "sched_dep_time": 2330,
        "sched_arr_time": 250,
        "dep_delay": 10,
        "arr_delay": 20,
        "carrier": "AA",
        "flight": 1,
        "tailnum": "N1",
        "origin": "JFK",
        "dest": "LAX",
        "distance": 2475,
    }
    flights = pd.DataFrame([source | changes]).astype({"dep_delay": "float64", "arr_delay": "float64"})
    return derive_flights(flights, pd.read_parquet(DATA_FOLDER / "airports.parquet")).iloc[0]


def test_flights_are_complete_and_their_ids_unique(tables: Tables) -> None:
    flights = tables.flights
    assert len(flights) == 336_776
    assert flights["prediction_id"].is_unique
    assert flights["prediction_id"].notna().all()


def test_labels_are_missing_for_the_flights_that_never_arrived(tables: Tables) -> None:
    flights = tables.flights
    assert flights["label"].isna().mean() == pytest.approx(0.028, abs=0.0005)
    assert (flights["label"].isna() == flights["actual_arrival"].isna()).all()
    assert (flights["label"].isna() == flights["label_at"].isna()).all()


def test_labels_arrive_on_the_monday_after_the_week_of_arrival(tables: Tables) -> None:
    labelled = tables.flights.dropna(subset=["label_at"])
    assert (labelled["label_at"].dt.day_of_week == 0).all()
    assert (labelled["label_at"].dt.hour == 6).all()
    wait = labelled["label_at"] - labelled["actual_arrival"]
    assert wait.min() > pd.Timedelta(hours=6)
    assert wait.max() <= pd.Timedelta(days=7, hours=6)
    lag_days = (labelled["label_at"] - labelled["scored_at"]) / pd.Timedelta(days=1)
    assert lag_days.min() == pytest.approx(0.33, abs=0.01)
    assert lag_days.max() == pytest.approx(7.82, abs=0.01)
    assert lag_days.mean() == pytest.approx(4.0, abs=0.01)


def test_every_flight_arrives_after_it_left(tables: Tables) -> None:
    flown = tables.flights.dropna(subset=["actual_arrival"])
    hours = (flown["actual_arrival"] - flown["actual_departure"]) / pd.Timedelta(hours=1)
    assert hours.min() > 0.4
    assert hours.max() < 14


def test_three_weeks_of_october_hold_the_labels_of_the_story(tables: Tables) -> None:
    flights = tables.flights
    in_window = (flights["scored_at"] >= datetime(2013, 10, 7, tzinfo=UTC)) & (
        flights["label_at"] <= datetime(2013, 10, 31, 12, tzinfo=UTC)
    )
    assert in_window.sum() == 19_030
    assert flights.loc[in_window, "label"].sum() == 3_541


def test_times_are_utc_when_the_clocks_change_in_flight() -> None:
    flight = _derive_one()
    assert flight["scored_at"] == datetime(2013, 11, 3, 2, 30, tzinfo=UTC)
    assert flight["actual_departure"] == datetime(2013, 11, 3, 3, 40, tzinfo=UTC)
    # 02:50 in Los Angeles, where the clocks had changed at 09:00 UTC, plus 20 minutes.
    assert flight["actual_arrival"] == datetime(2013, 11, 3, 11, 10, tzinfo=UTC)
    assert flight["label"] == 1.0
    assert flight["label_at"] == datetime(2013, 11, 4, 6, tzinfo=UTC)


def test_arrival_takes_the_first_showing_when_a_clock_shows_an_hour_twice() -> None:
    flight = _derive_one(dest="BOS", sched_dep_time=2359, sched_arr_time=105, arr_delay=0)
    assert flight["actual_arrival"] == datetime(2013, 11, 3, 5, 5, tzinfo=UTC)


def test_overnight_delay_moves_departure_to_the_next_day() -> None:
    flight = _derive_one(month=7, day=1, sched_dep_time=2200, dep_delay=1301)
    assert flight["actual_departure"] == datetime(2013, 7, 2, 23, 41, tzinfo=UTC)


def test_label_is_zero_when_the_delay_is_exactly_fifteen_minutes() -> None:
    assert _derive_one(arr_delay=15)["label"] == 0.0
    assert _derive_one(arr_delay=16)["label"] == 1.0


def test_label_and_times_are_null_when_a_flight_is_cancelled() -> None:
    flight = _derive_one(dep_delay=None, arr_delay=None)
    for name in ("actual_departure", "actual_arrival", "label", "label_at"):
        assert pd.isna(flight[name]), name


def test_day_starts_at_midnight_in_new_york() -> None:
    assert start_day(date(2013, 10, 7)) == datetime(2013, 10, 7, 4, tzinfo=UTC)
    assert start_day(date(2013, 3, 10)) == datetime(2013, 3, 10, 5, tzinfo=UTC)
