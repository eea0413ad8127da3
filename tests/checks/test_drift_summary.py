"""Drift in words: the reason of each rule, and the model's verdict as a full table."""

import numpy as np
import pytest

from mlops_core.checks.drift import Cause, judge_drift, warn_of_losses
from mlops_core.checks.drift_summary import explain, summarise_drift
from mlops_core.entities import Status

NAN = float("nan")
MANY = 10_000
NAMES = ("a", "b", "c", "d")
OK, WARNING, ALERT, INSUFFICIENT = Status.OK, Status.WARNING, Status.ALERT, Status.INSUFFICIENT_DATA


def judge_series(effects, p_value=0.0, n_reference=MANY, n_current=MANY, natural=NAN, **options):
    k = len(effects)
    return judge_drift([effects], [[0.0] * (k - 1) + [p_value]], [n_reference], [[n_current] * k], [natural], **options)


REASONS = {
    Cause.TOO_FEW_REFERENCE_ROWS: (
        judge_series([0.3], n_reference=150),
        "150 rows in the reference; 200 are needed.",
    ),
    Cause.TOO_FEW_ROWS: (judge_series([0.3], n_current=0), "0 rows; 200 are needed."),
    Cause.UNDEFINED: (judge_series([NAN]), "The drift of temp could not be computed."),
    Cause.MOSTLY_POOLED: (
        judge_series([0.3], pooled_shares=0.8),
        "80 % of temp's reference are in categories too rare to be compared.",
    ),
    Cause.BELOW_LIMIT: (judge_series([0.04], 0.2), "temp moved by 0.04 (limit 0.20, warning from 0.10)."),
    Cause.NATURAL: (
        judge_series([0.31], natural=0.62),
        "temp moved by 0.31, as it does by itself: chunks of the reference moved by up to 0.62.",
    ),
    Cause.NOT_SIGNIFICANT: (
        judge_series([0.15], 0.034),
        "temp moved by 0.15 (limit 0.20, warning from 0.10), but chance may have done it: adjusted p = 0.034.",
    ),
    Cause.ABOVE_WARNING_LIMIT: (
        judge_series([0.15], 0.0042),
        "temp moved by 0.15 (limit 0.20, warning from 0.10), adjusted p = 0.004.",
    ),
    Cause.TOO_FEW_ROWS_FOR_ALERT: (
        judge_series([0.31], n_current=300),
        "temp moved by 0.31 (limit 0.20, warning from 0.10), adjusted p < 0.001, but an alert needs 500 rows.",
    ),
    Cause.CANDIDATE: (
        judge_series([0.31], natural=0.25, has_persistence=False),
        "temp moved by 0.31 (limit 0.25), adjusted p < 0.001: a candidate, as one window cannot show that it lasts.",
    ),
    Cause.LASTING: (
        judge_series([0.3, 0.31], natural=0.25),
        "temp moved by 0.31 (limit 0.25), adjusted p < 0.001, in 2 of the last 3 chunks.",
    ),
    Cause.NOT_LASTING: (
        judge_series([0.1, 0.31], natural=0.25),
        "temp moved by 0.31 (limit 0.25), adjusted p < 0.001, in 1 of the last 3 chunks; an alert needs 2.",
    ),
    Cause.COSTLY: (
        warn_of_losses(judge_series([0.05]), np.array([[0.0712]]), 0.05),
        (
            "temp moved by 0.05 (limit 0.20), adjusted p < 0.001; small as that is, it is expected to cost 0.071 of "
            "the primary metric, and 0.05 is too much."
        ),
    ),
}


@pytest.mark.parametrize("cause", Cause)
def test_reason_names_the_figures_of_its_rule(cause):
    judgement, reason = REASONS[cause]
    assert judgement.causes[0, -1] == cause
    assert explain(judgement, "temp", 0, -1) == reason


