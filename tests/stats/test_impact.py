"""Expected change by drift: hand values, scikit-learn's weighted metrics, rows against counts, coverage, reasons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn import metrics as reference

from mlops_core.entities import Estimate, Metric
from mlops_core.stats.counts import count_scores
from mlops_core.stats.impact import (
    Impact,
    expect_change,
    expect_changes_by_chunk,
    expect_changes_from_rows,
    measure_harm,
    rank_by_harm,
)
from mlops_core.stats.influence import INFLUENCED_METRICS
from mlops_core.stats.mix_weights import WeightLimits
from mlops_core.stats.score_groups import (
    assign_score_groups,
    choose_group_starts,
    count_joint,
    group_by_score,
    group_scores,
)

THRESHOLD = 0.3
EDGES = np.linspace(-2, 2, 19)


def draw_rows(rng, n, shift=0.0, base=0.0):
    """Draw a feature's bins, scores, and labels; the model is worse where the feature is high."""
    feature, rest = rng.normal(shift, 1, n), rng.normal(size=n)
    labels = rng.random(n) < expit(base + 0.8 * feature + rest * (1.5 - 0.5 * (feature > 0)))
    return np.digitize(feature, EDGES), expit(base + 0.6 * feature + 1.1 * rest), labels.astype(int)


def count_groups(bins, scores, labels):
    counts = count_scores(scores, labels, np.zeros(len(scores), int), 1, THRESHOLD)
    starts = choose_group_starts(counts)
    joint = count_joint(bins, 20, assign_score_groups(scores, THRESHOLD, starts), starts.size, labels)
    return joint, group_scores(counts, starts)


def count_mix(bins):
    return np.bincount(bins, minlength=20)


def test_change_matches_the_hand_value_when_a_bin_gains_weight():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    # 300 of 400 rows of the first bin are decided rightly, 100 of 400 of the second.
    joint = [[[150, 50], [50, 150]], [[50, 150], [150, 50]]]
    found = expect_change(joint, [900, 300], groups)
    assert found.changes[Metric.ACCURACY].value == pytest.approx(0.75 * 0.75 + 0.25 * 0.25 - 0.5)
    # Weights 1.5 and 0.5: 800² / (400 · 2.25 + 400 · 0.25).
    assert found.n_effective == pytest.approx(640)
    assert found.uncovered_fraction == 0
    assert found.reason is None


@pytest.mark.parametrize("base", [0.0, -3.0])
def test_change_agrees_with_scikit_learn_when_rows_are_weighted(base):
    rng = np.random.default_rng(0)
    bins, scores, labels = draw_rows(rng, 5000, base=base)
    mix = count_mix(draw_rows(rng, 2000, 0.4)[0])
    weight = (mix / mix.sum() / (count_mix(bins) / bins.size))[bins]
    changes = expect_changes_from_rows(scores, labels, THRESHOLD, [bins], [mix])[0].changes
    measures = {
        Metric.F1: lambda **kw: reference.f1_score(labels, scores >= THRESHOLD, **kw),
        Metric.ROC_AUC: lambda **kw: reference.roc_auc_score(labels, scores, **kw),
        Metric.AVERAGE_PRECISION: lambda **kw: reference.average_precision_score(labels, scores, **kw),
        Metric.LOG_LOSS: lambda **kw: reference.log_loss(labels, scores, **kw),
        Metric.BRIER: lambda **kw: reference.brier_score_loss(labels, scores, **kw),
    }
    for metric, measure in measures.items():
        assert changes[metric].value == pytest.approx(measure(sample_weight=weight) - measure(), abs=1e-9), metric


