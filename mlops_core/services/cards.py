"""The figures at the top of the overview: decides what each card says and that its colour follows a verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Literal

from mlops_core.chunking import LONGEST
from mlops_core.entities import Estimate, Status
from mlops_core.runs import RunStatus, TrainingRun
from mlops_core.services.comparison import VersionComparison
from mlops_core.services.overview import Overview
from mlops_core.services.run_words import name_outcome
from mlops_core.services.shadow import Shadow
from mlops_core.services.shadow_words import judge_shadow, tell_scored, tell_shadow
from mlops_core.stats.judgement import Judgement
from mlops_core.store.profiles import Coverage
from mlops_core.words import write_day, write_difference, write_share, write_span, write_value

COLUMNS = ("Figure", "Value", "Note")
CHARTED_CHUNKS = 30
Colour = Literal["red", "green", "orange", "gray"]
STATUS_COLOURS: Mapping[Status, Colour] = {
    Status.OK: "green",
    Status.WARNING: "orange",
    Status.ALERT: "red",
    Status.INSUFFICIENT_DATA: "gray",
}
JUDGEMENT_COLOURS: Mapping[Judgement, Colour] = {
    Judgement.BETTER: "green",
    Judgement.NOT_WORSE: "gray",
    Judgement.WORSE: "orange",
    Judgement.UNDECIDED: "gray",
}

RUN_COLOURS: Mapping[RunStatus, Colour] = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.REFUSED: "orange",
    RunStatus.FAILED: "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure with its trend."""

    title: str
    value: str
    note: str
    """One short remark under the figure."""
    colour: Colour
    """By verdict only."""
    help: str
    chart: Sequence[float] | None
    """The trend, oldest first; None without one."""
    chart_type: Literal["line", "bar"] = "line"


def list_cards(overview: Overview) -> list[Card]:
    """Give the cards that have something to say about this model."""
    cards, shadow = [_show_metric(overview)], overview.shadow
    best = overview.alternatives[0] if overview.alternatives else None
    # What a challenger did on all rows since it is one says more than the replay of the newest weeks.
    if best and not (shadow and shadow.comparison and shadow.challenge.version == best.candidate):
        cards.append(_show_alternative(overview, best))
    if shadow:
        cards.append(_show_shadow(overview, shadow))
    cards += [_show_skew(overview), _show_labels(overview), _show_traffic(overview)]
    # A version that is the challenger says itself how it does.
    is_told = shadow and overview.run and overview.run.version == shadow.challenge.version
    return [*cards, _show_run(overview.run)] if overview.run and not is_told else cards


def list_rows(cards: Sequence[Card]) -> list[tuple[str, ...]]:
    """Give cards as text, in the order of `COLUMNS`."""
    return [(card.title, card.value, card.note) for card in cards]


def _show_metric(overview: Overview) -> Card:
    metric = overview.spec.primary_metric
    estimate = overview.estimates.get(metric, Estimate(None))
    n, until = len(overview.labelled_chunks), overview.arrival.labelled_until
    chunks = f"{overview.spec.chunk.value}s"
    span = ""
    if n and until:
        span = write_span(overview.labelled_chunks[0], until, overview.spec.timezone)
    note = "no labels yet" if estimate.value is None else _write_interval(estimate)
    return Card(
        title=f"{metric.label}, last {n} labelled {chunks}" if n else metric.label,
        value="–" if estimate.value is None else write_value(estimate.value),
        note=note,
        colour=STATUS_COLOURS[overview.performance] if overview.performance else "gray",
        help=f"{metric.label} of the version in production over its newest labelled {chunks} ({span}), with its 95 % "
        f"interval over {chunks}. The colour follows the verdict against the standard.",
        chart=_trim(overview.trend),
    )


def _show_alternative(overview: Overview, comparison: VersionComparison) -> Card:
    metric = overview.spec.primary_metric
    found = comparison.paired.get_difference(metric)
    span = write_span(comparison.start, comparison.end, overview.spec.timezone)
    return Card(
        title=f"{metric.label} of {comparison.candidate}, same {overview.spec.words.rows}",
        value="–" if found.candidate is None else write_value(found.candidate),
        note=f"{write_difference(found.difference)} · {found.judgement.label}"
        if found.difference is not None
        else "undefined",
        colour=JUDGEMENT_COLOURS[found.judgement],
        help=f"{comparison.candidate} scored the same {comparison.paired.n:,} labelled {overview.spec.words.rows} "
        f"of {span}. {overview.spec.words.rows.capitalize()} of other weeks would not be a fair comparison.",
        chart=_trim(overview.rival_trend),
    )


