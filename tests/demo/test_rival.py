"""The demo's challenger: good offline, tried in the shadow, and found to be worse there."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.config import Home
from mlops_core.demo.replay import DemoReplay
from mlops_core.demo.rival import COMES_AT, RIVAL, bring_rival
from mlops_core.entities import Action, Actor, Metric
from mlops_core.services.challengers import make_challenger, stop_challenger
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.registry import list_specs
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow import read_shadow
from mlops_core.services.shadow_words import tell_shadow
from mlops_core.shared import open_runtime
from mlops_core.stats.judgement import Judgement
from mlops_core.store.challengers import get_challenger
from mlops_core.store.models import get_version, list_versions

ACTOR = Actor("tester", "system")
DECEMBER = datetime(2013, 12, 2, 12, tzinfo=UTC)
BEFORE = COMES_AT - timedelta(hours=6)


@pytest.fixture
def demo(copy_demo: Callable[[], Home]) -> Iterator[Runtime]:
    runtime = open_runtime(copy_demo())
    yield runtime
    runtime.close()


def test_challenger_comes_once_at_its_time_and_gives_way_to_another(demo: Runtime) -> None:
    spec = list_specs(demo)[0]
    bring_rival(demo, spec, BEFORE - timedelta(days=1), BEFORE)
    make_challenger(demo, spec, "v3", actor=ACTOR, reason="tried before", now=BEFORE)
    bring_rival(demo, spec, BEFORE, COMES_AT)
    assert len(list_versions(demo.database, spec.name)) == 4
    stop_challenger(demo, spec, actor=ACTOR, reason="seen", now=BEFORE)
    bring_rival(demo, spec, BEFORE, COMES_AT)
    assert get_challenger(demo.database, spec.name).version == RIVAL
    rival, v3 = (get_version(demo.database, spec.name, name) for name in (RIVAL, "v3"))
    assert rival.offline_metrics[Metric.LOG_LOSS] < v3.offline_metrics[Metric.LOG_LOSS] - 0.08
    assert (rival.snapshot.start.month, rival.snapshot.end.date().isoformat()) == (9, "2013-11-01")
    stop_challenger(demo, spec, actor=ACTOR, reason="seen", now=COMES_AT)
    bring_rival(demo, spec, BEFORE, COMES_AT)
    assert get_challenger(demo.database, spec.name) is None


@pytest.mark.soak
def test_shadow_shows_by_december_that_the_challenger_is_worse(demo: Runtime) -> None:
    spec, replay = list_specs(demo)[0], DemoReplay()
    change = ChangeRequest(model=spec.name, to="v3", action=Action.ROLL_BACK, actor=ACTOR, reason="it was better")
    change_production(demo, change, now=demo.now(spec.name))
    replay.play(demo, spec, DECEMBER - demo.now(spec.name))
    while replay.state().is_playing:
        time.sleep(0.5)
    shadow = read_shadow(demo, spec)
    assert (shadow.challenge.version, shadow.champion, shadow.start) == (RIVAL, "v3", COMES_AT)
    assert shadow.counts.n_scored == shadow.counts.n_logged > 19_000
    f1 = shadow.comparison.paired.metrics[Metric.F1]
    assert f1.judgement is Judgement.WORSE
    assert -0.03 < f1.difference < -0.005
    assert tell_shadow(spec, shadow).startswith("autumn is worse than v3 on the same 18,")
