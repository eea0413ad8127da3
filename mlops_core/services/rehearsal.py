"""Rehearsals: decides on which rows a version is tried before it is put into production."""

from datetime import datetime, timedelta

from mlops_core.chunking import LONGEST, next_chunk
from mlops_core.entities import Deployment, ModelSpec, Window
from mlops_core.errors import ConflictError
from mlops_core.services.background import Progress
from mlops_core.services.comparison import VersionComparison, compare_versions
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.performance import find_arrival
from mlops_core.services.replay import replay_version
from mlops_core.services.runtime import Runtime
from mlops_core.stats.comparison import Judgement
from mlops_core.store.deployments import get_champion
from mlops_core.words import write_share, write_span

REHEARSED_DAYS = 21


def find_rehearsal_window(
    runtime: Runtime, spec: ModelSpec, now: datetime, champion: Deployment | None = None
) -> Window | None:
    """Give the newest labelled traffic, at most three weeks of it; None when there is none.

    Parameters
    ----------
    champion : Deployment, optional
        Take only what this deployment answered.
    """
    comparable = find_arrival(runtime, spec, now).comparable
    if champion:
        first = champion.at - LONGEST[spec.chunk]
        comparable = frozenset(key for key in comparable if key[0] == champion.version and key[1] > first)
    chunks = sorted({chunk for _, chunk in comparable})
    if not chunks:
        return None
    end = next_chunk(spec, chunks[-1])
    return Window(max(chunks[0], end - timedelta(days=REHEARSED_DAYS)), end)


def rehearse(
    runtime: Runtime, spec: ModelSpec, to: str, now: datetime, progress: Progress | None = None
) -> VersionComparison | None:
    """Let a version and the champion score the newest labelled traffic, and compare them; None without labels.

    Raises
    ------
    ConflictError
        When nothing is in production, or the version is.
    PreflightError
        When the version's artifact does not load or does not score.
    """
    champion = get_champion(runtime.database, spec.name)
    if champion is None or champion.version == to:
        raise ConflictError(f"{to} cannot be rehearsed: {'it is' if champion else 'nothing is'} in production.")
    window = find_rehearsal_window(runtime, spec, now)
    if window is None:
        return None
    told = progress or Progress()
    for version in (champion.version, to):
        replay_version(runtime, spec, version, window, told)
    told.report(0.7, "Counting and comparing")
    count_waiting(runtime, spec)
    return compare_versions(runtime, spec, champion.version, to, window)


def describe_rehearsal(comparison: VersionComparison, spec: ModelSpec) -> str:
    """Give the reason that the figures suggest, for a person to keep or to replace."""
    found = comparison.paired.metrics[spec.primary_metric]
    if found.judgement is not Judgement.BETTER:
        return ""
    span = write_span(comparison.start, comparison.end, spec.timezone)
    return (
        f"{found.metric.label} {found.candidate:.2f} instead of {found.champion:.2f} "
        f"on the same {comparison.paired.n:,} {spec.words.rows} of {span}"
    )


def tell_rehearsal(comparison: VersionComparison, spec: ModelSpec) -> tuple[str, str]:
    """Say in a sentence what a rehearsal found, and behind it the figures and the price."""
    paired, candidate, champion = comparison.paired, comparison.candidate, comparison.champion
    primary = paired.metrics[spec.primary_metric]
    before, after = paired.champion_confusion, paired.candidate_confusion
    sentence = {
        Judgement.BETTER: f"{candidate} would be better.",
        Judgement.WORSE: f"{candidate} would be worse.",
        Judgement.UNDECIDED: f"It is undecided whether {candidate} would be better.",
    }[primary.judgement]
    told = [
        (
            f"Rehearsed on the {paired.n:,} labelled {spec.words.rows} of "
            f"{write_span(comparison.start, comparison.end, spec.timezone)}, each scored by {candidate}."
        ),
        f"{primary.metric.label} {primary.candidate:.2f} instead of {primary.champion:.2f}."
        if primary.difference is not None
        else f"{primary.metric.label} cannot be compared: {primary.reason}.",
        (
            f"Of {paired.n_positive:,} {spec.words.positives} {candidate} finds {after.true_positive:,}, "
            f"{champion} {before.true_positive:,}; false alarms {after.false_positive:,} instead of "
            f"{before.false_positive:,}."
        ),
        (
            f"{write_share(paired.flips.share)} of decisions flip: {paired.flips.corrected:,} become right, "
            f"{paired.flips.spoiled:,} become wrong."
        ),
    ]
    worse = [found.metric.label for found in paired.metrics.values() if found.judgement is Judgement.WORSE]
    if worse and primary.judgement is Judgement.BETTER:
        told.append(f"The price: {' and '.join(worse)} {'get' if len(worse) > 1 else 'gets'} worse.")
    return sentence, " ".join(told)
