"""The first page of an empty home: what Driftdeck is and the one button that shows it."""

import streamlit as st

from mlops_core.demo.seeding import SeedingStage, demo_seeding
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime
from pages.components.states import show_error

POLL_S = 0.5
STEPS = (
    (
        ":material/search:",
        "See the fault",
        "The overview says in one sentence that v4 is worse than what it replaced, and why.",
    ),
    (
        ":material/undo:",
        "Roll back",
        "Both versions on the same flights, with intervals, before anything changes. Then one click.",
    ),
    (
        ":material/trending_up:",
        "Watch it mend",
        "Play the weeks that follow: the metric comes back, and the audit log has the evidence.",
    ),
)


def show_empty_home(runtime: Runtime) -> None:
    """Offer the demo, or show how far it is."""
    with st.container(key="headline"), st.container(key="banner-INSUFFICIENT_DATA"):
        st.html(
            '<div class="dd-kicker INSUFFICIENT_DATA">NO MODEL YET</div>'
            '<h1 class="dd-sentence">This home is empty.</h1>'
            '<div class="dd-detail">Load the demo to see a model in production: the flights that left New York in '
            "2013, four versions of a model that warns of late arrivals, the last of which was a mistake, and one "
            "click that mends it. It is real data and takes about a minute.</div>"
        )
        if demo_seeding.state().state is SeedingStage.RUNNING:
            _show_progress()
        else:
            _offer_demo(runtime)
    with st.grid(3, min_column_width=240):
        for icon, title, words in STEPS:
            with st.container(border=True, key=f"panel-{title.split()[0].lower()}", height="stretch"):
                st.markdown(f"{icon} **{title}**")
                st.html(f'<div class="dd-detail">{words}</div>')


def _offer_demo(runtime: Runtime) -> None:
    state = demo_seeding.state()
    if state.state is SeedingStage.FAILED:
        st.error(f"{state.error} Restart Driftdeck to try again.")
    if st.button("Load the demo", key="demo-load", type="primary", icon=":material/flight_takeoff:"):
        try:
            demo_seeding.start(runtime)
        except MLOpsError as error:
            show_error("The demo cannot be loaded.", error.message)
        else:
            st.rerun()


@st.fragment(run_every=POLL_S)
def _show_progress() -> None:
    state = demo_seeding.state()
    if state.state is not SeedingStage.RUNNING:
        st.rerun()
    st.progress(state.fraction, text=f"{state.words} · {state.fraction:.0%}")
