"""The gate: decides whether a trained version may become a challenger, and says each reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlops_core.entities import Metric
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import Judgement
from mlops_core.training_terms import GateTerms
from mlops_core.words import write_difference


class GateCheck(StrEnum):
    """What the gate looks at; the values are stable codes."""

    OVERALL = "gate.overall"
    SEGMENT = "gate.segment"
    CALIBRATION = "gate.calibration"
    LATENCY = "gate.latency"
    SIZE = "gate.artifact_size"
    LEAKAGE = "gate.leakage"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReason:
    """What the gate says of one thing."""

    check: GateCheck
    subject: str
    """The metric, segment, or feature."""
    passed: bool
    value: float | None
    """None when it could not be measured."""
    limit: float | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvidence:
    """What is known of a version when it comes to the gate."""

    version: str
    champion: str | None
    """None while nothing is in production."""
    primary_metric: Metric
    overall: Mapping[Metric, MetricDifference]
    """On all rows of the gate, against the champion; empty when they could not be compared."""
    obstacle: str | None
    """Why they could not be compared; None when they were, or there is no champion."""
    segments: Mapping[str, Mapping[Metric, MetricDifference]]
    """The same in each guarded segment."""
    calibration_error: float | None
    """Expected calibration error of the version on the rows of the gate, 0–1; None when it cannot be said."""
    latency_ms: float | None
    """Time to score one row; None when it could not be measured."""
    artifact_bytes: int
    suspects: Mapping[str, str]
    """Features that it reads and that may be known only after the fact, with the reason."""


def judge_gate(evidence: GateEvidence, terms: GateTerms) -> list[GateReason]:
    """Judge a trained version; it passes when every reason does.

    On all rows it must be not worse by the primary metric and by the ROC AUC, with the margin. In a guarded segment
    it must be not worse by the ROC AUC, with the margin of segments, and not surely worse by the primary metric: a
    metric of decisions is too uncertain there for more. As every segment must pass, their intervals need no
    adjustment (Berger 1982, Multiparameter hypothesis testing and acceptance sampling).
    """
    return [
        *_judge_suspects(evidence),
        *_judge_overall(evidence, terms),
        *_judge_segments(evidence, terms),
        *(_judge_limit(limit) for limit in _list_limits(evidence, terms)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """Something that is measured and has a limit."""

    check: GateCheck
    what: str
    value: float | None
    most: float
    form: str
    unit: str = ""


def _list_limits(evidence: GateEvidence, terms: GateTerms) -> list[_Limit]:
    error, latency, size = evidence.calibration_error, evidence.latency_ms, evidence.artifact_bytes / 1e6
    most = (terms.most_calibration_error, terms.most_latency_ms, terms.most_artifact_mb)
    return [
        _Limit(check=GateCheck.CALIBRATION, what="calibration error", value=error, most=most[0], form=".3f"),
        _Limit(
            check=GateCheck.LATENCY, what="time to score a row", value=latency, most=most[1], form=".1f", unit=" ms"
        ),
        _Limit(check=GateCheck.SIZE, what="artifact's size", value=size, most=most[2], form=".1f", unit=" MB"),
    ]


def _judge_suspects(evidence: GateEvidence) -> list[GateReason]:
    if not evidence.suspects:
        words = "No feature that it reads is suspected of telling the label."
        return [GateReason(check=GateCheck.LEAKAGE, subject="", passed=True, value=None, limit=None, words=words)]
    return [
        GateReason(check=GateCheck.LEAKAGE, subject=feature, passed=False, value=None, limit=None, words=reason)
        for feature, reason in evidence.suspects.items()
    ]


def _judge_overall(evidence: GateEvidence, terms: GateTerms) -> list[GateReason]:
    if evidence.champion is None:
        words = "Nothing is in production, so there is nothing that it could be worse than."
        return [GateReason(check=GateCheck.OVERALL, subject="", passed=True, value=None, limit=None, words=words)]
    if not evidence.overall:
        words = f"It could not be compared with {evidence.champion}: {evidence.obstacle}"
        return [GateReason(check=GateCheck.OVERALL, subject="", passed=False, value=None, limit=None, words=words)]
    metrics = dict.fromkeys((evidence.primary_metric, Metric.ROC_AUC))
    return [
        _judge_difference(evidence.overall[metric], terms.margin, GateCheck.OVERALL, metric.label, evidence)
        for metric in metrics
        if metric in evidence.overall
    ]


def _judge_segments(evidence: GateEvidence, terms: GateTerms) -> list[GateReason]:
    found = []
    for segment, differences in evidence.segments.items():
        subject = f"{segment}, {Metric.ROC_AUC.label}"
        ranking = differences[Metric.ROC_AUC]
        found.append(_judge_difference(ranking, terms.segment_margin, GateCheck.SEGMENT, subject, evidence))
        primary = differences.get(evidence.primary_metric)
        if primary and evidence.primary_metric is not Metric.ROC_AUC and primary.judgement is Judgement.WORSE:
            subject = f"{segment}, {evidence.primary_metric.label}"
            found.append(_judge_difference(primary, terms.segment_margin, GateCheck.SEGMENT, subject, evidence))
    return found


def _judge_difference(
    difference: MetricDifference, margin: float, check: GateCheck, subject: str, evidence: GateEvidence
) -> GateReason:
    low, value = difference.low, difference.difference
    passed = low is not None and low > -margin and difference.judgement is not Judgement.WORSE
    if value is None or low is None or difference.high is None:
        words = f"{subject}: {difference.reason or 'it has no interval'}."
    else:
        interval = f"{write_difference(value, 3)} [{write_difference(low, 3)}, {write_difference(difference.high, 3)}]"
        verdict = _name_verdict(difference, passed=passed)
        words = f"{subject}: {interval} against {evidence.champion}, {verdict} (margin {margin:g})."
    return GateReason(check=check, subject=subject, passed=passed, value=low, limit=-margin, words=words)


def _name_verdict(difference: MetricDifference, *, passed: bool) -> str:
    if difference.judgement is Judgement.WORSE:
        return "worse"
    if difference.judgement is Judgement.BETTER:
        return "better"
    return "not worse" if passed else "undecided"


def _judge_limit(limit: _Limit) -> GateReason:
    passed = limit.value is not None and limit.value <= limit.most
    words = f"Its {limit.what} could not be measured."
    if limit.value is not None:
        figure = f"{limit.value:{limit.form}}{limit.unit}"
        words = f"Its {limit.what} is {figure}; accepted is up to {limit.most:g}{limit.unit}."
    return GateReason(check=limit.check, subject="", passed=passed, value=limit.value, limit=limit.most, words=words)


def sum_up(version: str, reasons: Sequence[GateReason]) -> str:
    """Say in a sentence whether a version has passed, and what was against it."""
    against = [reason.words for reason in reasons if not reason.passed]
    if not against:
        return f"{version} has passed the gate."
    more = f" And {len(against) - 1} more." if len(against) > 1 else ""
    return f"{version} was refused: {against[0]}{more}"
