"""A contract as fields of a form: decides which terms can be set, in which units they are typed, and what was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlops_core.contracts import Contract, FeatureTerms, TrafficTerms
from mlops_core.services.contracts import ContractState
from mlops_core.words import write_share

ALL_ROWS = "all rows"
"""What the terms of all rows together are listed under."""
PERCENT = 100.0
_DIGITS = 8
"""To which a share typed in per cent is rounded, so that one left as it was stays the same."""
_FEATURE_SHARES = {"most_null": 100.0, "most_unseen": 100.0}
_TRAFFIC_SHARES = {"least_volume": 100.0, "most_volume": 100_000.0, "most_duplicates": 100.0}
_SHARES = _FEATURE_SHARES | _TRAFFIC_SHARES
"""Terms that are typed in per cent, and the highest accepted."""
_LABELS = {
    "most_null": "Empty at most (% of rows)",
    "minimum": "Lowest value",
    "maximum": "Highest value",
    "categories": "Categories",
    "most_unseen": "Other categories at most (% of rows)",
    "least_volume": "Rows at least (% of the usual)",
    "most_volume": "Rows at most (% of the usual)",
    "most_age_hours": "Age of the newest row at most (hours)",
    "most_duplicates": "Duplicates at most (% of delivered rows)",
}

Value = float | Sequence[str] | None
"""What a field holds: a number, the chosen categories, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One term in a form."""

    term: str
    label: str
    value: Value
    """As it is typed: shares in per cent; None for no limit."""
    choices: tuple[str, ...] | None = None
    """Categories to choose from; None for a number."""
    highest: float | None = None
    """Highest number accepted, the lowest then being 0; None for any number."""
    hint: str
    """What is proposed."""


def list_fields(state: ContractState, subject: str) -> list[Field]:
    """Give the fields of a feature's terms, or of those of all rows."""
    if subject == ALL_ROWS:
        traffic, usual = state.contract.traffic, state.proposed.traffic
        names = ("least_volume", "most_volume", "most_age_hours", "most_duplicates")
        return [_make_field(name, getattr(traffic, name), getattr(usual, name)) for name in names]
    terms, proposed = state.contract.get_terms(subject), state.proposed.get_terms(subject)
    assert terms is not None
    assert proposed is not None
    if terms.categories is None:
        return [_make_field(name, getattr(terms, name), getattr(proposed, name)) for name in _NUMBER_TERMS]
    known = proposed.categories or ()
    chosen = Field(
        term="categories",
        label=_LABELS["categories"],
        value=terms.categories,
        choices=known,
        hint=f"The reference has {len(known):,}.",
    )
    shares = [_make_field(name, getattr(terms, name), getattr(proposed, name)) for name in _FEATURE_SHARES]
    return [shares[0], chosen, shares[1]]


_NUMBER_TERMS = ("most_null", "minimum", "maximum")


def _make_field(term: str, value: float | None, proposed: float | None) -> Field:
    if term in _SHARES:
        shown = "no limit" if proposed is None else write_share(proposed) if proposed <= 1 else f"{proposed:g} times"
        typed = None if value is None else round(value * PERCENT, _DIGITS)
        return Field(term=term, label=_LABELS[term], value=typed, highest=_SHARES[term], hint=f"Proposed: {shown}.")
    shown = "no limit" if proposed is None else f"{proposed:g}"
    return Field(term=term, label=_LABELS[term], value=value, hint=f"Proposed: {shown}.")


def apply_fields(contract: Contract, subject: str, values: Mapping[str, Value]) -> Contract:
    """Give the contract with what the fields of a subject say."""
    numbers = {term: _read_number(term, value) for term, value in values.items() if term != "categories"}
    if subject == ALL_ROWS:
        return replace(contract, traffic=_apply_to_traffic(contract.traffic, numbers))
    chosen = values.get("categories")
    categories = tuple(chosen) if isinstance(chosen, Sequence) else None
    features = tuple(
        _apply_to_feature(own, numbers, categories) if own.feature == subject else own for own in contract.features
    )
    return replace(contract, features=features)


def _read_number(term: str, value: Value) -> float | None:
    if value is None or isinstance(value, Sequence):
        return None
    return round(value / PERCENT, _DIGITS) if term in _SHARES else float(value)


def _apply_to_traffic(terms: TrafficTerms, numbers: Mapping[str, float | None]) -> TrafficTerms:
    return TrafficTerms(
        least_volume=_or(numbers["least_volume"], terms.least_volume),
        most_volume=_or(numbers["most_volume"], terms.most_volume),
        most_age_hours=numbers["most_age_hours"],
        most_duplicates=_or(numbers["most_duplicates"], terms.most_duplicates),
    )


def _apply_to_feature(
    terms: FeatureTerms, numbers: Mapping[str, float | None], categories: tuple[str, ...] | None
) -> FeatureTerms:
    most_null = _or(numbers["most_null"], terms.most_null)
    if terms.categories is None:
        return replace(terms, most_null=most_null, minimum=numbers["minimum"], maximum=numbers["maximum"])
    named = categories or ()
    # Choosing in another order is no change.
    kept = terms.categories if set(named) == set(terms.categories) else named
    return replace(terms, most_null=most_null, categories=kept, most_unseen=numbers["most_unseen"])


def _or(value: float | None, kept: float) -> float:
    """Give a share that must be there; a field that was emptied leaves it as it was."""
    return kept if value is None else value
