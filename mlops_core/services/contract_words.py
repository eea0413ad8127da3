"""A contract in words: decides how its terms and its changes read, on the page and in a terminal."""

from datetime import datetime

from mlops_core.contracts import ContractRevision, FeatureTerms, TrafficTerms
from mlops_core.words import write_share

TERM_COLUMNS = ("Feature", "Kind", "Empty at most", "Values", "Others at most", "Set by")
TRAFFIC_COLUMNS = ("Term", "Accepted")
MOST_CATEGORIES = 6
"""Named in a cell; of more their number."""


def write_terms(terms: FeatureTerms) -> tuple[str, ...]:
    """Give what is asked of a feature, in the order of `TERM_COLUMNS` but without the last."""
    others = "–" if terms.most_unseen is None else write_share(terms.most_unseen)
    return terms.feature, terms.kind.value, write_share(terms.most_null), write_values(terms), others


def write_values(terms: FeatureTerms) -> str:
    """Write which values a feature may have."""
    if terms.categories is not None:
        named = ", ".join(terms.categories[:MOST_CATEGORIES])
        return f"{len(terms.categories)}: {named}, …" if terms.categories[MOST_CATEGORIES:] else named or "none"
    if terms.minimum is None and terms.maximum is None:
        return "every number"
    if terms.minimum is None:
        return f"up to {terms.maximum:g}"
    return f"{terms.minimum:g} and above" if terms.maximum is None else f"{terms.minimum:g} to {terms.maximum:g}"


def list_traffic_terms(terms: TrafficTerms, unit: str) -> list[tuple[str, str]]:
    """Give what is asked of all rows together, as names and values."""
    volume = f"{terms.least_volume:.0%} to {terms.most_volume:.0%} of the usual".replace("%", " %")
    age = "no limit: too few deliveries" if terms.most_age_hours is None else f"{terms.most_age_hours:g} hours"
    return [
        (f"Rows of a {unit}", volume),
        ("Age of the newest row", age),
        ("Duplicates", f"{write_share(terms.most_duplicates)} of the delivered rows"),
    ]


def tell_revision(revision: ContractRevision) -> str:
    """Say who changed the contract, when, and why."""
    at = revision.at
    return f"{revision.actor.name} on {at.day} {at:%b %Y at %H:%M} UTC: {revision.reason}"


def write_setter(name: str, at: datetime) -> str:
    """Write who set some terms, and when."""
    return f"{name}, {at.day} {at:%b}"
