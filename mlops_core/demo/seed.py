"""Seeding the demo: decides in which order the year is told, from the first training to the morning it opens on."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from mlops_core.config import PROJECT
from mlops_core.demo.clock import start_clock
from mlops_core.demo.data import load_tables
from mlops_core.demo.features import build_features, serving_view
from mlops_core.demo.partial import mark_seeding
from mlops_core.demo.traffic import deliver, list_stops, score_flights, write_traffic
from mlops_core.demo.trainer import RELEASES, Release, receive_releases, receive_trained, send_frame, start_trainer
from mlops_core.entities import Action, ModelSpec
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.background import Report
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.registry import TrainedVersion, register_model, register_version
from mlops_core.services.runtime import Runtime

OPENING = datetime(2013, 10, 31, 12, tzinfo=UTC)
MODEL_FILE = PROJECT / "data" / "models" / "flight-delay.toml"
WEEKLY, DAILY, QUARTERLY = timedelta(days=7), timedelta(days=1), timedelta(hours=6)
"""How often the story stops to check: weekly at first; under the last version daily, and often on its first day."""
STORY_FROM, STORY_UNTIL = 0.15, 0.95
"""Where the progress bar stands when the story begins and when it ends; in between, all its stops count the same."""


def seed_demo(runtime: Runtime, report: Report) -> None:
    """Fill an empty home with the flights demo, up to the morning of 31 October 2013.

    Raises
    ------
    MLOpsError
        When a version cannot be trained.
    """
    report(0.0, "Reading the flights of 2013")
    runtime.artifacts.warm_up()
    with runtime.schedule.turn, mark_seeding(runtime.home), start_trainer() as trainer:
        tables = load_tables()
        report(0.05, "Building features")
        frame = build_features(tables)
        send_frame(trainer, frame)
        report(0.1, "Writing the year's traffic")
        write_traffic(runtime.home, serving_view(frame))
        report(STORY_FROM, "Starting to train")
        releases = receive_releases(trainer)
        trained = (receive_trained(trainer, release.name) for release in releases)
        tell_story(runtime, releases, trained, MODEL_FILE.read_text(encoding="utf-8"), report)


def tell_story(
    runtime: Runtime,
    releases: Sequence[Release],
    trained: Iterable[TrainedVersion],
    model_text: str,
    report: Report,
    *,
    opening: datetime = OPENING,
) -> ModelSpec:
    """Register, promote, serve, and label in the order of time; the clock stands at the opening afterwards.

    The home must hold the traffic file.

    Parameters
    ----------
    releases : sequence of Release
        Oldest first; traffic begins with the first.
    trained : iterable of TrainedVersion
        The same versions, each taken when its time has come, so that later ones may still be in training.
    """
    first = releases[0].at
    spec = register_model(runtime, model_text, actor=RELEASES, now=first)
    clock = start_clock(runtime, first)
    spans = pairwise([*(release.at for release in releases), opening])
    legs = [[start, *_list_moments(start, end, is_last=end == opening)] for start, end in spans]
    shares = iter(np.linspace(STORY_FROM, STORY_UNTIL, sum(map(len, legs))).tolist())
    versions = iter(trained)
    for release, moments in zip(releases, legs, strict=True):
        report(next(shares), f"Training {release.name}")
        _release(runtime, spec, next(versions), release.at)
        for start, end, scored in _score_ahead(runtime, spec, list(pairwise(moments))):
            report(next(shares), f"{release.name} serves, {end:%d %b %Y}")
            deliver(runtime, spec, start, end, scored)
    report(STORY_UNTIL, "Comparing versions on the same flights")
    refresh_alternatives(runtime, spec, opening)
    clock.set(opening)
    report(1.0, "Done")
    return spec


def _score_ahead(
    runtime: Runtime, spec: ModelSpec, spans: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime, pa.Table]]:
    """Give spans of one time in production with their scored flights; the child scores while others are counted."""
    ahead = ThreadPoolExecutor(1, "scoring")
    try:
        coming = [ahead.submit(score_flights, runtime, spec, start, end) for start, end in spans]
        for (start, end), scored in zip(spans, coming, strict=True):
            yield start, end, scored.result()
    finally:
        ahead.shutdown(cancel_futures=True)


def _list_moments(start: datetime, end: datetime, *, is_last: bool) -> list[datetime]:
    if not is_last:
        return list(list_stops(start, end, WEEKLY))
    first_day = min(start + DAILY, end)
    return [*list_stops(start, first_day, QUARTERLY), *list_stops(first_day, end, DAILY)]


def _release(runtime: Runtime, spec: ModelSpec, version: TrainedVersion, at: datetime) -> None:
    register_version(runtime, spec, version, actor=RELEASES, now=at)
    metrics = version.offline_metrics
    change_production(
        runtime,
        ChangeRequest(
            model=spec.name,
            to=version.name,
            action=Action.PROMOTE,
            actor=RELEASES,
            reason=f"Offline ROC AUC {metrics['roc_auc']:.3f}, F1 {metrics['f1']:.3f} on held-out flights",
        ),
        now=at,
    )
