"""Data quality: says whether live traffic is what was agreed and what the version was trained on."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.checks.headline import Headline
from mlops_core.services.overview import read_refreshed
from mlops_core.services.quality_view import NOTHING, QualityView, list_checked_versions, read_quality_view
from mlops_core.services.report import Report, Section
from pages.components.contract import offer_contract_undo, show_contract
from pages.components.contract_dialog import draw_contract_dialog, offer_contract_change
from pages.components.downloads import offer_report, reserve_report
from pages.components.filters import View, open_view, refuse_unknown, show_clock
from pages.components.headline import show_headline
from pages.components.quality_check import show_check
from pages.components.quality_choice import Choice, choose_cell, forget_choice, name_filters
from pages.components.quality_map import show_map
from pages.components.refusals import show_refusals


def choose_version(view: View, versions: list[str]) -> str:
    refuse_unknown("quality-version", dict.fromkeys(versions), "version")
    chosen = view.filters.selectbox("Version", versions, key="quality-version", bind="query-params")
    return chosen or versions[0]


def show_answer(headline: Headline, quality: QualityView | None = None) -> DeltaGenerator:
    """Draw the sentence; give the place beside it, where the report is offered once the page is read."""
    with st.container(key=f"banner-{headline.status.value}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        with actions:
            if quality and quality.contract.contract.features:
                offer_contract_change()
            return reserve_report()


def show_quality(view: View, quality: QualityView) -> None:
    offer_contract_undo(view, quality)
    place = show_answer(quality.headline, quality)
    choice, sections = None, []
    if quality.chunks:
        choice = choose_cell(quality)
        sections = [*show_map(quality, choice), show_check(quality, choice)]
    else:
        forget_choice()
    sections += [*show_contract(quality), show_refusals(quality)]
    with place:
        offer_page(view, quality, choice, sections)
    draw_contract_dialog(view, quality)


def offer_page(view: View, quality: QualityView, choice: Choice | None, sections: list[Section]) -> None:
    report = Report(
        page="Data quality",
        spec=view.spec,
        window=view.window,
        filters=name_filters(view, quality, choice),
        headline=quality.headline,
        sections=sections,
        made_at=view.now,
    )
    offer_report(report, "quality-report")


view = open_view()
names = list_checked_versions(view.runtime, view.spec)
if names:
    version = choose_version(view, names)
    show_quality(view, read_quality_view(view.runtime, view.spec, version, view.window, view.now, view.segment))
else:
    show_answer(NOTHING)
    forget_choice()
refreshed_at = read_refreshed(view.runtime, view.spec)
show_clock(view.now, refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
