"""Who was to answer: decides which rows come from a version that was not in production, and how grave that is."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from mlops_core.entities import Deployment, Status, Verdict, Window
from mlops_core.production import AnswerSpan, Stray
from mlops_core.words import write_instant

WRONG_VERSION = "traffic.version"
"""The code of its verdicts."""
TOLERANCE = timedelta(minutes=5)
"""Around a change of production: servers follow within it, and clocks differ."""
STANDS_FOR = timedelta(days=1)
"""How long the verdict stands after the last such row was found."""
GRAVE_SHARE = 0.01
"""Share of the rows of the chunks concerned from which on the headline says so."""
BEGINNING, END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def list_turns(deployments: Sequence[Deployment], version: str) -> list[Window]:
    """Give the times in which a version may have answered, the tolerance included, in order.

    Before the first change of production the ledger says nothing, so any version may.

    Parameters
    ----------
    deployments : sequence of Deployment
        Every change of production, oldest first.
    """
    if not deployments:
        return [Window(BEGINNING, END)]
    ends = [*(deployment.at + TOLERANCE for deployment in deployments[1:]), END]
    turns = [Window(BEGINNING, deployments[0].at)]
    turns += [
        Window(deployment.at - TOLERANCE, end)
        for deployment, end in zip(deployments, ends, strict=True)
        if deployment.version == version
    ]
    merged: list[Window] = []
    for turn in turns:
        if merged and turn.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, turn.end))
        else:
            merged.append(turn)
    return merged


def is_in_turn(span: AnswerSpan, turns: Sequence[Window]) -> bool:
    """Say whether all rows of a version in a chunk lie in one of its turns."""
    return any(turn.start <= span.first and span.last < turn.end for turn in turns)


def find_champion(deployments: Sequence[Deployment], at: datetime) -> str | None:
    """Give the version that the ledger has in production at an instant; None before the first."""
    return next((one.version for one in reversed(deployments) if one.at <= at), None)


def tell_strays(strays: Sequence[Stray], rows: str) -> str:
    """Say how many rows one version answered out of turn, and when."""
    n, first, last = count_strays(strays)
    when = f"from {write_instant(first)} to {write_instant(last)} UTC"
    return f"{strays[0].version} answered {n:,} {rows} {when} while it was not in production."


def count_strays(strays: Sequence[Stray]) -> tuple[int, datetime, datetime]:
    """Give the rows of some strays, and the times of the oldest and the newest."""
    return sum(one.n for one in strays), min(one.first for one in strays), max(one.last for one in strays)


def check_strays(
    strays: Sequence[Stray],
    totals: Mapping[datetime, int],
    *,
    model: str,
    champion: Deployment,
    rows: str,
    now: datetime,
) -> list[Verdict]:
    """Judge what versions answered out of turn, one verdict for each that did since the last change, and lately.

    Parameters
    ----------
    totals : mapping
        Rows of all versions by chunk.
    rows : str
        What rows are called.
    """
    fresh = [one for one in strays if one.found_at and one.found_at >= champion.at and now - one.found_at < STANDS_FOR]
    verdicts = []
    for version in dict.fromkeys(one.version for one in fresh):
        own = [one for one in fresh if one.version == version]
        n, first, last = count_strays(own)
        of = sum(totals.get(one.chunk, one.n) for one in own)
        verdicts.append(
            make_verdict(
                model,
                champion.version,
                version,
                Status.ALERT,
                tell_strays(own, rows),
                {"n": n, "of": of, "first": first.isoformat(), "last": last.isoformat()},
                now,
            )
        )
    return verdicts


def make_verdict(
    model: str, champion: str, stray: str, status: Status, reason: str, evidence: Mapping[str, object], now: datetime
) -> Verdict:
    """Make a verdict on what a version answers beside the champion."""
    return Verdict(
        code=WRONG_VERSION,
        model=model,
        version=champion,
        subject=stray,
        status=status,
        reason=reason,
        evidence=evidence,
        at=now,
    )


def is_grave(verdict: Verdict) -> bool:
    """Say whether so much is answered out of turn that figures of the champion tell half of the story."""
    n, of = (float(str(verdict.evidence.get(key, 0))) for key in ("n", "of"))
    return n >= GRAVE_SHARE * of
