"""Reports: one file that stands alone and runs nothing that came with the data."""

import re

import pytest

from mlops_core.charts.theme import make_figure
from mlops_core.checks.headline import Headline
from mlops_core.entities import Status, Window
from mlops_core.services.report import Report, Section, Table, name_report, write_report
from tests.small_home import PRESENT, START

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def report(spec):
    def draw(palette):
        return make_figure(palette, 200).add_scatter(x=[1, 2], y=[1, 2], name=HOSTILE)

    headline = Headline(
        status=Status.ALERT, kicker="ALERT · F1", sentence=HOSTILE, detail="so **sure**", action=None, target=None
    )
    return Report(
        page="Performance",
        spec=spec,
        window=Window(START, PRESENT),
        filters=[("Version", HOSTILE)],
        headline=headline,
        sections=[
            Section(title="Curve", note="a note", draw=draw, words="a line that rises"),
            Section(title="Table", table=Table(columns=("a", "b"), rows=[("1", HOSTILE)])),
        ],
        made_at=PRESENT,
    )


def test_report_has_sentence_window_figure_and_table(report):
    text = write_report(report)
    body = text[text.index("<body>") :]
    for part in ("01 Mar 2024 00:00 to 20 Mar 2024", "so <b>sure</b>", "a note", "a line that rises", "<td>1</td>"):
        assert part in body
    assert body.count("Plotly.newPlot") == 1
    assert name_report(report) == "car-loan-performance-2024-03-20.html"


def test_report_loads_nothing_from_elsewhere(report):
    text = write_report(report)
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text[: text.index("<script>")])
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text[text.index("<body>") :])
    assert len(text) > 1_000_000


def test_report_shows_hostile_names_as_text(report):
    body = write_report(report).partition("<body>")[2]
    assert "alert(1)</script>" not in body
    assert "<img" not in body
    assert "&lt;img src=x" in body
