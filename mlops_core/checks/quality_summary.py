"""The sentence on data quality: decides from findings what is wrong with the newest traffic, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.checks.findings import Check, ChunkFindings, Finding
from mlops_core.checks.headline import Headline
from mlops_core.entities import Status
from mlops_core.words import write_instant

NEWEST_CHUNKS = 2
"""The open chunk, and the one before it for what the open one cannot say yet."""
MOST_TOLD = 2
TROUBLE = (Status.ALERT, Status.WARNING)
_ORDER = (
    Check.NULL_SKEW,
    Check.FRESHNESS,
    Check.REFUSED,
    Check.VOLUME,
    Check.RANGE_SKEW,
    Check.CONSTANT_SKEW,
    Check.INFINITE,
    Check.UNSEEN,
    Check.NULLS,
    Check.RANGE,
    Check.DUPLICATES,
    Check.SCHEMA,
)
"""What is told first among findings of one status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One finding that stands in the newest traffic."""

    finding: Finding
    at: datetime
    """Start of the chunk that it is from."""
    since: datetime
    """Start of the first chunk from which on it was never fine again."""
    is_older: bool
    """Whether it was never fine before in these chunks, so that earlier ones may have had it too."""


def find_troubles(chunks: Sequence[ChunkFindings]) -> list[Trouble]:
    """Give what is wrong in the newest traffic, the worst first; a feature may come more than once."""
    newest: dict[tuple[Check, str | None], tuple[ChunkFindings, Finding]] = {}
    for chunk in chunks[-NEWEST_CHUNKS:]:
        for finding in chunk.findings:
            if finding.status is not Status.INSUFFICIENT_DATA:
                newest[(finding.check, finding.feature)] = (chunk, finding)
    found = [_trace(chunks, chunk, finding) for chunk, finding in newest.values() if finding.status in TROUBLE]
    return sorted(found, key=lambda one: _rank(one.finding))


def _rank(finding: Finding) -> tuple[int, int, str]:
    return TROUBLE.index(finding.status), _ORDER.index(finding.check), finding.feature or ""


def rank_checks(chunks: Sequence[ChunkFindings]) -> list[Check]:
    """Give the checks that found something, the worst first.

    What stands in the newest traffic comes as the sentence tells it, then alerts, then warnings, each by how lately.
    """
    found: dict[Check, tuple[int, int, int]] = {}
    for age, chunk in enumerate(reversed(chunks)):
        for one in chunk.findings:
            if one.status in TROUBLE:
                rank = (TROUBLE.index(one.status), age, _ORDER.index(one.check))
                found[one.check] = min(rank, found.get(one.check, rank))
    standing = dict.fromkeys(trouble.finding.check for trouble in find_troubles(chunks))
    return list(standing | dict.fromkeys(sorted(found, key=lambda check: found[check])))


def summarise_quality(
    version: str,
    chunks: Sequence[ChunkFindings],
    *,
    unit: str,
    has_earlier: bool = False,
    span: str = "in this window",
) -> Headline:
    """Turn the findings of a window into the sentence a person would say.

    Parameters
    ----------
    unit : str
        What a chunk is: "day".
    has_earlier : bool
        Whether the version has traffic before these chunks.
    span : str
        What these chunks are to the reader.
    """
    troubles = find_troubles(chunks)
    judged = [finding for chunk in chunks for finding in chunk.findings if finding.status is not _UNKNOWN]
    if not judged:
        detail = "Choose a longer window or another version." if not chunks else chunks[-1].findings[0].reason
        sentence = f"{version} has {'too few rows' if chunks else 'no traffic'} {span} to be checked."
        return _make(_UNKNOWN, "NOT ENOUGH DATA · data quality", sentence, detail)
    bad = sum(any(one.status in TROUBLE for one in chunk.findings) for chunk in chunks)
    if troubles:
        told = f"Checks found something on {bad} of {len(chunks)} {unit}s."
        return _tell_troubles(version, troubles, told, has_earlier=has_earlier)
    past = f"; {bad} of {len(chunks)} {unit}s {span} {'was' if bad == 1 else 'were'} not" if bad else ""
    told = f"{len(judged):,} checks of {len(chunks)} {unit}{'' if len(chunks) == 1 else 's'} {span}."
    return _make(Status.OK, "OK · data quality", f"The newest traffic of {version} is as agreed{past}.", told)


def _tell_troubles(version: str, troubles: Sequence[Trouble], past: str, *, has_earlier: bool) -> Headline:
    leading: dict[str, Trouble] = {}
    for trouble in troubles:
        if trouble.finding.check is not Check.SCHEMA or not leading:
            leading.setdefault(trouble.finding.feature or trouble.finding.check, trouble)
    told = list(leading.values())
    status, since = told[0].finding.status, write_instant(told[0].since)
    since += " or before" if told[0].is_older and has_earlier else ""
    worst = [trouble for trouble in told if trouble.finding.status is status]
    phrases = [_tell(version, trouble.finding) for trouble in worst[:MOST_TOLD]]
    more = f", and {len(worst) - MOST_TOLD} more" if worst[MOST_TOLD:] else ""
    sentence = (", and " if len(phrases) > 1 and not more else ", ").join(phrases) + more
    if told[0].finding.feature is None:
        sentence = sentence[:1].upper() + sentence[1:]
    reasons = " ".join(trouble.finding.reason for trouble in told[: MOST_TOLD + 1])
    kicker = f"{status.value} · data quality · since {since}"
    return _make(status, kicker, f"{sentence}.", f"{reasons} {past}")


def _make(status: Status, kicker: str, sentence: str, detail: str) -> Headline:
    return Headline(status=status, kicker=kicker, sentence=sentence, detail=detail, action=None, target=None)


def _tell(version: str, finding: Finding) -> str:
    feature = finding.feature
    is_low = finding.value is not None and finding.value < 1
    told = {
        Check.SCHEMA: f"columns have no values in {version}'s traffic",
        Check.NULLS: f"{feature} is empty more often than agreed",
        Check.RANGE: f"{feature} leaves the range that was agreed",
        Check.UNSEEN: f"{feature} has categories that nobody agreed on",
        Check.INFINITE: f"{feature} has infinite values",
        Check.VOLUME: f"too {'few' if is_low else 'many'} rows have come",
        Check.FRESHNESS: "no new rows have come for too long",
        Check.DUPLICATES: "rows were delivered twice",
        Check.REFUSED: "rows were refused at the door",
        Check.NULL_SKEW: f"{feature} is empty in {version}'s traffic and was filled in its training",
        Check.CONSTANT_SKEW: f"{feature} has one value only, unlike in training",
        Check.RANGE_SKEW: f"{feature} lies far outside the range of training",
    }
    return told[finding.check]


def _trace(chunks: Sequence[ChunkFindings], at: ChunkFindings, finding: Finding) -> Trouble:
    """Find since when a finding stands."""
    since, key, is_older = at.start, (finding.check, finding.feature), True
    for chunk in reversed(chunks):
        own = next((one for one in chunk.findings if (one.check, one.feature) == key), None)
        if own and own.status in TROUBLE:
            since = chunk.start
        elif own and own.status is Status.OK:
            is_older = False
            break
    return Trouble(finding=finding, at=at.start, since=since, is_older=is_older)


_UNKNOWN = Status.INSUFFICIENT_DATA