@pytest.mark.parametrize("base", [0.0, -3.0])
def test_counts_and_rows_agree_when_the_score_groups_are_fine(base):
    rng = np.random.default_rng(1)
    bins, scores, labels = draw_rows(rng, 20_000, base=base)
    mix = count_mix(draw_rows(rng, 3000, 0.5)[0])
    joint, groups = count_groups(bins, scores, labels)
    by_counts = expect_change(joint, mix, groups)
    by_rows = expect_changes_from_rows(scores, labels, THRESHOLD, [bins, bins[::-1]], [mix, mix])[0]
    assert by_counts.n_effective == pytest.approx(by_rows.n_effective)
    for metric in INFLUENCED_METRICS:
        one, other = by_counts.changes[metric], by_rows.changes[metric]
        width = other.high - other.low
        assert one.value == pytest.approx(other.value, abs=0.002), metric
        assert one.value == pytest.approx(other.value, abs=width / 5), metric
        assert one.high - one.low == pytest.approx(width, rel=0.05), metric


def test_interval_agrees_with_a_bootstrap_of_both_sides():
    rng = np.random.default_rng(2)
    bins, scores, labels = draw_rows(rng, 3000)
    mix = count_mix(draw_rows(rng, 800, 0.5)[0])
    joint, groups = count_groups(bins, scores, labels)
    found = expect_change(joint, mix, groups).changes
    shares = joint.ravel() / joint.sum()
    drawn = [
        expect_change(
            rng.multinomial(3000, shares).reshape(joint.shape), rng.multinomial(800, mix / mix.sum()), groups
        ).changes
        for _ in range(300)
    ]
    for metric in INFLUENCED_METRICS:
        spread = np.std([changes[metric].value for changes in drawn])
        assert (found[metric].high - found[metric].low) / (2 * 1.96) == pytest.approx(spread, rel=0.15), metric


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_interval_covers_the_real_change_when_bins_alone_shift(shift):
    rng = np.random.default_rng(3)
    far = [count_groups(*draw_rows(rng, 400_000, moved)) for moved in (0.0, shift)]
    real = {}
    for metric, measure in (
        (Metric.ACCURACY, lambda joint, first: joint[:, first:, 1].sum() + joint[:, :first, 0].sum()),
        (Metric.POSITIVE_RATE, lambda joint, first: joint[:, first:].sum()),
    ):
        before, after = (measure(joint, groups.first_positive) / joint.sum() for joint, groups in far)
        real[metric] = after - before if shift else 0.0
    covered = {metric: [] for metric in real}
    for _ in range(200):
        joint, groups = count_groups(*draw_rows(rng, 2000))
        changes = expect_change(joint, count_mix(draw_rows(rng, 500, shift)[0]), groups).changes
        for metric, value in real.items():
            covered[metric].append(changes[metric].low <= value <= changes[metric].high)
    for metric, inside in covered.items():
        assert np.mean(inside) == pytest.approx(0.95, abs=0.05), metric


@settings(deadline=None)
@given(seed=st.integers(0, 500))
def test_nothing_is_expected_when_the_mix_is_that_of_the_reference(seed):
    rng = np.random.default_rng(seed)
    joint, groups = count_groups(*draw_rows(rng, 400))
    found = expect_change(joint, 3 * joint.sum(axis=(1, 2)), groups)
    assert found.n_effective == pytest.approx(400)
    for change in found.changes.values():
        assert change.value == pytest.approx(0, abs=1e-12)
        assert change.low < 0 < change.high


def test_change_matches_the_hand_value_when_the_reference_has_another_mix():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    joint = [[[150, 50], [50, 150]], [[50, 150], [150, 50]]]
    # Accuracy .75 in the first bin, .25 in the second: from 40 % to 80 % of the first.
    found = expect_change(joint, [800, 200], groups, reference=[400, 600])
    assert found.changes[Metric.ACCURACY].value == pytest.approx(0.4 * 0.5)
    assert expect_change(joint, [400, 600], groups, reference=[400, 600]).changes[
        Metric.ACCURACY
    ].value == pytest.approx(0)


def test_change_is_the_same_when_the_reference_is_the_labelled_rows_themselves():
    rng = np.random.default_rng(5)
    bins, scores, labels = draw_rows(rng, 3000)
    mix = count_mix(draw_rows(rng, 800, 0.5)[0])
    joint, groups = count_groups(bins, scores, labels)
    alone, given_ = (expect_change(joint, mix, groups, reference=before) for before in (None, count_mix(bins)))
    assert alone == given_


