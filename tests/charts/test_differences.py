"""Differences with intervals: every judgement has a shape, a colour, and a word of its own."""

import pytest

from mlops_core.charts.differences import describe_differences, draw_metric_differences
from mlops_core.charts.theme import DARK, LIGHT, SYMBOLS
from mlops_core.entities import Metric
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import MOST_FURTHER_LABELS, Judgement

JUDGEMENTS = dict(zip((Metric.F1, Metric.RECALL, Metric.PRECISION, Metric.BRIER), Judgement, strict=True))


def make_difference(metric, judgement, further_labels=None):
    return MetricDifference(
        metric=metric, champion=0.5, candidate=0.51, difference=0.01, low=-0.005, high=0.025,
        judgement=judgement, reason=None, further_labels=further_labels,
    )  # fmt: skip


DIFFERENCES = [make_difference(*pair) for pair in JUDGEMENTS.items()]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_judgements_differ_in_shape_and_word_and_colour(palette):
    assert len(set(SYMBOLS.values())) == len(set(palette.judgement.values())) == len(Judgement)
    figure = draw_metric_differences(DIFFERENCES, palette)
    assert [trace.name for trace in figure.data] == ["better", "not worse", "undecided", "worse"]
    assert [trace.marker.symbol for trace in figure.data] == [SYMBOLS[judgement] for judgement in Judgement]
    assert not set(palette.judgement.values()) & set(palette.versions)


def test_accepted_loss_is_a_line_of_its_own_when_there_is_one():
    def list_lines(margin):
        return [line.x0 for line in draw_metric_differences(DIFFERENCES, LIGHT, margin).layout.shapes]

    assert (list_lines(None), list_lines(0.01)) == ([0], [0, -0.01])


def test_words_say_how_many_labels_would_decide():
    rows = [("F1", make_difference(Metric.F1, Judgement.UNDECIDED, 3400)),
            ("Recall", make_difference(Metric.RECALL, Judgement.UNDECIDED, MOST_FURTHER_LABELS)),
            ("Brier", make_difference(Metric.BRIER, Judgement.NOT_WORSE))]  # fmt: skip
    assert describe_differences(rows) == (
        "F1: +0.01, undecided (about 3,400 more labels needed). "
        "Recall: +0.01, undecided (at least 1,000,000 more labels needed). Brier: +0.01, not worse."
    )
    hovered = draw_metric_differences([found for _, found in rows], LIGHT).data[-1].customdata[0]
    assert hovered == "0.500 → 0.510, +0.010 [−0.01, +0.03], undecided (about 3,400 more labels needed)"
