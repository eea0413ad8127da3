"""Retraining: what is being trained, what came of earlier runs, and whether it may go into production."""

import streamlit as st

from mlops_core.runs import TrainingRun
from mlops_core.services.overview import read_refreshed
from mlops_core.services.retraining import find_run, get_history
from mlops_core.services.run_words import NO_TRAINING, tell_training
from mlops_core.services.shadow import Shadow, read_shadow
from mlops_core.services.side_by_side import find_champion
from pages.components.change import draw_change_dialog, offer_advice
from pages.components.filters import View, open_view, show_clock
from pages.components.headline import show_champion, show_headline
from pages.components.policy_panel import show_policy
from pages.components.run_choice import choose_run, show_history
from pages.components.run_dialog import draw_run_dialog, offer_run
from pages.components.run_panels import show_run, watch_run
from pages.components.states import show_note


def show_answer(view: View, runs: list[TrainingRun], shadow: Shadow | None) -> None:
    champion = find_champion(view.runtime, view.spec)
    headline = tell_training(view.spec, runs, shadow, champion)
    with st.container(key=f"banner-{headline.status.value}"):
        words, actions = st.columns([3.2, 1], gap="medium", vertical_alignment="center")
        with words, st.container(key="headline"):
            show_headline(headline)
        with actions:
            # A place of its own: what stands below stays where it is when the advice comes or goes.
            with st.container():
                if headline.action and headline.target:
                    offer_advice(headline.action, headline.target)
            offer_run(view, runs)
            show_champion(champion)


view = open_view(has_window=False)
runs = get_history(view.runtime, view.spec)
show_answer(view, runs, read_shadow(view.runtime, view.spec))
draw_change_dialog(view)
draw_run_dialog(view)
if view.spec.training is None:
    show_note("To train it here, add this to its model file:")
    st.code(NO_TRAINING, language="toml")
chosen = choose_run(runs)
if chosen:
    run = find_run(view.runtime, view.spec, chosen.id)
    if run.status is not chosen.status:
        # It has gone on since the list was read; only a run that is not over is looked at again by itself.
        st.rerun()
    show_run(view, run)
    if chosen.id != runs[0].id and not runs[0].status.is_over:
        watch_run(view, runs[0])
    show_history(view, runs)
elif view.spec.training:
    show_note("Train a new version, and its steps, candidates, and reasons are shown here.")
if view.spec.training or view.spec.policy.rolls_back:
    show_policy(view)
show_clock(view.now, read_refreshed(view.runtime, view.spec), is_demo=view.spec.name in view.runtime.clocks)
