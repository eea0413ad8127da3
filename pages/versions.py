"""Versions: what each was trained on, how it did, when it served, and the two actions."""

import html

import streamlit as st

from mlops_core.charts.spans import draw_spans
from mlops_core.charts.theme import assign_colours
from mlops_core.entities import Action
from mlops_core.services.baking import read_bakes
from mlops_core.services.history import VersionHistory, describe_history, read_history
from mlops_core.services.overview import read_overview
from pages.components.challenger import draw_challenger_dialog, show_challenger
from pages.components.change import draw_change_dialog, offer_change, offer_undo
from pages.components.filters import View, open_view, show_clock
from pages.components.headline import show_champion, write_title
from pages.components.lineage import show_lineage
from pages.components.served import show_served
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.version_panel import show_version


def show_answer(view: View, histories: list[VersionHistory]) -> None:
    champion = next((one for one in histories if one.is_champion), None)
    with st.container(key="banner-INSUFFICIENT_DATA"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words:
            with st.container(key="headline"):
                st.html(f'<h1 class="dd-sentence">{html.escape(describe_history(view.spec, histories, view.now))}</h1>')
            show_champion(champion.version.name if champion else None)
        with actions:
            can_roll_back = sum(bool(one.spans) for one in histories) > 1
            offer_change(Action.ROLL_BACK, is_possible=can_roll_back)
            offer_change(Action.PROMOTE, is_possible=any(not one.is_champion for one in histories))


def show_spans(view: View, histories: list[VersionHistory], colours: dict[str, str]) -> None:
    with st.container(border=True, key="panel-spans"):
        st.html(write_title("In production", "UTC"))
        spans = [span for one in histories for span in one.spans]
        if not spans:
            show_note("Nothing was in production yet.", "Promote a version.")
            return
        names = [one.version.name for one in histories]
        words = " ".join(f"{span.version} from {span.start:%d %b %Y}." for span in spans)
        figure = draw_spans(names, spans, view.now, colours, get_palette())
        st.plotly_chart(figure, theme=None, key="spans", alt=f"Times in production. {words}")


view = open_view(has_window=False)
overview = read_overview(view.runtime, view.spec, view.now)
histories = read_history(view.runtime, view.spec, view.now)
offer_undo(view, overview)
show_answer(view, histories)
colours = assign_colours(overview.versions, get_palette())
show_spans(view, histories, colours)
show_challenger(view, overview.shadow)
show_served(view, overview.versions, colours)
show_lineage(view, histories, colours)
challenger = overview.shadow.challenge.version if overview.shadow else None
bakes = read_bakes(view.runtime, view.spec, view.now)
for history in reversed(histories):
    show_version(view, history, colours[history.version.name], bakes, challenger)
show_clock(view.now, overview.refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
draw_change_dialog(view)
draw_challenger_dialog(view)
