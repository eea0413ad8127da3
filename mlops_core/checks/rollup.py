"""The headline: decides from verdicts and paired differences which sentence opens the overview and what it advises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mlops_core.checks.findings import Check
from mlops_core.checks.headline import Headline
from mlops_core.checks.strays import WRONG_VERSION
from mlops_core.entities import Action, Metric, Status, Verdict, Words
from mlops_core.stats.judgement import Judgement
from mlops_core.words import write_difference, write_instant, write_share, write_span

GAIN_WORTH_A_CHANGE = 0.02
"""What a rival must gain to be named while the champion keeps its standard, in units of the metric."""

_STOPS: Mapping[str, str] = {
    WRONG_VERSION: "other versions answer {rows} too",
    Check.REFUSED: "its newest {rows} are refused",
    Check.FRESHNESS: "no new {rows} come",
    Check.VOLUME: "{champion} gets another number of {rows} than usual",
}
"""What is said of traffic, the gravest first."""
STOPS = frozenset(_STOPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPair:
    """One metric of champion and rival on the same rows."""

    champion: float
    rival: float
    difference: float
    """Rival minus champion, turned so that positive is better."""
    low: float
    high: float
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another version on the champion's own traffic."""

    version: str
    primary: MetricPair
    recall: MetricPair | None
    """None when it is undefined."""
    n: int
    """Labelled rows that both scored."""
    start: datetime
    end: datetime
    was_champion: bool
    """Whether it was in production before, so that going to it is a roll back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """A feature whose live values cannot be those of training."""

    feature: str
    check: Check = Check.NULL_SKEW
    """What gave it away."""
    live: float
    """Share of live traffic that shows it, 0–1: rows that are empty, have one value, or lie outside the range."""
    trained: float | None = None
    """Null share in training, 0–1; None for other checks."""
    since: datetime
    """Start of the first live chunk that shows it."""

    @property
    def is_lost(self) -> bool:
        """Say whether the feature is empty in live traffic and was filled in training."""
        return self.check is Check.NULL_SKEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known about a model at one time."""

    words: Words
    timezone: str
    champion: str | None
    """None when nothing is in production."""
    since: datetime | None
    """When the champion was put into production."""
    metric: Metric
    """The primary metric."""
    performance: Verdict | None
    """The newest verdict against the primary standard; None when the champion has no labels or no standard."""
    skews: tuple[Skew, ...]
    stops: tuple[Verdict, ...] = ()
    """Alerts that say that traffic does not come as it used to, refused, too old, too few or too many rows, or that
    another version answers it."""
    rivals: tuple[Rival, ...]
    """Best first."""
    evidence: Rival | None
    """The champion as it did in the rehearsal for which it was chosen, as rival of what it replaced."""
    replaced: str | None
    """The version that the champion replaced."""


def summarise(situation: Situation) -> Headline:
    """Turn a situation into the sentence a person would say."""
    headline = _summarise_figures(situation)
    return _tell_stop(situation, headline) if situation.stops else headline


def _tell_stop(situation: Situation, headline: Headline) -> Headline:
    """Say that traffic does not come as it used to, or goes elsewhere, which figures of the past do not show."""
    stop = min(situation.stops, key=lambda verdict: list(_STOPS).index(verdict.code))
    if headline.status in (Status.ALERT, Status.WARNING):
        return replace(headline, detail=_join(headline.detail, f"Besides: {stop.reason}"))
    told = _STOPS[stop.code].format(rows=situation.words.rows, champion=situation.champion)
    sentence = f"{told[0].upper()}{told[1:]}."
    if headline.status is Status.OK:
        sentence = f"{headline.sentence.removesuffix('.')}, but {told}."
    return replace(
        headline,
        status=Status.ALERT,
        kicker=_kick(Status.ALERT, "traffic", stop.at),
        sentence=sentence,
        detail=_join(stop.reason, headline.detail),
    )


def _summarise_figures(situation: Situation) -> Headline:
    if situation.champion is None:
        return Headline(
            status=Status.INSUFFICIENT_DATA,
            kicker="NOTHING IN PRODUCTION",
            sentence="No version is in production yet.",
            detail="Promote one on the page Versions.",
            action=None,
            target=None,
        )
    is_kept = situation.performance is not None and situation.performance.status is Status.OK
    better = next(
        (
            rival
            for rival in situation.rivals
            if rival.primary.judgement is Judgement.BETTER
            and (not is_kept or rival.primary.difference >= GAIN_WORTH_A_CHANGE)
        ),
        None,
    )
    verdict = situation.performance
    if better:
        return _name_better(situation, better, verdict)
    if verdict is None or verdict.status is Status.INSUFFICIENT_DATA:
        return _await_labels(situation)
    if verdict.status is Status.OK:
        return _confirm(situation, verdict)
    return _deplore(situation, verdict)


