"""A page as one HTML file: decides how a report looks without the app and that it loads nothing from elsewhere."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from mlops_core.charts.theme import LIGHT, Palette
from mlops_core.checks.headline import Headline
from mlops_core.entities import ModelSpec, Window
from mlops_core.words import write_clock

LONGEST_OPEN = 30
"""Rows above which a table is folded."""
STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 Inter, system-ui, sans-serif; color: #111827; background: #fcfcfd; margin: 0 auto;
  padding: 2rem 1.2rem; max-width: 1100px; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; margin: .2rem 0 .4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; } .muted, figcaption { color: #4a5365; font-size: .9rem; }
.kicker { font-weight: 700; font-size: .85rem; }
figure { margin: 0; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; color: #4a5365; font-weight: 600; }
summary { cursor: pointer; color: #3451c6; margin: .4rem 0; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #e6e8ee; }
@media print { figure, table { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a report, as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a report."""

    title: str
    note: str = ""
    """A remark under the title."""
    draw: Callable[[Palette], go.Figure] | None = None
    """Draws the figure in the colours of a theme; None for a section without one."""
    words: str = ""
    """What the figure shows, for those who cannot see it."""
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page as it stood at one time."""

    page: str
    """The page's name: "Performance"."""
    spec: ModelSpec
    window: Window
    filters: Sequence[tuple[str, str]]
    """What else was chosen, as name and value: ("Version", "v4")."""
    headline: Headline
    sections: Sequence[Section]
    made_at: datetime
    """The model's own time."""


def write_report(report: Report) -> str:
    """Write a report as one HTML document; the library that draws its figures is inside it."""
    title = f"{report.spec.name} · {report.page}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
            f"<script>{get_plotlyjs()}</script></head><body>",
            *_write_head(report, title),
            *(part for i, section in enumerate(report.sections) for part in _write_section(section, i)),
            "</body></html>",
        ]
    )


def name_report(report: Report) -> str:
    """Give the file's name: "flight-delay-performance-2013-10-31.html"."""
    return f"{report.spec.name}-{report.page.lower().replace(' ', '-')}-{report.made_at:%Y-%m-%d}.html"


def _write_head(report: Report, title: str) -> Iterator[str]:
    headline, window = report.headline, report.window
    chosen = [("Window", f"{window.start:%d %b %Y %H:%M} to {window.end:%d %b %Y %H:%M} UTC"), *report.filters]
    told = " · ".join(f"{name}: {value}" for name, value in chosen)
    yield f'<p class="muted">{html.escape(title)} · {html.escape(write_clock(report.made_at))}</p>'
    yield f'<p class="kicker" style="color: {LIGHT.status[headline.status]}">{html.escape(headline.kicker)}</p>'
    yield f"<h1>{html.escape(headline.sentence)}</h1>"
    detail = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(headline.detail))
    yield f"<p>{detail}</p>"
    yield f'<p class="muted">{html.escape(told)}</p>'


def _write_section(section: Section, number: int) -> Iterator[str]:
    yield f"<section><h2>{html.escape(section.title)}</h2>"
    if section.note:
        yield f'<p class="muted">{html.escape(section.note)}</p>'
    if section.draw is not None:
        drawn = section.draw(LIGHT).to_html(
            full_html=False, include_plotlyjs=False, div_id=f"figure-{number}", config={"displaylogo": False}
        )
        caption = f"<figcaption>{html.escape(section.words)}</figcaption>" if section.words else ""
        yield f"<figure>{drawn}{caption}</figure>"
    if section.table is not None:
        yield _write_table(section.table, section.title)
    yield "</section>"


def _write_table(table: Table, caption: str) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    written = (
        f'<div class="scroll"><table aria-label="{html.escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    if len(table.rows) <= LONGEST_OPEN:
        return written
    return f"<details><summary>{len(table.rows):,} rows</summary>{written}</details>"
