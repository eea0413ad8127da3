"""All features together, on demand: what no single feature shows, measured in the background."""

import html
from functools import partial

import streamlit as st

from mlops_core.services.background import Progress, Run
from mlops_core.services.drift_view import DriftView
from mlops_core.services.multivariate import Multivariate, measure_chunk, tell_multivariate
from mlops_core.words import write_chunk
from pages.components.drift_choice import Choice
from pages.components.filters import View
from pages.components.headline import write_title

POLL_S = 0.7


def show_multivariate(view: View, drift: DriftView, choice: Choice) -> None:
    """Offer to measure the chosen chunk as a whole, follow the measurement, and say what it found."""
    reference = drift.table.reference
    key = (
        "multivariate",
        view.spec.name,
        drift.version,
        reference.binning,
        reference.start,
        reference.end,
        choice.chunk,
        view.segment,
    )
    name = write_chunk(view.spec, choice.chunk)
    with st.container(border=True, key="panel-drift-multivariate"):
        st.html(write_title("All features together", name))
        run = view.runtime.background.find(key)
        if run is not None and not run.is_over:
            _follow(run)
            return
        if run is not None and run.found is not None:
            sentence, detail = tell_multivariate(drift, run.found)
            st.html(f'<div class="dd-detail"><b>{html.escape(sentence)}</b> {html.escape(detail)}</div>')
            return
        if run is not None and run.error is not None:
            st.error(run.error)
        st.caption(
            "Features can each look as before and yet no longer go together. A classifier tries to tell the rows of "
            f"{name} from the reference, and their distance from the plane of the reference is measured, on a sample."
        )
        if st.button(f"Measure {name} as a whole", key="drift-multivariate", icon=":material/hub:"):
            view.runtime.background.start(key, partial(_measure, view, drift, choice.position), "measurement")
            st.rerun()


def _measure(view: View, drift: DriftView, position: int, progress: Progress) -> Multivariate:
    return measure_chunk(view.runtime, drift, position, view.segment, progress.report)


@st.fragment(run_every=POLL_S)
def _follow(run: Run[Multivariate]) -> None:
    if run.is_over:
        st.rerun()
    st.progress(min(run.progress.fraction, 1.0), text=run.progress.step)
