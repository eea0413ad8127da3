"""The lineage of versions: from frozen rows over runs into production, as a drawing and as a table."""

import html
from collections.abc import Mapping, Sequence

import streamlit as st

from mlops_core.charts.lineage import Trail, describe_lineage, draw_lineage, tell_trail
from mlops_core.services.activity import write_csv
from mlops_core.services.history import VersionHistory
from mlops_core.services.lineage import COLUMNS, choose_trails, list_rows, list_trails
from pages.components.downloads import offer_csv
from pages.components.filters import View, refuse_unknown
from pages.components.headline import write_title
from pages.components.links import link_run
from pages.components.session import get_palette
from pages.components.states import show_note

MOST_OPEN, TABLE_HEIGHT = 12, 460
"""Versions above which the table scrolls, and how high it is then, in pixels."""


def show_lineage(view: View, histories: Sequence[VersionHistory], colours: Mapping[str, str]) -> None:
    """Draw the panel, with the path of a version that can be chosen standing out."""
    trails = {trail.version: trail for trail in list_trails(view.runtime, view.spec, histories)}
    with st.container(border=True, key="panel-lineage"):
        st.html(write_title("Lineage", "snapshot → run → version → production"))
        if not trails:
            show_note("There is no version yet.", "Register one, or order a training run.")
            return
        champion = next((one.version.name for one in histories if one.is_champion), next(iter(trails)))
        refuse_unknown("lineage-version", trails, "version")
        names = list(trails)
        chosen = st.selectbox(
            "Path of", names, index=names.index(champion), key="lineage-version", bind="query-params", width=220
        )
        trail = trails[chosen or champion]
        st.html(f'<div class="dd-detail">{_write_trail(view, trail)}</div>')
        drawn = choose_trails(list(trails.values()), trail.version)
        with st.container(key="scroll-lineage"):
            figure = draw_lineage(drawn, trail.version, colours, get_palette())
            st.plotly_chart(
                figure, theme=None, key="lineage", alt=describe_lineage(drawn), config={"displayModeBar": False}
            )
        if len(drawn) < len(trails):
            note = f"{len(drawn)} of {len(trails)} versions are drawn: the newest, and the chosen one."
            st.html(f'<div class="dd-muted dd-small">{note}</div>')
        _show_table(view, list(trails.values()))


def _write_trail(view: View, trail: Trail) -> str:
    words = html.escape(tell_trail(trail))
    return words if trail.run is None else words.replace(f"run {trail.run}", link_run(view, trail.run), 1)


def _show_table(view: View, trails: Sequence[Trail]) -> None:
    rows = list_rows(trails)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in COLUMNS)
    body = "".join(_write_row(view, trail, cells) for trail, cells in zip(trails, rows, strict=True))
    is_long = len(trails) > MOST_OPEN
    with st.expander("The same as a table"):
        with st.container(height=TABLE_HEIGHT if is_long else "content", border=False, key="lineage-table"):
            st.html(
                '<div class="dd-scroll"><table class="dd-table" aria-label="Where versions come from, newest first">'
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            )
        offer_csv(write_csv(COLUMNS, rows), f"{view.spec.name}-lineage", key="lineage-csv")


def _write_row(view: View, trail: Trail, cells: Sequence[str]) -> str:
    written = [html.escape(cell) for cell in cells]
    if trail.run is not None:
        written[COLUMNS.index("Run")] = link_run(view, trail.run)
    first, *others = written
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
