"""The records of a contract: the only place that decides what may be asked of a model's traffic, and in which units."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_core.entities import Actor


class FeatureKind(StrEnum):
    """What the values of a feature are."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTerms:
    """What is asked of one feature in every chunk."""

    feature: str
    kind: FeatureKind
    most_null: float
    """Highest share of empty values, 0–1; 0 when none may be empty."""
    minimum: float | None = None
    """Lowest value accepted, in the units of the feature; None when there is no limit, and for categories."""
    maximum: float | None = None
    """Highest value accepted; None when there is no limit, and for categories."""
    categories: tuple[str, ...] | None = None
    """Values accepted; None for numbers."""
    most_unseen: float | None = None
    """Highest share of rows with another value than those accepted, 0–1; None for numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTerms:
    """What is asked of all rows together."""

    least_volume: float = 0.5
    """Fewest rows of a chunk, as a share of what is usual at its place in the week."""
    most_volume: float = 2.0
    """Most rows of a chunk, as a share of what is usual at its place in the week."""
    most_age_hours: float | None = None
    """Highest age of the newest row; None when too few deliveries say what is usual."""
    most_duplicates: float = 0.05
    """Highest share of delivered rows that were stored before, 0–1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What is asked of a model's traffic."""

    features: tuple[FeatureTerms, ...]
    """In the order in which the version reads them."""
    traffic: TrafficTerms

    def get_terms(self, feature: str) -> FeatureTerms | None:
        """Give what is asked of a feature; None when nothing is."""
        return next((terms for terms in self.features if terms.feature == feature), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEdits:
    """What a person has set; everything else follows the reference."""

    features: tuple[FeatureTerms, ...] = ()
    traffic: TrafficTerms | None = None
    """None while nobody has set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRevision:
    """One change of a contract."""

    id: int
    model: str
    edits: ContractEdits
    """All that is set after the change."""
    at: datetime
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One delivery that was refused whole."""

    id: int
    model: str
    kind: str
    """"predictions" or "labels"."""
    reason: str
    n: int
    """Rows of the delivery."""
    examples: tuple[dict[str, str | None], ...]
    """A few of its rows as text, those at fault first where they are known."""
    at: datetime
