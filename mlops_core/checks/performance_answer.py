"""The sentence of the Performance page: decides what labels and estimate say together about the standard."""

from dataclasses import dataclass
from datetime import datetime

from mlops_core.checks.headline import Headline
from mlops_core.checks.performance import describe_limit
from mlops_core.entities import ChunkSize, Estimate, Metric, Standard, Status, Words
from mlops_core.stats.estimation import EstimationError
from mlops_core.words import write_estimate, write_span, write_value

BROKEN = (Status.ALERT, Status.WARNING)
UNDEFINED = "undefined"
BLIND_SPOT = "It sees scores only, so concept drift is invisible to it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric over the newest chunks, with its verdict."""

    status: Status | None
    """Against the standard; None without a standard."""
    estimate: Estimate
    start: datetime
    end: datetime
    n_chunks: int
    n: int
    """Labels behind a realised figure, rows behind an estimated one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of the champion's primary metric."""

    words: Words
    timezone: str
    chunk: ChunkSize
    champion: str | None
    """None when nothing is in production."""
    metric: Metric
    standard: Standard | None
    realised: Figure | None
    """Over its newest labelled chunks; None without any."""
    estimated: Figure | None
    """Over its newest chunks, whose labels may be missing; None when nothing tells what its score is worth."""
    are_labels_here: bool
    """Whether all of its newest chunks have their labels, so that nothing need be estimated."""
    error: EstimationError | None
    """Of the estimates of single chunks so far; None without an estimator."""


def answer(standing: Standing) -> Headline:
    """Say in one sentence whether the champion keeps its standard, and what that rests on."""
    if standing.champion is None:
        return _make(Status.INSUFFICIENT_DATA, "No version is in production yet.", "Promote one on the page Versions.")
    if standing.standard is None:
        return _describe(standing)
    realised, estimated = _status_of(standing.realised), _status_of(standing.estimated)
    is_guess_bad = estimated is Status.WARNING and not standing.are_labels_here
    if realised in BROKEN:
        return _make(
            realised,
            f"{standing.champion} breaks its standard: {_tell_value(standing)}.",
            _tell_all(standing),
            standing,
        )
    if realised is Status.OK:
        sentence = f"{standing.champion} keeps its standard: {_tell_value(standing)}."
        if is_guess_bad:
            sentence = (
                f"{standing.champion} kept its standard while labels came; the estimate of its newest "
                f"{standing.words.rows} breaks it."
            )
        return _make(Status.WARNING if is_guess_bad else Status.OK, sentence, _tell_all(standing), standing)
    if estimated in (Status.WARNING, Status.OK) and standing.estimated:
        verb = "keeps" if estimated is Status.OK else "breaks"
        sentence = (
            f"{standing.champion} probably {verb} its standard: {standing.metric.label} is estimated at "
            f"{_write(standing.estimated.estimate)}, before its labels are here."
        )
        status = Status.WARNING if is_guess_bad else Status.INSUFFICIENT_DATA
        return _make(status, sentence, _tell_all(standing), standing)
    sentence = f"{standing.champion} has too few labels and {standing.words.rows} to judge its {standing.metric.label}."
    return _make(Status.INSUFFICIENT_DATA, sentence, _tell_all(standing), standing)


def tell_error(error: EstimationError, metric: Metric, chunk: ChunkSize) -> str:
    """Say how far off the estimates of single chunks have been."""
    if error.mean_absolute is None or error.mean_signed is None:
        return "Its estimates have not been checked by labels yet."
    side = "too high" if error.mean_signed > 0 else "too low"
    told = (
        f"So far its estimates of single {chunk.value}s were off by {write_value(error.mean_absolute)} {metric.label}"
    )
    return f"{told} on average ({error.n_chunks} {chunk.value}s; {write_value(abs(error.mean_signed))} {side})."


def _describe(standing: Standing) -> Headline:
    """Say the figure alone, for a model without a standard."""
    sentence = f"{standing.champion} has no labels yet, and no standard to keep."
    if standing.realised:
        sentence = f"{_tell_value(standing)} under {standing.champion}; the model file sets no standard for it."
        sentence = sentence[0].upper() + sentence[1:]
    return _make(Status.INSUFFICIENT_DATA, sentence, _tell_all(standing), standing, kicker="NO STANDARD")


def _status_of(figure: Figure | None) -> Status | None:
    return figure.status if figure else None


def _tell_value(standing: Standing) -> str:
    figure = standing.realised
    if figure is None:
        return f"{standing.metric.label} is unknown"
    span = f"its last {figure.n_chunks} labelled {standing.chunk.value}s"
    if figure.n_chunks == 1:
        span = f"its last labelled {standing.chunk.value}"
    return f"{standing.metric.label} was {_write(figure.estimate)} over {span}"


def _tell_all(standing: Standing) -> str:
    """Give the figures behind the sentence: the standard, the labels, the estimate, and its past error."""
    metric, rows = standing.metric.label, standing.words.rows
    parts = [f"The standard asks {metric} of {describe_limit(standing.standard)}."] if standing.standard else []
    realised, estimated = standing.realised, standing.estimated
    if realised:
        span, figure = write_span(realised.start, realised.end, standing.timezone), realised.estimate
        parts.append(f"**Realised** {span}: {write_estimate(figure, UNDEFINED)}, {realised.n:,} labelled {rows}.")
    else:
        parts.append(f"No labels of its {rows} are here yet.")
    if standing.are_labels_here:
        parts.append("All labels of its newest chunks are here, so nothing has to be estimated.")
    elif estimated:
        span = write_span(estimated.start, estimated.end, standing.timezone)
        parts.append(f"**Estimated** {span}: {write_estimate(estimated.estimate, UNDEFINED)}, {estimated.n:,} {rows}.")
    else:
        parts.append("Nothing is estimated: no labelled reference rows tell what its score is worth.")
    if standing.error and not standing.are_labels_here:
        parts += [tell_error(standing.error, standing.metric, standing.chunk), BLIND_SPOT]
    return " ".join(parts)


def _write(estimate: Estimate) -> str:
    return UNDEFINED if estimate.value is None else write_value(estimate.value)


def _make(
    status: Status, sentence: str, detail: str, standing: Standing | None = None, kicker: str | None = None
) -> Headline:
    name = kicker or {Status.INSUFFICIENT_DATA: "NOT ENOUGH LABELS"}.get(status, status.value)
    subject = f" · {standing.metric.label}" if standing else ""
    return Headline(
        status=status, kicker=f"{name}{subject}", sentence=sentence, detail=detail, action=None, target=None
    )
