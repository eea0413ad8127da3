"""The chart of who answered: ledger and log in the colour of the version, incidents with shape and word."""

from datetime import UTC, datetime, timedelta

from mlops_core.charts.served import ServedChart, describe_served, draw_served
from mlops_core.charts.theme import LIGHT, assign_colours
from mlops_core.entities import Span, Status
from mlops_core.production import Answered, Stray

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = START + 10 * DAY
VERSIONS = ("v1", "v2", "<b>odd</b>")


def make_chart(*strays):
    return ServedChart(
        versions=VERSIONS,
        spans=[
            Span(version="v1", start=START, end=START + 5 * DAY, deployment=1),
            Span(version="v2", start=START + 5 * DAY, end=None, deployment=2),
        ],
        answered=[
            Answered(version="v1", start=START, end=START + 5 * DAY, n=3000),
            Answered(version="<b>odd</b>", start=START + 6 * DAY, end=START + 7 * DAY, n=12),
        ],
        strays=strays,
        rows="loans",
        now=NOW,
    )


def stray(day):
    at = START + day * DAY
    return Stray(version="<b>odd</b>", chunk=at, n=6, first=at, last=at + DAY)


def draw(*strays):
    return draw_served(make_chart(*strays), assign_colours(VERSIONS[:2], LIGHT), LIGHT)


def test_ledger_is_wide_and_log_is_narrow_in_the_colour_of_the_version():
    bars = [trace for trace in draw().data if trace.mode == "lines"]
    colours = assign_colours(VERSIONS[:2], LIGHT)
    assert [(bar.y[0], bar.line.width, bar.line.color) for bar in bars] == [
        ("v1", 18, colours["v1"]),
        ("v2", 18, colours["v2"]),
        ("v1", 6, colours["v1"]),
        # Nobody has registered it; its name is shown letter by letter.
        ("&lt;b>odd&lt;/b>", 6, LIGHT.muted),
    ]
    assert bars[1].x[1] == NOW
    assert "answered 3,000 loans" in bars[2].hovertemplate


def test_incident_has_a_shape_a_colour_and_a_word_for_the_newest_of_a_version():
    marks = draw(stray(6), stray(8)).data[-1]
    assert (marks.marker.symbol, marks.marker.color) == ("triangle-up", LIGHT.status[Status.ALERT])
    assert list(marks.text) == ["", "incident"]
    # The newest stands at the end of the chart, where a word in the middle would be cut off.
    assert list(marks.textposition) == ["top center", "top left"]
    assert marks.customdata[0].startswith("6 loans, 07 Mar 2024 00:00")


def test_chart_can_be_drawn_when_nothing_was_in_production_or_answered():
    empty = ServedChart(versions=["v1"], spans=[], answered=[], strays=[], rows="loans", now=NOW)
    assert draw_served(empty, {}, LIGHT).layout.xaxis.range == (NOW, NOW)


def test_chart_is_described_in_words():
    told = describe_served(make_chart(), "All is well.")
    assert told.startswith("Who answered. All is well. v1 answered 3,000 from 01 Mar 2024.")
