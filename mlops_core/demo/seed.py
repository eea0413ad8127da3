"""Seeding the demo: decides in which order the year is told, from the first training to the morning it opens on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import skops.io

from mlops_core.config import PROJECT
from mlops_core.demo.clock import start_clock
from mlops_core.demo.data import load_tables
from mlops_core.demo.features import LEAKED_COLUMN, build_features, serving_view
from mlops_core.demo.traffic import deliver, list_stops, write_traffic
from mlops_core.demo.training import VersionRecipe, code_id, list_versions, select_rows, train_version
from mlops_core.entities import Action, Actor, ModelSpec
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.comparison import Report
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.registry import TrainedVersion, register_model, register_version
from mlops_core.services.runtime import Runtime

OPENING = datetime(2013, 10, 31, 12, tzinfo=UTC)
MODEL_FILE = PROJECT / "data" / "models" / "flight-delay.toml"
RELEASES = Actor("release pipeline", "system")
WEEKLY, DAILY, QUARTERLY = timedelta(days=7), timedelta(days=1), timedelta(hours=6)
"""How often the story stops to check: weekly at first; under the last version daily, and often on its first day."""
TRAINING_SHARE = 0.6
"""Share of the seeding's time that training takes, for the progress bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedVersion:
    """A version that is trained, with its place in the story."""

    recipe: VersionRecipe
    trained: TrainedVersion


def seed_demo(runtime: Runtime, report: Report) -> None:
    """Fill an empty home with the flights demo, up to the morning of 31 October 2013."""
    report(0.0, "Reading the flights of 2013")
    frame = build_features(load_tables())
    report(0.05, "Building features")
    prepared = []
    recipes = list_versions()
    for i, recipe in enumerate(recipes):
        report(0.08 + (TRAINING_SHARE - 0.08) * i / len(recipes), f"Training {recipe.name} ({i + 1} of {len(recipes)})")
        prepared.append(prepare_version(frame, recipe))
    tell_story(runtime, frame, prepared, MODEL_FILE.read_text(encoding="utf-8"), report)


def prepare_version(frame: pd.DataFrame, recipe: VersionRecipe) -> PreparedVersion:
    """Train one version on the labels that had arrived by its promotion."""
    started = time.perf_counter()
    model = train_version(frame, recipe)
    seconds = time.perf_counter() - started
    columns = ["prediction_id", "scored_at", "label", *recipe.features]
    rows = pa.Table.from_pandas(select_rows(frame, recipe)[columns], preserve_index=False)
    parameters = {key: value for key, value in model.estimator.get_params().items() if value is not None}
    return PreparedVersion(
        recipe=recipe,
        trained=TrainedVersion(
            name=recipe.name,
            features=recipe.features,
            parameters=parameters
            | {"rows_fitted": model.n_fitted, "rows_held_out": model.n_holdout, "training_seconds": round(seconds, 1)},
            offline_metrics={metric.value: value for metric, value in model.offline.items()},
            rows=rows,
            code_id=code_id(),
            artifact=skops.io.dumps(model.estimator),
        ),
    )


def tell_story(
    runtime: Runtime,
    frame: pd.DataFrame,
    prepared: Sequence[PreparedVersion],
    model_text: str,
    report: Report,
    *,
    leaked: str = LEAKED_COLUMN,
    opening: datetime = OPENING,
) -> ModelSpec:
    """Register, promote, serve, and label in the order of time; the clock stands at the opening afterwards.

    Parameters
    ----------
    frame : pd.DataFrame
        The training table of the year, as `build_features` gives it.
    prepared : sequence of PreparedVersion
        Oldest first; traffic begins when the first is promoted.
    """
    write_traffic(runtime.home, serving_view(frame, leaked))
    first = prepared[0].recipe.promoted_at
    spec = register_model(runtime, model_text, actor=RELEASES, now=first)
    clock = start_clock(runtime, first)
    ends = [version.recipe.promoted_at for version in prepared[1:]] + [opening]
    for version, end in zip(prepared, ends, strict=True):
        start = version.recipe.promoted_at
        _release(runtime, spec, version, start)
        for moment in _tell_stops(start, end, is_last=version is prepared[-1]):
            share = (moment - first) / (opening - first)
            report(TRAINING_SHARE + (0.95 - TRAINING_SHARE) * share, f"{version.recipe.name} serves, {moment:%d %b %Y}")
            deliver(runtime, spec, start, moment)
            start = moment
    report(0.96, "Comparing versions on the same flights")
    refresh_alternatives(runtime, spec, opening)
    clock.set(opening)
    report(1.0, "Done")
    return spec


def _tell_stops(start: datetime, end: datetime, *, is_last: bool) -> list[datetime]:
    if not is_last:
        return list(list_stops(start, end, WEEKLY))
    first_day = min(start + DAILY, end)
    return [*list_stops(start, first_day, QUARTERLY), *list_stops(first_day, end, DAILY)]


def _release(runtime: Runtime, spec: ModelSpec, version: PreparedVersion, at: datetime) -> None:
    register_version(runtime, spec, version.trained, actor=RELEASES, now=at)
    metrics = version.trained.offline_metrics
    change_production(
        runtime,
        ChangeRequest(
            model=spec.name,
            to=version.recipe.name,
            action=Action.PROMOTE,
            actor=RELEASES,
            reason=f"Offline ROC AUC {metrics['roc_auc']:.3f}, F1 {metrics['f1']:.3f} on held-out flights",
        ),
        now=at,
    )
