"""A real DuckDB file with one model, and traffic for it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_core.config import Home
from mlops_core.entities import ModelSpec
from mlops_core.store.connection import Database
from mlops_core.store.migrations import migrate
from mlops_core.store.models import add_model
from mlops_core.store.tables import LABEL_SCHEMA, traffic_schema

NOW = datetime(2013, 12, 1, tzinfo=UTC)
MODEL_FILE = """
name = "{name}"
task = "binary"
[columns]
prediction_id = "id"
timestamp = "time"
version = "v"
score = "p"
label = "y"
numeric = ["amount", "source"]
categorical = ["region", "it's \\"odd\\""]
segments = ["region", "it's \\"odd\\""]
[monitoring]
chunk = "{chunk}"
timezone = "{timezone}"
threshold = 0.3
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(Home(tmp_path / "home").database)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def add_spec(database: Database) -> Callable[..., ModelSpec]:
    """Give a function that adds a model with days in New York unless told otherwise."""

    def add(name: str = "loans", chunk: str = "day", timezone: str = "America/New_York") -> ModelSpec:
        with database.transaction() as transaction:
            return add_model(transaction, MODEL_FILE.format(name=name, chunk=chunk, timezone=timezone), NOW)

    return add


@pytest.fixture
def spec(add_spec: Callable[..., ModelSpec]) -> ModelSpec:
    return add_spec()


def make_traffic(
    spec: ModelSpec, ids: Sequence[str], times: Sequence[datetime], **columns: Sequence[object]
) -> pa.Table:
    """Give a batch of predictions; columns that are not given are version v1, score 0.5, and nulls."""
    given = {"prediction_id": ids, "scored_at": times, "version": ["v1"] * len(ids), "score": [0.5] * len(ids)}
    given |= {('it\'s "odd"' if name == "odd" else name): values for name, values in columns.items()}
    schema = traffic_schema(spec)
    arrays = [pa.array(given.get(name, [None] * len(ids)), schema.field(name).type) for name in schema.names]
    return pa.table(arrays, schema=schema)


def make_labels(ids: Sequence[str], labels: Sequence[float], at: datetime = NOW) -> pa.Table:
    return pa.table([pa.array(list(ids)), pa.array(labels, pa.float64()), [at] * len(ids)], schema=LABEL_SCHEMA)
