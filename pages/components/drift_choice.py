"""What the Drift page is about: reference, chunk, feature, and statistic, each a picker and a part of the address."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

import streamlit as st

from mlops_core.entities import Window
from mlops_core.services.drift_detail import Statistic, list_statistics
from mlops_core.services.drift_view import DriftView, list_days, make_window, rank_features
from mlops_core.services.drift_words import tell_reference
from mlops_core.services.performance import limit_window
from mlops_core.words import write_chunk
from pages.components.address import start_choice, write_query, write_start
from pages.components.filters import ALL_TRAFFIC, View

NEWEST = "newest"
STANDING, WINDOW = "Standing reference", "A window of traffic"
REFERENCE, DAYS, FEATURE, CHUNK, STATISTIC = (
    "drift-reference",
    "drift-reference-days",
    "drift-feature",
    "drift-chunk",
    "drift-statistic",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The cell that the page shows, and by what it is told."""

    feature: str
    """Or `SCORE`, or `LABELS`."""
    position: int
    """Of the chunk in the table."""
    chunk: datetime
    statistic: Statistic


def choose_reference(view: View) -> Window | None:
    """Let the reference be chosen: the standing one, which is None, or days of traffic."""
    asked = _read_days(st.query_params.get("reference"))
    if asked and REFERENCE not in st.session_state:
        st.session_state[REFERENCE], st.session_state[DAYS] = WINDOW, asked
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.segmented_control(
            "Compare with",
            [STANDING, WINDOW],
            default=None if REFERENCE in st.session_state else STANDING,
            required=True,
            key="drift-reference",
            help="The standing reference is what the version in production was trained on, unless the model file names "
            "a window, or somebody has chosen another with the command `reference`. A window of the same season shows "
            "what natural variation hides.",
        )
        if kind != WINDOW:
            write_query("reference", None)
            return None
        days = _choose_days(view)
    # While a span is being chosen it has a first day only.
    if len(days) < 2:
        st.caption("Choose the last day as well.")
        return None
    write_query("reference", f"{days[0].isoformat()}..{(days[1] + timedelta(days=1)).isoformat()}")
    return make_window(view.spec, days[0], days[1])


def _choose_days(view: View) -> tuple[date, ...]:
    first, last = list_days(view.spec, limit_window(view.runtime, view.spec, None, view.now))
    if DAYS not in st.session_state:
        st.session_state[DAYS] = (first, min(first + timedelta(days=27), last))
    asked = st.session_state[DAYS]
    st.session_state[DAYS] = tuple(min(max(day, first), last) for day in asked)
    if st.session_state[DAYS] != asked:
        st.warning(
            f"The reference was to be {asked[0]} to {asked[-1]}; there is traffic from {first} to {last}, and "
            f"{st.session_state[DAYS][0]} to {st.session_state[DAYS][-1]} is compared with."
        )
    chosen = st.date_input(
        "Days of the reference", min_value=first, max_value=last, key="drift-reference-days", width=260
    )
    return cast("tuple[date, ...]", chosen)


def choose_cell(drift: DriftView) -> Choice:
    """Let chunk, feature, and statistic be chosen; what the address names comes first, else the worst and newest."""
    labels = {one.name: one.label for one in drift.outcomes if one.judgement is not None}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chunk = _choose_chunk(drift)
        position = drift.find_position(chunk)
        worst = [drift.table.features[i] for i in rank_features(drift, position)]
        options = [*worst, *labels]
        start_choice(FEATURE, "feature", {name: name for name in options}, worst[0])
        feature = st.selectbox("Feature", options, format_func=lambda name: labels.get(name, name), key="drift-feature")
        feature = feature if feature in options else worst[0]
        statistic = _choose_statistic(drift, feature, is_outcome=feature in labels)
    write_query("feature", None if feature == worst[0] else feature)
    return Choice(feature=feature, position=position, chunk=drift.table.chunks[position], statistic=statistic)


def _choose_chunk(drift: DriftView) -> datetime | None:
    # The newest is an option of its own, which goes on with time.
    options: list[datetime | str] = [NEWEST, *drift.chunks[::-1]]
    start_choice(CHUNK, "chunk", {write_start(chunk): chunk for chunk in drift.chunks}, NEWEST)
    newest = write_chunk(drift.spec, drift.chunks[-1])
    chunk = st.selectbox(
        drift.spec.chunk.value.capitalize(),
        options,
        format_func=lambda one: write_chunk(drift.spec, one) if isinstance(one, datetime) else f"newest ({newest})",
        key="drift-chunk",
        width=190,
    )
    found = chunk if isinstance(chunk, datetime) else None
    write_query("chunk", write_start(found) if found else None)
    return found


def _choose_statistic(drift: DriftView, feature: str, *, is_outcome: bool) -> Statistic:
    options = [Statistic.PSI] if is_outcome else list_statistics(drift, feature)
    start_choice(STATISTIC, "statistic", {one.value: one for one in options}, Statistic.PSI)
    statistic = st.selectbox(
        "Statistic",
        options,
        format_func=lambda one: one.label,
        key="drift-statistic",
        width=190,
        help="Verdicts rest on the PSI less what chance gives it; the others show the same rows in their own way.",
    )
    write_query("statistic", None if statistic is Statistic.PSI else statistic.value)
    return statistic


def _read_days(text: str | None) -> tuple[date, date] | None:
    """Read "2013-07-01..2013-08-01", the end not included."""
    if not text:
        return None
    start, _, end = text.partition("..")
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end) - timedelta(days=1)
    except (ValueError, OverflowError):
        first, last = date.max, date.min
    if first <= last:
        return first, last
    st.warning(f"The link asks for the reference '{text}'; accepted is a span such as 2013-07-01..2013-08-01.")
    return None


def name_filters(view: View, drift: DriftView, choice: Choice) -> tuple[tuple[str, str], ...]:
    """Give what was chosen as names and values, for the report."""
    return (
        ("Compared with", tell_reference(drift)),
        ("Chunk", write_chunk(drift.spec, choice.chunk)),
        ("Feature", choice.feature),
        ("Statistic", choice.statistic.label),
        ("Segment", ": ".join(view.segment) if view.segment[0] else ALL_TRAFFIC),
    )
