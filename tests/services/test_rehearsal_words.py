"""What a rehearsal says: one sentence per judgement, the flips with their test, the price, and a proposed reason."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mlops_core.config import parse_model_text
from mlops_core.entities import Metric
from mlops_core.services.comparison import VersionComparison
from mlops_core.services.rehearsal_words import describe_rehearsal, tell_rehearsal
from mlops_core.stats.comparison import compare_paired
from mlops_core.stats.decisions import mcnemar_test
from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement
from tests.small_home import MODEL_FILE, START

SPEC = parse_model_text(MODEL_FILE)
N = 4000


def make_comparison(judgement, further_labels=None, **changes):
    rng = np.random.default_rng(0)
    scores = rng.random((N, 2))
    labels = (rng.random(N) < scores[:, 1]).astype(int)
    paired = compare_paired(labels, *scores.T, 0.5, 0.5, np.zeros(N, int), rng, 100, margin=0.01)
    found = replace(paired.metrics[Metric.ROC_AUC], judgement=judgement, further_labels=further_labels)
    others = {metric: replace(one, judgement=Judgement.UNDECIDED) for metric, one in paired.metrics.items()}
    return VersionComparison(
        model="car-loan", champion="v1", candidate="v2", start=START, end=START + timedelta(days=7),
        paired=replace(paired, metrics=others | {Metric.ROC_AUC: found} | changes.pop("metrics", {}), **changes),
        segments=(), segment_column=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("judgement", "further_labels", "sentence"),
    [
        (Judgement.BETTER, None, "v2 would be better."),
        (Judgement.NOT_WORSE, None, "v2 would not be worse by more than 0.01."),
        (Judgement.WORSE, None, "v2 would be worse."),
        (Judgement.UNDECIDED, None, "It is undecided whether v2 would be better."),
        (Judgement.UNDECIDED, 3400, "It is undecided whether v2 would be better: about 3,400 more labels needed."),
        (
            Judgement.UNDECIDED,
            MOST_FURTHER_LABELS,
            "It is undecided whether v2 would be better: at least 1,000,000 more labels needed.",
        ),
    ],
)
def test_sentence_follows_the_judgement_of_the_primary_metric(judgement, further_labels, sentence):
    assert tell_rehearsal(make_comparison(judgement, further_labels), SPEC)[0] == sentence


@pytest.mark.parametrize(
    ("mcnemar", "told"),
    [
        (mcnemar_test(60, 40, N), "become wrong, which may be chance."),
        (mcnemar_test(70, 30, N), "become wrong, which is more than chance."),
        (None, "become wrong."),
    ],
)
def test_flips_are_told_with_what_their_test_says(mcnemar, told):
    assert tell_rehearsal(make_comparison(Judgement.BETTER, mcnemar=mcnemar), SPEC)[1].endswith(told)


@pytest.mark.parametrize(
    ("judgement", "has_price"), [(Judgement.BETTER, True), (Judgement.NOT_WORSE, True), (Judgement.UNDECIDED, False)]
)
def test_price_is_told_when_the_version_might_be_taken(judgement, has_price):
    comparison = make_comparison(judgement)
    worse = replace(comparison.paired.metrics[Metric.RECALL], judgement=Judgement.WORSE)
    priced = make_comparison(judgement, metrics={Metric.RECALL: worse})
    assert tell_rehearsal(priced, SPEC)[1].endswith("The price: Recall gets worse.") == has_price


@pytest.mark.parametrize(
    ("judgement", "reason"),
    [
        (Judgement.BETTER, "ROC AUC 0.84 instead of 0.49 on the same 4,000 loans of 1–7 Mar"),
        (Judgement.NOT_WORSE, "ROC AUC not worse by more than 0.01 on the same 4,000 loans of 1–7 Mar"),
        (Judgement.UNDECIDED, ""),
        (Judgement.WORSE, ""),
    ],
)
def test_reason_is_proposed_when_the_figures_speak_for_the_version(judgement, reason):
    assert describe_rehearsal(make_comparison(judgement), SPEC) == reason
