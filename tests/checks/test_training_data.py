"""Training rows before training: each finding, its limit, and what is no finding."""

from dataclasses import replace

import pytest

from mlops_core.checks.training_data import FeatureSummary, TrainingCheck, check_training_rows
from mlops_core.contracts import Contract, FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.entities import Status

GOOD = FeatureSummary(
    feature="income", null_fraction=0.0, served_null_fraction=0.0, area=0.6, psi=0.01, minimum=0.0, maximum=9.0
)
TERMS = FeatureTerms(feature="income", kind=FeatureKind.NUMBER, most_null=0.1, minimum=0.0, maximum=10.0)
REGION = FeatureSummary(
    feature="region", null_fraction=0.0, served_null_fraction=None, area=None, psi=None, unseen_fraction=0.2
)
REGION_TERMS = FeatureTerms(
    feature="region", kind=FeatureKind.CATEGORY, most_null=0.0, categories=("north",), most_unseen=0.05
)


def check(*summaries, terms=(TERMS, REGION_TERMS), n_logged=1000, n_labelled=900, positive_share=0.3):
    contract = Contract(features=terms, traffic=TrafficTerms())
    return check_training_rows(
        summaries, contract, n_logged=n_logged, n_labelled=n_labelled, positive_share=positive_share
    )


def test_nothing_is_found_when_all_is_well():
    assert check(GOOD) == []


TABLE = {
    TrainingCheck.TELLS_LABEL: ({"area": 0.85}, "tells the label with a ROC AUC of 0.85", Status.ALERT),
    TrainingCheck.EMPTY_WHEN_SERVED: ({"served_null_fraction": 1.0}, "100 % of those that are served", Status.ALERT),
    TrainingCheck.SHIFT: ({"psi": 0.2}, "has moved since the snapshot before: PSI 0.20", Status.WARNING),
    TrainingCheck.NULLS: (
        {"null_fraction": 0.2},
        "empty in 20 % of the rows; the contract accepts 10 %",
        Status.WARNING,
    ),
}


@pytest.mark.parametrize("code", TABLE)
def test_feature_is_reported_when_it_passes_a_limit(code):
    changes, words, status = TABLE[code]
    (found,) = check(replace(GOOD, **changes))
    assert (found.check, found.feature, found.status) == (code, "income", status)
    assert words in found.reason


def test_range_and_unknown_categories_are_held_against_the_contract():
    found = check(replace(GOOD, minimum=-1.0, maximum=11.0), REGION)
    assert [(one.check, one.value) for one in found] == [
        (TrainingCheck.RANGE, -1.0),
        (TrainingCheck.RANGE, 11.0),
        (TrainingCheck.UNSEEN, 0.2),
    ]
    assert check(replace(GOOD, minimum=-1.0), REGION, terms=()) == []


def test_label_coverage_and_class_balance_are_reported():
    found = check(GOOD, n_labelled=400, positive_share=0.995)
    assert [one.check for one in found] == [TrainingCheck.COVERAGE, TrainingCheck.BALANCE]
    assert found[0].reason.startswith("400 of 1,000 rows have a label (40 %)")


def test_suspicions_come_first():
    leaking = replace(GOOD, area=0.9)
    found = check(replace(GOOD, feature="debt", psi=0.5), leaking)
    assert [one.check for one in found] == [TrainingCheck.TELLS_LABEL, TrainingCheck.SHIFT]
