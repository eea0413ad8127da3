"""Baking windows: decides what a change of production promises, when that is kept or broken, and what is taken back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

import numpy as np

from mlops_core.checks.findings import LEAST_ROWS, judge_shares
from mlops_core.checks.performance import LEAST_LABELS, LEAST_LABELS_FOR_ALERT, describe_limit
from mlops_core.checks.rollup import STOPS
from mlops_core.chunking import find_chunk, next_chunk
from mlops_core.entities import Baking, Deployment, Estimate, ModelSpec, Standard, Status, Verdict
from mlops_core.production import Bake, Origin, Outcome, Promise, is_taken_back_by_itself
from mlops_core.stats.comparison import MetricDifference
from mlops_core.stats.judgement import Judgement
from mlops_core.stats.repeated_looks import find_widening
from mlops_core.words import write_difference, write_estimate, write_instant, write_share

MOST_UNSCORED = 0.01
"""Share of rows that may come without a score, beyond what was usual under the version before."""
SKEW_CODES = ("skew.",)
WATCHED_CODES = ("quality.", *SKEW_CODES)
"""How the codes of checks begin whose alerts break a promise."""
SHARED_STANDS = timedelta(days=1)
"""How long an alert on a feature that the version before read as well must stand."""
OFTEN = "no more than chance may do when one looks so often"
"""Said of what an interval of one look finds, and one that holds at every look does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a deployment in its baking window."""

    n: int
    """Rows that it answered with a score."""
    n_labelled: int
    """Labelled rows of the chunks whose labels have arrived."""
    are_labels_here: bool
    """Whether there are rows and the labels of all of them have arrived."""
    realised: Estimate
    """The promised metric over the labelled chunks."""
    estimated: Estimate
    """The same over all chunks, from their scores."""
    alerts: tuple[Verdict, ...] = ()
    """Of its data quality, that did not stand under the version before; the first found first."""
    unscored: str = ""
    """Said when rows come without a score; else empty."""


def make_promise(spec: ModelSpec, offline: Mapping[str, float], evidence: Mapping[str, object]) -> Promise:
    """Give what a change promises: what its rehearsal found, else the standard, else the offline figure.

    Parameters
    ----------
    offline : mapping
        The version's offline metrics, by name.
    evidence : mapping
        What is kept with the change; its key "rehearsal" holds a comparison as JSON.
    """
    metric = spec.primary_metric
    rehearsed = _read_rehearsed(spec, evidence.get("rehearsal"))
    if rehearsed:
        return rehearsed
    standard = next((one for one in spec.standards if one.metric is metric), None)
    if standard:
        return Promise(metric=metric, origin=Origin.STANDARD, low=standard.minimum, high=standard.maximum)
    value = offline.get(metric.value)
    return Promise(metric=metric, origin=Origin.NOTHING if value is None else Origin.OFFLINE, value=value)


def _read_rehearsed(spec: ModelSpec, document: object) -> Promise | None:
    """Turn the paired difference into the figures it lets one expect; None without an interval."""
    paired = document.get("paired") if isinstance(document, Mapping) else None
    entries = paired.get("metrics") if isinstance(paired, Mapping) else None
    metric = spec.primary_metric
    for entry in entries if isinstance(entries, Sequence) else ():
        if not isinstance(entry, Mapping) or entry.get("metric") != metric.value:
            continue
        found = [entry.get(key) for key in ("champion", "candidate", "low", "high")]
        figures = [float(one) for one in found if isinstance(one, int | float) and isfinite(one)]
        if len(figures) < len(found):
            return None
        champion, candidate, low, high = figures
        # Differences are turned so that positive is better.
        ends = (
            (champion - high, champion - low) if metric.higher_is_better is False else (champion + low, champion + high)
        )
        return Promise(metric=metric, origin=Origin.REHEARSAL, value=candidate, low=ends[0], high=ends[1])
    return None


def find_end(spec: ModelSpec, start: datetime) -> datetime:
    """Give the end of a baking window: that of the chunk in which its days are over."""
    moment = start + timedelta(days=spec.baking.days)
    chunk = find_chunk(spec, moment)
    return chunk if chunk == moment else next_chunk(spec, chunk)


def judge_bake(
    bake: Bake, seen: Seen, *, next_change: datetime | None, label_delay_days: float, now: datetime
) -> tuple[Outcome | None, str]:
    """Judge a baking window by what was seen so far.

    Parameters
    ----------
    next_change : datetime, optional
        When production changed again; None while it has not.

    Returns
    -------
    outcome : Outcome, optional
        None while it bakes, or while labels of its time are to come.
    reason : str
        Why, with the figures.
    """
    if next_change and next_change < bake.until:
        return (
            Outcome.SUPERSEDED,
            f"Production changed again on {write_instant(next_change)} UTC, before the time was over.",
        )
    if seen.alerts:
        return Outcome.BROKEN, f"New since the change: {seen.alerts[0].reason}"
    if seen.unscored:
        return Outcome.BROKEN, seen.unscored
    outcome, reason = _judge_metric(bake.promise, seen)
    if outcome is Outcome.BROKEN:
        return outcome, reason
    if now < bake.until:
        return None, reason
    is_late = now >= bake.until + timedelta(days=label_delay_days)
    return (outcome, reason) if seen.are_labels_here or is_late else (None, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A version that is watched beside the one it replaced, on the same rows of its baking window."""

    previous: str
    """The version that was replaced."""
    found: MetricDifference
    """Of the promised metric; positive is better."""
    n: int
    """Rows, all labelled."""
    n_window: int
    """Rows that they are a sample of; n when all were taken."""

    @property
    def is_surely_worse(self) -> bool:
        """Say whether the version is worse, however often it was looked whether it is."""
        difference, high = self.found.difference, self.found.high
        if self.found.judgement is not Judgement.WORSE or difference is None or high is None:
            return False
        widening = find_widening(self.n_window, LEAST_LABELS_FOR_ALERT)
        return difference + (high - difference) * widening < 0


