"""What the Compare page is about: versions, the first of which the others are compared with, and one pair of them."""

from collections.abc import Sequence

import streamlit as st

from mlops_core.services.side_by_side import MOST_VERSIONS, find_champion
from pages.components.address import read_query, write_query
from pages.components.filters import View

VERSIONS, PAIR, TOLD = "compare-versions", "compare-pair", "compare-told"


def choose_versions(choices: Sequence[str], proposed: Sequence[str]) -> tuple[str, ...]:
    """Let versions be chosen; what the address names comes first, else the ones proposed."""
    kept = st.session_state.get(VERSIONS)
    # What is chosen at first is a default of the picker: a value set from here is lost when the page is drawn again
    # before the browser has drawn the picker.
    default: list[str] | None = _read_address(choices, proposed, is_first=kept is None)
    if kept is not None and not set(kept) <= set(choices):
        # The model was changed, and with it the versions that there are.
        st.session_state[VERSIONS], default = list(proposed), None
    chosen = st.multiselect(
        "Versions",
        choices,
        default=default,
        key="compare-versions",
        max_selections=MOST_VERSIONS,
        placeholder="Choose two to four versions",
        help="The first one is compared with: differences are each other one − the first, and right is better. With "
        "several others, intervals are widened so that all of them hold together at 95 %.",
    )
    _tell_address(chosen)
    write_query("versions", ",".join(chosen) or None)
    return tuple(chosen)


def choose_pair(base: str, others: Sequence[str]) -> str:
    """Let one of the other versions be chosen where there are several, for what is shown of one pair at a time."""
    if len(others) < 2:
        write_query("pair", None)
        return others[0]
    chosen = st.segmented_control(
        "Pair",
        list(others),
        default=read_query(PAIR, "pair", {name: name for name in others}, others[0]),
        format_func=lambda name: f"{name} − {base}",
        required=True,
        key="compare-pair",
        help="Flips, segments, and training rows are shown of one pair.",
    )
    pair = chosen if chosen and chosen in others else others[0]
    write_query("pair", None if pair == others[0] else pair)
    return pair


def offer_comparison(view: View, version: str) -> None:
    """Draw the link to the comparison of a version with the one in production, of this one with the best other."""
    champion = find_champion(view.runtime, view.spec)
    pair = {"versions": f"{champion},{version}"} if champion and champion != version else None
    st.page_link("compare.py", label="Compare", icon=":material/compare_arrows:", query_params=pair)


def _read_address(choices: Sequence[str], proposed: Sequence[str], *, is_first: bool) -> list[str]:
    """Give the versions that the address names; at first keep what is to be said of those that it cannot have."""
    named = [name.strip() for name in st.query_params.get("versions", "").split(",") if name.strip()]
    known = list(dict.fromkeys(name for name in named if name in choices))
    chosen = known[:MOST_VERSIONS] or list(proposed)
    if is_first:
        st.session_state[TOLD] = (chosen, _list_faults(named, known, choices))
    return chosen


def _list_faults(named: Sequence[str], known: Sequence[str], choices: Sequence[str]) -> list[str]:
    """Say what is wrong with the versions that a link names."""
    told = [
        f"The link asks for the version '{name}', which is not known here; known are: {', '.join(choices[:8])}."
        for name in dict.fromkeys(named)
        if name not in choices
    ]
    told += [
        f"The link names {name} more than once; a version is compared with others, not with itself."
        for name in known
        if named.count(name) > 1
    ]
    if len(known) > MOST_VERSIONS:
        told.append(f"The link names {len(known)} versions; at most {MOST_VERSIONS} are compared, the first ones.")
    return told


def _tell_address(chosen: Sequence[str]) -> None:
    """Say what was wrong with the address until something else is chosen: progress draws the page anew meanwhile."""
    at_first, told = st.session_state.get(TOLD, ([], []))
    if list(chosen) == at_first:
        for sentence in told:
            st.warning(sentence)
