"""Drift on Overview: the features that drifted of late, by day, with the way to the Drift page."""

import streamlit as st

from mlops_core.charts.drift import describe_heat_map, draw_heat_map
from mlops_core.services.drift_excerpt import read_drift_excerpt
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note


def show_drift_excerpt(view: View) -> None:
    """Draw the drifted features only, or say that there are none, or why nobody knows."""
    found = read_drift_excerpt(view.runtime, view.spec, view.now)
    with st.container(border=True, key="panel-drift"):
        if isinstance(found, str):
            st.html(write_title("Drift"))
            show_note("Whether features drifted cannot be said yet.", found)
            return
        st.html(write_title("Drift", found.headline.kicker.partition(" · ")[2]))
        st.caption(found.headline.sentence)
        heat = found.heat
        if heat.rows:
            figure = draw_heat_map(heat, ("", heat.chunks[-1]), get_palette())
            with st.container(key="drift-scroll"):
                st.plotly_chart(
                    figure,
                    theme=None,
                    key="drift-excerpt",
                    config={"displayModeBar": False},
                    alt=describe_heat_map(heat),
                )
        if found.n_others:
            st.caption(f"{found.n_others} more drifted in this time.")
        st.page_link("drift.py", label="All features", icon=":material/arrow_forward:", icon_position="right")
