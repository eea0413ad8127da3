"""The demo's clock in the sidebar: a day, a week, play, and pause."""

from datetime import timedelta

import streamlit as st

from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.demo.replay import END, demo_replay
from mlops_core.entities import ModelSpec
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.words import write_clock

POLL_S = 1.0
LENGTHS = (
    ("Day", timedelta(days=1), "Play one day"),
    ("Week", timedelta(days=7), "Play one week"),
    ("Play", None, "Play until paused or until 2013 is over"),
)


def show_replay(runtime: Runtime, spec: ModelSpec) -> None:
    """Draw the controls when the model is the demo's."""
    if spec.name != DEMO_MODEL or spec.name not in runtime.clocks:
        return
    st.divider()
    st.markdown("Demo clock", help="The flights of 2013 go on: scored by the champion, labelled on Mondays.")
    if demo_replay.state().is_playing:
        _show_playing(runtime, spec)
    else:
        _show_buttons(runtime, spec)


def _show_buttons(runtime: Runtime, spec: ModelSpec) -> None:
    is_over = runtime.now(spec.name) >= END
    clicked: dict[timedelta | None, bool] = {}
    with st.container(horizontal=True, gap="xxsmall", wrap=False):
        for label, length, explanation in LENGTHS:
            clicked[length] = st.button(
                label, key=f"replay-{label.lower()}", disabled=is_over, width="stretch", help=explanation
            )
    error = demo_replay.state().error
    if error:
        st.error(error)
    for length, is_clicked in clicked.items():
        if is_clicked:
            try:
                demo_replay.play(runtime, spec, **({"length": length} if length else {}))
            except MLOpsError as problem:
                st.error(problem.message)
            else:
                st.rerun()


@st.fragment(run_every=POLL_S)
def _show_playing(runtime: Runtime, spec: ModelSpec) -> None:
    state = demo_replay.state()
    st.progress(state.fraction, text=write_clock(runtime.now(spec.name)))
    pausing = demo_replay.is_pausing()
    label = "Pausing…" if pausing else "Pause"
    if st.button(label, key="replay-play", icon=":material/pause:", width="stretch", disabled=pausing):
        demo_replay.pause()
    seen = st.session_state.get("replay-seen")
    if not state.is_playing or seen != state.at:
        st.session_state["replay-seen"] = state.at
        if not state.is_playing or seen is not None:
            st.rerun()
