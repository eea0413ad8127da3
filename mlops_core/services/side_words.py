"""Versions side by side in words: decides what the page says first, and how its figures stand in tables."""

import math
from collections.abc import Sequence

from mlops_core.checks.headline import Headline
from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.entities import ModelSpec, Status
from mlops_core.services.comparison import VersionComparison
from mlops_core.services.rehearsal_words import tell_decisions
from mlops_core.services.side_by_side import MOST_VERSIONS, SideBySide
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement
from mlops_core.stats.segment_comparison import SegmentDifference
from mlops_core.words import (
    join_names,
    write_day,
    write_difference,
    write_estimate,
    write_further_labels,
    write_number,
    write_share,
    write_span,
)

TONES = {Judgement.BETTER: Status.OK, Judgement.NOT_WORSE: Status.OK, Judgement.WORSE: Status.WARNING}
"""Colour of the words above the sentence; grey for what decides nothing."""
OUTCOMES = {
    "Found": "true_positive",
    "False alarms": "false_positive",
    "Missed": "false_negative",
    "Left alone": "true_negative",
}
CONFUSION_COLUMNS = ("Version", *OUTCOMES)
CONFUSION_EXPORT = ("version", *OUTCOMES.values())
METRIC_EXPORT = (
    "metric",
    "champion",
    "candidate",
    "champion_value",
    "candidate_value",
    "difference",
    "low",
    "high",
    "confidence",
    "verdict",
)
SEGMENT_COLUMNS = ("Segment", "F1", "Difference", "Verdict", "Labels", "Positives")
SEGMENT_EXPORT = (
    "segment",
    "champion_f1",
    "candidate_f1",
    "difference",
    "low",
    "high",
    "verdict",
    "n_labelled",
    "n_positive",
)


def tell_side_by_side(found: SideBySide, spec: ModelSpec) -> Headline:
    """Say which version is better on the same rows, or why nobody can tell."""
    if not found.pairs:
        return _tell_nothing(found, spec)
    best = _find_best(found, spec)
    primary = best.paired.get_difference(spec.primary_metric)
    return _make_headline(
        TONES.get(primary.judgement, Status.INSUFFICIENT_DATA),
        f"{primary.judgement.label.upper()} · {primary.metric.label} {write_change(primary)} · "
        f"{write_span(best.start, best.end, spec.timezone)}",
        tell_pair(best, spec),
        " ".join([*tell_decisions(best, spec), *_tell_others(found, best, spec), *_tell_limits(found, best, spec)]),
    )


def tell_choice(spec: ModelSpec, versions: Sequence[str], every: Sequence[str], problem: str | None = None) -> Headline:
    """Say what is being compared, why it could not be, or what there is too little of to compare.

    Parameters
    ----------
    versions : sequence of str
        Those that were chosen.
    every : sequence of str
        Those that there are.
    problem : str, optional
        Why the comparison ended without a result.
    """
    kicker, rows = "NOTHING TO COMPARE", spec.words.rows
    detail = f"Two to {MOST_VERSIONS} versions are compared, on exactly the {rows} that all of them scored."
    if len(every) < 2:
        sentence = f"{spec.name} has one version, {every[0]}." if every else f"{spec.name} has no version yet."
        detail = f"Register another version to compare both on the same {rows}."
    elif len(versions) < 2:
        sentence = f"Choose another version to compare {versions[0]} with." if versions else "Choose two versions."
    elif problem:
        kicker, detail = "NO COMPARISON", problem
        sentence = f"{join_names(versions[1:])} could not be compared with {versions[0]}."
    else:
        kicker = "COMPARING"
        sentence = f"{join_names(versions)} are being compared on the same {rows}."
    return _make_headline(Status.INSUFFICIENT_DATA, kicker, sentence, detail)


def name_tone(found: SideBySide, spec: ModelSpec) -> str:
    """Name the colour of the banner: that of the judgement, or of a warning where there is none."""
    if found.pairs:
        return _find_best(found, spec).paired.get_difference(spec.primary_metric).judgement.name
    return Status.WARNING.value if found.overlap.n_labelled >= LEAST_LABELS else Status.INSUFFICIENT_DATA.value