def test_reason_says_so_when_a_feature_moved_less_than_chance_moves_it():
    reason = "temp moved no more than chance moves it (limit 0.20, warning from 0.10)."
    assert explain(judge_series([-0.01], 0.9), "temp", 0, 0) == reason


def summarise(effects, importance=None, has_persistence=True, rows=None, names=NAMES):
    """Summarise the second of two equal chunks; an effect of None is a chunk that is too small."""
    series = np.array([[NAN if effect is None else effect] * 2 for effect in effects]).reshape(-1, 2)
    n_current = np.where(np.isnan(series), 10, MANY)
    judgement = judge_drift(
        series, series * 0, [MANY] * len(effects), n_current, [NAN] * len(effects), has_persistence=has_persistence
    )
    return summarise_drift(judgement, names[: len(effects)], importance=importance)


IMPORTANCE = {"a": 0.1, "b": 0.5, "c": 0.3, "d": 0.1}
TABLE = {
    "nothing moved": ([0.0] * 4, {}, (OK, (), (), 4), "None of 4 judged features drifted."),
    "one may have drifted": (
        [0.0, 0.15, 0.0, 0.0],
        {},
        (WARNING, (), ("b",), 4),
        "1 of 4 features may have drifted: b.",
    ),
    "two drifted, the farthest first": (
        [0.3, 0.0, 0.4, 0.0],
        {},
        (ALERT, ("c", "a"), (), 4),
        "2 of 4 features drifted: c, a.",
    ),
    "by importance": (
        [0.9, 0.3, 0.0, 0.15],
        {"importance": IMPORTANCE},
        (ALERT, ("b", "a"), ("d",), 4),
        "2 of 4 features drifted: b, a. 1 more may have drifted: d. Of the model's importance, that is 70 %.",
    ),
    "one window": (
        [0.3, 0.0],
        {"has_persistence": False},
        (ALERT, ("a",), (), 2),
        "1 of 2 features drifted in this one window: a.",
    ),
    "half could not be judged": (
        [0.0, 0.0, None, None],
        {},
        (OK, (), (), 2),
        "None of 2 judged features drifted. 2 of 4 features could not be judged.",
    ),
    "most could not be judged": (
        [0.0, None, None, None],
        {},
        (INSUFFICIENT, (), (), 1),
        "None of 1 judged feature drifted. 3 of 4 features could not be judged.",
    ),
    "most could not be judged, the other drifted": (
        [0.3, None, None, None],
        {},
        (ALERT, ("a",), (), 1),
        "1 of 4 features drifted: a. 3 of 4 features could not be judged.",
    ),
    "none could be judged": ([None], {}, (INSUFFICIENT, (), (), 0), "1 of 1 feature could not be judged."),
    "no features": ([], {}, (INSUFFICIENT, (), (), 0), "There are no features."),
}


@pytest.mark.parametrize(("effects", "options", "expected", "sentence"), TABLE.values(), ids=TABLE)
def test_verdict_of_the_model_follows_the_table(effects, options, expected, sentence):
    found = summarise(effects, **options)
    assert (found.status, found.alerts, found.warnings, found.n_judged) == expected
    assert found.n_features == len(effects)
    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("importance", "share"),
    [
        (None, None),
        ({}, None),
        ({"a": 0.0, "b": -1.0}, None),
        ({"a": NAN, "b": 1.0}, 0.0),
        ({"a": 3.0, "b": 1.0, "c": -5.0}, 0.75),
        (IMPORTANCE, 0.1),
    ],
)
def test_importance_is_a_share_of_what_is_known(importance, share):
    found = summarise([0.15, 0.0, 0.0, 0.0], importance).importance
    assert found == (None if share is None else pytest.approx(share))


def test_sentence_counts_features_beyond_five():
    names = tuple("abcdefg")
    found = summarise([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], names=names)
    assert found.sentence == "7 of 7 features drifted: a, b, c, d, e, and 2 more."
    assert found.alerts == names
