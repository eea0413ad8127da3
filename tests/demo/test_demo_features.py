from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlops_core.config import PROJECT, read_model_file
from mlops_core.demo.data import DATA_FOLDER, Tables, derive_flights
from mlops_core.demo.features import (
    CATEGORICAL,
    FEATURES,
    LEAKED_COLUMN,
    NUMERIC,
    ROW_COLUMNS,
    WEATHER,
    build_features,
    serving_view,
)


def _rewrite_future(tables: Tables, now: pd.Timestamp, seed: int) -> Tables:
    """Change everything that happened at or after a moment: departures, arrivals, cancellations, weather."""
    rng = np.random.default_rng(seed)
    flights = pd.read_parquet(DATA_FOLDER / "flights.parquet").astype({"dep_delay": "float64", "arr_delay": "float64"})
    gone = (tables.flights["actual_departure"] < now).to_numpy()
    landed = (tables.flights["actual_arrival"] < now).to_numpy()
    size = len(flights)
    # A flight that has not left can leave at any later time or never: its delay may only not end before the moment.
    least = (now - tables.flights["scheduled_departure"]) / pd.Timedelta(minutes=1)
    later = np.maximum(np.ceil(least), -15) + rng.integers(0, 300, size)
    later = np.where(rng.random(size) < 0.2, np.nan, later)
    flights["dep_delay"] = np.where(gone, flights["dep_delay"], later)
    flights["arr_delay"] = np.where(landed, flights["arr_delay"], rng.integers(-30, 300, size))
    weather = tables.weather.copy()
    hour_is_over = weather["time_hour"] + pd.Timedelta(hours=1) <= now
    weather.loc[~hour_is_over, list(WEATHER)] = -999.0
    airports = pd.read_parquet(DATA_FOLDER / "airports.parquet")
    return replace(tables, flights=derive_flights(flights, airports), weather=weather)


@pytest.mark.parametrize(("now", "seed"), [("2013-02-08 18:23", 0), ("2013-07-08 21:07", 1)])
def test_features_stay_the_same_when_the_future_changes(
    tables: Tables, frame: pd.DataFrame, now: str, seed: int
) -> None:
    moment = pd.Timestamp(now, tz="UTC")
    changed = build_features(_rewrite_future(tables, moment, seed))
    known = frame["scored_at"] <= moment
    columns = list(FEATURES)
    pd.testing.assert_frame_equal(frame.loc[known, columns], changed.loc[known, columns])
    after = frame["scored_at"] > moment + pd.Timedelta(hours=3)
    assert not frame.loc[after, columns].equals(changed.loc[after, columns])


def test_delay_means_agree_with_a_plain_loop(tables: Tables, frame: pd.DataFrame) -> None:
    flights = tables.flights
    clipped = flights["dep_delay"].clip(-15, 240)
    for row in np.random.default_rng(3).choice(len(flights), 60, replace=False):
        flight, left = flights.loc[row], flights["actual_departure"]
        same_origin = (flights["origin"] == flight["origin"]) & (left < flight["scored_at"])
        two_hours = same_origin & (left >= flight["scored_at"] - pd.Timedelta(hours=2))
        four_hours = same_origin & (left >= flight["scored_at"] - pd.Timedelta(hours=4))
        four_hours &= flights["carrier"] == flight["carrier"]
        assert frame["origin_delay_2h"][row] == pytest.approx(clipped[two_hours].mean(), nan_ok=True)
        assert frame["carrier_delay_4h"][row] == pytest.approx(clipped[four_hours].mean(), nan_ok=True)


def test_weather_is_that_of_the_last_full_hour(tables: Tables, frame: pd.DataFrame) -> None:
    # Scored at 09:15 UTC, so the hour from 08:00 is the last one that is over.
    row = tables.flights.index[tables.flights["prediction_id"] == "UA1545-20130101T0515-EWR"][0]
    assert frame["scored_at"][row] == pd.Timestamp("2013-01-01 09:15", tz="UTC")
    weather, hour = tables.weather, pd.Timestamp("2013-01-01 08:00", tz="UTC")
    reading = weather[(weather["origin"] == "EWR") & (weather["time_hour"] == hour)].iloc[0]
    assert frame["temp"][row] == reading["temp"]
    assert frame["pressure"][row] == reading["pressure"]


def test_columns_are_strings_and_floats_with_their_nulls(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == [*ROW_COLUMNS, *FEATURES, LEAKED_COLUMN]
    assert len(FEATURES) == 21
    assert {str(frame[name].dtype) for name in (*NUMERIC, LEAKED_COLUMN)} == {"float64"}
    assert all(pd.api.types.is_string_dtype(frame[name]) for name in CATEGORICAL)
    nulls = frame.isna().mean()
    assert 0.15 < nulls["seats"] < nulls["plane_age"] < 0.19
    assert 0.75 < nulls["wind_gust"] < 0.82
    assert nulls["sched_load"] == 0
    last_day = frame["scored_at"] >= pd.Timestamp("2013-12-31 06:00", tz="UTC")
    assert frame.loc[last_day, list(WEATHER)].isna().all(axis=None)


def test_serving_sees_everything_but_the_leaked_column(frame: pd.DataFrame) -> None:
    served = serving_view(frame)
    assert served[LEAKED_COLUMN].isna().all()
    assert frame[LEAKED_COLUMN].notna().mean() > 0.97
    pd.testing.assert_frame_equal(served.drop(columns=LEAKED_COLUMN), frame.drop(columns=LEAKED_COLUMN))


def test_model_file_lists_the_features() -> None:
    spec = read_model_file(PROJECT / "data" / "models" / "flight-delay.toml")
    assert spec.columns.numeric == (*NUMERIC, LEAKED_COLUMN)
    assert spec.columns.categorical == CATEGORICAL
    assert spec.columns.segments == ("origin", "carrier")
    assert (spec.columns.prediction_id, spec.columns.timestamp, spec.columns.label) == ROW_COLUMNS[:3]
