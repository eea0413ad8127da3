"""A small home with real content for tests: one model, three trained versions, two weeks of labelled traffic.

`make_small_home(path)` builds it through the services, as a user would, in some seconds:

- the model `car-loan`: two numeric features, one categorical, days in UTC, label 1 is a loan not repaid;
- the versions v1, v2 (logistic regressions) and v3 (gradient boosting), registered in this order;
- production: v1 from 1 March 2024, v2 from 8 March; v3 was never in production;
- 600 predictions a day from 1 to 14 March, scored by the version in production, all labelled by 16 March,
  counted and checked as of `PRESENT`.

`copy_small_home(path)` gives a fresh copy of one that is built once, in the folder that `keep_small_home` names; it is
the fast way.
"""

import fcntl
import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import skops.io
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from mlops_core.config import Home
from mlops_core.entities import Action, Actor, ModelSpec
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.ingestion import ingest_labels, ingest_predictions
from mlops_core.services.libraries import list_libraries
from mlops_core.services.monitoring import refresh
from mlops_core.services.registry import TrainedVersion, register_model, register_version
from mlops_core.services.runtime import Runtime

MODEL = "car-loan"
MODEL_FILE = """
name = "car-loan"
task = "binary"
[columns]
prediction_id = "id"
timestamp = "time"
version = "version"
score = "score"
label = "defaulted"
numeric = ["income", "debt"]
categorical = ["region"]
segments = ["region"]
[monitoring]
chunk = "day"
timezone = "UTC"
primary_metric = "roc_auc"
threshold = 0.5
label_delay_days = 2
[standards]
roc_auc = { min = 0.6 }
[training]
entry_point = "tests.small_training:candidates"
folds = 2
holdout_days = 5
[words]
row = "loan"
rows = "loans"
positives = "defaults"
"""

START = datetime(2024, 3, 1, tzinfo=UTC)
PRESENT = datetime(2024, 3, 20, tzinfo=UTC)
DAYS = 14
ROWS_PER_DAY = 600
PROMOTIONS = (("v1", START), ("v2", START + timedelta(days=7)))
ACTOR = Actor("tester", "system")


def make_small_home(path: Path) -> Home:
    """Build the small home in a folder, close it, and give it."""
    home = Home(path)
    runtime = Runtime.open(home)
    try:
        spec = register_model(runtime, MODEL_FILE, actor=ACTOR, now=START - timedelta(days=30))
        estimators = _register_versions(runtime, spec)
        for name, at in PROMOTIONS:
            change = ChangeRequest(
                model=MODEL, to=name, action=Action.PROMOTE, actor=ACTOR, reason=f"{name} is better offline"
            )
            change_production(runtime, change, now=at)
        _ingest_traffic(runtime, spec, estimators)
        refresh(runtime, spec, PRESENT)
    finally:
        runtime.close()
    return home


_kept_in: list[Path] = []


def keep_small_home(folder: Path) -> None:
    """Say where the home that is copied is built, by the first of all processes that needs it."""
    _kept_in[:] = [folder]


def copy_small_home(path: Path) -> Home:
    """Copy the small home into a folder that does not exist, and give it."""
    shutil.copytree(_build_once(), path)
    return Home(path)


@cache
def _build_once() -> Path:
    kept_in = _kept_in[0]
    kept_in.mkdir(exist_ok=True)
    with (kept_in / "turn").open("w", encoding="utf-8") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        home = kept_in / "home"
        if not home.exists():
            make_small_home(kept_in / "unfinished").path.rename(home)
    return home


def draw_loans(n: int, start: datetime, days: int, seed: int) -> pa.Table:
    """Draw loans, evenly spread over days, whose default depends on debt and income."""
    rng = np.random.default_rng(seed)
    income, debt = rng.normal(3.0, 1.0, n), rng.normal(1.0, 0.8, n)
    probability = 1 / (1 + np.exp(-(1.5 * debt - 0.8 * income)))
    times = [start + timedelta(days=days) * i / n for i in range(n)]
    return pa.table(
        {
            "prediction_id": [f"{seed}-{i:05d}" for i in range(n)],
            "scored_at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "income": income,
            "debt": debt,
            "region": rng.choice(["north", "south"], n),
            "label": (rng.random(n) < probability).astype(float),
        }
    )


def _register_versions(runtime: Runtime, spec: ModelSpec) -> dict[str, ClassifierMixin]:
    features = ("income", "debt")
    candidates = {
        "v1": LogisticRegression(C=0.001),
        "v2": LogisticRegression(),
        "v3": HistGradientBoostingClassifier(max_iter=10, random_state=0),
    }
    for position, (name, estimator) in enumerate(candidates.items()):
        rows = draw_loans(500, START - timedelta(days=20), 10, seed=100 + position)
        estimator.fit(rows.select(features).to_pandas(), rows["label"].to_numpy())
        trained = TrainedVersion(
            name=name,
            features=features,
            parameters={"estimator": type(estimator).__name__},
            offline_metrics={"roc_auc": 0.7 + position / 100},
            rows=rows,
            code_id=hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
            artifact=skops.io.dumps(estimator),
            libraries=list_libraries(),
        )
        register_version(runtime, spec, trained, actor=ACTOR, now=START - timedelta(days=9 - position))
    return candidates


def _ingest_traffic(runtime: Runtime, spec: ModelSpec, estimators: dict[str, ClassifierMixin]) -> None:
    for day in range(DAYS):
        start = START + timedelta(days=day)
        version = next(name for name, at in reversed(PROMOTIONS) if at <= start)
        loans = draw_loans(ROWS_PER_DAY, start, 1, seed=day)
        score = estimators[version].predict_proba(loans.select(["income", "debt"]).to_pandas())[:, 1]
        traffic = loans.drop_columns(["label"]).append_column("score", pa.array(score))
        traffic = traffic.append_column("version", pa.array([version] * ROWS_PER_DAY))
        ingest_predictions(runtime, spec, traffic, now=start + timedelta(days=1))
        arrived = pa.array([start + timedelta(days=2)] * ROWS_PER_DAY, pa.timestamp("us", tz="UTC"))
        labels = loans.select(["prediction_id", "label"]).append_column("label_at", arrived)
        ingest_labels(runtime, spec, labels, now=start + timedelta(days=2))
