"""Rows that several versions scored: decides which versions can be compared on the same rows, and which rows these are.

A version that shares too few labelled rows with the others is left out, so that these are compared all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.chunking import find_chunk, next_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import CancelledError, MLOpsError
from mlops_core.services.background import Progress
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.replay import MOST_ROWS, replay_version, sample_window
from mlops_core.services.runtime import Runtime
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.replays import Sample, ScoredRows, count_replays, count_scored
from mlops_core.store.traffic import list_batches
from mlops_core.words import join_names, write_share, write_span

MOMENT = timedelta(microseconds=1)
ROW_COLUMNS = ("Version", "Scored", "Of them labelled", "Labelled, not scored yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How much of a window one version scored, live or by replay."""

    version: str
    n_scored: int
    n_labelled: int
    """Rows among them whose label has come."""
    n_missing: int
    """Labelled rows that a replay would add: those of the window, or of its sample of 50,000, not scored yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Which rows of a window some versions scored."""

    versions: tuple[str, ...]
    """As they were chosen; the first is the one that the others are compared with."""
    compared: tuple[str, ...]
    """Those that share labelled rows enough, in the same order; fewer than two when there is nothing to compare."""
    sample: Sample
    """The rows that are looked at: all of the window, or a sample of them."""
    n: int
    """Rows that are looked at."""
    n_labelled: int
    n_common: int
    """Labelled rows that all of `compared` scored; of fewer than two versions those that the nearest two share."""
    standings: tuple[Standing, ...]
    """By version, in the order in which they were chosen."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Versions that are not compared."""
        return tuple(name for name in self.versions if name not in self.compared)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Versions that have labelled rows left to score."""
        return tuple(one.version for one in self.standings if one.n_missing)


def align_window(spec: ModelSpec, window: Window) -> Window:
    """Give the whole chunks that a window touches, so that it stays the same until the next chunk begins."""
    return Window(find_chunk(spec, window.start), next_chunk(spec, find_chunk(spec, window.end - MOMENT)))


def mark_scored(runtime: Runtime, spec: ModelSpec) -> tuple[int, int]:
    """Give a mark of labels and replays; while it is the same, a comparison of the same versions stays what it is."""
    newest = list_batches(runtime.database, spec.name, "labels", limit=1)
    return newest[0].id if newest else 0, count_replays(runtime.database, spec)


def find_overlap(
    runtime: Runtime, spec: ModelSpec, versions: Sequence[str], window: Window, segment: Segment = ALL_TRAFFIC
) -> Overlap:
    """Find the rows of a window that versions can be compared on.

    These are the rows of the sample that a replay scores, when all have scored them; else those of the whole window
    that all have scored, when they are no more than a sample may have.
    """
    sample = sample_window(runtime, spec, window)
    counted = count_scored(runtime.database, spec, versions, sample, segment)
    missing = [sum(one.n_labelled for one in counted if not one.by[i]) for i in range(len(versions))]
    found = _assemble(versions, sample, counted, missing)
    if sample.is_whole or found.n_common == found.n_labelled:
        return found
    whole = replace(sample, most_rows=sample.n_available)
    wide = _assemble(versions, whole, count_scored(runtime.database, spec, versions, whole, segment), missing)
    return wide if wide.n_common <= MOST_ROWS else found


def _assemble(
    versions: Sequence[str], sample: Sample, counted: Sequence[ScoredRows], missing: Sequence[int]
) -> Overlap:
    compared = _choose_compared(counted, len(versions))
    pairs = [compared] if len(compared) > 1 else [(0, i) for i in range(1, len(versions))]
    return Overlap(
        versions=tuple(versions),
        compared=tuple(versions[i] for i in compared),
        sample=sample,
        n=sum(one.n for one in counted),
        n_labelled=sum(one.n_labelled for one in counted),
        n_common=max((_count_common(counted, pair) for pair in pairs), default=0),
        standings=tuple(
            Standing(
                version=name,
                n_scored=sum(one.n for one in counted if one.by[i]),
                n_labelled=sum(one.n_labelled for one in counted if one.by[i]),
                n_missing=missing[i],
            )
            for i, name in enumerate(versions)
        ),
    )


def _choose_compared(counted: Sequence[ScoredRows], n_versions: int) -> tuple[int, ...]:
    """Take the first version, then each that leaves enough rows that all taken so far have scored."""
    chosen: tuple[int, ...] = (0,)
    for i in range(1, n_versions):
        if _count_common(counted, (*chosen, i)) >= LEAST_LABELS:
            chosen = (*chosen, i)
    return chosen


def _count_common(counted: Sequence[ScoredRows], chosen: Sequence[int]) -> int:
    return sum(one.n_labelled for one in counted if all(one.by[i] for i in chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcome:
    """What came of letting versions score what they had not seen."""

    scored: dict[str, int]
    """Rows that each version scored now."""
    refusals: dict[str, str]
    """Why a version could not score, by its name."""


def replay_versions(
    runtime: Runtime, spec: ModelSpec, versions: Sequence[str], window: Window, progress: Progress
) -> ReplayOutcome:
    """Let versions score those rows of a window that they have not; one that cannot keeps no other from it.

    Raises
    ------
    CancelledError
        When it was cancelled; what earlier versions have scored stays.
    """
    scored, refusals = {}, {}
    for i, name in enumerate(versions):
        part = _Part(progress, i, len(versions))
        try:
            scored[name] = replay_version(runtime, spec, name, window, part).n_scored
        except CancelledError:
            raise
        except MLOpsError as error:
            refusals[name] = error.message
    progress.report(0.95, "Counting what was scored")
    count_waiting(runtime, spec)
    return ReplayOutcome(scored=scored, refusals=refusals)


class _Part(Progress):
    """The progress of one of several pieces of work, told as a part of the whole."""

    def __init__(self, whole: Progress, place: int, n: int) -> None:
        super().__init__()
        self._whole, self._place, self._n = whole, place, n

    def report(self, fraction: float, step: str) -> None:
        """Say how much of this part is done."""
        self._whole.report(0.9 * (self._place + fraction) / self._n, step)

    def is_cancelled(self) -> bool:
        """Say whether nobody wants the whole any more."""
        return self._whole.is_cancelled()


def tell_lacking(spec: ModelSpec, overlap: Overlap, window: Window) -> str:
    """Say how much of the window each version has scored, and on what the comparison rests."""
    rows, span = spec.words.rows, write_span(window.start, window.end, spec.timezone)
    shares = [
        f"{one.version}{' has scored' if i == 0 else ''} {one.n_scored:,} ({write_share(one.n_scored / overlap.n)})"
        for i, one in enumerate(overlap.standings)
    ]
    told = f"Of the {overlap.n:,} {rows} of {span}, {join_names(shares)}."
    if len(overlap.compared) > 1:
        both = "both" if len(overlap.compared) == 2 else "all"
        told += f" The comparison rests on the {overlap.n_common:,} labelled ones that {both} have scored."
    return told


def list_standings(overlap: Overlap) -> list[tuple[str, ...]]:
    """Give how much each version scored as text, in the order of `ROW_COLUMNS`."""
    return [
        (one.version, f"{one.n_scored:,}", f"{one.n_labelled:,}", f"{one.n_missing:,}") for one in overlap.standings
    ]