def test_interval_agrees_with_a_bootstrap_of_all_three_samples():
    rng = np.random.default_rng(6)
    joint, groups = count_groups(*draw_rows(rng, 3000))
    before, mix = (count_mix(draw_rows(rng, 700, shift)[0]) for shift in (-0.3, 0.5))
    found = expect_change(joint, mix, groups, reference=before).changes

    def redraw(counts):
        return rng.multinomial(counts.sum(), (counts / counts.sum()).ravel()).reshape(counts.shape)

    drawn = [expect_change(redraw(joint), redraw(mix), groups, reference=redraw(before)).changes for _ in range(300)]
    for metric in INFLUENCED_METRICS:
        spread = np.std([changes[metric].value for changes in drawn])
        assert (found[metric].high - found[metric].low) / (2 * 1.96) == pytest.approx(spread, rel=0.15), metric


def test_only_the_metrics_asked_for_are_expected():
    rng = np.random.default_rng(7)
    joint, groups = count_groups(*draw_rows(rng, 2000))
    mix = count_mix(draw_rows(rng, 800, 0.5)[0])
    everything = expect_change(joint, mix, groups).changes
    for metric in INFLUENCED_METRICS:
        (found,) = expect_change(joint, mix, groups, metrics=(metric,)).changes.items()
        assert found[0] is metric
        for name in ("value", "low", "high"):
            assert getattr(found[1], name) == pytest.approx(getattr(everything[metric], name), abs=1e-12)
    with pytest.raises(ValueError, match="metric is expected_calibration_error; accepted are f1"):
        expect_change(joint, mix, groups, metrics=(Metric.CALIBRATION_ERROR,))


def test_no_change_is_given_when_the_reference_cannot_tell():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    joint = np.array([np.full((2, 2), 100), np.zeros((2, 2))])
    found = expect_change(joint, [900, 0], groups, reference=[100, 50])
    assert found.reason == "150 reference rows; 200 are needed"
    found = expect_change(joint, [900, 0], groups, reference=[600, 400])
    assert found.reason == "40 % of the reference rows lie where hardly any labelled row does"
    with pytest.raises(ValueError, match=r"reference has shape \(3,\); accepted is \(2,\)"):
        expect_change(joint, [900, 0], groups, reference=[1, 1, 1])


def test_weight_is_capped_and_what_it_leaves_out_is_reported():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    joint = np.array([[[495, 0], [0, 495]], [[0, 5], [5, 0]]])
    # The second bin has 1 % of the reference and 25 % now: capped at 20, it stands for 20 %.
    found = expect_change(joint, [750, 250], groups, limits=WeightLimits(least_rows=20))
    assert found.uncovered_fraction == pytest.approx(0.05)
    assert found.changes[Metric.ACCURACY].value == pytest.approx(0.75 / 0.95 - 0.99)


@pytest.mark.parametrize(
    ("joint", "mix", "reason"),
    [
        (np.full((2, 2, 2), 100), [60, 60], "120 current rows; 200 are needed"),
        (np.full((2, 2, 2), 100), [0, 0], "0 current rows; 200 are needed"),
        (np.array([np.full((2, 2), 100), np.zeros((2, 2))]), [700, 300], "30 % of the current rows lie where"),
        (np.zeros((2, 2, 2)), [700, 300], "100 % of the current rows lie where"),
        (np.full((2, 2, 2), 20), [700, 300], "say as much as 138; 200 are needed"),
    ],
)
def test_no_change_is_given_when_the_rows_cannot_tell(joint, mix, reason):
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    found = expect_change(joint, mix, groups)
    assert reason in found.reason
    assert found.changes == {}


def test_change_is_undefined_when_the_metric_is():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    one_class = expect_change(np.array([[[300, 0], [100, 0]], [[100, 0], [300, 0]]]), [300, 100], groups).changes
    assert one_class[Metric.ROC_AUC] == Estimate(None)
    assert one_class[Metric.RECALL] == Estimate(None)
    assert one_class[Metric.ACCURACY].value == pytest.approx(0.75 * 0.75 + 0.25 * 0.25 - 0.5)


