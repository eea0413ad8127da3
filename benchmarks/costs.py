"""What shifts are expected to cost: decides that the cost of a day is told in asking for it with its interval."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.measuring import time_ms
from benchmarks.rows import Row
from benchmarks.traffic import DAYS
from mlops_core.entities import Metric
from mlops_core.stats.counts import count_scores
from mlops_core.stats.impact import expect_change, expect_changes_by_chunk
from mlops_core.stats.joint import N_JOINT_GROUPS
from mlops_core.stats.score_groups import ScoreGroups, choose_group_starts, group_scores

TITLE = "What every small shift of 20 features in 90 days is expected to cost"
FEATURES, METRIC, ROUNDS = 20, Metric.ROC_AUC, 5
LABELLED, DAILY = 500_000, 10_000
"""Labelled rows of the reference, and rows of a day."""
LARGEST_SHIFT = 0.2
"""Of the logarithm of a bin's share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The counts of one feature, as they are kept."""

    joint: np.ndarray
    """Labelled rows by bin, score group, and label."""
    reference: np.ndarray
    """Rows by bin."""
    days: np.ndarray
    """Rows of each day by bin."""


def measure() -> list[Row]:
    """Let the costs of all days be told at once, and take turns with asking for each day as a report does."""
    groups, features = draw_features(np.random.default_rng(0))
    at_once, one_by_one = [], []
    for _ in range(ROUNDS):
        at_once.append(time_ms(lambda: [_expect_all(one, groups) for one in features]))
        one_by_one.append(time_ms(lambda: [_expect_each(one, groups) for one in features]))
    told = f"{FEATURES} features, {DAYS} days"
    ours, other = median(at_once), median(one_by_one)
    return [
        Row(what=f"{told}: the expected cost of each, as `drift_cost` asks for it", value=ours, unit="ms"),
        Row(what=f"{told}: the same with intervals, one by one, as `drift` does", value=other, unit="ms"),
        Row(what="the first ÷ the second", value=ours / other, unit="×", target=1),
    ]


def draw_features(rng: np.random.Generator) -> tuple[ScoreGroups, list[Feature]]:
    """Draw labelled rows whose score is worth something in every bin, and days that shift a little."""
    scores = rng.beta(2, 5, LABELLED)
    labels = (rng.random(LABELLED) < scores).astype(np.int64)
    counts = count_scores(scores, labels, np.zeros(LABELLED, np.int64), 1, threshold=0.5)
    starts = choose_group_starts(counts)
    sides = [np.add.reduceat(side.sum(axis=0), starts) for side in (counts.negative, counts.positive)]
    table = np.stack(sides, axis=1).ravel()
    return group_scores(counts, starts), [_draw_feature(rng, table) for _ in range(FEATURES)]


def _draw_feature(rng: np.random.Generator, table: np.ndarray) -> Feature:
    """Spread the rows of each score group and label over as many bins as are kept, null included."""
    joint = rng.multinomial(table, rng.dirichlet(np.full(N_JOINT_GROUPS + 1, 20.0), table.size))
    reference = joint.sum(axis=0)
    shares = reference * np.exp(rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, (DAYS, reference.size)))
    days = rng.multinomial(DAILY, shares / shares.sum(axis=1, keepdims=True))
    return Feature(joint=joint.T.reshape(reference.size, -1, 2), reference=reference, days=days)


def _expect_all(one: Feature, groups: ScoreGroups) -> None:
    changes = expect_changes_by_chunk(one.joint, one.days, groups, one.reference, METRIC)
    assert np.isfinite(changes).all()


def _expect_each(one: Feature, groups: ScoreGroups) -> None:
    for day in one.days:
        found = expect_change(one.joint, day, groups, reference=one.reference, metrics=(METRIC,))
        assert found.changes
