"""The demo's tables: decides when each flight is scored, leaves, arrives, and gets its label."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

DATA_FOLDER = Path(__file__).resolve().parents[2] / "data" / "demo"
NEW_YORK = "America/New_York"
SCORING_LEAD = pd.Timedelta(minutes=60)
"""How long before its scheduled departure a flight is scored."""
LATE_AFTER_MINUTES = 15
"""A flight that arrives more than this many minutes behind schedule is late."""
LABEL_HOUR = pd.Timedelta(hours=6)
"""Label files arrive on Mondays at this time, UTC."""
ZONE_OUTSIDE_TABLE = "America/Puerto_Rico"
"""The airports table lacks only Puerto Rico and the Virgin Islands, which share a clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The demo's tables in memory."""

    flights: pd.DataFrame
    """One row per scheduled flight, by scheduled departure, as `derive_flights` gives it."""
    weather: pd.DataFrame
    """One row per origin and clock hour; `time_hour` is the start of the hour, UTC."""
    planes: pd.DataFrame
    """One row per tail number: year of manufacture, seats."""


def load_tables(folder: Path = DATA_FOLDER) -> Tables:
    """Read the Parquet files and derive times and labels."""
    return Tables(
        flights=derive_flights(
            pd.read_parquet(folder / "flights.parquet"), pd.read_parquet(folder / "airports.parquet")
        ),
        weather=pd.read_parquet(folder / "weather.parquet"),
        planes=pd.read_parquet(folder / "planes.parquet"),
    )


def derive_flights(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Add to each flight its identity, its times in UTC, and its label.

    Scheduled times are local clocks and go to UTC first; delays in minutes are added there, so a delay past midnight
    or over a change of the clocks needs no care. The actual arrival is the scheduled arrival plus the arrival delay.
    The label is 1.0, 0.0, or NaN for a flight that was cancelled or diverted; `label_at` is then NaT.
    """
    local = _read_clock(_schedule_day(flights), flights["sched_dep_time"])
    scheduled = local.dt.tz_localize(NEW_YORK).dt.tz_convert(UTC)
    zones = flights["dest"].map(airports.set_index("faa")["tzone"]).fillna(ZONE_OUTSIDE_TABLE)
    arrival = _schedule_arrival(scheduled, flights["sched_arr_time"], zones)
    actual_arrival = arrival + _to_minutes(flights["arr_delay"])
    late = (flights["arr_delay"] > LATE_AFTER_MINUTES).astype("float64")
    return flights.assign(
        prediction_id=_name_flights(flights, local),
        scheduled_departure=scheduled,
        scheduled_local=local,
        scored_at=scheduled - SCORING_LEAD,
        actual_departure=scheduled + _to_minutes(flights["dep_delay"]),
        actual_arrival=actual_arrival,
        label=late.mask(flights["arr_delay"].isna()),
        label_at=_next_monday(actual_arrival),
    )


def start_day(day: date) -> datetime:
    """Give the start of a New York day as aware UTC time."""
    return datetime.combine(day, time(), ZoneInfo(NEW_YORK)).astimezone(UTC)


def _schedule_day(flights: pd.DataFrame) -> pd.Series:
    days = (flights["month"].astype("int64") * 100 + flights["day"] + 2013_00_00).astype(str)
    return pd.to_datetime(days, format="%Y%m%d").astype("datetime64[us]")


def _read_clock(day: pd.Series, clock: pd.Series) -> pd.Series:
    """Add a clock such as 1545 to a day."""
    return day + _to_minutes(clock // 100 * 60 + clock % 100)


def _to_minutes(values: pd.Series) -> pd.Series:
    return pd.to_timedelta(values.astype("float64"), unit="min").astype("timedelta64[us]")


def _schedule_arrival(departure: pd.Series, clock: pd.Series, zones: pd.Series) -> pd.Series:
    """Find the first time after departure at which the destination's clock shows the scheduled arrival."""
    parts = []
    for zone, rows in departure.groupby(zones):
        left = rows.dt.tz_convert(zone).dt.tz_localize(None)
        same_day = _read_clock(left.dt.normalize(), clock[rows.index])
        arrival = same_day.where(same_day > left, same_day + pd.Timedelta(days=1))
        # In the hour that a clock shows twice, the first showing is the first time after departure.
        first_showing = np.ones(len(arrival), dtype=bool)
        aware = arrival.dt.tz_localize(zone, ambiguous=first_showing, nonexistent="shift_forward")
        parts.append(aware.dt.tz_convert(UTC))
    return pd.concat(parts).reindex(departure.index)


def _next_monday(times: pd.Series) -> pd.Series:
    """Give the label file's time on the Monday after the UTC week of each time."""
    return times.dt.normalize() + pd.to_timedelta(7 - times.dt.day_of_week, unit="D") + LABEL_HOUR


def _name_flights(flights: pd.DataFrame, local: pd.Series) -> pd.Series:
    number = flights["flight"].astype(str)
    # Each time is written once: hundreds of flights leave in the same minute over the year, and writing one is slow.
    day, minute = local.dt.normalize(), local - local.dt.normalize()
    days = {one: f"{one:%Y%m%d}" for one in day.unique()}
    minutes = {one: f"{one.seconds // 3600:02d}{one.seconds % 3600 // 60:02d}" for one in minute.unique()}
    clock = day.map(days) + "T" + minute.map(minutes)
    return flights["carrier"] + number + "-" + clock + "-" + flights["origin"]