def tell_pair(comparison: VersionComparison, spec: ModelSpec) -> str:
    """Say in a sentence whether the candidate is better than the version that it is compared with."""
    candidate, champion, n = comparison.candidate, comparison.champion, comparison.paired.n
    primary = comparison.paired.get_difference(spec.primary_metric)
    same = f"on the same {n:,} {spec.words.rows}"
    if primary.difference is None:
        return f"Whether {candidate} is better than {champion} cannot be said {same}: {primary.reason}."
    if primary.judgement is Judgement.UNDECIDED:
        needed = primary.further_labels
        wanted = f"; {write_further_labels(needed, MOST_FURTHER_LABELS)}" if needed else ""
        return f"Whether {candidate} is better than {champion} is not decided {same}: {_write_pair(primary)}{wanted}."
    is_close = primary.judgement is Judgement.NOT_WORSE and comparison.paired.margin
    margin = f" by more than {comparison.paired.margin:g}" if is_close else ""
    return f"{candidate} is {primary.judgement.label} than {champion}{margin} {same}: {_write_pair(primary)}."


def write_change(found: MetricDifference) -> str:
    """Write a difference with its interval: "+0.42 [+0.40, +0.43]"."""
    if found.difference is None:
        return "undefined"
    digits = 2 if abs(found.difference) >= 0.02 else 3
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" [{write_difference(found.low, digits)}, {write_difference(found.high, digits)}]"
    return f"{write_difference(found.difference, digits)}{interval}"


def _write_pair(found: MetricDifference) -> str:
    """Write both values, with as many digits as tell them apart."""
    before, after = found.champion or 0.0, found.candidate or 0.0
    digits = 2 if f"{before:.2f}" != f"{after:.2f}" else 3
    return f"{found.metric.label} {after:.{digits}f} instead of {before:.{digits}f}"


def _find_best(found: SideBySide, spec: ModelSpec) -> VersionComparison:
    def measure(comparison: VersionComparison) -> float:
        difference = comparison.paired.get_difference(spec.primary_metric).difference
        return -math.inf if difference is None else difference

    return max((pair.comparison for pair in found.pairs), key=measure)


def _tell_others(found: SideBySide, best: VersionComparison, spec: ModelSpec) -> list[str]:
    """Say of each other version how it does beside the one compared with."""
    told = []
    for pair in found.pairs:
        primary = pair.comparison.paired.get_difference(spec.primary_metric)
        if pair.comparison is not best and primary.difference is not None:
            judgement = primary.judgement.label
            told.append(f"{pair.comparison.candidate} beside {found.base}: {judgement}, {_write_pair(primary)}.")
    return told


def _tell_limits(found: SideBySide, best: VersionComparison, spec: ModelSpec) -> list[str]:
    """Say what speaks against the rows: what versions learned from, a sample, what is left out or absent."""
    told = [
        f"{version} was trained on {spec.words.rows} up to {write_day(learned.until, spec.timezone)}: {learned.n:,} of "
        "these are from that time and may flatter it."
        for version, learned in found.learned.items()
    ]
    if best.n_logged:
        told.append(f"These are a sample of {best.n_logged:,} {spec.words.rows}, by {spec.chunk.value}.")
    left_out = found.overlap.left_out
    if left_out:
        verb = (
            "have scored too few of the same and are" if len(left_out) > 1 else "has scored too few of the same and is"
        )
        told.append(f"{join_names(left_out)} {verb} left out.")
    told += [
        f"None of these {spec.words.rows} has {', '.join(absent)}, which {version} was trained with."
        for version, absent in found.missing.items()
    ]
    return told


def _tell_nothing(found: SideBySide, spec: ModelSpec) -> Headline:
    """Say why there is no verdict: no labels, or too few rows in common."""
    rows, overlap = spec.words.rows, found.overlap
    span = write_span(found.window.start, found.window.end, spec.timezone)
    names = join_names(overlap.versions)
    if overlap.n_labelled < LEAST_LABELS:
        count = f"{overlap.n_labelled:,}" if overlap.n_labelled else "None"
        return _make_headline(
            Status.INSUFFICIENT_DATA,
            f"NO VERDICT · too few labels · {span}",
            f"{count} of the {rows} of {span} have a label{'' if overlap.n_labelled else ' yet'}."
            if overlap.n
            else f"There are no {rows} in this window.",
            f"A comparison needs {LEAST_LABELS} labelled {rows}: choose a longer window or another segment, or wait.",
        )
    common = f"only {overlap.n_common:,} labelled {rows}" if overlap.n_common else f"no labelled {rows}"
    return _make_headline(
        Status.WARNING,
        f"NO VERDICT · different traffic · {span}",
        f"{names} have scored {common} in common, so nobody can say which is better.",
        f"Below stands what each answered itself. These are different {rows}: a figure may be higher because they were "
        f"easier. {LEAST_LABELS} of the same are needed.",
    )


def _make_headline(status: Status, kicker: str, sentence: str, detail: str) -> Headline:
    return Headline(status=status, kicker=kicker, sentence=sentence, detail=detail, action=None, target=None)