def weigh_pair(bake: Bake, reason: str, pair: Pair, rows: str, now: datetime) -> tuple[Outcome | None, str]:
    """Judge a figure below what a rehearsal promised by the same rows: hard days are no fault of a version.

    Parameters
    ----------
    reason : str
        How far the figure is below the promise.
    rows : str
        What rows are called.

    Returns
    -------
    outcome : Outcome, optional
        None while the time is not over and the version is not surely worse.
    reason : str
        Why, with the figures.
    """
    found, outcome = pair.found, Outcome.UNDECIDED
    other = pair.previous if found.difference is None else f"{pair.previous} ({write_difference(found.difference, 3)})"
    told = f"it is neither better nor worse than {other}"
    if pair.is_surely_worse:
        outcome, told = Outcome.BROKEN, f"it is worse than {other}"
    elif found.judgement is Judgement.WORSE:
        told = f"it is worse than {other}, but {OFTEN}"
    elif found.judgement is Judgement.BETTER:
        outcome, told = Outcome.KEPT, f"it is better than {other}, so the days were hard"
    words = f"{reason} On the same {pair.n:,} {rows} {told}."
    return (outcome if outcome is Outcome.BROKEN or now >= bake.until else None), words


def _judge_metric(promise: Promise, seen: Seen) -> tuple[Outcome, str]:
    """Compare the realised metric with the promise, whatever the time."""
    label = promise.metric.label
    if not promise.is_judged:
        return Outcome.UNDECIDED, "Neither a rehearsal nor a standard says what to expect."
    if seen.n == 0:
        return Outcome.UNDECIDED, "It answered nothing."
    if seen.n_labelled < LEAST_LABELS:
        return Outcome.UNDECIDED, f"{seen.n_labelled:,} labels; {LEAST_LABELS} are needed."
    value = seen.realised.value
    if value is None:
        return Outcome.UNDECIDED, f"{label} is undefined: the labels or predictions have one class only."
    told = f"{label} {write_estimate(seen.realised)} on {seen.n_labelled:,} labels"
    promised = f"what was promised ({tell_promise(promise)})"
    if not is_missed(promise, value):
        return Outcome.KEPT, f"{told} keeps {promised}."
    ends = [end for end in (seen.realised.low, seen.realised.high) if end is not None]
    if len(ends) < 2:
        return Outcome.UNDECIDED, f"{told} is worse than {promised}, but how sure that is cannot be computed."
    if not all(is_missed(promise, end) for end in ends):
        return Outcome.KEPT, f"{told} reaches {promised} with its interval."
    if seen.n_labelled < LEAST_LABELS_FOR_ALERT:
        return (
            Outcome.UNDECIDED,
            f"{told} is worse than {promised}, but {LEAST_LABELS_FOR_ALERT} labels are needed to be sure.",
        )
    widening = find_widening(seen.n_labelled, LEAST_LABELS_FOR_ALERT)
    if not all(is_missed(promise, value + (end - value) * widening) for end in ends):
        return Outcome.UNDECIDED, f"{told} is worse than {promised}, but {OFTEN}."
    return Outcome.BROKEN, f"{told} is worse than {promised}."


