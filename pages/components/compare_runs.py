"""The long work of the Compare page: decides under which question a result is kept, so that none is found twice."""

from functools import partial

from mlops_core.entities import Window
from mlops_core.services.background import Run
from mlops_core.services.making import Making, measure_making
from mlops_core.services.overlap import Overlap, ReplayOutcome, mark_scored, replay_versions
from mlops_core.services.side_by_side import SideBySide, compare_side_by_side
from pages.components.filters import View

Versions = tuple[str, ...]


def find_comparison(view: View, versions: Versions, window: Window, *, anew: bool = False) -> Run[SideBySide]:
    """Give the comparison of versions over a window, and begin it the first time, or when it is asked for anew.

    It is another question as soon as labels have come, or a version has scored rows afterwards.
    """
    key = ("compare", view.spec.name, versions, window, view.segment, mark_scored(view.runtime, view.spec))
    found = None if anew else view.runtime.background.find(key)
    work = partial(compare_side_by_side, view.runtime, view.spec, versions, window, view.segment)
    return found or view.runtime.background.start(key, work, "comparison")


def find_making(view: View, versions: Versions) -> Run[Making]:
    """Give what has to be measured of how versions were made, and begin it the first time."""
    return view.runtime.background.find(_name_making(view, versions)) or start_making(view, versions)


def start_making(view: View, versions: Versions) -> Run[Making]:
    """Measure what has to be measured of how versions were made."""
    work = partial(measure_making, view.runtime, view.spec, versions, view.now)
    key = _name_making(view, versions)
    return view.runtime.background.start(key, work, "look at how versions were made")


def _name_making(view: View, versions: Versions) -> tuple[object, ...]:
    return ("compare-making", view.spec.name, versions)


def find_replay(view: View, versions: Versions, window: Window) -> Run[ReplayOutcome] | None:
    """Give the replay that somebody asked for; None when nobody did."""
    return view.runtime.background.find(_name_replay(view, versions, window))


def start_replay(view: View, overlap: Overlap, window: Window) -> None:
    """Let the versions score what they have not."""
    work = partial(replay_versions, view.runtime, view.spec, overlap.lacking, window)
    view.runtime.background.start(_name_replay(view, overlap.versions, window), work, "replay")


def _name_replay(view: View, versions: Versions, window: Window) -> tuple[object, ...]:
    return ("compare-replay", view.spec.name, versions, window)
