"""Rows of one feature: those of the chunks that begin in a window, of the versions whose rows have it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from mlops_core.entities import Window
from mlops_core.store.feature_rows import find_traffic, read_column
from mlops_core.store.features import ALL_TRAFFIC
from mlops_core.store.traffic import append_predictions
from tests.store.conftest import NOW, make_traffic

MIDNIGHT = datetime(2013, 11, 2, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
"""The clocks of New York go back on the next day."""
HOUR = timedelta(hours=1)
ALL_TIME = Window(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
READS = {"v1": ("amount", "region"), "v2": ("region",)}


@pytest.fixture
def read(database, spec):
    """Give a function that reads a feature as (chunk, value), in order."""

    def read(feature, window=ALL_TIME, segment=ALL_TRAFFIC):
        with database.reading() as transaction:
            rows = find_traffic(transaction, spec, window, segment, READS)
            if rows is None:
                return None
            found = read_column(transaction, rows, feature)
        assert found.schema.names == ["chunk", "value"]
        assert found.schema.field("chunk").type == pa.int64()
        return sorted(zip(found["chunk"].to_pylist(), found["value"].to_pylist(), strict=True), key=str)

    return read


def send(database, spec, hours, **columns):
    times = [MIDNIGHT + hour * HOUR for hour in hours]
    ids = [f"{len(columns)}-{hour}-{i}" for i, hour in enumerate(hours)]
    append_predictions(database, spec, make_traffic(spec, ids, times, **columns), NOW)


def test_rows_are_those_of_the_chunks_that_begin_in_the_window(database, spec, read):
    # The second day has 25 hours.
    send(database, spec, [0, 23, 24, 48, 49], amount=[1.0, 2.0, 3.0, 4.0, 5.0])
    everything = [(0, 1.0), (0, 2.0), (1, 3.0), (1, 4.0), (2, 5.0)]
    assert read("amount") == everything
    assert read("amount", Window(MIDNIGHT + HOUR, MIDNIGHT + 72 * HOUR)) == [(0, 3.0), (0, 4.0), (1, 5.0)]
    assert read("amount", Window(MIDNIGHT, MIDNIGHT + 25 * HOUR)) == everything[:4]
    assert read("amount", Window(MIDNIGHT + HOUR, MIDNIGHT + 24 * HOUR)) is None
    assert read("amount", Window(MIDNIGHT + 72 * HOUR, MIDNIGHT + 100 * HOUR)) is None
    assert read("amount", Window(MIDNIGHT - 72 * HOUR, MIDNIGHT)) is None


def test_nothing_is_read_when_there_is_no_traffic(read):
    assert read("amount") is None


def test_segment_without_a_name_is_that_of_rows_without_one(database, spec, read):
    send(database, spec, [0, 1, 2], amount=[1.0, 2.0, 3.0], region=["north", None, ""])
    assert read("amount", segment=("region", "north")) == [(0, 1.0)]
    assert read("amount", segment=("region", "")) == [(0, 2.0), (0, 3.0)]
    assert read("amount", segment=("region", "south")) == []


def test_feature_is_absent_from_versions_that_neither_read_it_nor_ever_had_it(database, spec, read):
    send(database, spec, [0, 1], amount=[1.0, None], version=["v1", "v1"])
    send(database, spec, [2, 3], amount=[float("nan"), None], version=["v2", "v2"], region=["north", None])
    assert read("amount") == [(0, 1.0), (0, None)]
    assert read("region") == [(0, "north"), (0, None), (0, None), (0, None)]
    send(database, spec, [4], amount=[7.0], version=["v2"], region=[None], source=[None])
    assert len(read("amount")) == 5


def test_version_that_is_not_known_is_taken_to_read_everything(database, spec, read):
    send(database, spec, [0], version=["another"])
    assert read("amount") == [(0, None)]