def is_missed(promise: Promise, value: float) -> bool:
    """Say whether a figure lies beyond the worse end of a promise.

    A standard may have both ends; of a rehearsal only the worse one counts, or both when the metric has none.
    """
    higher = promise.metric.higher_is_better
    both = promise.origin is Origin.STANDARD or higher is None
    below = promise.low is not None and value < promise.low and (both or higher is True)
    above = promise.high is not None and value > promise.high and (both or higher is False)
    return below or above


def tell_promise(promise: Promise) -> str:
    """Write a promise without its metric: "0.42 [0.40, 0.43]", "at least 0.25", "0.78 offline"."""
    if promise.origin is Origin.NOTHING:
        return "nothing"
    if promise.origin is Origin.OFFLINE:
        return f"{promise.value:.2f} offline"
    if promise.origin is Origin.REHEARSAL:
        return write_estimate(Estimate(promise.value, promise.low, promise.high))
    return describe_limit(Standard(metric=promise.metric, minimum=promise.low, maximum=promise.high))


def find_new_alerts(
    standing: Sequence[Verdict],
    earlier: Sequence[Verdict],
    before: Deployment | None,
    *,
    shared: Collection[str],
    until: datetime,
    now: datetime,
) -> tuple[Verdict, ...]:
    """Give the alerts of data quality that came in a window and did not stand before its change, the first found first.

    What was said of a feature counts under the version that was replaced; that no rows come, or are refused, counts
    under any version.

    Parameters
    ----------
    standing : sequence of Verdict
        The newest of each check of the version that is watched, since its change.
    earlier : sequence of Verdict
        The newest of each check of each version when the change was made.
    before : Deployment, optional
        The change that put the replaced version into production; None for the first version.
    shared : collection of str
        Features that both versions read. A gap in them comes and goes whatever version serves, so what the contract
        says of them counts when it has stood for a day; what is not as in training counts at once.
    """
    own = [one for one in earlier if before and one.version == before.version and one.at >= before.at]
    newest = {one.code: one for one in sorted(earlier, key=lambda one: one.at) if one.code in STOPS}
    known = {(one.code, one.subject) for one in (*own, *newest.values()) if one.status is Status.ALERT}
    new = [
        one
        for one in standing
        if one.status is Status.ALERT
        and one.code.startswith(WATCHED_CODES)
        and (one.code, one.subject) not in known
        and one.at < until
        and (one.subject not in shared or one.code.startswith(SKEW_CODES) or now - one.at >= SHARED_STANDS)
    ]
    return tuple(sorted(new, key=lambda one: one.at))


def judge_unscored(unscored: int, n: int, usual: float, rows: str) -> str:
    """Say that rows come without a score, more surely than by chance and than was usual before; empty when not.

    Parameters
    ----------
    unscored, n : int
        Rows without a score, and all rows, of the window.
    usual : float
        Share of such rows under the version before, 0–1.
    rows : str
        What rows are called.
    """
    limit = MOST_UNSCORED + usual
    if n < LEAST_ROWS or judge_shares(np.array([unscored]), np.array([n]), limit)[0] is not Status.ALERT:
        return ""
    return f"{unscored:,} of {n:,} {rows} ({write_share(unscored / n)}) were answered without a score."


def refuse_revert(deployments: Sequence[Deployment], baking: Baking) -> str | None:
    """Say why the newest deployment, whose promise is broken, may not be taken back by itself.

    Parameters
    ----------
    deployments : sequence of Deployment
        Every change of production, oldest first; at least one.

    Returns
    -------
    str, optional
        None when it may; empty when nobody asked for it.
    """
    if not baking.auto_revert:
        return ""
    if deployments[-1].previous is None:
        return "It is the first version in production, so there is none to go back to."
    if any(is_taken_back_by_itself(deployment) for deployment in deployments[-2:]):
        return "This change or the one before it was taken back by itself already; the next step is for a person."
    return None


def tell_watch(baking: Baking) -> str:
    """Say that a change will be watched, and for how long; empty when it will not."""
    if not baking.days:
        return ""
    days = f"{baking.days:g} day{'' if baking.days == 1 else 's'}"
    reverts = " One that breaks it is taken back by itself, once." if baking.auto_revert else ""
    return f"For {days} it is watched against what was promised.{reverts}"