def make_impact(metric, value):
    return Impact(changes={metric: Estimate(value)}, n_effective=500.0, uncovered_fraction=0.0, reason=None)


@pytest.mark.parametrize(
    ("metric", "value", "harm"),
    [(Metric.F1, -0.02, 0.02), (Metric.BRIER, 0.02, 0.02), (Metric.POSITIVE_RATE, 0.1, None), (Metric.F1, None, None)],
)
def test_harm_is_positive_when_the_metric_gets_worse(metric, value, harm):
    assert measure_harm(make_impact(metric, value), metric) == harm


@pytest.mark.parametrize("metric", INFLUENCED_METRICS)
def test_changes_of_many_chunks_are_those_of_each(metric):
    rng = np.random.default_rng(4)
    joint, groups = count_groups(*draw_rows(rng, 5000))
    before = count_mix(draw_rows(rng, 3000, 0.1)[0])
    chunks = [count_mix(draw_rows(rng, n, shift)[0]) for n, shift in ((600, 0.0), (50, 0.0), (900, 0.5), (900, 9.0))]
    found = expect_changes_by_chunk(joint, chunks, groups, before, metric)
    alone = [expect_change(joint, chunk, groups, reference=before, metrics=(metric,)) for chunk in chunks]
    assert [one.reason is not None for one in alone] == [False, True, False, True]
    expected = [one.changes[metric].value if one.changes else np.nan for one in alone]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_chunks_are_refused_when_their_bins_are_others():
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    with pytest.raises(ValueError, match=r"chunks have shape \(1, 3\); accepted is \(k, 2\)"):
        expect_changes_by_chunk(np.ones((2, 2, 2)), [[1, 1, 1]], groups, [1, 1], Metric.F1)


def test_features_rank_by_harm_and_those_without_a_figure_come_last():
    impacts = {name: make_impact(Metric.LOG_LOSS, value) for name, value in zip("abc", [0.1, None, 0.3], strict=True)}
    impacts["d"] = Impact(changes={}, n_effective=0.0, uncovered_fraction=1.0, reason="no rows")
    assert rank_by_harm(impacts, Metric.LOG_LOSS) == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("joint", "mix", "parameters", "message"),
    [
        (np.ones((2, 3, 2)), [1, 1], {}, "joint has shape"),
        (np.ones((2, 2, 2)), [1, 1, 1], {}, "joint has shape"),
        (-np.ones((2, 2, 2)), [1, 1], {}, "joint holds -1"),
        (np.ones((2, 2, 2)), [1, np.nan], {}, "current holds nan"),
        (np.ones((2, 2, 2)), [1, 1], {"confidence": 1}, "confidence is 1"),
    ],
)
def test_counts_are_refused_when_they_are_outside_their_domain(joint, mix, parameters, message):
    groups, _ = group_by_score([0.2, 0.8], threshold=0.5)
    with pytest.raises(ValueError, match=message):
        expect_change(joint, mix, groups, **parameters)


@pytest.mark.parametrize(
    ("labels", "bins", "message"),
    [
        ([0, 1], [[0, 2]], "bin of row 1 is 2; accepted is 0 to 1"),
        ([0, np.nan], [[0, 1]], "label of row 1 is nan"),
        ([0], [[0, 1]], "accepted are one label per score"),
        ([0, 1], [0, 1], "accepted are one label per score"),
    ],
)
def test_rows_are_refused_when_they_are_outside_their_domain(labels, bins, message):
    with pytest.raises(ValueError, match=message):
        expect_changes_from_rows([0.2, 0.8], labels, 0.5, bins, [[1, 1]])


@pytest.mark.parametrize("limits", [{"least_rows": 0}, {"most_weight": 1}, {"most_uncovered": 1}])
def test_weight_limits_are_refused_when_they_are_outside_their_domain(limits):
    with pytest.raises(ValueError, match="accepted are least_rows from 1"):
        WeightLimits(**limits)
