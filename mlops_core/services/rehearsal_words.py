"""Rehearsals in words: decides how what was found reads for a person who has to decide."""

from collections.abc import Mapping

from mlops_core.entities import ModelSpec
from mlops_core.services.artifact_host import Latency
from mlops_core.services.comparison import VersionComparison
from mlops_core.stats.comparison import MetricDifference, PairedComparison
from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement
from mlops_core.words import join_names, write_further_labels, write_share, write_span


def tell_latency(version: str, timed: Mapping[str, Latency]) -> str:
    """Say how long a version and others take to score; empty when it could not be timed."""
    if version not in timed:
        return ""
    told = [f"{name} {one.one_row_ms:.1f} ms" for name, one in sorted(timed.items(), reverse=True)]
    own = timed[version]
    return f"For one row, {' and '.join(told)}; {version} scores {own.batch_rows:,} in {own.batch_ms:.0f} ms."


def describe_rehearsal(comparison: VersionComparison, spec: ModelSpec) -> str:
    """Give the reason that the figures suggest, for a person to keep or to replace."""
    found, margin = comparison.paired.get_difference(spec.primary_metric), comparison.paired.margin
    if found.judgement not in (Judgement.BETTER, Judgement.NOT_WORSE):
        return ""
    figures = f"{found.candidate:.2f} instead of {found.champion:.2f}"
    if found.judgement is Judgement.NOT_WORSE:
        figures = f"not worse by more than {margin:g}"
    span = write_span(comparison.start, comparison.end, spec.timezone)
    return f"{found.metric.label} {figures} on the same {comparison.paired.n:,} {spec.words.rows} of {span}"


def tell_rehearsal(comparison: VersionComparison, spec: ModelSpec) -> tuple[str, str]:
    """Say in a sentence what a rehearsal found, and behind it the figures and the price."""
    candidate, primary = comparison.candidate, comparison.paired.get_difference(spec.primary_metric)
    told = [
        _tell_rows(comparison, spec),
        f"{primary.metric.label} {primary.candidate:.2f} instead of {primary.champion:.2f}."
        if primary.difference is not None
        else f"{primary.metric.label} cannot be compared: {primary.reason}.",
        *tell_decisions(comparison, spec),
    ]
    return _judge(candidate, primary, comparison.paired.margin), " ".join(told)


def tell_decisions(comparison: VersionComparison, spec: ModelSpec) -> list[str]:
    """Say what a candidate finds and misses beside the champion, how many decisions flip, and what pays for it."""
    paired, candidate, champion = comparison.paired, comparison.candidate, comparison.champion
    primary, before, after = (
        paired.get_difference(spec.primary_metric),
        paired.champion_confusion,
        paired.candidate_confusion,
    )
    told = [
        (
            f"Of {paired.n_positive:,} {spec.words.positives} {candidate} finds {after.true_positive:,}, "
            f"{champion} {before.true_positive:,}; false alarms {after.false_positive:,} instead of "
            f"{before.false_positive:,}."
        ),
        _tell_flips(paired),
    ]
    worse = [found.metric.label for found in paired.metrics.values() if found.judgement is Judgement.WORSE]
    if worse and primary.judgement in (Judgement.BETTER, Judgement.NOT_WORSE):
        told.append(f"The price: {' and '.join(worse)} {'get' if len(worse) > 1 else 'gets'} worse.")
    return told


def _tell_rows(comparison: VersionComparison, spec: ModelSpec) -> str:
    """Say on which rows a rehearsal rests, and what they lack."""
    rows, span = spec.words.rows, write_span(comparison.start, comparison.end, spec.timezone)
    which = f"the {comparison.paired.n:,} labelled {rows} of {span}"
    if comparison.n_logged:
        which = f"{comparison.paired.n:,} labelled {rows} of {span}, a sample of {comparison.n_logged:,}"
    told = f"Rehearsed on {which}, each scored by {comparison.candidate}."
    if comparison.learned:
        told += f" Earlier ones are left out: {join_names(comparison.learned)} learned from them."
    if comparison.missing:
        told += (
            f" None of them has {', '.join(comparison.missing)}, which {comparison.candidate} was trained with; it "
            "scored without."
        )
    return told


def _judge(candidate: str, primary: MetricDifference, margin: float | None) -> str:
    if primary.judgement is Judgement.UNDECIDED:
        needed = primary.further_labels
        wanted = f": {write_further_labels(needed, MOST_FURTHER_LABELS)}" if needed else ""
        return f"It is undecided whether {candidate} would be better{wanted}."
    return {
        Judgement.BETTER: f"{candidate} would be better.",
        Judgement.NOT_WORSE: f"{candidate} would not be worse by more than {margin:g}.",
        Judgement.WORSE: f"{candidate} would be worse.",
    }[primary.judgement]


def _tell_flips(paired: PairedComparison) -> str:
    """Say how many decisions flip, and whether chance alone would make so many more of them right or wrong."""
    flips, chance = paired.flips, ""
    if flips.n and paired.mcnemar:
        is_chance = paired.mcnemar.p_value >= 1 - paired.confidence
        chance = f", which {'may be chance' if is_chance else 'is more than chance'}"
    return (
        f"{write_share(flips.share)} of decisions flip: {flips.corrected:,} become right, "
        f"{flips.spoiled:,} become wrong{chance}."
    )
