"""What drift costs: decides which labelled rows tell the expected change of the metric, and how features rank by it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mlops_core.checks.drift import STATUSES, find_small_shifts, warn_of_losses
from mlops_core.entities import Estimate, Metric, ModelSpec, Status, Version
from mlops_core.services.drift import DriftTable
from mlops_core.services.references import find_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.groups import count_groups
from mlops_core.stats.impact import Impact, expect_change, expect_changes_by_chunk, measure_harm
from mlops_core.stats.influence import INFLUENCED_METRICS
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.joint_counts import JointReference, find_joint_reference

DRIFTED = (Status.ALERT, Status.WARNING)


def expect_impacts(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version | None,
    table: DriftTable,
    segment: Segment = ALL_TRAFFIC,
    position: int | None = None,
) -> dict[str, Impact]:
    """Expect what the drift of each feature of a table does to the primary metric of a version, from stored counts.

    The labelled rows that tell what the version's score is worth are weighted to the mix of the table's reference
    and to that of one of its chunks, or of all together; the impact is the difference. The intervals have 95 %.

    Parameters
    ----------
    version : Version, optional
        Whose scores are looked at; without one nothing is expected.
    position : int, optional
        Of one chunk in the table; all of them when None.

    Returns
    -------
    dict of str to Impact
        One for each feature of the table; where nothing can be expected it has no changes, and says why.
    """
    joint = find_joint(runtime, spec, version, table.reference.binning) if version else None
    reason = _find_general_reason(spec, version, joint, segment)
    if version is None or joint is None or reason:
        return dict.fromkeys(table.features, _expect_nothing(reason))
    impacts = {}
    for name in table.features:
        if name in joint.features:
            impacts[name] = _expect_change(spec, joint, table, name, position)
        else:
            impacts[name] = _expect_nothing(f"{version.name} does not read it")
    return impacts


def warn_of_costs(
    runtime: Runtime, spec: ModelSpec, version: Version | None, table: DriftTable, segment: Segment = ALL_TRAFFIC
) -> DriftTable:
    """Turn shifts that are small, but expected to cost more than the model accepts, into warnings.

    Nothing changes while the model file sets no cost, or where nothing can be expected.
    """
    joint = find_joint(runtime, spec, version, table.reference.binning) if spec.drift_cost and version else None
    if spec.drift_cost is None or joint is None or _find_general_reason(spec, version, joint, segment):
        return table
    sign = -1.0 if spec.primary_metric.higher_is_better else 1.0
    is_small = find_small_shifts(table.judgement)
    losses = np.full(is_small.shape, np.nan)
    for place, name in enumerate(table.features):
        own = joint.features.get(name)
        if own is not None and is_small[place].any():
            before, chunks = (count_groups(one, own.groups) for one in (table.known[name].counts, table.counts[name]))
            changes = expect_changes_by_chunk(
                own.counts, chunks[is_small[place]], joint.score_groups, before[0], spec.primary_metric
            )
            losses[place, is_small[place]] = sign * changes
    return replace(table, judgement=warn_of_losses(table.judgement, losses, spec.drift_cost))


def find_joint(runtime: Runtime, spec: ModelSpec, version: Version, binning: int) -> JointReference | None:
    """Give the counts of the version's labelled rows of the reference window, else of its training rows."""
    window = find_window(runtime, spec)
    windows = (window, None) if window else (None,)
    found = (find_joint_reference(runtime.database, spec, version, binning, one) for one in windows)
    return next((joint for joint in found if joint), None)


def get_change(impact: Impact, spec: ModelSpec) -> Estimate:
    """Give the expected change of the primary metric with its interval; without value when there is none."""
    return impact.changes.get(spec.primary_metric, Estimate(None))


def rank_features(table: DriftTable, impacts: Mapping[str, Impact], metric: Metric) -> list[str]:
    """Rank the features of a window: those that drifted by their expected loss, then the rest by their effect.

    A drifted feature whose impact cannot be told stands between those that cost something and those that do not.
    Where no direction is worse, the size of the change counts.
    """

    def order(position: int) -> tuple[int, float, float]:
        name = table.features[position]
        status = STATUSES[table.judgement.codes[position, -1]]
        effect = float(np.nan_to_num(table.judgement.effects[position, -1]))
        if status not in DRIFTED:
            return (1 if status is Status.INSUFFICIENT_DATA else 2, 0.0, -effect)
        return (0, -_measure_loss(impacts[name], metric), -effect)

    return [table.features[position] for position in sorted(range(len(table.features)), key=order)]


def _measure_loss(impact: Impact, metric: Metric) -> float:
    change = impact.changes.get(metric, Estimate(None)).value
    if metric.higher_is_better is None:
        return abs(change or 0.0)
    return measure_harm(impact, metric) or 0.0


def _expect_change(
    spec: ModelSpec, joint: JointReference, table: DriftTable, name: str, position: int | None
) -> Impact:
    own = joint.features[name]
    reference = count_groups(table.known[name].counts, own.groups)[0]
    chunks = count_groups(table.counts[name], own.groups)
    current = chunks.sum(axis=0) if position is None else chunks[position]
    return expect_change(own.counts, current, joint.score_groups, reference=reference, metrics=(spec.primary_metric,))


def _find_general_reason(
    spec: ModelSpec, version: Version | None, joint: JointReference | None, segment: Segment
) -> str:
    if version is None:
        return "no version is in production"
    if spec.primary_metric not in INFLUENCED_METRICS:
        return f"{spec.primary_metric.label} does not follow from weighted rows"
    if segment != ALL_TRAFFIC:
        return "it is known for all traffic only"
    if joint is None:
        return f"no labelled rows that {version.name} scored were counted yet"
    return ""


def _expect_nothing(reason: str) -> Impact:
    return Impact(changes={}, n_effective=0.0, uncovered_fraction=0.0, reason=reason)
