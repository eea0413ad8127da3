"""Columns that nobody would make on purpose: each has a stated result, and nothing of it is carried out."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from sklearn.dummy import DummyClassifier

from mlops_core.config import MOST_FEATURES, Home, parse_model_text
from mlops_core.entities import Action, Actor, ModelSpec, Status, Window
from mlops_core.errors import InputError
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.drift_detail import read_distribution
from mlops_core.services.drift_view import make_heat_map, read_drift_view
from mlops_core.services.drift_words import list_rows, tell_drift
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.services.quality_view import read_quality_view
from mlops_core.services.registry import TrainedVersion, register_model, register_version
from mlops_core.services.runtime import Runtime

START, DAYS, ROWS, TRAINED = datetime(2024, 3, 1, tzinfo=UTC), 6, 300, 400
NOW = START + timedelta(days=DAYS)
ACTOR = Actor("tester", "system")
SQL, QUOTED, EMOJI = "x; drop table models; --", 'O\'Brien "junior"', "🛩 speed"
NUMBERS = ("plain", "constant", "empty", "huge", "infinite", SQL, QUOTED, EMOJI)
CATEGORIES = ("html", "formula", "order", "one class")
HTML, FORMULA = "<img src=x onerror=alert(1)>", '=HYPERLINK("http://x","y")'


def write_model(numbers: tuple[str, ...] | list[str], categories: tuple[str, ...] = ()) -> str:
    quoted = [[f"'''{name}'''" for name in names] for names in (numbers, categories)]
    return f"""
