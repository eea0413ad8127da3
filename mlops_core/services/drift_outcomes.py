"""Drift of what comes out: decides with what a version's scores and the labels of its rows are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlops_core.checks.drift import Cause, DriftJudgement, judge_drift
from mlops_core.checks.drift_summary import explain
from mlops_core.entities import ModelSpec, Source
from mlops_core.services.performance import ALL_TIME, read_profiles
from mlops_core.services.runtime import Runtime
from mlops_core.stats.binning import score_bin_edges
from mlops_core.stats.grouping import group_bins, merge_groups
from mlops_core.stats.natural import find_natural_variation
from mlops_core.stats.shift import measure_shift
from mlops_core.store.features import Segment

REFERENCE_CHUNKS = 14
"""The first ones of a version in production, with which its later scores and labels are compared."""
SCORE, LABELS = "(score)", "(labels)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """The scores of a version, or the labels of its rows, by chunk."""

    name: str
    """`SCORE` or `LABELS`."""
    label: str
    judgement: DriftJudgement | None
    """Of one row; None while the reference is not complete."""
    reasons: tuple[str, ...]
    """By chunk; one in all while there is no judgement: why."""
    shares: NDArray[np.float64]
    """Share of the rows by group, shape (k, G); NaN in a chunk without rows."""
    reference: NDArray[np.float64]
    """Share of the reference's rows by group, shape (G,)."""
    groups: tuple[str, ...]
    """What each group is, in words."""


def read_outcomes(
    runtime: Runtime, spec: ModelSpec, version: str | None, segment: Segment, chunks: Sequence[datetime]
) -> tuple[Outcome, ...]:
    """Compare the scores of a version, and the labels of its rows, with those of its first chunks in production.

    Scores are compared in ten groups that hold even shares of the reference; labels as positives and negatives.
    """
    live = [
        one
        for one in read_profiles(runtime, spec, ALL_TIME, segment)
        if one.version == version and one.source is Source.LIVE
    ]
    if not live:
        return ()
    counts, seen = live[0].counts, live[0].chunks
    scored = counts.unlabelled + counts.negative + counts.positive
    labelled = np.column_stack([counts.n_labelled - counts.n_positive, counts.n_positive])
    kinds = ((SCORE, f"score of {version}", scored), (LABELS, f"labels: {spec.words.positives}", labelled))
    return tuple(
        _judge(name, label, rows, seen, chunks, version or "", spec)
        for name, label, rows in kinds
        if rows[:REFERENCE_CHUNKS].any()
    )


def _judge(
    name: str,
    label: str,
    rows: NDArray[np.int64],
    seen: Sequence[datetime],
    chunks: Sequence[datetime],
    version: str,
    spec: ModelSpec,
) -> Outcome:
    own = rows[:REFERENCE_CHUNKS]
    group = group_bins(own.sum(axis=0)) if name == SCORE else np.arange(rows.shape[1])
    grouped = np.asarray(merge_groups(rows, group), np.int64)
    reference, current = grouped[:REFERENCE_CHUNKS].sum(axis=0), _spread(grouped, seen, chunks)
    n = current.sum(axis=1)
    names = _name_groups(group, spec) if name == SCORE else ("negative", "positive")
    judgement: DriftJudgement | None = None
    reasons: tuple[str, ...] = (_tell_short(version, len(seen), spec),)
    if len(seen) >= REFERENCE_CHUNKS:
        shift = measure_shift(reference, current)
        natural = find_natural_variation(grouped[:REFERENCE_CHUNKS])
        judgement = judge_drift(
            shift.effect[None],
            shift.p_value[None],
            [int(reference.sum())],
            n[None],
            [np.nan if natural is None else natural],
        )
        noun = "rows scored" if name == SCORE else "labels"
        reasons = tuple(_tell(judgement, label, i, noun, version) for i in range(len(chunks)))
    shares = np.divide(current, n[:, None], out=np.full(current.shape, np.nan), where=n[:, None] > 0)
    return Outcome(
        name=name,
        label=label,
        judgement=judgement,
        reasons=reasons,
        shares=shares,
        reference=reference / max(int(reference.sum()), 1),
        groups=names,
    )


def _spread(rows: NDArray[np.int64], seen: Sequence[datetime], chunks: Sequence[datetime]) -> NDArray[np.int64]:
    """Put the rows of the chunks seen at their places among all chunks."""
    place = {chunk: i for i, chunk in enumerate(chunks)}
    spread = np.zeros((len(chunks), rows.shape[1]), np.int64)
    for i, chunk in enumerate(seen):
        if chunk in place:
            spread[place[chunk]] = rows[i]
    return spread


def _tell(judgement: DriftJudgement, label: str, position: int, noun: str, version: str) -> str:
    if Cause(judgement.causes[0, position]) is Cause.TOO_FEW_ROWS:
        seen = f"{judgement.n_current[0, position]:,} {noun} of {version} so far"
        return f"{seen}; {judgement.limits.least_rows} are needed."
    return explain(judgement, label, 0, position)


def _tell_short(version: str, n_chunks: int, spec: ModelSpec) -> str:
    unit = spec.chunk.value
    return (
        f"{version} has {n_chunks} {unit}{'' if n_chunks == 1 else 's'} of traffic; its first {REFERENCE_CHUNKS} are "
        "what its later scores and labels are compared with."
    )


def _name_groups(group: NDArray[np.int64], spec: ModelSpec) -> tuple[str, ...]:
    """Name each group of score bins by its span."""
    edges = score_bin_edges(spec.threshold)
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [group.size]])
    return tuple(f"{edges[low]:.3f}–{edges[high]:.3f}" for low, high in pairwise(firsts.tolist()))
