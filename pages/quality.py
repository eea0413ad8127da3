"""Data quality: says whether live traffic is what was agreed and what the version was trained on."""

import streamlit as st

from mlops_core.checks.headline import Headline
from mlops_core.services.overview import read_refreshed
from mlops_core.services.quality_view import NOTHING, QualityView, list_checked_versions, read_quality_view
from pages.components.contract import offer_contract_undo, show_contract
from pages.components.contract_dialog import draw_contract_dialog, offer_contract_change
from pages.components.filters import View, open_view, refuse_unknown, show_clock
from pages.components.headline import show_headline
from pages.components.quality_check import show_check
from pages.components.quality_map import choose_cell, show_map
from pages.components.refusals import show_refusals


def choose_version(view: View, versions: list[str]) -> str:
    refuse_unknown("quality-version", dict.fromkeys(versions), "version")
    chosen = view.filters.selectbox("Version", versions, key="quality-version", bind="query-params")
    return chosen or versions[0]


def show_answer(headline: Headline, quality: QualityView | None = None) -> None:
    with st.container(key=f"banner-{headline.status.value}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        with actions:
            if quality and quality.contract.contract.features:
                offer_contract_change()


def show_quality(view: View, quality: QualityView) -> None:
    offer_contract_undo(view, quality)
    show_answer(quality.headline, quality)
    if quality.chunks:
        choice = choose_cell(quality)
        show_map(quality, choice)
        show_check(quality, choice)
    show_contract(quality)
    show_refusals(quality)
    draw_contract_dialog(view, quality)


view = open_view()
names = list_checked_versions(view.runtime, view.spec)
if names:
    version = choose_version(view, names)
    show_quality(view, read_quality_view(view.runtime, view.spec, version, view.window, view.now, view.segment))
else:
    show_answer(NOTHING)
refreshed_at = read_refreshed(view.runtime, view.spec)
show_clock(view.now, refreshed_at, is_demo=view.spec.name in view.runtime.clocks)