def _show_shadow(overview: Overview, shadow: Shadow) -> Card:
    metric = overview.spec.primary_metric
    found = shadow.comparison.paired.get_difference(metric) if shadow.comparison else None
    value, note = "–", f"{shadow.counts.n_scored:,} scored"
    if found and found.candidate is not None and found.difference is not None:
        value, note = write_value(found.candidate), f"{write_difference(found.difference)} · {found.judgement.label}"
    return Card(
        title=f"{metric.label} of {shadow.challenge.version}, challenger",
        value=value,
        note=note,
        colour=JUDGEMENT_COLOURS[judge_shadow(overview.spec, shadow)],
        help=f"{tell_shadow(overview.spec, shadow)} {tell_scored(overview.spec, shadow)}",
        chart=_trim(overview.shadow_trend),
    )


def _show_skew(overview: Overview) -> Card:
    names = [skew.feature for skew in overview.skews if skew.is_lost]
    has_traffic = bool(_list_own(overview))
    return Card(
        title="Features lost",
        value=f"{len(names)} of {overview.n_features}" if has_traffic or names else "–",
        note=", ".join(names) or ("all arrive" if has_traffic else "no traffic yet"),
        colour="red" if names else "green" if has_traffic else "gray",
        help="Features that were filled in training and are empty in live traffic.",
        chart=_trim(overview.skew_trend) if has_traffic or names else None,
    )


def _show_labels(overview: Overview) -> Card:
    champion = overview.champion.version if overview.champion else ""
    own = _list_own(overview)
    n, n_labelled = sum(row.n for row in own), sum(row.n_labelled for row in own)
    until = overview.arrival.labelled_until if n_labelled else None
    return Card(
        title=f"Labels arrived, {champion}",
        value=write_share(n_labelled / n) if n else "–",
        note=f"up to {write_day(until - timedelta(seconds=1), overview.spec.timezone)}" if until else "none yet",
        colour="gray",
        help=f"{n_labelled:,} of the {n:,} {overview.spec.words.rows} that {champion} answered have a label. "
        f"In the end {write_share(overview.arrival.expected_coverage)} get one.",
        chart=_trim([row.n_labelled / row.n for row in own]),
    )


def _show_traffic(overview: Overview) -> Card:
    totals = [
        (chunk, sum(row.n for row in rows))
        for chunk, rows in ((chunk, list(group)) for chunk, group in groupby(overview.coverage, lambda row: row.chunk))
    ]
    newest = totals[-2:-1] or totals[-1:]
    answered = [row.version for row in overview.coverage if newest and row.chunk == newest[0][0]]
    return Card(
        title=f"{overview.spec.words.rows.capitalize()} scored, "
        + (write_day(newest[0][0], overview.spec.timezone) if newest else "none"),
        value=f"{newest[0][1]:,}" if newest else "0",
        note=f"answered by {' and '.join(answered)}" if answered else "no traffic",
        colour="gray",
        help=f"The newest whole {overview.spec.chunk.value} of traffic, and the version that really answered "
        "according to the log.",
        chart=_trim([float(n) for _, n in totals]),
        chart_type="bar",
    )


def _show_run(run: TrainingRun) -> Card:
    told = f"{run.reason} " if run.reason else ""
    return Card(
        title="Newest training run",
        value=name_outcome(run),
        note=f"run {run.id}, {run.at:%d %b}",
        colour=RUN_COLOURS.get(run.status, "gray"),
        help=f"{told}Ordered by {run.order.actor.name}: {run.order.reason}. The colour follows what came of it.",
        chart=None,
    )


def _list_own(overview: Overview) -> list[Coverage]:
    """Give the chunks in which the champion answered since it was deployed."""
    champion = overview.champion
    if champion is None:
        return []
    first = champion.at - LONGEST[overview.spec.chunk]
    return [row for row in overview.coverage if row.version == champion.version and row.chunk > first]


def _write_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"{write_value(estimate.low)} to {write_value(estimate.high)}"


def _trim(values: Sequence[float]) -> list[float] | None:
    """Keep the newest figures that exist; None when they make no trend."""
    kept = [value for value in values if not math.isnan(value)][-CHARTED_CHUNKS:]
    return kept if len(kept) > 1 else None
