"""The gate as a full table: what passes, what is refused, and what is said of it."""

from dataclasses import replace

import pytest

from mlops_core.checks.gate import GateCheck, GateEvidence, judge_gate, sum_up
from mlops_core.entities import Metric
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import judge_interval
from mlops_core.training_terms import GateTerms

TERMS = GateTerms()


def differ(metric, low, high):
    return MetricDifference(
        metric=metric,
        champion=0.5,
        candidate=0.5 + (low + high) / 2,
        difference=(low + high) / 2,
        low=low,
        high=high,
        judgement=judge_interval(low, high, margin=TERMS.margin),
        reason=None,
    )


def pair(f1, roc_auc):
    return {Metric.F1: differ(Metric.F1, *f1), Metric.ROC_AUC: differ(Metric.ROC_AUC, *roc_auc)}


EQUAL = (-0.004, 0.006)
GOOD = GateEvidence(
    version="v5",
    champion="v4",
    primary_metric=Metric.F1,
    overall=pair(EQUAL, EQUAL),
    obstacle=None,
    segments={"north": pair((-0.05, 0.06), (-0.015, 0.03))},
    calibration_error=0.02,
    latency_ms=3.0,
    artifact_bytes=10**6,
    suspects={},
)


def list_refusals(evidence, terms=TERMS):
    return [(reason.check, reason.subject) for reason in judge_gate(evidence, terms) if not reason.passed]


def test_equal_version_passes_when_its_intervals_lie_above_the_margins():
    assert list_refusals(GOOD) == []
    assert sum_up("v5", judge_gate(GOOD, TERMS)) == "v5 has passed the gate."


NONE = MetricDifference(
    metric=Metric.F1,
    champion=None,
    candidate=None,
    difference=None,
    low=None,
    high=None,
    judgement=judge_interval(-1, 1),
    reason="no row has label 1",
)
OVERALL, SEGMENT = GateCheck.OVERALL, GateCheck.SEGMENT
TABLE = {
    "undecided by the primary metric": ({"overall": pair((-0.02, 0.03), EQUAL)}, [(OVERALL, "F1")]),
    "undecided by the ranking": ({"overall": pair(EQUAL, (-0.02, 0.03))}, [(OVERALL, "ROC AUC")]),
    "surely worse within the margin": ({"overall": pair((-0.008, -0.001), EQUAL)}, [(OVERALL, "F1")]),
    "better": ({"overall": pair((0.01, 0.02), (0.01, 0.02))}, []),
    "no interval": ({"overall": {Metric.F1: NONE, Metric.ROC_AUC: differ(Metric.ROC_AUC, *EQUAL)}}, [(OVERALL, "F1")]),
    "no comparison": ({"overall": {}, "segments": {}, "obstacle": "12 labelled rows in common."}, [(OVERALL, "")]),
    "no champion": ({"champion": None, "overall": {}, "segments": {}}, []),
    "undecided in a segment": (
        {"segments": {"north": pair(EQUAL, (-0.03, 0.03))}},
        [(SEGMENT, "north, ROC AUC")],
    ),
    "surely worse decisions in a segment": (
        {"segments": {"north": pair((-0.3, -0.1), EQUAL), "south": pair(EQUAL, EQUAL)}},
        [(SEGMENT, "north, F1")],
    ),
    "badly calibrated": ({"calibration_error": 0.11}, [(GateCheck.CALIBRATION, "")]),
    "calibration unknown": ({"calibration_error": None}, [(GateCheck.CALIBRATION, "")]),
    "slow": ({"latency_ms": 101.0}, [(GateCheck.LATENCY, "")]),
    "latency unknown": ({"latency_ms": None}, [(GateCheck.LATENCY, "")]),
    "large": ({"artifact_bytes": 2 * 10**8 + 1}, [(GateCheck.SIZE, "")]),
    "suspect": ({"suspects": {"delay": "delay alone tells the label."}}, [(GateCheck.LEAKAGE, "delay")]),
}


@pytest.mark.parametrize("name", TABLE)
def test_version_is_refused_for_what_it_fails_only(name):
    changes, expected = TABLE[name]
    assert list_refusals(replace(GOOD, **changes)) == expected


def test_roc_auc_is_judged_once_when_it_is_the_primary_metric():
    ranking = {Metric.ROC_AUC: differ(Metric.ROC_AUC, *EQUAL)}
    evidence = replace(GOOD, primary_metric=Metric.ROC_AUC, overall=ranking, segments={"north": ranking})
    checks = [reason.check for reason in judge_gate(evidence, TERMS)]
    assert (checks.count(OVERALL), checks.count(SEGMENT)) == (1, 1)


def test_sentence_names_the_first_reason_and_counts_the_others():
    evidence = replace(GOOD, suspects={"delay": "delay alone tells the label."}, latency_ms=500.0)
    reasons = judge_gate(evidence, TERMS)
    assert sum_up("v5", reasons) == "v5 was refused: delay alone tells the label. And 1 more."
    overall = next(reason for reason in reasons if reason.check is OVERALL)
    assert overall.words == "F1: +0.001 [−0.004, +0.006] against v4, not worse (margin 0.01)."
