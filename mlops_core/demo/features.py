"""The demo's features: decides what the model may know about a flight one hour before its scheduled departure."""

import numpy as np
import pandas as pd

from mlops_core.demo.data import Tables

CATEGORICAL = ("carrier", "origin", "dest")
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
NUMERIC = (
    "day_of_week",
    "minute_of_day",
    "sched_arr_minute",
    "distance",
    "plane_age",
    "seats",
    *WEATHER,
    "origin_delay_2h",
    "carrier_delay_4h",
    "sched_load",
)
FEATURES = (*CATEGORICAL, *NUMERIC)
"""The 21 features of an honest version."""
LEAKED_COLUMN = "dep_delay"
"""The departure delay in minutes: known when training, not yet when serving. The bad version uses it."""
ROW_COLUMNS = ("prediction_id", "scored_at", "label", "label_at")
"""What `build_features` gives besides features."""

CLIP_MINUTES = (-15.0, 240.0)
"""Delays enter a mean between these bounds, so that one flight a day late does not dominate it."""
# A reading sums up the clock hour it is filed under, up to its minute 51. The hour that contains the time of scoring
# is not over yet, so the reading of the hour before is the newest that is known.
WEATHER_LAG = pd.Timedelta(hours=1)
GROUP_SPAN = 10**10
"""Seconds between groups on one shared time axis; any number above the largest Unix time of the data."""


def build_features(tables: Tables, leaked: str = LEAKED_COLUMN) -> pd.DataFrame:
    """Give the training table: one row per flight with `ROW_COLUMNS`, `FEATURES`, and the leaked column.

    The leaked column holds the true value here; see `serving_view`. Categories are strings, numbers are float64,
    and what the sources do not know stays null.
    """
    flights = tables.flights
    columns = {name: flights[name] for name in (*ROW_COLUMNS, *CATEGORICAL)}
    numbers = {
        **_describe_schedule(flights),
        **_describe_planes(flights, tables.planes),
        **_read_weather(flights, tables.weather),
        **_measure_delays(flights),
        leaked: flights["dep_delay"],
    }
    frame = pd.DataFrame({**columns, **{name: values.astype("float64") for name, values in numbers.items()}})
    return frame[[*ROW_COLUMNS, *FEATURES, leaked]]


def serving_view(frame: pd.DataFrame, leaked: str = LEAKED_COLUMN) -> pd.DataFrame:
    """Give the same rows as serving sees them: the leaked column is null."""
    return frame.assign(**{leaked: np.nan})


def _describe_schedule(flights: pd.DataFrame) -> dict[str, pd.Series]:
    local = flights["scheduled_local"]
    arrival = flights["sched_arr_time"]
    hour = flights["scheduled_departure"].dt.floor("h")
    return {
        "day_of_week": local.dt.day_of_week,
        "minute_of_day": local.dt.hour * 60 + local.dt.minute,
        "sched_arr_minute": arrival // 100 * 60 + arrival % 100,
        "distance": flights["distance"],
        "sched_load": hour.groupby([flights["origin"], hour]).transform("size"),
    }


def _describe_planes(flights: pd.DataFrame, planes: pd.DataFrame) -> dict[str, pd.Series]:
    known = planes.set_index("tailnum")
    return {
        "plane_age": flights["scheduled_local"].dt.year - flights["tailnum"].map(known["year"]),
        "seats": flights["tailnum"].map(known["seats"]),
    }


def _read_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> dict[str, pd.Series]:
    hour = (flights["scored_at"].dt.floor("h") - WEATHER_LAG).astype(weather["time_hour"].dtype)
    wanted = pd.MultiIndex.from_arrays([flights["origin"], hour])
    found = weather.set_index(["origin", "time_hour"])[list(WEATHER)].reindex(wanted).set_index(flights.index)
    return {name: found[name] for name in WEATHER}


def _measure_delays(flights: pd.DataFrame) -> dict[str, pd.Series]:
    carrier = flights["origin"] + "-" + flights["carrier"]
    return {
        "origin_delay_2h": _mean_recent_delay(flights, flights["origin"], 2),
        "carrier_delay_4h": _mean_recent_delay(flights, carrier, 4),
    }


def _mean_recent_delay(flights: pd.DataFrame, group: pd.Series, hours: int) -> pd.Series:
    """Mean clipped delay of the flights of a group that left in [scored_at − hours, scored_at); null when none did."""
    # All groups share one axis, each shifted by its code, so one sort and one search serve them all.
    shift = pd.factorize(group)[0].astype("int64") * GROUP_SPAN
    left = flights["actual_departure"].notna().to_numpy()
    departures = _to_seconds(flights["actual_departure"][left]) + shift[left]
    order = np.argsort(departures, kind="stable")
    departures = departures[order]
    delays = flights["dep_delay"].to_numpy(dtype="float64", na_value=np.nan)[left].clip(*CLIP_MINUTES)
    sums = np.concatenate([[0.0], np.cumsum(delays[order])])
    until = _to_seconds(flights["scored_at"]) + shift
    stop = np.searchsorted(departures, until, side="left")
    start = np.searchsorted(departures, until - hours * 3600, side="left")
    counts = (stop - start).astype("float64")
    means = np.divide(sums[stop] - sums[start], counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return pd.Series(means, index=flights.index)


def _to_seconds(times: pd.Series) -> np.ndarray:
    return np.asarray(times.astype("datetime64[s, UTC]").astype("int64"))