name = "odd"
task = "binary"
[columns]
prediction_id = "id"
timestamp = "time"
version = "version"
score = "score"
label = "label"
numeric = [{", ".join(quoted[0])}]
categorical = [{", ".join(quoted[1])}]
[monitoring]
primary_metric = "roc_auc"
[standards]
roc_auc = {{ min = 0.6 }}
"""


def draw(n: int, start: datetime, days: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=n) for name in NUMBERS}
    numbers["constant"][:] = 7.0
    numbers["huge"] = np.where(rng.random(n) < 0.5, 1e308, -1e308)
    numbers["infinite"][: n // 10], numbers["infinite"][n // 10 : n // 5] = np.inf, -np.inf
    return pa.table(
        {
            "prediction_id": [f"{seed}-{i}" for i in range(n)],
            "scored_at": pa.array([start + timedelta(days=days) * i / n for i in range(n)], pa.timestamp("us", "UTC")),
            **numbers,
            "empty": pa.nulls(n, pa.float64()),
            "html": rng.choice([HTML, "b", "B"], n),
            "formula": rng.choice([FORMULA, "@x", "-1"], n),
            "order": [f"{seed}-{i}" for i in range(n)],
            "one class": ["only"] * n,
            "label": np.zeros(n),
        }
    )


def score(rows: pa.Table) -> pa.Table:
    n = rows.num_rows
    return rows.append_column("score", pa.array(np.full(n, 0.4))).append_column("version", pa.repeat("v1", n))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    opened = Runtime.open(Home(tmp_path_factory.mktemp("odd") / "home"))
    opened.clocks["odd"] = lambda: NOW
    spec = register_model(opened, write_model(NUMBERS, CATEGORIES), actor=ACTOR, now=START - timedelta(days=30))
    trained = draw(TRAINED, START - timedelta(days=20), 10, seed=99)
    estimator = DummyClassifier(strategy="prior").fit(np.zeros((2, 1)), [0, 1])
    version = TrainedVersion(
        name="v1",
        features=(*NUMBERS, *CATEGORIES),
        parameters={},
        offline_metrics={"roc_auc": 0.7},
        rows=trained,
        code_id="a" * 64,
        artifact=skops.io.dumps(estimator),
    )
    register_version(opened, spec, version, actor=ACTOR, now=START - timedelta(days=9))
    change = ChangeRequest(model="odd", to="v1", action=Action.PROMOTE, actor=ACTOR, reason="the only one")
    change_production(opened, change, now=START)
    for day in range(DAYS):
        start = START + timedelta(days=day)
        rows = draw(ROWS, start, 1, seed=day)
        ingest_predictions(opened, spec, score(rows.drop_columns(["label"])), now=start + timedelta(days=1))
        arrived = pa.array([start + timedelta(days=1)] * ROWS, pa.timestamp("us", "UTC"))
        labels = rows.select(["prediction_id", "label"]).append_column("label_at", arrived)
        ingest_labels(opened, spec, labels, now=start + timedelta(days=1))
    refresh(opened, spec, NOW)
    yield opened
    opened.close()


@pytest.fixture
def spec() -> ModelSpec:
    return parse_model_text(write_model(NUMBERS, CATEGORIES))


def read_statuses(runtime: Runtime, spec: ModelSpec) -> dict[str, Status]:
    view = read_drift_view(runtime, spec, Window(START, NOW), NOW)
    return {name: view.table.judgement.get_status(i, -1) for i, name in enumerate(view.table.features)}


def test_every_odd_column_has_a_verdict_of_its_own(runtime: Runtime, spec: ModelSpec) -> None:
    found = read_statuses(runtime, spec)
    assert {name: status for name, status in found.items() if status is not Status.OK} == {
        # Every id is in another, rare category.
        "order": Status.INSUFFICIENT_DATA,
    }
    assert set(found) == {*NUMBERS, *CATEGORIES}


def test_every_page_says_something_of_all_of_them(runtime: Runtime, spec: ModelSpec) -> None:
    view = read_drift_view(runtime, spec, Window(START, NOW), NOW)
    assert tell_drift(view, view.find_position(None)).sentence
    assert {row[0] for row in list_rows(view, view.find_position(None))} == {*NUMBERS, *CATEGORIES}
    assert len(make_heat_map(view).rows) >= len(NUMBERS)
    assert read_quality_view(runtime, spec, "v1", Window(START, NOW), NOW).headline.sentence
    overview = read_overview(runtime, spec, NOW)
    assert overview.headline.status is Status.INSUFFICIENT_DATA, "one class has no ROC AUC"


def test_numbers_whose_sum_is_beyond_every_float_are_not_drawn_as_infinities(runtime: Runtime, spec: ModelSpec) -> None:
    view = read_drift_view(runtime, spec, Window(START, NOW), NOW)
    drawn = read_distribution(view, "huge", view.find_position(None))
    assert drawn.labels == ("from -1e+308", "from 1e+308")


def test_names_that_hold_sql_are_names(runtime: Runtime) -> None:
    assert runtime.database.table("select count(*) as n from models")["n"][0].as_py() == 1


def test_a_delivery_of_a_hundred_thousand_categories_is_one_day_of_unseen_ones(tmp_path: Path) -> None:
    runtime = Runtime.open(Home(tmp_path / "home"))
    try:
        spec = register_model(runtime, write_model([], ("order",)), actor=ACTOR, now=START)
        n = 100_000
        for day in range(2):
            start = START + timedelta(days=day)
            times = pa.array([start + timedelta(days=1) * i / n for i in range(n)], pa.timestamp("us", "UTC"))
            ids = [f"{day}-{i}" for i in range(n)]
            rows = pa.table({"prediction_id": ids, "scored_at": times, "order": ids})
            ingest_predictions(runtime, spec, score(rows), now=start + timedelta(days=1))
            refresh(runtime, spec, start + timedelta(days=1))
        counted = runtime.database.table(
            "select n, len(bins) as bins from feature_profiles where feature = 'order' order by chunk"
        ).to_pylist()
        assert [one["n"] for one in counted] == [n, n]
        assert max(one["bins"] for one in counted) <= 1_002
    finally:
        runtime.close()


def test_more_features_than_can_be_kept_are_refused_in_a_sentence() -> None:
    names = [f"x{i}" for i in range(5_000)]
    with pytest.raises(InputError, match=re.escape(f"5,000 features; accepted are up to {MOST_FEATURES:,}")):
        parse_model_text(write_model(names))
    assert len(parse_model_text(write_model(names[:MOST_FEATURES])).columns.features) == MOST_FEATURES


def test_names_that_differ_in_case_only_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="'Amount' and 'amount' differ in case only"):
        parse_model_text(write_model(["Amount", "amount"]))