def name_metric_columns(found: SideBySide) -> tuple[str, ...]:
    """Name the columns of the metrics: each version, then what each other one differs by, and the verdict."""
    names = found.overlap.compared
    return ("Metric", *names, *(f"{name} − {names[0]}" for name in names[1:]))


def list_metrics(found: SideBySide) -> list[tuple[str, ...]]:
    """Give every compared metric as text, in the order of `name_metric_columns`."""
    rows = []
    for metric in found.pairs[0].comparison.paired.metrics:
        differences = [pair.comparison.paired.metrics[metric] for pair in found.pairs]
        values = [found.figures[name].metrics[metric] for name in found.overlap.compared]
        sign = "" if metric.higher_is_better else " (sign turned)"
        rows.append(
            (
                f"{metric.label}{sign}",
                *(write_estimate(one) for one in values),
                *(_tell_difference(one) for one in differences),
            )
        )
    return rows


def name_interval(found: SideBySide) -> str:
    """Name the interval of a difference: with several candidates, those of a metric hold all together at 95 %."""
    n = len(found.pairs)
    return "95 % interval" if n < 2 else f"95 % intervals of all {n} together"


def _tell_difference(found: MetricDifference) -> str:
    return "undefined" if found.difference is None else f"{write_change(found)} {found.judgement.label}"


def export_metrics(found: SideBySide) -> list[tuple[str, ...]]:
    """Give every difference as numbers, in the order of `METRIC_EXPORT`."""
    return [
        (
            metric.value,
            pair.comparison.champion,
            pair.comparison.candidate,
            *(write_number(one) for one in (own.champion, own.candidate, own.difference, own.low, own.high)),
            write_number(pair.comparison.paired.confidence),
            own.judgement.value,
        )
        for pair in found.pairs
        for metric, own in pair.comparison.paired.metrics.items()
    ]


def list_confusion(found: SideBySide) -> list[tuple[str, ...]]:
    """Give the decisions of each version, and what each other one differs by, as text, as `CONFUSION_COLUMNS`."""
    own = {name: found.figures[name].confusion for name in found.overlap.compared}
    base, *others = own
    return [
        *((name, *(f"{getattr(one, key):,}" for key in OUTCOMES.values())) for name, one in own.items()),
        *(
            (
                f"{name} − {base}",
                *(_write_count(getattr(own[name], key) - getattr(own[base], key)) for key in OUTCOMES.values()),
            )
            for name in others
        ),
    ]


def export_confusion(found: SideBySide) -> list[tuple[str, ...]]:
    """Give the decisions of each version as whole numbers, a row each, in the order of `CONFUSION_EXPORT`."""
    return [
        (name, *(str(getattr(found.figures[name].confusion, key)) for key in OUTCOMES.values()))
        for name in found.overlap.compared
    ]


def _write_count(value: int) -> str:
    return f"{value:+,}".replace("-", "−") if value else "0"


def explain_outcomes(spec: ModelSpec) -> str:
    """Say what the four outcomes are in the words of the model."""
    return (
        f"Found: {spec.words.positives} that were flagged. Missed: those that were not. False alarms: others that were "
        f"flagged. A score of {spec.threshold:g} or more is flagged."
    )


def tell_flips(comparison: VersionComparison, spec: ModelSpec) -> str:
    """Say how many decisions flip, and which way."""
    flips = comparison.paired.flips
    return (
        f"{comparison.candidate} decides {flips.n:,} of {comparison.paired.n:,} {spec.words.rows} "
        f"({write_share(flips.share)}) otherwise than {comparison.champion}: {flips.corrected:,} become right, "
        f"{flips.spoiled:,} become wrong; {flips.to_positive:,} are flagged anew, {flips.to_negative:,} no longer."
    )


def list_segments(segments: Sequence[SegmentDifference]) -> list[tuple[str, ...]]:
    """Give the segments as text, in the order of `SEGMENT_COLUMNS`."""
    return [
        (
            one.segment,
            " → ".join(
                "–" if value is None else f"{value:.2f}"
                for value in (one.difference.champion, one.difference.candidate)
            ),
            write_change(one.difference),
            one.difference.judgement.label,
            f"{one.n:,}",
            write_share(one.n_positive / one.n),
        )
        for one in segments
    ]


def export_segments(segments: Sequence[SegmentDifference]) -> list[tuple[str, ...]]:
    """Give the segments as numbers, in the order of `SEGMENT_EXPORT`."""
    return [
        (
            one.segment,
            *(
                write_number(value)
                for value in (
                    one.difference.champion,
                    one.difference.candidate,
                    one.difference.difference,
                    one.difference.low,
                    one.difference.high,
                )
            ),
            one.difference.judgement.value,
            str(one.n),
            str(one.n_positive),
        )
        for one in segments
    ]
