"""Segments of a paired comparison: order, adjusted p-values, intervals that agree with them, and false findings."""

import numpy as np
import pytest
from scipy import stats

from mlops_core.stats.judgement import Judgement
from mlops_core.stats.multiplicity import adjust_confidence
from mlops_core.stats.segment_comparison import compare_segments
from tests.stats.test_comparison import draw_rows


def compare(rows, segments, rng, **options):
    return compare_segments(*rows, 0.5, 0.5, np.arange(rows[0].size) % 3, segments, rng, **options)


def test_segments_come_worst_first_when_one_of_them_suffers():
    rng = np.random.default_rng(7)
    labels, champion, candidate = draw_rows(rng, 6000, 0.1, 0.1)
    segments = np.array(["a", "b", "c"])[np.arange(6000) % 3]
    candidate = np.where(segments == "b", rng.random(6000), candidate)
    labels[segments == "c"] = 0
    champion, candidate = (np.where(segments == "c", 0.1, scores) for scores in (champion, candidate))
    found = compare((labels, champion, candidate), segments, rng)
    assert [each.segment for each in found] == ["b", "a", "c"]
    assert [each.difference.judgement for each in found] == ["worse", "undecided", "undecided"]
    assert [each.n for each in found] == [2000] * 3
    assert found[2].n_positive == 0
    assert (found[2].difference.difference, found[2].p_adjusted) == (None, None)


def test_judgement_interval_and_adjusted_p_value_agree_with_each_other_and_with_scipy():
    rng = np.random.default_rng(1)
    segments = np.arange(8000) % 8
    labels, champion, candidate = draw_rows(rng, 8000, 0.25, 0.2)
    candidate = np.where(segments > 5, np.clip(candidate + 0.5 * rng.normal(size=8000), 0, 1), candidate)
    found = compare((labels, champion, candidate), segments, rng)
    p_values = np.array([each.difference.p_value for each in found])
    p_adjusted = np.array([each.p_adjusted for each in found])
    np.testing.assert_allclose(p_adjusted, stats.false_discovery_control(p_values))
    assert {each.difference.judgement for each in found} == {"better", "undecided", "worse"}
    z = stats.norm.ppf((1 + adjust_confidence(p_adjusted)) / 2)
    for each in found:
        one = each.difference
        assert (each.p_adjusted < 0.05) == (one.judgement is not Judgement.UNDECIDED)
        assert (one.judgement is Judgement.WORSE) == (each.p_adjusted < 0.05 and one.difference < 0)
        error = (one.high - one.low) / 2 / z
        assert one.p_value == pytest.approx(2 * stats.norm.sf(abs(one.difference) / error), rel=1e-6)


def test_segment_is_not_worse_when_the_versions_are_one_and_a_loss_is_accepted():
    labels, champion, _ = draw_rows(np.random.default_rng(2), 900)
    found = compare((labels, champion, champion), np.arange(900) % 3, np.random.default_rng(0), margin=0.01)
    assert [each.difference.judgement for each in found] == [Judgement.NOT_WORSE] * 3
    assert [(each.p_adjusted, each.difference.low, each.difference.high) for each in found] == [(1, 0, 0)] * 3


def test_segment_is_not_tested_when_its_metric_is_undefined_in_some_resamples():
    labels, scores = np.repeat([1, 0], [2, 98]), np.linspace(1, 0, 100)
    rows = (labels, np.where(labels == 1, 0.9, 0.1), np.where(scores > 0.995, 0.9, 0.1))
    (found,) = compare(rows, np.zeros(100, int), np.random.default_rng(0))
    assert found.difference.difference is not None
    assert (found.difference.low, found.difference.p_value, found.p_adjusted) == (None, None, None)
    assert "resamples" in found.difference.reason


def test_segments_are_seldom_found_when_versions_are_equal():
    rng = np.random.default_rng(9)
    segments, false_alarms = np.arange(1500) % 10, 0
    for _ in range(200):
        found = compare(draw_rows(rng, 1500), segments, rng, n_resamples=200)
        false_alarms += any(each.difference.judgement is not Judgement.UNDECIDED for each in found)
    assert false_alarms <= 0.05 * 200 + 2 * np.sqrt(0.05 * 0.95 * 200)


@pytest.mark.parametrize(
    ("segments", "options", "message"),
    [
        (["a"], {}, "segments have shape"),
        (["a", "b"], {"margin": -1}, "margin is -1"),
        (["a", "b"], {"n_resamples": 5}, "n_resamples is 5"),
    ],
)
def test_segments_are_refused_when_an_argument_is_outside_its_domain(segments, options, message):
    with pytest.raises(ValueError, match=message):
        compare(tuple(map(np.array, ([0, 1], [0.1, 0.2], [0.1, 0.2]))), segments, np.random.default_rng(0), **options)