def _name_better(situation: Situation, rival: Rival, verdict: Verdict | None) -> Headline:
    champion, words = situation.champion, situation.words
    recall = rival.recall
    is_judged = verdict is not None and verdict.status is not Status.INSUFFICIENT_DATA
    if verdict is not None and verdict.status is Status.OK:
        sentence = f"{champion} keeps its standard, but {rival.version} would have done better."
    elif recall and recall.judgement is Judgement.BETTER and situation.metric in (Metric.F1, Metric.RECALL):
        sentence = (
            f"{champion} misses {write_share(1 - recall.champion)} of {words.positives}. "
            f"{rival.version} would have caught {write_share(recall.rival)} of them."
        )
    elif is_judged:
        sentence = f"{champion} breaks its standard. {rival.version} would have kept more of it."
    else:
        sentence = f"{rival.version} would have done better than {champion}."
    status = verdict.status if verdict and verdict.status in (Status.WARNING, Status.ALERT) else Status.WARNING
    since = verdict.at if verdict else situation.since
    return Headline(
        status=status,
        kicker=_kick(status, situation.metric.label, since),
        sentence=sentence,
        detail=_join(_tell_pair(situation, rival), _tell_cause(situation)),
        action=Action.ROLL_BACK if rival.was_champion else Action.PROMOTE,
        target=rival.version,
    )


def _deplore(situation: Situation, verdict: Verdict) -> Headline:
    best = situation.rivals[0] if situation.rivals else None
    known = "no other version has scored the same traffic"
    if best:
        all_worse = all(rival.primary.judgement is Judgement.WORSE for rival in situation.rivals)
        known = f"no other version would {'' if all_worse else 'clearly '}have done better"
    return Headline(
        status=verdict.status,
        kicker=_kick(verdict.status, situation.metric.label, verdict.at),
        sentence=f"{situation.champion} breaks its standard, and {known}.",
        detail=_join(verdict.reason, _tell_pair(situation, best) if best else "", _tell_cause(situation)),
        action=None,
        target=None,
    )


def _confirm(situation: Situation, verdict: Verdict) -> Headline:
    status = Status.WARNING if situation.skews else Status.OK
    rival = next((rival for rival in situation.rivals if rival.version == situation.replaced), None)
    rival = rival or (situation.rivals[0] if situation.rivals else None)
    sentence = f"{situation.champion} keeps its standard."
    if rival and rival.primary.judgement is Judgement.WORSE:
        sentence = f"{situation.champion} keeps its standard and does better than {rival.version} would have."
    told = _tell_pair(situation, rival) if rival else ""
    return Headline(
        status=status,
        kicker=_kick(status, situation.metric.label, verdict.at),
        sentence=sentence,
        detail=_join(verdict.reason, told, _tell_cause(situation, "To watch")),
        action=None,
        target=None,
    )


def _await_labels(situation: Situation) -> Headline:
    champion, rows = situation.champion, situation.words.rows
    status = Status.INSUFFICIENT_DATA
    sentence = f"{champion} is in production; too few labels of its {rows} are here to judge it."
    if situation.skews:
        status = Status.ALERT
        sentence = _tell_skews(situation)
    rehearsed = ""
    if situation.evidence:
        rehearsed = f"When it was chosen: {_tell_pair(situation, situation.evidence)}"
    unknown = f"Its {situation.metric.label} is unknown until labels come."
    kicker = _kick(status, "skew" if situation.skews else situation.metric.label, situation.since)
    advice = situation.replaced if situation.skews else None
    return Headline(
        status=status,
        kicker=kicker,
        sentence=sentence,
        detail=_join(_tell_cause(situation), unknown, rehearsed),
        action=Action.ROLL_BACK if advice else None,
        target=advice,
    )


def _tell_pair(situation: Situation, rival: Rival) -> str:
    pair = rival.primary
    sign = "difference" if situation.metric.higher_is_better else "difference, turned so that positive is better,"
    champion = situation.replaced if rival is situation.evidence else situation.champion
    return (
        f"On the same {rival.n:,} labelled {situation.words.rows} of "
        f"{write_span(rival.start, rival.end, situation.timezone)}: {situation.metric.label} {pair.champion:.2f} under "
        f"{champion}, {pair.rival:.2f} under {rival.version} ({sign} {write_difference(pair.difference)}, "
        f"95 % interval {write_difference(pair.low)} to {write_difference(pair.high)})."
    )


def _tell_skews(situation: Situation) -> str:
    lost = " and ".join(skew.feature for skew in situation.skews if skew.is_lost)
    odd = " and ".join(dict.fromkeys(skew.feature for skew in situation.skews if not skew.is_lost))
    told = [f"works without {lost}, which it was trained on"] if lost else []
    told += [f"gets values of {odd} it was not trained on"] if odd else []
    return f"{situation.champion} {', and '.join(told)}."


def _tell_cause(situation: Situation, lead: str = "Likely cause") -> str:
    if not situation.skews:
        return ""
    told = "; ".join(_tell_skew(skew, situation.champion) for skew in situation.skews)
    return f"{lead}: {told}."


def _tell_skew(skew: Skew, champion: str | None) -> str:
    live, since = f"{write_share(skew.live)} of live traffic", f"since {write_instant(skew.since)}"
    if skew.check is Check.CONSTANT_SKEW:
        return (
            f"**{skew.feature}** has one value in {live} {since}, which it did not have in {champion}'s training rows"
        )
    if skew.check is Check.RANGE_SKEW:
        return f"**{skew.feature}** lies far outside the range of {champion}'s training rows in {live} {since}"
    return (
        f"**{skew.feature}** was filled in {write_share(1 - (skew.trained or 0.0))} of {champion}'s training rows "
        f"and is empty in {live} {since}"
    )


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _kick(status: Status, subject: str, since: datetime | None) -> str:
    name = {Status.INSUFFICIENT_DATA: "NOT ENOUGH LABELS"}.get(status, status.value)
    return f"{name} · {subject}" + (f" · since {write_instant(since)}" if since else "")
