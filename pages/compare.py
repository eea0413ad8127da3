"""Compare: which of two to four versions is better on the same traffic, and what differs in how they were made."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.checks.headline import Headline
from mlops_core.entities import Status
from mlops_core.services.overlap import align_window
from mlops_core.services.overview import read_refreshed
from mlops_core.services.report import Report, Section
from mlops_core.services.side_by_side import SideBySide, find_champion, list_choices, propose_versions
from mlops_core.services.side_words import name_tone, tell_choice, tell_side_by_side
from pages.components.compare_choice import choose_pair, choose_versions
from pages.components.compare_curves import list_curves
from pages.components.compare_making import show_making
from pages.components.compare_panels import find_pair, show_differences, show_flips, show_sections, show_segments
from pages.components.compare_rows import show_own_traffic, show_rows
from pages.components.compare_runs import find_comparison, find_making
from pages.components.downloads import offer_report
from pages.components.filters import ALL_TRAFFIC, View, open_view, show_clock
from pages.components.headline import show_champion, show_headline
from pages.components.rehearsal import follow
from pages.components.states import show_note


def show_answer(view: View, headline: Headline, tone: str) -> DeltaGenerator:
    """Draw the sentence; give the place beside it, where the report is offered once it is known."""
    with st.container(key=f"banner-{tone}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        with actions:
            place = st.container()
            show_champion(find_champion(view.runtime, view.spec))
    return place


def show_same_rows(view: View, found: SideBySide, pair: str, every: list[str]) -> list[Section]:
    """Draw what the same rows say."""
    shown = find_pair(found.pairs, pair)
    sections = show_differences(view, found)
    curves = list_curves(view.spec, found, every)
    if len(curves) < 4:
        show_note("All labels are of one class.", "ROC, and precision and recall, need labels of both.")
    show_sections(curves)
    return [*sections, *curves.values(), *show_flips(view, found, shown), *show_segments(view, found, shown)]


def offer_page(view: View, found: SideBySide, headline: Headline, sections: list[Section]) -> None:
    chosen = {
        "Versions": ", ".join(found.overlap.versions),
        "Segment": ": ".join(view.segment) if view.segment[0] else ALL_TRAFFIC,
    }
    report = Report(
        page="Compare",
        spec=view.spec,
        window=found.window,
        filters=tuple(chosen.items()),
        headline=headline,
        sections=sections,
        made_at=view.now,
    )
    offer_report(report, "compare-report")


def show_comparison(view: View, versions: tuple[str, ...], every: list[str], answer: DeltaGenerator) -> None:
    """Draw the comparison when it is known, and how far it is until then."""
    window = align_window(view.spec, view.window)
    run = find_comparison(view, versions, window)
    if run.error and st.button("Compare again", key="compare-again", icon=":material/refresh:"):
        run = find_comparison(view, versions, window, anew=True)
    found = run.found
    if found is None:
        with answer:
            show_answer(view, tell_choice(view.spec, versions, every, run.error), Status.INSUFFICIENT_DATA.value)
        if not run.is_over:
            follow(run, "Stop", "compare-stop")
        show_making(view, versions, None, None)
        return
    headline = tell_side_by_side(found, view.spec)
    with answer:
        place = show_answer(view, headline, name_tone(found, view.spec))
    compared = found.overlap.compared[1:] if found.pairs else versions[1:]
    pair = choose_pair(versions[0], compared)
    sections = show_rows(view, found.overlap, window)
    if found.pairs:
        sections = [*show_same_rows(view, found, pair, every), *sections]
    if found.own:
        sections += show_own_traffic(view, found, found.own, pair)
    sections += show_making(view, versions, find_making(view, versions), pair)
    with place:
        offer_page(view, found, headline, sections)


view = open_view()
every = list_choices(view.runtime, view.spec)
answer = st.container()
chosen: tuple[str, ...] = ()
if len(every) > 1:
    with st.container(key="compare-pickers"):
        chosen = choose_versions(every, propose_versions(view.runtime, view.spec))
if len(chosen) > 1:
    show_comparison(view, chosen, every, answer)
else:
    with answer:
        show_answer(view, tell_choice(view.spec, chosen, every), Status.INSUFFICIENT_DATA.value)
    if known := chosen or tuple(every[:1]):
        show_making(view, known, None, None)
show_clock(view.now, read_refreshed(view.runtime, view.spec), is_demo=view.spec.name in view.runtime.clocks)
