"""The panel of one version: how it did, what it was trained on, how its changes of production ended, and its action."""

import html
from collections.abc import Mapping

import streamlit as st

from mlops_core.entities import Action
from mlops_core.services.baking import BakeState
from mlops_core.services.baking_words import note_bake
from mlops_core.services.history import VersionHistory
from mlops_core.words import write_span
from pages.components.baking import write_bake
from pages.components.change import open_change_dialog
from pages.components.change_dialog import KEYS
from pages.components.compare_choice import offer_comparison
from pages.components.filters import View
from pages.components.links import link_run
from pages.components.tables import write_pairs
from pages.components.version_facts import list_facts


def show_version(
    view: View, one: VersionHistory, colour: str, bakes: Mapping[int, BakeState], challenger: str | None
) -> None:
    """Draw the panel.

    Parameters
    ----------
    bakes : mapping
        Baking windows by deployment.
    challenger : str, optional
        The version in the shadow of the one in production.
    """
    version, metric = one.version, view.spec.primary_metric
    with st.container(border=True, key=f"panel-{version.name}"):
        estimate = one.live.get(metric)
        span = write_span(version.snapshot.start, version.snapshot.end, view.spec.timezone)
        with st.grid(5, min_column_width=130, gap=16):
            st.html(
                f'<div class="dd-sentence"><span class="dd-dot" style="background:{colour}"></span>'
                f'{html.escape(version.name)}</div><div class="dd-muted dd-small">{_tell_state(one, challenger)}</div>'
            )
            st.metric(
                f"{metric.label}, live",
                f"{estimate.value:.3f}" if estimate and estimate.value is not None else "–",
                f"{one.n_labelled:,} labels" if one.n_labelled else "no labels",
                delta_color="gray",
                delta_arrow="off",
                chart_data=one.trend or None,
            )
            st.metric(f"{metric.label}, offline", _write_figure(version.offline_metrics.get(metric.value)))
            st.metric("Trained on", f"{version.snapshot.rows:,}", span, delta_color="gray", delta_arrow="off")
            with st.container(gap="xsmall"):
                _offer_action(one)
                offer_comparison(view, version.name)
        _show_outcomes(one, bakes)
        if version.run is not None:
            st.html(f'<div class="dd-muted dd-small">Trained by {link_run(view, version.run)}.</div>')
        with st.expander("Parameters, features, and origin"):
            st.html(write_pairs(list_facts(view.spec, one), f"Facts about {version.name}"))


def _tell_state(one: VersionHistory, challenger: str | None) -> str:
    state = "in production" if one.is_champion else "was in production" if one.spans else "never in production"
    return f"{state}, the challenger" if one.version.name == challenger else state


def _show_outcomes(one: VersionHistory, bakes: Mapping[int, BakeState]) -> None:
    lines = [
        write_bake(note_bake(bakes[span.deployment]), before=f"{span.start.day} {span.start:%b %Y}")
        for span in reversed(one.spans)
        if span.deployment in bakes
    ]
    if lines:
        st.html("".join(lines))


def _offer_action(one: VersionHistory) -> None:
    if one.is_champion:
        st.badge("Champion", icon=":material/check_circle:", color="blue")
        return
    action = Action.ROLL_BACK if one.spans else Action.PROMOTE
    label = "Roll back" if one.spans else "Promote"
    if st.button(
        label,
        key=f"review-{KEYS[action]}-{one.version.name}",
        width="stretch",
        help=f"{label} {'to ' if one.spans else ''}{one.version.name}, after a rehearsal",
    ):
        open_change_dialog(action, one.version.name)


def _write_figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
