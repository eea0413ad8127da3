"""The sidebar: which model, window, and segment a page shows; all of them are in the URL."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlops_core.demo.seeding import demo_seeding
from mlops_core.entities import ModelSpec, Window
from mlops_core.services.performance import limit_window, list_segment_choices
from mlops_core.services.registry import list_specs
from mlops_core.services.runtime import Runtime
from mlops_core.words import write_age, write_clock
from pages.components.empty_home import show_empty_home
from pages.components.jobs import show_failing_jobs
from pages.components.replay import show_replay
from pages.components.session import open_runtime

WINDOWS = {"7 d": 7, "30 d": 30, "90 d": 90, "All": None}
DEFAULT_WINDOW = "90 d"
ALL_TRAFFIC = "All traffic"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a page shows."""

    runtime: Runtime
    spec: ModelSpec
    window: Window
    segment: tuple[str, str]
    """(column, value); empty texts for all traffic."""
    now: datetime
    filters: DeltaGenerator
    """Place in the sidebar for what else a page lets choose."""


def open_view(*, has_window: bool = True, note: str = "") -> View:
    """Draw style and sidebar and give what the page is to show; an empty home has its own page.

    Window and segment are offered on pages that show traffic only; the others see all of it. The note says what
    they act on when that is not the whole page.
    """
    st.html(Path(__file__).parents[1] / "assets" / "driftdeck.css")
    # Dialogs and toasts lie outside the part of the page that Streamlit themes.
    st.html(f"<style>:root {{ color-scheme: {'dark' if st.context.theme.type == 'dark' else 'light'} }}</style>")
    runtime = open_runtime()
    specs = {spec.name: spec for spec in list_specs(runtime)}
    if not specs or demo_seeding.is_unfinished:
        show_empty_home(runtime)
        st.stop()
    refuse_unknown("model-select", specs, "model")
    with st.sidebar:
        name = st.selectbox("Model", list(specs), key="model-select", bind="query-params")
        spec = specs[name or next(iter(specs))]
        now = runtime.now(spec.name)
        window, segment = Window(now - timedelta(days=1), now), ("", "")
        if has_window:
            window, segment = _choose_window(runtime, spec, now), _choose_segment(runtime, spec)
            if note:
                st.caption(note)
        filters = st.container()
        show_replay(runtime, spec)
    show_failing_jobs(runtime, spec)
    return View(runtime=runtime, spec=spec, window=window, segment=segment, now=now, filters=filters)


def _choose_window(runtime: Runtime, spec: ModelSpec, now: datetime) -> Window:
    refuse_unknown("window-select", WINDOWS, "window")
    chosen = st.segmented_control(
        "Window", list(WINDOWS), default=DEFAULT_WINDOW, required=True, key="window-select", bind="query-params"
    )
    return limit_window(runtime, spec, WINDOWS[chosen or DEFAULT_WINDOW], now)


def _choose_segment(runtime: Runtime, spec: ModelSpec) -> tuple[str, str]:
    segments = {f"{column}: {value}": (column, value) for column, value in list_segment_choices(runtime, spec)}
    segments = {ALL_TRAFFIC: ("", "")} | segments
    refuse_unknown("segment-select", segments, "segment")
    chosen = st.selectbox("Segment", list(segments), key="segment-select", bind="query-params")
    return segments[chosen or ALL_TRAFFIC]


def show_clock(now: datetime, refreshed_at: datetime | None, *, is_demo: bool) -> None:
    """Say what time it is for the model and how old the last check is."""
    note = f"Clock: {write_clock(now)}{' (demo)' if is_demo else ''}."
    if refreshed_at:
        note += f" Last check: {write_age(now - refreshed_at)} ago."
    st.sidebar.caption(note)


def refuse_unknown(key: str, known: Collection[str], noun: str, synonyms: Collection[str] = ()) -> None:
    """Say that a link asks for what is not known; the default is shown instead.

    Where the picker has a value already, it was no link: what is in the URL went away with its model.
    """
    asked = st.query_params.get(key)
    if asked is not None and asked not in known and asked not in synonyms and key not in st.session_state:
        accepted = ", ".join(list(known)[:8])
        st.warning(f"The link asks for the {noun} '{asked}', which is not known here; known are: {accepted}.")


def refuse_outside(key: str, noun: str, low: float, high: float = math.inf) -> None:
    """Say that a number in the URL is none, or is outside its range; the default is shown instead."""
    asked = st.query_params.get(key)
    if asked is None:
        return
    try:
        is_inside = low <= float(asked) <= high and math.isfinite(float(asked))
    except ValueError:
        is_inside = False
    if not is_inside:
        accepted = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
        st.warning(f"The link asks for the {noun} '{asked}'; accepted is a number, {accepted}.")
