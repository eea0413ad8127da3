"""All rows together against their contract: decides when they are too few, too many, too old, repeated, or refused."""

from collections.abc import Hashable, Sequence
from datetime import timedelta
from statistics import median

from mlops_core.checks.findings import LEAST_ROWS, Check, Finding, lack_rows
from mlops_core.contracts import TrafficTerms
from mlops_core.entities import Status
from mlops_core.words import write_age, write_share

LEAST_EARLIER, MOST_EARLIER = 3, 8
"""Earlier chunks at the same place in the week that say what is usual: at least, and the newest of them."""
ALERT_REFUSED = 0.1
"""Share of delivered rows whose refusal is an alert; fewer are a warning."""
ALERT_AGE_FACTOR = 2.0
"""How many times the highest accepted age is an alert."""


def find_usual(rows: Sequence[int], places: Sequence[Hashable]) -> list[float | None]:
    """Give the usual rows of each chunk: the median of the newest earlier ones at the same place in the week.

    Parameters
    ----------
    places : sequence
        The place of each chunk, such as its weekday.

    Returns
    -------
    list of float or None
        None where too few chunks came before.
    """
    earlier: dict[Hashable, list[int]] = {}
    usual = []
    for n, place in zip(rows, places, strict=True):
        known = earlier.setdefault(place, [])
        usual.append(float(median(known[-MOST_EARLIER:])) if len(known) >= LEAST_EARLIER else None)
        known.append(n)
    return usual


def check_volume(n: int, usual: float | None, terms: TrafficTerms, *, is_over: bool, unit: str) -> Finding:
    """Compare the rows of one chunk with what is usual.

    Parameters
    ----------
    is_over : bool
        Whether no more rows will come; too many are known before, too few are not.
    unit : str
        What the chunk is: "day".
    """
    if usual is None:
        reason = f"Fewer than {LEAST_EARLIER} earlier chunks at this place in the week; what is usual is not known."
        return Finding(check=Check.VOLUME, feature=None, n=n, status=Status.INSUFFICIENT_DATA, reason=reason)
    if max(n, usual) < LEAST_ROWS:
        return lack_rows(Check.VOLUME, None, n)
    share = n / usual if usual else float("inf")
    is_few, is_many = is_over and share < terms.least_volume, share > terms.most_volume
    status = Status.ALERT if is_few or is_many else Status.OK if is_over else Status.INSUFFICIENT_DATA
    compared = f"{share:.0%} of the usual {usual:,.0f}" if usual else "where none are usual"
    reason = (
        f"{n:,} rows in the {unit}, {compared}; the contract accepts "
        f"{terms.least_volume:.0%} to {terms.most_volume:.0%}."
    ).replace("%", " %")
    if status is Status.INSUFFICIENT_DATA:
        reason = f"{n:,} rows so far; the {unit} is not over, usual are {usual:,.0f}."
    return Finding(
        check=Check.VOLUME,
        feature=None,
        n=n,
        value=share if usual else None,
        limit=terms.least_volume if share < 1 else terms.most_volume,
        status=status,
        reason=reason,
    )


def check_freshness(age: timedelta | None, terms: TrafficTerms, n: int) -> Finding:
    """Compare the age of the newest row with the highest accepted.

    Parameters
    ----------
    age : timedelta or None
        None when there is no row.
    n : int
        Rows of all time, which say that there is traffic at all.
    """
    if age is None or terms.most_age_hours is None:
        reason = "Too few deliveries to know how old the newest row usually gets." if age else "No rows yet."
        return Finding(check=Check.FRESHNESS, feature=None, n=n, status=Status.INSUFFICIENT_DATA, reason=reason)
    if n < LEAST_ROWS:
        return lack_rows(Check.FRESHNESS, None, n)
    hours = age.total_seconds() / 3600
    status = Status.OK if hours <= terms.most_age_hours else Status.WARNING
    if hours > ALERT_AGE_FACTOR * terms.most_age_hours:
        status = Status.ALERT
    return Finding(
        check=Check.FRESHNESS,
        feature=None,
        n=n,
        value=hours,
        limit=terms.most_age_hours,
        status=status,
        reason=f"The newest row is {write_age(age)} old; the contract accepts {terms.most_age_hours:g} hours.",
    )


def check_duplicates(received: int, accepted: int, terms: TrafficTerms) -> Finding:
    """Compare the share of rows that were stored before with the highest accepted; a warning, for they are left out.

    Parameters
    ----------
    received, accepted : int
        Rows of the deliveries of one chunk, and those of them that were stored.
    """
    if received < LEAST_ROWS:
        return lack_rows(Check.DUPLICATES, None, received, "delivered rows")
    share = (received - accepted) / received
    return Finding(
        check=Check.DUPLICATES,
        feature=None,
        n=received,
        value=share,
        limit=terms.most_duplicates,
        status=Status.WARNING if share > terms.most_duplicates else Status.OK,
        reason=f"{write_share(share)} of {received:,} delivered rows were stored before and left out; the contract "
        f"accepts {write_share(terms.most_duplicates)}.",
    )


def check_refused(refused: int, received: int) -> Finding:
    """Judge the rows that were refused at the door; none is accepted.

    Parameters
    ----------
    refused, received : int
        Rows of the deliveries that came within one chunk: of those refused whole, and of the others.
    """
    delivered = refused + received
    if delivered < LEAST_ROWS:
        return lack_rows(Check.REFUSED, None, delivered, "delivered rows")
    share = refused / delivered
    alert = Status.ALERT if share >= ALERT_REFUSED else Status.WARNING
    return Finding(
        check=Check.REFUSED,
        feature=None,
        n=delivered,
        value=share,
        limit=0.0,
        status=alert if refused else Status.OK,
        reason=f"{refused:,} of {delivered:,} delivered rows were refused.",
    )
